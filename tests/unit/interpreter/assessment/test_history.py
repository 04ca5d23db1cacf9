"""Conditions, medicines, procedures and orders in their windows (3.1, 3.5, 5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fhir_mappings.context import Encounter, ExistingOrder, MedicationKind
from fhir_mappings.context import ValueSetName as Vs
from fhir_mappings.panel import MarrowResult, SerologyResult, SerologyTest
from tests.support.facts import (
    B12,
    MMA,
    NOW,
    PANCYTOPENIA,
    ago,
    condition,
    count,
    day,
    medication,
    procedure,
    result,
    situation,
    stay,
)

REQUEST, STATEMENT = MedicationKind.REQUEST, MedicationKind.STATEMENT


def with_conditions(*given):
    return situation(PANCYTOPENIA, context={"conditions": given})


def with_medications(*given, **more):
    return situation(PANCYTOPENIA, context={"medications": given}, **more)


def with_procedures(*given):
    return situation(PANCYTOPENIA, context={"procedures": given})


# --- care, disorder, chemotherapy ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "status", "found"),
    [
        (180, "completed", True),
        (180.1, "completed", False),
        (900, "in-progress", True),
        (None, "in-progress", True),
        (None, "completed", False),
        (5, "not-done", False),
        (5, "entered-in-error", False),
    ],
)
def test_hospice_by_procedure(days, status, found) -> None:
    given = procedure(Vs.HOSPICE_CARE, days=days, status=status)
    assert bool(with_procedures(given).hospice) is found


def test_hospice_by_condition_must_be_active_and_confirmed() -> None:
    assert with_conditions(condition(Vs.HOSPICE_CARE)).hospice
    assert not with_conditions(condition(Vs.HOSPICE_CARE, active=False)).hospice
    assert not with_conditions(condition(Vs.HOSPICE_CARE, may_suppress=False)).hospice


def test_palliative_care_is_not_hospice() -> None:
    found = with_conditions(condition(Vs.PALLIATIVE_CARE))
    assert found.history.palliative
    assert not found.hospice


@pytest.mark.parametrize(
    "target", [Vs.HEMATOLOGIC_MALIGNANCY, Vs.MARROW_FAILURE, Vs.STEM_CELL_TRANSPLANT]
)
def test_known_disorder_must_be_active_and_confirmed(target) -> None:
    assert with_conditions(condition(target)).history.known_disorder
    assert not with_conditions(condition(target, active=False)).history.known_disorder
    assert not with_conditions(condition(target, may_suppress=False)).history.known_disorder
    assert not with_conditions(condition(target, in_remission=True)).history.known_disorder
    assert not with_conditions(condition(target, Vs.NEVER_SUPPRESS)).history.known_disorder


@pytest.mark.parametrize(("days", "found"), [(365, True), (365.1, False)])
def test_a_transplant_suppresses_for_a_year(days, found) -> None:
    given = procedure(Vs.STEM_CELL_TRANSPLANT, days=days)
    assert bool(with_procedures(given).history.known_disorder) is found


@pytest.mark.parametrize(
    ("given", "days"),
    [
        (medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, first=42, last=42), 42),
        (medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, first=43, last=43), None),
        (medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, first=90, last=10), 10),
        (
            medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, kind=STATEMENT, first=90, active=True),
            0,
        ),
        (
            medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, kind=REQUEST, first=90, active=True),
            None,
        ),
        (
            medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, kind=REQUEST, first=9, active=True),
            9,
        ),
        (medication(Vs.MYELOSUPPRESSIVE_CHEMOTHERAPY, kind=REQUEST, active=True), None),
    ],
)
def test_chemotherapy_given_within_42_days(given, days) -> None:
    found = with_medications(given)
    assert bool(found.history.chemotherapy) is (days is not None)
    assert found.history.chemotherapy_days == days


@pytest.mark.parametrize(("days", "found"), [(42, True), (42.1, False)])
def test_chemotherapy_sessions(days, found) -> None:
    given = procedure(Vs.CHEMOTHERAPY_PROCEDURES, days=days)
    assert bool(with_procedures(given).history.chemotherapy) is found


def test_chemotherapy_encounters_coded_as_conditions_need_a_recent_date() -> None:
    def found(**more):
        return with_conditions(condition(Vs.CHEMOTHERAPY_PROCEDURES, **more)).history.chemotherapy

    assert found(onset=day(42))
    assert found(onset=day(42), active=False)
    assert not found(onset=day(43))
    assert not found()
    assert not found(onset=day(10), may_suppress=False)


def test_active_conditions_due_to_chemotherapy_count_without_a_date() -> None:
    found = with_conditions(condition(Vs.CHEMOTHERAPY_CONDITIONS))
    assert found.history.chemotherapy
    assert found.history.chemotherapy_days is None
    assert not with_conditions(
        condition(Vs.CHEMOTHERAPY_CONDITIONS, active=False)
    ).history.chemotherapy
    provisional = condition(Vs.CHEMOTHERAPY_CONDITIONS, may_suppress=False)
    assert not with_conditions(provisional).history.chemotherapy


# --- deferral -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "active", "found"),
    [
        (400, None, True, True),
        (60, 30, False, True),
        (60, 31, False, False),
        (None, None, True, True),
    ],
)
def test_marrow_suppressive_drugs_active_or_given_within_30_days(
    first, last, active, found
) -> None:
    given = medication(
        Vs.MARROW_SUPPRESSIVE_DRUGS, kind=STATEMENT, first=first, last=last, active=active
    )
    assert bool(with_medications(given).history.marrow_suppressive) is found


def test_portal_hypertension_or_liver_disease_with_splenomegaly() -> None:
    liver, spleen = condition(Vs.LIVER_DISEASE), condition(Vs.SPLENOMEGALY)
    portal = condition(Vs.PORTAL_HYPERTENSION, Vs.LIVER_DISEASE)
    assert with_conditions(portal).history.hypersplenism
    assert with_conditions(liver, spleen).history.hypersplenism
    assert not with_conditions(liver).history.hypersplenism
    assert not with_conditions(spleen).history.hypersplenism
    doubtful = condition(Vs.PORTAL_HYPERTENSION, may_suppress=False)
    assert not with_conditions(doubtful).history.hypersplenism


def test_drug_induced_pancytopenia_must_be_active_and_confirmed() -> None:
    assert with_conditions(condition(Vs.DRUG_INDUCED_PANCYTOPENIA)).history.drug_induced
    doubtful = condition(Vs.DRUG_INDUCED_PANCYTOPENIA, may_suppress=False)
    assert not with_conditions(doubtful).history.drug_induced


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ((medication(Vs.B12_MEDICATION, first=180, last=180),), 180),
        ((medication(Vs.B12_MEDICATION, first=181, last=181),), None),
        (
            (
                medication(Vs.B12_MEDICATION, first=100, last=100),
                medication(Vs.B12_MEDICATION, first=40, last=40),
            ),
            100,
        ),
        ((medication(Vs.B12_MEDICATION, kind=STATEMENT, first=400, active=True),), 180),
        ((medication(Vs.B12_MEDICATION, kind=STATEMENT, active=True),), 180),
        ((medication(Vs.B12_MEDICATION, kind=REQUEST, first=7, active=True),), 7),
        (
            (
                medication(Vs.B12_MEDICATION, first=900, last=900),
                medication(Vs.B12_MEDICATION, first=7, last=7),
            ),
            7,
        ),
    ],
)
def test_b12_medicines_of_180_days_and_their_first_dose(given, first) -> None:
    found = with_medications(*given)
    assert bool(found.chemistry.b12_medication) is (first is not None)
    assert found.chemistry.b12_first_given == (None if first is None else day(first))


@pytest.mark.parametrize(
    ("results", "evidence"),
    [
        ([result(B12, 199, 30)], True),
        ([result(B12, 199, 29)], False),
        ([result(B12, 199, 210)], True),
        ([result(B12, 199, 211)], False),
        ([result(B12, 200, 40)], False),
        ([result(MMA, "0.41", 23)], True),
        ([result(MMA, "0.41", 22)], False),
        ([result(MMA, "0.40", 40)], False),
        ([result(MMA, "<0.5", 40)], False),
        ([], False),
    ],
)
def test_evidence_of_b12_deficiency_is_from_before_the_first_dose(results, evidence) -> None:
    given = {"medications": (medication(Vs.B12_MEDICATION, first=30, last=2),)}
    found = situation([*PANCYTOPENIA, *results], context=given)
    assert bool(found.chemistry.b12_prior_deficiency) is evidence
    assert not situation([*PANCYTOPENIA, *results]).chemistry.b12_prior_deficiency


@pytest.mark.parametrize(("days", "under_treatment"), [(23, False), (22, True)])
def test_an_mma_more_than_a_week_after_the_first_dose_tells_how_treatment_goes(
    days, under_treatment
) -> None:
    given = {"medications": (medication(Vs.B12_MEDICATION, first=30, last=2),)}
    found = situation([*PANCYTOPENIA, result(MMA, "2.1", days)], context=given)
    assert found.chemistry.mma_under_treatment is under_treatment


def test_b12_deficiency_on_the_problem_list_is_evidence_while_active() -> None:
    assert with_conditions(condition(Vs.B12_DEFICIENCY)).chemistry.b12_prior_deficiency
    assert not with_conditions(
        condition(Vs.B12_DEFICIENCY, active=False)
    ).chemistry.b12_prior_deficiency


# --- text modifiers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", [Vs.GRANULOCYTE_GROWTH_FACTOR, Vs.ERYTHROPOIETIN_THROMBOPOIETIN_AGENTS]
)
def test_growth_factors_within_14_days(target) -> None:
    assert with_medications(medication(target, first=14, last=14)).history.growth_factors
    assert not with_medications(medication(target, first=15, last=15)).history.growth_factors


def test_zinc_while_taken_and_copper_deficiency() -> None:
    taken = medication(Vs.ZINC_MEDICATION, kind=STATEMENT, first=90, active=True)
    stopped = medication(Vs.ZINC_MEDICATION, kind=STATEMENT, first=90, last=5)
    assert with_medications(taken).history.zinc
    assert not with_medications(stopped).history.zinc
    assert with_conditions(condition(Vs.COPPER_DEFICIENCY)).history.copper_deficiency


def serology(test, positive, days=30):
    return SerologyResult(test, positive, ago(days))


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ((serology(SerologyTest.HIV, True),), True),
        ((serology(SerologyTest.HIV, False),), False),
        ((serology(SerologyTest.HIV, None),), False),
        ((serology(SerologyTest.HIV, True, 900),), True),
        ((serology(SerologyTest.HIV, True, 90), serology(SerologyTest.HIV, False, 10)), False),
        ((serology(SerologyTest.HIV, True, 90), serology(SerologyTest.HIV, None, 10)), True),
        ((serology(SerologyTest.INTRINSIC_FACTOR_ANTIBODY, True),), False),
    ],
)
def test_positive_serology_is_a_secondary_cause(results, found) -> None:
    assert bool(situation(PANCYTOPENIA, serology=results).history.secondary_causes) is found


@pytest.mark.parametrize("target", [Vs.HIV_INFECTION, Vs.VIRAL_HEPATITIS, Vs.AUTOIMMUNE_DISEASE])
def test_known_infection_and_autoimmune_disease(target) -> None:
    assert with_conditions(condition(target)).history.secondary_causes
    assert not with_conditions(condition(target, active=False)).history.secondary_causes


# --- what exists already ------------------------------------------------------------------------


def order(*sets, days=None, status="active", drafted=False, orders=()):
    authored = None if days is None else ago(days)
    return ExistingOrder(frozenset(orders), frozenset(sets), status, authored, drafted)


def with_orders(*given):
    return situation(PANCYTOPENIA, context={"orders": given})


@pytest.mark.parametrize(
    ("days", "status", "found"),
    [
        (90, "active", True),
        (90.1, "active", False),
        (5, "draft", True),
        (5, "on-hold", True),
        (5, "completed", False),
        (5, "revoked", False),
        (None, "active", True),
    ],
)
def test_standing_orders_for_marrow_and_referral(days, status, found) -> None:
    marrow = with_orders(order(Vs.MARROW_PROCEDURES, days=days, status=status))
    referral = with_orders(order(Vs.HEMATOLOGY_REFERRALS, days=days, status=status))
    assert bool(marrow.history.marrow_exists) is found
    assert bool(referral.history.referral_exists) is found
    assert not marrow.history.referral_exists
    assert not referral.history.marrow_exists


def test_an_order_drafted_in_the_hook_exists() -> None:
    drafted = order(orders=("marrow-biopsy", "hematology-referral"), status="", drafted=True)
    found = with_orders(drafted)
    assert found.history.marrow_exists
    assert found.history.referral_exists


@pytest.mark.parametrize("target", [Vs.MARROW_PROCEDURES, Vs.STEM_CELL_TRANSPLANT])
def test_marrow_procedures_of_180_days(target) -> None:
    assert with_procedures(procedure(target, days=180)).history.marrow_exists
    assert not with_procedures(procedure(target, days=181)).history.marrow_exists
    assert with_procedures(procedure(target, status="in-progress")).history.marrow_exists


@pytest.mark.parametrize(("days", "found"), [(180, True), (180.1, False)])
def test_marrow_results_of_180_days(days, found) -> None:
    results = (MarrowResult("33721-2", ago(days)),)
    assert bool(situation(PANCYTOPENIA, marrow=results).history.marrow_exists) is found


def visit(start, end=None, status="finished", appointment=False):
    return Encounter(
        "AMB",
        status,
        None if start is None else ago(start),
        None if end is None else ago(end),
        frozenset({Vs.HEMATOLOGY_ENCOUNTERS}),
        appointment,
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (visit(90), True),
        (visit(90.1), False),
        (visit(200, 80), True),
        (visit(-60, status="booked", appointment=True), True),
        (visit(-61, status="booked", appointment=True), False),
        (visit(-5, status="cancelled", appointment=True), False),
        (visit(5, status="noshow", appointment=True), False),
        (visit(None, status="booked", appointment=True), True),
        (visit(None), False),
    ],
)
def test_hematology_visits_from_90_days_ago_to_60_ahead(given, found) -> None:
    assessed = situation(PANCYTOPENIA, context={"encounters": (given,)})
    assert bool(assessed.history.referral_exists) is found


# --- hospital stay ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["IMP", "ACUTE", "NONAC", "EMER", "OBSENC", "imp"])
def test_hospital_and_emergency_stays_in_progress(kind) -> None:
    assert situation(context={"encounters": (stay(2, kind=kind),)}).stay.inpatient


@pytest.mark.parametrize(
    "given",
    [
        stay(2, kind="AMB"),
        stay(5, 1, status="finished"),
        stay(5, 1),
        stay(2, status="finished"),
        stay(-1, status="planned"),
        stay(2, status="cancelled"),
    ],
)
def test_other_encounters_are_no_hospital_stay(given) -> None:
    assert not situation(context={"encounters": (given,)}).stay.inpatient


def test_a_stay_at_the_time_of_an_old_count_is_known() -> None:
    counts = count(9.5, 4.1, 90, days=20)
    then = situation(counts, context={"encounters": (stay(22, 15, status="finished"),)})
    assert then.stay.inpatient_at_anchor
    assert not then.stay.inpatient
    since = situation(counts, context={"encounters": (stay(2),)})
    assert not since.stay.inpatient_at_anchor


@pytest.mark.parametrize(
    ("earlier", "found"),
    [
        (count(10, 5, 105, days=8), True),
        (count(10, 5, 105, days=7.9), False),
        (count(10, 5, 105, days=91), True),
        (count(10, 5, 105, days=91.1), False),
        (count(12, 5, 105, days=20), False),
        (count(10, 5, 150, days=20), False),
        ([*count(10, days=20), *count(plt=105, days=25)], False),
        ([], False),
    ],
)
def test_both_lines_low_in_an_earlier_specimen(earlier, found) -> None:
    assert situation([*count(9, 5, 80), *earlier]).stay.both_low_before is found


def test_windows_move_with_the_call() -> None:
    from service.interpreter.assessment.assess import assess
    from tests.support.facts import facts

    given = facts(PANCYTOPENIA)
    assert assess(given, NOW).anchor_age_days == 1
    assert assess(given, NOW + timedelta(days=20)).anchor_age_days == 21
