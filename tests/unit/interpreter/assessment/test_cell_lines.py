"""Cell lines: limits, windows, masking, unknown lines and patterns (2.1, 2.4, 2.5, 2.6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.context import Sex, ValueSetName
from fhir_mappings.panel import (
    NO_STATEMENT,
    UNSURE,
    DataGroup,
    Flag,
    Note,
    PregnancyObservation,
    Reason,
    SmearSet,
)
from service.interpreter.assessment.situation import Freshness
from service.interpreter.interpretation import CellLine, CellLineState, Grade, Pattern
from tests.support.facts import (
    ANC,
    HGB,
    NORMAL_COUNT,
    PANCYTOPENIA,
    PLT,
    WBC,
    ago,
    condition,
    count,
    day,
    on_smear,
    procedure,
    refused,
    result,
    situation,
)

PREGNANT = {"conditions": (condition(ValueSetName.PREGNANCY_STATE),)}


def line(which: CellLine, results, **more):
    return situation(results, **more).states.lines[which]


def state(analyte, value, **more) -> CellLineState:
    which = {
        HGB: CellLine.HEMOGLOBIN,
        ANC: CellLine.WHITE,
        WBC: CellLine.WHITE,
        PLT: CellLine.PLATELETS,
    }[analyte]
    facts = {key: more.pop(key) for key in ("sex", "age", "context", "pregnancy") if key in more}
    return line(which, [result(analyte, value, **more)], **facts).state


@pytest.mark.parametrize(
    ("sex", "low", "normal"),
    [
        (Sex.MALE, "12.9", "13.0"),
        (Sex.FEMALE, "11.9", "12.0"),
        (Sex.OTHER, "11.9", "12.0"),
        (Sex.UNKNOWN, "11.9", "12.0"),
    ],
)
def test_hemoglobin_limit_depends_on_sex(sex, low, normal) -> None:
    assert state(HGB, low, sex=sex) is CellLineState.LOW
    assert state(HGB, normal, sex=sex) is CellLineState.NORMAL


@pytest.mark.parametrize(
    ("weeks", "low", "normal"),
    [(None, "10.9", "11.0"), (10, "10.9", "11.0"), (20, "10.4", "10.5"), (30, "10.9", "11.0")],
)
def test_hemoglobin_limit_in_pregnancy_depends_on_the_trimester(weeks, low, normal) -> None:
    aged = () if weeks is None else (PregnancyObservation(None, ago(1), Decimal(weeks)),)
    more = {"age": 30, "context": PREGNANT, "pregnancy": aged}
    assert state(HGB, low, **more) is CellLineState.LOW
    assert state(HGB, normal, **more) is CellLineState.NORMAL


def test_pregnancy_uses_fixed_limits_only() -> None:
    more = {"age": 30, "context": PREGNANT}
    assert state(PLT, 120, low="150", **more) is CellLineState.NORMAL
    assert state(PLT, 99, low="90", **more) is CellLineState.LOW
    assert state(ANC, "1.85", flag=Flag.LOW, **more) is CellLineState.NORMAL


@pytest.mark.parametrize(
    ("analyte", "value", "low", "expected"),
    [
        (ANC, "1.6", "1.5", CellLineState.NORMAL),
        (ANC, "2.0", "2.1", CellLineState.LOW),
        (ANC, "1.6", "0.9", CellLineState.LOW),
        (ANC, "2.2", "2.3", CellLineState.NORMAL),
        (PLT, 140, "130", CellLineState.NORMAL),
        (PLT, 160, "180", CellLineState.LOW),
        (PLT, 160, "181", CellLineState.NORMAL),
        (HGB, "11.0", "10.0", CellLineState.NORMAL),
        (HGB, "12.5", "14.5", CellLineState.LOW),
        (HGB, "11.0", "9.9", CellLineState.LOW),
        (WBC, "3.5", "3.0", CellLineState.NORMAL),
        (WBC, "4.5", "5.0", CellLineState.LOW),
    ],
)
def test_laboratory_limit_supersedes_both_ways_when_it_is_believable(
    analyte, value, low, expected
) -> None:
    assert state(analyte, value, low=low) is expected


def test_low_flag_without_a_usable_range_widens_the_limit_by_a_tenth() -> None:
    assert state(PLT, "164.9", flag=Flag.LOW) is CellLineState.LOW
    assert state(PLT, "164.9", flag=Flag.CRITICALLY_LOW) is CellLineState.LOW
    assert state(PLT, 165, flag=Flag.LOW) is CellLineState.NORMAL
    assert state(PLT, "164.9") is CellLineState.NORMAL
    assert state(PLT, "164.9", flag=Flag.LOW, low="160") is CellLineState.NORMAL
    assert state(PLT, "155", flag=Flag.LOW, low="50") is CellLineState.LOW


def test_normal_flag_never_makes_a_low_count_normal() -> None:
    assert state(PLT, 149, flag=Flag.NORMAL) is CellLineState.LOW


def test_neutrophils_rule_over_leukocytes() -> None:
    assessed = situation(count(10, 1.8, 90, 2.5))
    assert assessed.states.lines[CellLine.WHITE].state is CellLineState.NORMAL
    assert assessed.quality.preserved_neutrophils
    assert not assessed.quality.white_by_leukocytes_alone
    assert assessed.states.pattern is Pattern.BICYTOPENIA


def test_neutropenia_is_not_hidden_by_normal_leukocytes() -> None:
    assert situation(count(10, 1.3, 90, 6.5)).states.pattern is Pattern.PANCYTOPENIA


def test_leukocytes_judge_the_white_line_when_the_neutrophils_were_refused() -> None:
    assessed = situation(count(9, plt=60, wbc=2.0), unreadable=(refused(ANC),))
    assert assessed.states.pattern is Pattern.PANCYTOPENIA
    assert assessed.quality.white_by_leukocytes_alone
    assert ANC in assessed.unreadable


@pytest.mark.parametrize(
    ("neutrophils", "days", "leukocytes", "state", "analyte"),
    [
        ("0.99", 3.9, 5.0, CellLineState.LOW, ANC),
        ("1.0", 3.9, 5.0, CellLineState.NORMAL, WBC),
        ("1.79", 1 + 16 / 1440, 4.0, CellLineState.NORMAL, WBC),
        ("1.79", 1 + 15 / 1440, 4.0, CellLineState.LOW, ANC),
        ("1.0", 3.9, 3.9, CellLineState.LOW, ANC),
        ("1.0", 3.9, "<5", CellLineState.UNKNOWN, ANC),
        ("<1.2", 3.9, 5.0, CellLineState.UNKNOWN, ANC),
        ("1.8", 3.9, 3.0, CellLineState.NORMAL, ANC),
    ],
)
def test_newer_normal_leukocytes_overrule_older_mild_neutrophils(
    neutrophils, days, leukocytes, state, analyte
) -> None:
    assessed = situation([*count(9, plt=60, wbc=leukocytes), result(ANC, neutrophils, days)])
    white = assessed.states.lines[CellLine.WHITE]
    assert (white.state, white.result.analyte) == (state, analyte)
    assert not assessed.quality.white_by_leukocytes_alone


@pytest.mark.parametrize(
    ("neutrophils", "alone", "state"),
    [
        (">1.0", True, CellLineState.LOW),
        ("<0.5", False, CellLineState.LOW),
        ("<2.5", True, CellLineState.LOW),
        (">=1.8", False, CellLineState.NORMAL),
    ],
)
def test_neutrophils_that_are_an_open_bound_count_as_none(neutrophils, alone, state) -> None:
    assessed = situation(count(9, neutrophils, 60, 2.4))
    assert assessed.quality.white_by_leukocytes_alone is alone
    assert assessed.states.lines[CellLine.WHITE].state is state


def test_an_open_bound_of_neutrophils_without_leukocytes_leaves_the_line_open() -> None:
    assert line(CellLine.WHITE, count(9, ">1.0", 60)).state is CellLineState.UNKNOWN


def test_lines_count_together_only_within_72_hours_of_the_newest() -> None:
    together = [*count(anc=1.1, plt=84, days=1), result(HGB, 9, 4)]
    apart = [*count(anc=1.1, plt=84, days=1), result(HGB, 9, 4.01)]
    assert situation(together).states.pattern is Pattern.PANCYTOPENIA
    assert situation(apart).states.pattern is Pattern.BICYTOPENIA_THIRD_UNKNOWN
    assert "72 h" in line(CellLine.HEMOGLOBIN, apart).why


def test_the_newest_count_of_the_window_wins() -> None:
    results = [*PANCYTOPENIA, result(PLT, 160, 0.5)]
    assert line(CellLine.PLATELETS, results).state is CellLineState.NORMAL


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (14, Freshness.CURRENT),
        (14.01, Freshness.STALE),
        (90, Freshness.STALE),
        (90.01, Freshness.NONE),
    ],
)
def test_freshness_of_the_anchor(days, expected) -> None:
    assert situation(count(9, 1.1, 84, days=days)).freshness is expected


def test_counts_older_than_90_days_make_no_line_low() -> None:
    assessed = situation(count(9, 1.1, 84, days=91))
    assert assessed.counts.low_lines == 0
    assert assessed.states.pattern is Pattern.NONE
    assert assessed.severe.present is not True


def test_a_count_dated_beyond_the_next_hour_is_not_taken() -> None:
    assert situation([result(PLT, 10, -61 / 1440)]).anchor is None
    assert situation([result(PLT, 10, -59 / 1440)]).freshness is Freshness.CURRENT


@pytest.mark.parametrize(("days", "masked"), [(8, True), (8.01, False), (0.5, False), (1.5, True)])
def test_red_cells_in_the_week_before_the_sample_mask_a_normal_hemoglobin(days, masked) -> None:
    given = {"procedures": (procedure(ValueSetName.RED_CELL_TRANSFUSION, days=days),)}
    assessed = situation(count(12.4, 1.0, 60), context=given)
    expected = CellLineState.MASKED if masked else CellLineState.NORMAL
    assert assessed.states.lines[CellLine.HEMOGLOBIN].state is expected
    assert bool(assessed.transfusions.red_cells_transfused) is masked
    pattern = Pattern.PANCYTOPENIA if masked else Pattern.BICYTOPENIA
    assert assessed.states.pattern is pattern


@pytest.mark.parametrize(("days", "masked"), [(4, True), (4.01, False)])
def test_platelets_in_the_three_days_before_mask_normal_platelets(days, masked) -> None:
    given = {"procedures": (procedure(ValueSetName.PLATELET_TRANSFUSION, days=days),)}
    assessed = situation(count(9, 1.0, 160), context=given)
    assert (assessed.states.lines[CellLine.PLATELETS].state is CellLineState.MASKED) is masked


def test_a_transfusion_that_was_not_done_masks_nothing() -> None:
    planned = procedure(ValueSetName.RED_CELL_TRANSFUSION, days=2, status="not-done")
    assert line(CellLine.HEMOGLOBIN, count(12.4), context={"procedures": (planned,)}).state is (
        CellLineState.NORMAL
    )


def test_a_low_line_is_low_whatever_was_transfused() -> None:
    given = {"procedures": (procedure(ValueSetName.RED_CELL_TRANSFUSION, days=2),)}
    assert line(CellLine.HEMOGLOBIN, count(9), context=given).state is CellLineState.LOW


def test_one_low_line_with_a_masked_one_is_no_pattern() -> None:
    given = {"procedures": (procedure(ValueSetName.RED_CELL_TRANSFUSION, days=2),)}
    assert situation(count(12.4, 1.0, 200), context=given).states.pattern is Pattern.NONE


@pytest.mark.parametrize(("days", "expected"), [(3.9, True), (4.1, False), (-0.02, True)])
def test_clumps_within_72_hours_make_low_platelets_unknown(days, expected) -> None:
    smear = (on_smear(SmearSet.PLATELET_CLUMP, days=days),)
    platelets = line(CellLine.PLATELETS, count(9, 1.1, 60), smear=smear)
    assert (platelets.state is CellLineState.UNKNOWN) is expected


def test_clumps_leave_normal_platelets_normal() -> None:
    smear = (on_smear(SmearSet.PLATELET_CLUMP),)
    assert line(CellLine.PLATELETS, count(plt=200), smear=smear).state is CellLineState.NORMAL


def test_a_later_clean_film_does_not_mend_the_clumped_specimen() -> None:
    smear = (
        on_smear(SmearSet.PLATELET_CLUMP, days=1, loinc="7796-6"),
        on_smear(SmearSet.PLATELET_CLUMP, False, days=0.2, loinc="7796-6"),
    )
    assert line(CellLine.PLATELETS, count(plt=60), smear=smear).state is CellLineState.UNKNOWN


def test_a_clean_film_of_the_repeat_specimen_mends_it() -> None:
    smear = (
        on_smear(SmearSet.PLATELET_CLUMP, days=2, loinc="7796-6"),
        on_smear(SmearSet.PLATELET_CLUMP, False, days=1, loinc="7796-6"),
    )
    assert line(CellLine.PLATELETS, count(plt=60), smear=smear).state is CellLineState.LOW


def test_a_bound_that_does_not_tell_leaves_the_line_unknown() -> None:
    assert state(PLT, "<200") is CellLineState.UNKNOWN
    assert state(PLT, "<150") is CellLineState.LOW
    assert state(PLT, "<=150") is CellLineState.UNKNOWN
    assert state(PLT, ">150") is CellLineState.NORMAL
    assert state(PLT, ">=150") is CellLineState.NORMAL
    assert state(PLT, ">100") is CellLineState.UNKNOWN


@pytest.mark.parametrize(
    ("group", "which"),
    [(DataGroup.BLOOD_COUNTS, CellLine.HEMOGLOBIN), (DataGroup.DIFFERENTIAL, CellLine.WHITE)],
)
def test_a_line_whose_group_was_not_retrieved_is_unknown_not_absent(group, which) -> None:
    missing = line(which, PANCYTOPENIA, unavailable=[group])
    assert missing.state is CellLineState.UNKNOWN
    assert "retrieved" in missing.why


def test_why_a_line_is_unknown_is_told_apart() -> None:
    unread = line(CellLine.PLATELETS, count(9), unreadable=(refused(PLT),))
    never = line(CellLine.PLATELETS, count(9))
    reasons = [*UNSURE, *NO_STATEMENT, Reason.UNIT]
    said = {
        reason: line(CellLine.PLATELETS, count(9), unreadable=(refused(PLT, reason=reason),)).why
        for reason in reasons
    }
    assert never.why == "not measured"
    assert unread.why == said[Reason.UNIT]
    assert len({*said.values(), never.why}) == len(reasons) + 1
    assert {reason for reason, why in said.items() if "not measured" in why} == {Reason.WITHDRAWN}


@pytest.mark.parametrize(
    ("analyte", "value", "grade"),
    [
        (HGB, "6.9", Grade.SEVERE),
        (HGB, "7.0", Grade.MODERATE),
        (HGB, "9.9", Grade.MODERATE),
        (HGB, "10.0", Grade.MILD),
        (HGB, "12.0", Grade.NORMAL),
        (ANC, "0.49", Grade.SEVERE),
        (ANC, "0.5", Grade.MODERATE),
        (ANC, "1.0", Grade.MILD),
        (ANC, "1.8", Grade.NORMAL),
        (PLT, "19", Grade.SEVERE),
        (PLT, "20", Grade.MODERATE),
        (PLT, "50", Grade.MILD),
        (PLT, "150", Grade.NORMAL),
        (PLT, "<60", Grade.UNKNOWN),
        (WBC, "0.4", Grade.SEVERE),
    ],
)
def test_grades(analyte, value, grade) -> None:
    assessed = situation([result(analyte, value)])
    assert grade in {fact.grade for fact in assessed.states.lines.values() if fact.result}


def test_count_notes_reach_the_situation() -> None:
    conflict = situation([*count(9, 1.1), result(PLT, 12, notes=frozenset({Note.CONFLICT}))])
    bands = situation([result(ANC, "1.7", notes=frozenset({Note.ANC_BANDS}))])
    unknown = situation([result(HGB, 9, status="unknown")])
    assert conflict.quality.conflict
    assert bands.quality.anc_bands_would_cross
    assert unknown.quality.counts_preliminary
    assert situation([result(PLT, 12, flag=Flag.CRITICALLY_LOW)]).quality.laboratory_critical_low
    assert not situation([result(WBC, 1, flag=Flag.CRITICALLY_LOW)]).quality.laboratory_critical_low


def test_benign_neutropenia_is_thought_of_only_beside_one_other_low_line() -> None:
    def possible(anc: str, hgb: float = 9, plt: float = 200, **more) -> bool:
        return situation(count(hgb, anc, plt), **more).quality.duffy_null_possible

    assert possible("1.0")
    assert possible("1.79")
    assert not possible("0.99")
    assert not possible("1.8")
    assert not possible("1.2", hgb=14)
    assert not possible("1.2", plt=84)
    assert not possible("1.2", smear=(on_smear(SmearSet.DYSPLASIA),))
    assert not possible(
        "1.2", context={"conditions": (condition(ValueSetName.PREGNANCY_STATE),)}, age=31
    )


# --- children -----------------------------------------------------------------------------------


def pediatric(results, **more):
    return situation(results, age=10, **more).counts.pediatric_low


def test_a_child_without_laboratory_ranges_is_judged_by_floors() -> None:
    assert pediatric(count("8.9", "0.99", 99)) == ("Hgb", "white", "platelets")
    assert pediatric(count("9.0", "1.0", 100)) == ()
    assert pediatric(count(wbc="2.4")) == ("white",)
    assert pediatric(count(wbc="2.5")) == ()


def test_a_childs_laboratory_range_and_flag_count_and_a_range_replaces_the_floor() -> None:
    assert pediatric([result(HGB, "10.9", low="11.0")]) == ("Hgb",)
    assert pediatric([result(HGB, "8.5", low="8.0")]) == ()
    assert pediatric([result(HGB, "11.5", low="11.0", flag=Flag.LOW)]) == ("Hgb",)
    assert pediatric([result(HGB, "8.5", low="0", high="0")]) == ("Hgb",)


def test_childhood_ends_on_the_eighteenth_birthday() -> None:
    from service.interpreter.assessment.assess import assess
    from service.interpreter.interpretation import Facts
    from tests.support.facts import NOW, Patient, panel

    def child_born(birth_date):
        return assess(Facts(Patient("p", Sex.FEMALE, birth_date), panel()), NOW).child

    today = day(0)
    assert child_born(today.replace(year=today.year - 18, day=today.day + 1))
    assert not child_born(today.replace(year=today.year - 18))


def test_without_a_birth_date_a_count_low_at_any_age_is_noticed() -> None:
    assert situation(PANCYTOPENIA, age=None).counts.age_unknown_and_low
    assert situation([result(PLT, 200, low="210")], age=None).counts.age_unknown_and_low
    assert not situation(NORMAL_COUNT, age=None).counts.age_unknown_and_low
    assert not situation(count(9, 1, 50, days=91), age=None).counts.age_unknown_and_low
    assert not situation(PANCYTOPENIA).counts.age_unknown_and_low
    assert situation(PANCYTOPENIA, age=-1).counts.age_unknown_and_low


# --- pregnancy ----------------------------------------------------------------------------------


def observed(pregnant, days, **more):
    return PregnancyObservation(pregnant, ago(days), **more)


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        ((observed(True, 300),), True),
        ((observed(True, 300.1),), False),
        ((observed(True, 50, is_test=True),), True),
        ((observed(True, 50, is_test=True), observed(False, 10)), False),
        ((observed(False, 50), observed(True, 10, is_test=True)), True),
        ((observed(None, 1, gestational_weeks=Decimal(20)),), False),
        ((observed(True, 200), observed(None, 190, delivery_date=day(40))), False),
        ((observed(True, 200), observed(None, 190, delivery_date=day(10))), True),
    ],
)
def test_pregnancy_from_observations(observations, expected) -> None:
    assert situation(age=30, pregnancy=observations).pregnant is expected


@pytest.mark.parametrize(
    ("weeks", "trimester"), [(12, 1), ("13.9", 1), (14, 2), ("27.9", 2), (28, 3), (50, None)]
)
def test_trimester_from_the_gestational_age_at_the_blood_count(weeks, trimester) -> None:
    aged = (observed(None, 1, gestational_weeks=Decimal(weeks)),)
    assessed = situation(count(9), age=30, context=PREGNANT, pregnancy=aged)
    assert assessed.trimester == trimester


def test_gestational_age_grows_until_the_blood_count() -> None:
    aged = (observed(None, 71, gestational_weeks=Decimal(10)),)
    assert situation(count(9), age=30, context=PREGNANT, pregnancy=aged).trimester == 2


def test_trimester_from_the_estimated_delivery_date() -> None:
    due = (observed(None, 30, delivery_date=day(-141)),)
    assert situation(count(9), age=30, context=PREGNANT, pregnancy=due).trimester == 2


def test_lines_that_a_pregnancy_not_yet_looked_for_would_make_low_are_counted() -> None:
    spared = [result(HGB, "10.4", low="10.0"), result(ANC, "1.2", low="1.0"), result(PLT, 200)]
    hidden = situation(spared, age=30, unavailable=[DataGroup.CONDITIONS])
    assert hidden.counts.low_lines == 0
    assert hidden.counts.low_lines_at_most == 2
    assert situation(spared, age=30).counts.low_lines_at_most == 0
