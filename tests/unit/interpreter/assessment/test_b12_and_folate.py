"""B12, FUNC, folate, iron, reticulocytes and cell turnover (clinical-definition 2.3, 2.4, 2.6)."""

from __future__ import annotations

import pytest

from fhir_mappings.context import MedicationKind
from fhir_mappings.context import ValueSetName as Vs
from fhir_mappings.panel import Analyte, DataGroup, Note, Reason
from service.interpreter.assessment.situation import FolateState, ReticulocyteState
from service.interpreter.interpretation import B12State, FunctionState, IronState
from tests.support.facts import (
    B12,
    EGFR,
    FERRITIN,
    HGB,
    IRON,
    MMA,
    PANCYTOPENIA,
    TIBC,
    TSAT,
    condition,
    medication,
    procedure,
    refused,
    result,
    situation,
)

PREGNANT = {"conditions": (condition(Vs.PREGNANCY_STATE),)}
KIDNEY_DISEASE = {"conditions": (condition(Vs.CHRONIC_KIDNEY_DISEASE),)}


def assessed(*results, **more):
    return situation([*PANCYTOPENIA, *results], **more)


# --- vitamin B12 --------------------------------------------------------------------------------


def b12(value, days=1, **more):
    facts = {key: more.pop(key) for key in ("context", "unavailable", "age") if key in more}
    return assessed(result(B12, value, days, **more), **facts).states.b12


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("199.9", B12State.LOW),
        ("200", B12State.BORDERLINE),
        ("399.9", B12State.BORDERLINE),
        ("400", B12State.NORMAL),
        ("900", B12State.NORMAL),
        ("900.1", B12State.ELEVATED),
        ("999.9", B12State.ELEVATED),
        ("1000", B12State.MARKED),
        ("<150", B12State.LOW),
        ("<200", B12State.LOW),
        ("<=200", B12State.MISSING),
        ("<300", B12State.MISSING),
        (">2000", B12State.MARKED),
        (">900", B12State.ELEVATED),
        (">=900", B12State.MISSING),
        (">800", B12State.MISSING),
    ],
)
def test_b12_states(value, state) -> None:
    assert b12(value) is state


def test_laboratory_upper_limit_of_b12_supersedes_both_ways_when_believable() -> None:
    assert b12("700", high="650") is B12State.ELEVATED
    assert b12("1100", high="1200") is B12State.NORMAL
    assert b12("1201", high="1200") is B12State.MARKED
    assert b12("901", high="1501") is B12State.ELEVATED
    assert b12("700", high="599") is B12State.NORMAL


def test_b12_low_and_borderline_ignore_the_laboratory_range() -> None:
    assert b12("190", low="150", high="900") is B12State.LOW
    assert b12("250", low="300", high="900") is B12State.BORDERLINE


def test_pregnancy_uses_the_fixed_b12_limit() -> None:
    assert b12("700", high="650", age=30, context=PREGNANT) is B12State.NORMAL


@pytest.mark.parametrize(
    ("days", "state"), [(91, B12State.NORMAL), (91.1, B12State.MISSING), (0, B12State.NORMAL)]
)
def test_b12_counts_from_90_days_before_the_anchor_to_the_call(days, state) -> None:
    assert b12("500", days) is state


def test_unread_or_unretrieved_b12_is_told_from_not_measured() -> None:
    unread = assessed(unreadable=(refused(B12),))
    hidden = assessed(result(B12, 500), unavailable=[DataGroup.VITAMIN_B12])
    cancelled = assessed(unreadable=(refused(B12, reason=Reason.WITHDRAWN),))
    assert unread.states.b12 is hidden.states.b12 is B12State.MISSING
    assert B12 in unread.unreadable
    assert B12 in hidden.unknown
    assert B12 not in cancelled.unreadable
    assert B12 not in cancelled.unknown


# --- MMA and FUNC -------------------------------------------------------------------------------


def function(mma, *others, **more):
    return assessed(result(MMA, mma), *others, **more)


@pytest.mark.parametrize(
    ("mma", "egfr", "state"),
    [
        ("0.40", None, FunctionState.NOT_DEFICIENT),
        ("0.40", 25, FunctionState.NOT_DEFICIENT),
        ("0.41", 60, FunctionState.DEFICIENT),
        ("0.41", "59.9", FunctionState.UNKNOWN),
        ("0.41", None, FunctionState.UNKNOWN),
        ("0.75", None, FunctionState.UNKNOWN),
        ("0.76", None, FunctionState.DEFICIENT),
        ("0.76", 59, FunctionState.UNKNOWN),
        ("2.0", 20, FunctionState.UNKNOWN),
        ("2.01", 20, FunctionState.DEFICIENT),
        ("0.5", ">60", FunctionState.DEFICIENT),
        ("0.5", ">90", FunctionState.DEFICIENT),
        ("0.5", "<60", FunctionState.UNKNOWN),
        (">0.4", 90, FunctionState.DEFICIENT),
        ("<0.5", 90, FunctionState.UNKNOWN),
        ("<0.1", None, FunctionState.NOT_DEFICIENT),
    ],
)
def test_function_by_mma_and_egfr(mma, egfr, state) -> None:
    kidney = () if egfr is None else (result(EGFR, egfr, 5),)
    found = function(mma, *kidney)
    assert found.states.function is state
    raised = mma not in ("0.40", "<0.5", "<0.1")
    assert found.chemistry.mma_renal is (raised and state is FunctionState.UNKNOWN)


def test_kidney_disease_on_the_problem_list_outweighs_a_good_egfr() -> None:
    assert function("1.5", result(EGFR, 90), context=KIDNEY_DISEASE).chemistry.mma_renal


def test_creatinine_speaks_only_without_an_egfr() -> None:
    creatinine = result(Analyte.CREATININE, "1.4")
    assert function("0.9", creatinine).states.function is FunctionState.UNKNOWN
    own = result(Analyte.CREATININE, "1.4", high="1.5")
    assert function("0.9", own).states.function is FunctionState.DEFICIENT
    both = (creatinine, result(EGFR, 70))
    assert function("0.9", *both).states.function is FunctionState.DEFICIENT
    good = result(Analyte.CREATININE, "0.8")
    assert function("0.5", good).states.function is FunctionState.UNKNOWN


def test_kidney_function_that_may_exist_unseen_proves_nothing() -> None:
    hidden = {"unavailable": [DataGroup.KIDNEY_FUNCTION]}
    assert function("0.9", **hidden).states.function is FunctionState.UNKNOWN
    assert function("2.1", **hidden).states.function is FunctionState.DEFICIENT
    unread = function("0.9", unreadable=(refused(EGFR),))
    assert unread.states.function is FunctionState.UNKNOWN


def test_a_bound_that_hides_the_kidney_function_proves_nothing() -> None:
    creatinine = result(Analyte.CREATININE, "0.8")
    assert function("0.9", result(EGFR, "<90")).states.function is FunctionState.UNKNOWN
    assert function("0.9", result(EGFR, "<90"), creatinine).states.function is FunctionState.UNKNOWN
    bound = result(Analyte.CREATININE, "<2")
    assert function("0.9", bound).states.function is FunctionState.UNKNOWN
    assert function("2.1", bound).states.function is FunctionState.DEFICIENT


def test_laboratory_upper_limit_of_mma() -> None:
    lower = assessed(result(MMA, "0.35", high="0.27"), result(EGFR, 90))
    assert lower.states.function is FunctionState.DEFICIENT
    absurd = assessed(result(MMA, "0.35", high="0.1"), result(EGFR, 90))
    assert absurd.states.function is FunctionState.NOT_DEFICIENT


@pytest.mark.parametrize(
    ("mma", "first", "state"),
    [
        ("0.2", 20, FunctionState.UNKNOWN),
        ("0.2", 5, FunctionState.NOT_DEFICIENT),
        ("3.0", 20, FunctionState.DEFICIENT),
        ("0.2", 170, FunctionState.UNKNOWN),
        ("0.2", 200, FunctionState.NOT_DEFICIENT),
    ],
)
def test_normal_mma_after_the_first_b12_dose_says_nothing(mma, first, state) -> None:
    given = medication(Vs.B12_MEDICATION, first=first, last=first)
    found = assessed(result(MMA, mma, 10), context={"medications": (given,)})
    assert found.states.function is state


def test_tablets_taken_for_years_make_a_normal_mma_say_nothing() -> None:
    tablets = medication(Vs.B12_MEDICATION, kind=MedicationKind.STATEMENT, first=900, active=True)
    found = assessed(result(MMA, "0.2", 10), context={"medications": (tablets,)})
    assert found.states.function is FunctionState.UNKNOWN


# --- iron ---------------------------------------------------------------------------------------


def iron(iron=None, tibc=None, tsat=None, ferritin=None, days=1, **more):
    given = ((IRON, iron), (TIBC, tibc), (TSAT, tsat), (FERRITIN, ferritin))
    results = [result(analyte, value, days) for analyte, value in given if value is not None]
    return assessed(*results, **more).states.iron


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ((54, 262, "20.6"), IronState.INDEX),
        ((54, 262, 20), IronState.INDEX),
        ((54, 262, "19.9"), IronState.INDEX_BORDERLINE),
        ((54, 262, 16), IronState.INDEX_BORDERLINE),
        ((54, 262, "15.9"), IronState.LOW_INDETERMINATE),
        ((54, 262, "15.9", 99), IronState.LOW_INDETERMINATE),
        ((54, 262, "15.9", 100), IronState.CHRONIC_DISEASE),
        ((54, 262, None), IronState.PARTIAL),
        ((54, 250, 21), IronState.INDEX),
        ((54, "249.9", 21), IronState.CHRONIC_DISEASE),
        ((54, 400, 21), IronState.INDEX),
        ((54, "400.1", "13.5"), IronState.TRUE_DEFICIENCY),
        ((54, "400.1", 20), IronState.PARTIAL),
        ((54, "400.1", None), IronState.PARTIAL),
        ((54, None, 21), IronState.PARTIAL),
        (("59.9", 300, 20), IronState.INDEX),
        ((60, 300, 20), IronState.NORMAL),
        ((60, 300, 16), IronState.NORMAL),
        ((60, 450, 13), IronState.TRUE_DEFICIENCY),
        ((60, 400, 15), IronState.LOW_INDETERMINATE),
        ((60, None, 15), IronState.LOW_INDETERMINATE),
        ((60, None, None), IronState.NORMAL),
        ((95, 310, "45.1"), IronState.HIGH_SATURATION),
        ((95, 310, 45), IronState.NORMAL),
        ((54, 262, 46), IronState.HIGH_SATURATION),
        ((95, 310, 50, 29), IronState.TRUE_DEFICIENCY),
        ((95, 310, 31, 30), IronState.NORMAL),
        ((None, 310, None), IronState.PARTIAL),
        ((None, None, 21), IronState.PARTIAL),
        ((None, None, None, 300), IronState.PARTIAL),
        ((None, None, None, 29), IronState.TRUE_DEFICIENCY),
        ((None, None, 46), IronState.HIGH_SATURATION),
        ((None, None, None, None), IronState.MISSING),
        (("<20", 262, 5, 200), IronState.CHRONIC_DISEASE),
        (("<70", 262, 21), IronState.MISSING),
        ((54, 262, "20.6", "<15"), IronState.TRUE_DEFICIENCY),
        ((54, 262, "20.6", "<50"), IronState.MISSING),
        ((54, 262, "20.6", ">1500"), IronState.INDEX),
        ((54, 262, "<16", ">100"), IronState.CHRONIC_DISEASE),
        ((54, 262, "<16", ">50"), IronState.MISSING),
    ],
)
def test_iron_states_first_match_wins(values, state) -> None:
    assert iron(*values) is state


def test_laboratory_limits_of_iron_and_tibc() -> None:
    low = assessed(result(IRON, 62, low="65"), result(TIBC, 300), result(TSAT, 21))
    assert low.states.iron is IronState.INDEX
    absurd = assessed(result(IRON, 85, low="90"), result(TIBC, 300), result(TSAT, 28))
    assert absurd.states.iron is IronState.NORMAL
    high = assessed(result(IRON, 54), result(TIBC, 380, high="370"), result(TSAT, 14))
    assert high.states.iron is IronState.TRUE_DEFICIENCY
    chronic = assessed(result(IRON, 54), result(TIBC, 255, low="260"), result(TSAT, 21))
    assert chronic.states.iron is IronState.CHRONIC_DISEASE


@pytest.mark.parametrize(
    ("days", "state"), [(31, IronState.INDEX), (31.1, IronState.MISSING), (0, IronState.INDEX)]
)
def test_iron_counts_within_30_days_of_the_anchor(days, state) -> None:
    assert iron(54, 262, "20.6", days=days) is state


def test_the_newest_tibc_gives_its_state_whenever_it_was_drawn() -> None:
    newer = assessed(result(IRON, 20, 1), result(TIBC, 249, 3))
    assert newer.states.iron is IronState.CHRONIC_DISEASE
    normal = assessed(result(IRON, 20, 1), result(TIBC, 250, 3))
    assert normal.states.iron is IronState.PARTIAL


@pytest.mark.parametrize(
    ("days", "state"), [(2, IronState.INDEX), (2.1, IronState.LOW_INDETERMINATE)]
)
def test_the_saturation_computed_of_one_day_goes_before_a_newer_reported_one(
    days: float, state: IronState
) -> None:
    computed = result(TSAT, "20.6", 1, notes=frozenset({Note.TSAT_COMPUTED}))
    reported = result(TSAT, 12, 0.1)
    found = assessed(result(IRON, 54, 1), result(TIBC, 262, days), computed, reported)
    assert found.states.iron is state


@pytest.mark.parametrize(
    ("kind", "days", "state"),
    [
        ("red cells", 8, IronState.CONFOUNDED),
        ("red cells", 8.1, IronState.INDEX),
        ("red cells", 0.5, IronState.INDEX),
        ("iron", 29, IronState.CONFOUNDED),
        ("iron", 30, IronState.INDEX),
        ("iron", 0, IronState.INDEX),
    ],
)
def test_transfusion_and_infusion_before_the_sample_confound_iron(kind, days, state) -> None:
    context = (
        {"procedures": (procedure(Vs.RED_CELL_TRANSFUSION, days=days),)}
        if kind == "red cells"
        else {"medications": (medication(Vs.INTRAVENOUS_IRON, first=days, last=days),)}
    )
    assert iron(54, 262, "20.6", context=context) is state


def test_confounding_counts_to_the_iron_sample_not_to_the_call() -> None:
    given = medication(Vs.INTRAVENOUS_IRON, first=40, last=40)
    context = {"medications": (given,)}
    assert iron(54, 262, "20.6", days=15, context=context) is IronState.CONFOUNDED
    assert iron(54, 262, "20.6", days=1, context=context) is IronState.INDEX


def test_nothing_measured_is_missing_even_after_a_transfusion() -> None:
    context = {"procedures": (procedure(Vs.RED_CELL_TRANSFUSION, days=2),)}
    assert iron(context=context) is IronState.MISSING


def test_excluded_iron_leaves_ferritin_and_saturation_to_decide() -> None:
    unread = (refused(IRON, reason=Reason.IRON_UNIT),)
    assert iron(None, 449, 4, 4, unreadable=unread) is IronState.TRUE_DEFICIENCY
    assert iron(None, 449, 24, 50, unreadable=unread) is IronState.PARTIAL


def test_iron_studies_not_retrieved_are_unknown() -> None:
    hidden = assessed(result(IRON, 54), unavailable=[DataGroup.IRON_STUDIES])
    assert hidden.states.iron is IronState.MISSING
    assert {IRON, TIBC, TSAT, FERRITIN} <= hidden.unknown


# --- folate, reticulocytes, turnover ------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("2.9", FolateState.LOW),
        ("3.0", FolateState.BORDERLINE),
        ("3.9", FolateState.BORDERLINE),
        ("4.0", FolateState.NORMAL),
        ("<2", FolateState.LOW),
        ("<4", FolateState.MISSING),
        (">20", FolateState.NORMAL),
    ],
)
def test_folate_states(value, state) -> None:
    assert assessed(result(Analyte.FOLATE, value)).chemistry.folate is state


@pytest.mark.parametrize(
    ("absolute", "state"),
    [
        ("74.9", ReticulocyteState.INADEQUATE),
        ("75", ReticulocyteState.EQUIVOCAL),
        ("100", ReticulocyteState.EQUIVOCAL),
        ("100.1", ReticulocyteState.ADEQUATE),
        ("<80", ReticulocyteState.MISSING),
    ],
)
def test_reticulocytes_by_absolute_number(absolute, state) -> None:
    assert assessed(result(Analyte.RETICULOCYTES, absolute)).chemistry.reticulocytes is state


def index(percent, hematocrit=None, loinc=""):
    results = [result(Analyte.RETICULOCYTE_PERCENT, percent, loinc=loinc), result(HGB, 8)]
    if hematocrit is not None:
        results.append(result(Analyte.HEMATOCRIT, hematocrit))
    return float(situation(results).chemistry.reticulocyte_index.value)


def test_reticulocyte_index_corrects_for_hematocrit_and_maturation() -> None:
    assert index("9", 36) == pytest.approx(7.2)  # 9 x 36 / 45 / 1.0
    assert index("9", 30) == pytest.approx(4)  # 9 x 30 / 45 / 1.5
    assert index("9", 20) == pytest.approx(2)  # 9 x 20 / 45 / 2.0
    assert index("9", 15) == pytest.approx(1.2)  # 9 x 15 / 45 / 2.5
    assert index("9") == pytest.approx(2.4)  # 3 x Hgb 8 = 24


def test_a_percentage_that_is_corrected_already_is_only_divided_by_maturation() -> None:
    assert index("3", 30, loinc="31111-8") == 2


def test_the_poorer_of_number_and_index_counts() -> None:
    found = situation(
        [
            result(HGB, 8),
            result(Analyte.HEMATOCRIT, 24),
            result(Analyte.RETICULOCYTES, 110),
            result(Analyte.RETICULOCYTE_PERCENT, 3),
        ]
    )
    assert found.chemistry.reticulocytes is ReticulocyteState.INADEQUATE


@pytest.mark.parametrize(("days", "seen"), [(8, True), (8.1, False), (0, True)])
def test_turnover_counts_within_7_days_of_the_anchor(days, seen) -> None:
    found = assessed(result(Analyte.LACTATE_DEHYDROGENASE, 300, days))
    assert found.chemistry.ldh_high is (True if seen else None)


def ldh(value, **more):
    found = assessed(result(Analyte.LACTATE_DEHYDROGENASE, value, **more))
    return found.chemistry.ldh_high, found.chemistry.ldh_marked


def test_ldh_limits() -> None:
    assert ldh(250) == (False, False)
    assert ldh(251) == (True, False)
    assert ldh(1000) == (True, False)
    assert ldh(1001) == (True, True)
    assert ldh(300, high="480") == (False, False)
    assert ldh(300, high="700") == (True, False)
    assert ldh(">900") == (True, None)


def test_ldh_by_pyruvate_to_lactate_has_only_its_own_limit() -> None:
    assert ldh(1500, loinc="14805-6") == (None, None)
    assert ldh(1500, loinc="14805-6", high="460") == (True, False)
    assert ldh(1840, loinc="14805-6", high="460") == (True, True)


def test_other_markers() -> None:
    found = assessed(
        result(Analyte.BILIRUBIN_INDIRECT, "1.1"),
        result(Analyte.HAPTOGLOBIN, "<30"),
        result(Analyte.HOMOCYSTEINE, 16),
    )
    assert found.chemistry.indirect_bilirubin_high
    assert found.chemistry.haptoglobin_low
    assert found.chemistry.homocysteine_high
    normal = assessed(
        result(Analyte.BILIRUBIN_INDIRECT, "1.0"),
        result(Analyte.HAPTOGLOBIN, 30),
        result(Analyte.HOMOCYSTEINE, 16, high="18"),
    )
    assert normal.chemistry.indirect_bilirubin_high is normal.chemistry.haptoglobin_low is False
    assert normal.chemistry.homocysteine_high is False


@pytest.mark.parametrize(("days", "poor"), [(91, True), (91.1, None)])
def test_kidney_function_counts_for_90_days(days, poor) -> None:
    assert assessed(result(EGFR, 30, days)).chemistry.kidney_function_poor is poor


@pytest.mark.parametrize(("value", "high"), [(119, False), (120, True), (">120", True)])
def test_liver_tests_that_can_raise_b12(value, high) -> None:
    found = assessed(result(Analyte.ALANINE_AMINOTRANSFERASE, value))
    assert found.chemistry.liver_tests_high is high


def test_the_states_name_the_results_they_rest_on() -> None:
    used = assessed(result(B12, 500), result(IRON, 54)).states.used
    assert {item.analyte for item in used} >= {HGB, B12, IRON}
    assert assessed(result(MMA, "0.5")).states.notes == ("MMA_RENAL",)
