"""Which orders are proposed, how urgently, and why others are not (clinical-definition 3.1, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.context import ExistingOrder, ImagingReport, ValueSetName
from fhir_mappings.panel import (
    Analyte,
    DataGroup,
    MarrowResult,
    Note,
    SerologyResult,
    SerologyTest,
    SmearMethod,
    SmearSet,
)
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import Priority
from tests.support.changing import replace
from tests.support.facts import (
    NOW,
    ago,
    condition,
    count,
    facts,
    medication,
    on_smear,
    procedure,
    refused,
    result,
)

if TYPE_CHECKING:
    from fhir_mappings.panel import LabResult
    from service.interpreter.interpretation import Interpretation

PAN = count(8.9, 1.1, 84, 2.4)
IRON = [
    result(Analyte.IRON, "54"),
    result(Analyte.IRON_BINDING_CAPACITY, "262"),
    result(Analyte.TRANSFERRIN_SATURATION, "20.6"),
]
SEED = [*PAN, *IRON, result(Analyte.VITAMIN_B12, "1480")]
SECONDARY = {
    "hiv-screen",
    "hepatitis-b-surface-antigen",
    "hepatitis-b-core-antibody",
    "hepatitis-c-antibody",
    "antinuclear-antibody",
    "anti-dsdna",
    "ultrasound-abdomen",
}


def answer(results: list[LabResult], **more: Any) -> Interpretation:
    return interpret(facts(results, **more), NOW)


def proposed(given: Interpretation) -> dict[str, Priority]:
    return {order.order: order.priority for order in given.orders}


def withheld(given: Interpretation) -> dict[str, str]:
    return {order.order: order.reason for order in given.withheld}


def with_order(order: str, days: float, status: str = "active", **more: Any) -> dict[str, Any]:
    existing = ExistingOrder(frozenset({order}), frozenset(), status, ago(days), **more)
    return {"context": {"orders": (existing,)}}


def test_the_seed_patient_gets_referral_marrow_and_work_up_as_urgent_and_causes_as_routine() -> (
    None
):
    orders = proposed(answer(SEED))
    assert {"hematology-referral", "marrow-biopsy"} < set(orders)
    assert set(orders) >= SECONDARY
    routine = {order for order, priority in orders.items() if priority is Priority.ROUTINE}
    assert routine == SECONDARY
    assert {orders[order] for order in set(orders) - SECONDARY} == {Priority.URGENT}


def test_severe_counts_make_referral_marrow_and_smear_stat_but_not_the_serology() -> None:
    orders = proposed(answer([*count(8.9, 0.4, 84, 1.2), *IRON, SEED[-1]]))
    assert orders["hematology-referral"] is Priority.STAT
    assert orders["marrow-biopsy"] is Priority.STAT
    assert orders["peripheral-smear"] is Priority.STAT
    assert orders["hiv-screen"] is Priority.ROUTINE


def test_a_teardrop_cell_makes_referral_and_marrow_asap() -> None:
    orders = proposed(answer(SEED, smear=(on_smear(SmearSet.TEARDROP, days=5),)))
    assert orders["hematology-referral"] is Priority.ASAP
    assert orders["marrow-biopsy"] is Priority.ASAP
    assert orders["peripheral-smear"] is Priority.URGENT


def test_bicytopenia_with_a_low_white_line_is_referred_as_routine() -> None:
    orders = proposed(answer([*count(8.9, 1.1, 200), result(Analyte.VITAMIN_B12, "500")]))
    assert orders["hematology-referral"] is Priority.ROUTINE
    assert "marrow-biopsy" not in orders


def test_few_blasts_with_normal_counts_ask_for_a_film_stat_and_an_urgent_referral() -> None:
    orders = proposed(answer([*count(13.2, 3.8, 240), result(Analyte.BLAST_PERCENT, "2")]))
    assert orders == {
        "hematology-referral": Priority.URGENT,
        "peripheral-smear": Priority.STAT,
    }


def test_blasts_ask_for_a_new_film_although_one_was_just_read() -> None:
    given = answer(
        [*count(13.2, 3.8, 240), result(Analyte.BLAST_PERCENT, "6")],
        smear=(on_smear(SmearSet.DYSPLASIA, False),),
    )
    assert "peripheral-smear" in proposed(given)


@pytest.mark.parametrize(
    ("order", "analytes", "stands", "too_old"),
    [
        ("reticulocytes", ("RETICULOCYTES",), 2.9, 3.1),
        ("reticulocytes", ("RETICULOCYTE_PERCENT",), 2.9, 3.1),
        ("ldh", ("LACTATE_DEHYDROGENASE",), 6.9, 7.1),
        ("bilirubin-total", ("BILIRUBIN_TOTAL",), 6.9, 7.1),
        ("bilirubin-direct", ("BILIRUBIN_DIRECT",), 6.9, 7.1),
        ("homocysteine", ("HOMOCYSTEINE",), 89, 91),
        ("methylmalonic-acid", ("METHYLMALONATE",), 89, 91),
    ],
)
def test_a_usable_result_in_its_window_is_not_asked_for_again(
    order: str, analytes: tuple[str, ...], stands: float, too_old: float
) -> None:
    for days, expected in ((stands, False), (too_old, True)):
        extra = [result(Analyte[name], "0.5", days) for name in analytes]
        given = answer([*SEED, *extra])
        assert (order in proposed(given)) is expected, days
        assert (order in withheld(given)) is not expected


def test_a_metabolic_panel_needs_creatinine_and_a_liver_test_to_stand() -> None:
    creatinine = result(Analyte.CREATININE, "0.9", 5)
    liver = result(Analyte.ALANINE_AMINOTRANSFERASE, "20", 5)
    assert "metabolic-panel" in proposed(answer([*PAN, creatinine]))
    assert "metabolic-panel" not in proposed(answer([*PAN, creatinine, liver]))


def test_iron_studies_are_repeated_when_a_transfusion_spoiled_them() -> None:

    ferritin = [
        result(Analyte.FERRITIN, "150"),
        result(Analyte.VITAMIN_B12, "1480"),
        *IRON,
    ]
    transfused = {
        "context": {"procedures": (procedure(ValueSetName.RED_CELL_TRANSFUSION, days=3),)}
    }
    unreadable_fields = answer([*PAN, *ferritin], **transfused)
    assert unreadable_fields.states.iron == "CONF"
    assert unreadable_fields.finding is not None
    assert unreadable_fields.finding.id == "pancytopenia-high-b12"


def test_b12_is_not_repeated_after_two_marked_results() -> None:
    second = result(Analyte.VITAMIN_B12, "1300", 40)
    assert "vitamin-b12" in proposed(answer(SEED))
    assert "vitamin-b12" not in proposed(answer([*SEED, second]))


def test_a_fresh_cbc_with_neutrophils_is_not_repeated_but_an_older_one_is() -> None:
    assert "cbc-differential" not in proposed(answer(SEED))
    old = count(8.9, 1.1, 84, 2.4, days=4)
    assert "cbc-differential" in proposed(answer([*old, *IRON, SEED[-1]]))


@pytest.mark.parametrize("note", [Note.PRELIMINARY, Note.STATUS_UNKNOWN, Note.CONFLICT])
def test_doubtful_counts_are_repeated_first_and_no_marrow_rests_on_them(note: Note) -> None:
    doubtful = [replace(PAN[0], notes=frozenset({note})), *PAN[1:]]
    given = answer([*doubtful, *IRON, SEED[-1]])
    assert given.orders[0].order == "cbc-differential"
    assert "marrow-biopsy" in withheld(given)


def test_critical_blasts_overrule_doubtful_counts() -> None:
    doubtful = [replace(PAN[0], notes=frozenset({Note.CONFLICT})), *PAN[1:]]
    given = answer([*doubtful, *IRON, SEED[-1], result(Analyte.BLAST_PERCENT, "12")])
    assert proposed(given)["marrow-biopsy"] is Priority.STAT


def test_without_a_neutrophil_count_the_differential_comes_before_any_marrow() -> None:
    given = answer([*count(8.9, None, 84, 3.2), *IRON, SEED[-1]])
    assert given.orders[0].order == "cbc-differential"
    assert "marrow-biopsy" in withheld(given)


def test_a_preliminary_b12_changes_no_order() -> None:
    labelled = replace(SEED[-1], notes=frozenset({Note.PRELIMINARY}))
    assert proposed(answer([*SEED[:-1], labelled])) == proposed(answer(SEED))


@pytest.mark.parametrize("status", ["active", "draft", "on-hold"])
def test_an_order_that_stands_is_not_drafted_again(status: str) -> None:
    assert "ldh" not in proposed(answer(SEED, **with_order("ldh", 29, status)))
    assert "ldh" in proposed(answer(SEED, **with_order("ldh", 31, status)))


@pytest.mark.parametrize("status", ["completed", "revoked", "entered-in-error"])
def test_an_order_that_ended_does_not_hold_back_a_new_one(status: str) -> None:
    assert "ldh" in proposed(answer(SEED, **with_order("ldh", 2, status)))


def test_an_order_among_the_drafts_of_the_hook_is_not_drafted_again() -> None:
    given = answer(SEED, **with_order("methylmalonic-acid", 0, "draft", drafted=True))
    assert "draft" in withheld(given)["methylmalonic-acid"]


def test_a_serology_of_the_last_year_is_not_repeated() -> None:
    negative = (SerologyResult(SerologyTest.HIV, False, ago(364)),)
    assert "hiv-screen" not in proposed(answer(SEED, serology=negative))
    old = (SerologyResult(SerologyTest.HIV, False, ago(366)),)
    assert "hiv-screen" in proposed(answer(SEED, serology=old))


@pytest.mark.parametrize(
    ("known", "skipped"),
    [
        (ValueSetName.HIV_INFECTION, {"hiv-screen"}),
        (
            ValueSetName.HEPATITIS_B,
            {"hepatitis-b-surface-antigen", "hepatitis-b-core-antibody"},
        ),
        (ValueSetName.HEPATITIS_C, {"hepatitis-c-antibody"}),
        (ValueSetName.LUPUS, {"antinuclear-antibody", "anti-dsdna"}),
        (ValueSetName.AUTOIMMUNE_DISEASE, set()),
    ],
)
def test_a_known_secondary_cause_skips_its_own_test_only(
    known: ValueSetName, skipped: set[str]
) -> None:
    parents = {
        ValueSetName.HEPATITIS_B: (ValueSetName.VIRAL_HEPATITIS,),
        ValueSetName.HEPATITIS_C: (ValueSetName.VIRAL_HEPATITIS,),
        ValueSetName.LUPUS: (ValueSetName.AUTOIMMUNE_DISEASE,),
    }
    disease = condition(known, *parents.get(known, ()))
    given = answer(SEED, context={"conditions": (disease,)})
    assert SECONDARY - set(proposed(given)) == skipped
    assert "M11" in {each.id for each in given.modifiers}
    assert given.finding is not None
    assert given.finding.indicator == "warning"


def test_ct_follows_an_ultrasound_that_was_done_and_only_with_a_large_spleen() -> None:
    large = condition(ValueSetName.SPLENOMEGALY)
    done = (ImagingReport("ultrasound-abdomen", ago(20)),)
    assert "ct-abdomen-pelvis" not in proposed(answer(SEED, context={"conditions": (large,)}))
    given = answer(SEED, context={"conditions": (large,), "imaging": done})
    assert "ct-abdomen-pelvis" in proposed(given)
    assert "ultrasound-abdomen" in withheld(given)
    palliative = condition(ValueSetName.PALLIATIVE_CARE)
    given = answer(SEED, context={"conditions": (large, palliative), "imaging": done})
    assert "ct-abdomen-pelvis" not in proposed(given)


def test_zinc_or_copper_deficiency_adds_copper_and_zinc() -> None:
    deficiency = condition(ValueSetName.COPPER_DEFICIENCY)
    orders = proposed(answer(SEED, context={"conditions": (deficiency,)}))
    assert {"copper", "zinc"} < set(orders)


def test_a_raised_mma_with_unknown_kidneys_asks_for_kidney_function() -> None:
    given = answer([*SEED, result(Analyte.METHYLMALONATE, "0.5")])
    assert "metabolic-panel" in proposed(given)


@pytest.mark.parametrize(
    ("group", "orders"),
    [
        (DataGroup.HEMOLYSIS, {"ldh", "reticulocytes", "bilirubin-total", "bilirubin-direct"}),
        (DataGroup.SEROLOGY, SECONDARY - {"ultrasound-abdomen"}),
        (DataGroup.DIAGNOSTIC_REPORTS, {"ultrasound-abdomen"}),
        (DataGroup.SMEAR, {"peripheral-smear"}),
    ],
)
def test_a_test_whose_result_may_exist_unseen_is_withheld_with_the_reason(
    group: DataGroup, orders: set[str]
) -> None:
    given = answer(SEED, unavailable=[group])
    assert not orders & set(proposed(given))
    assert all("could not be retrieved" in withheld(given)[order] for order in orders)
    assert given.could_not_check


def test_existing_orders_that_could_not_be_checked_hold_nothing_back() -> None:
    given = answer(SEED, unavailable=[DataGroup.SERVICE_REQUESTS])
    assert proposed(given) == proposed(answer(SEED))
    assert given.could_not_check == ("existing orders",)


def test_the_core_prefetch_alone_gives_referral_and_marrow_and_says_what_is_unknown() -> None:
    hidden = set(DataGroup) - {
        DataGroup.PATIENT,
        DataGroup.BLOOD_COUNTS,
        DataGroup.DIFFERENTIAL,
        DataGroup.IRON_STUDIES,
        DataGroup.VITAMIN_B12,
    }
    given = answer(SEED, unavailable=hidden)
    assert given.finding is not None
    assert given.finding.id == "index-pattern"
    assert set(proposed(given)) == {
        "hematology-referral",
        "marrow-biopsy",
        "vitamin-b12",
        "methylmalonic-acid",
        "homocysteine",
    }
    marrow = next(order for order in given.orders if order.order == "marrow-biopsy")
    assert "could not be checked for an earlier marrow" in marrow.because


def test_an_unreadable_b12_is_said_to_exist_and_its_repeat_says_why() -> None:
    given = answer([*PAN, *IRON], unreadable=(refused(Analyte.VITAMIN_B12),))
    assert given.finding is not None
    assert given.finding.id == "incomplete-workup"
    text = " ".join(given.finding.paragraphs)
    assert "exists but could not be read" in text
    assert "vitamin B12: not measured" not in text
    repeat = next(order for order in given.orders if order.order == "vitamin-b12")
    assert "could not be read" in repeat.because


@pytest.mark.parametrize(
    ("group", "orders"),
    [
        (DataGroup.VITAMIN_B12, {"vitamin-b12", "folate", "methylmalonic-acid", "homocysteine"}),
        (DataGroup.IRON_STUDIES, {"iron-tibc", "ferritin"}),
    ],
)
def test_what_could_not_be_retrieved_is_not_ordered_blindly(
    group: DataGroup, orders: set[str]
) -> None:
    given = answer([*PAN, *IRON, result(Analyte.VITAMIN_B12, "450")], unavailable=[group])
    stripped = given
    if group is DataGroup.IRON_STUDIES:
        stripped = answer([*PAN, result(Analyte.VITAMIN_B12, "450")], unavailable=[group])
    assert stripped.finding is not None
    assert stripped.finding.id == "incomplete-workup"
    assert "could not be retrieved" in " ".join(stripped.finding.paragraphs)
    assert not orders & set(proposed(stripped))


def test_an_existing_marrow_and_referral_leave_no_card() -> None:
    referral = with_order("hematology-referral", 60)["context"]["orders"][0]
    referral = replace(referral, sets=frozenset({ValueSetName.HEMATOLOGY_REFERRALS}))
    marrow = (MarrowResult("33721-2", ago(20)),)
    given = answer(SEED, context={"orders": (referral,)}, marrow=marrow)
    assert given.finding is not None
    assert not given.finding.has_card
    assert given.orders == ()
    assert "exist already" in given.explanation.sentence
    assert [each.id for each in given.modifiers if each.id == "M6"] == ["M6"]
    red = answer(
        SEED,
        context={"orders": (referral,)},
        marrow=marrow,
        smear=(on_smear(SmearSet.DYSPLASIA, days=5),),
    )
    assert red.finding is not None
    assert red.finding.indicator == "warning"
    assert "reticulocytes" in proposed(red)


@pytest.mark.parametrize(
    "context",
    [
        {"conditions": (condition(ValueSetName.PORTAL_HYPERTENSION),)},
        {"conditions": (condition(ValueSetName.DRUG_INDUCED_PANCYTOPENIA),)},
        {"medications": (medication(ValueSetName.MARROW_SUPPRESSIVE_DRUGS, active=True),)},
        {"medications": (medication(ValueSetName.B12_MEDICATION, first=100, last=100),)},
    ],
)
def test_a_marrow_is_deferred_for_another_explanation_but_not_with_a_red_flag(
    context: dict[str, Any],
) -> None:
    deferred = answer(SEED, context=context)
    assert "marrow-biopsy" in withheld(deferred)
    assert "hematology-referral" in proposed(deferred)
    assert "M1" in {each.id for each in deferred.modifiers}
    red = answer(SEED, context=context, smear=(on_smear(SmearSet.TEARDROP, days=5),))
    assert "marrow-biopsy" in proposed(red)


def test_a_history_of_leukemia_raises_priority_and_undoes_a_deferral_but_for_b12_medicine() -> None:
    history = condition(ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY)
    context = {"conditions": (condition(ValueSetName.PORTAL_HYPERTENSION), history)}
    given = answer(SEED, context=context)
    assert proposed(given)["hematology-referral"] is Priority.ASAP
    assert proposed(given)["marrow-biopsy"] is Priority.ASAP
    taken = medication(ValueSetName.B12_MEDICATION, first=100, last=100)
    under_b12 = answer(SEED, context={"conditions": (history,), "medications": (taken,)})
    assert proposed(under_b12)["hematology-referral"] is Priority.ASAP
    assert "marrow-biopsy" in withheld(under_b12)


@pytest.mark.parametrize(("mma", "asked"), [(None, False), ("0.40", False), ("0.41", True)])
def test_b12_is_not_repeated_under_b12_medicine_unless_mma_is_raised(
    mma: str | None, asked: bool
) -> None:
    results = [*SEED, result(Analyte.METHYLMALONATE, mma)] if mma else SEED
    taken = medication(ValueSetName.B12_MEDICATION, first=100, last=100)
    orders = proposed(answer(results, context={"medications": (taken,)}))
    assert ("vitamin-b12" in orders) is asked
    assert "methylmalonic-acid" not in orders


def test_palliative_care_means_no_marrow_and_goals_of_care_in_the_first_line() -> None:
    palliative = {"conditions": (condition(ValueSetName.PALLIATIVE_CARE),)}
    given = answer([*count(8.9, 0.3, 84), *IRON, SEED[-1]], context=palliative)
    assert given.overlay is not None
    assert given.overlay.id == "severe-cytopenias"
    assert "goals of care" in given.overlay.paragraphs[0]
    assert "marrow-biopsy" in withheld(given)


def test_blasts_in_pregnancy_bring_their_orders_but_no_marrow() -> None:
    pregnant = {"conditions": (condition(ValueSetName.PREGNANCY_STATE),)}
    given = answer(
        [*count(8.8, 1.2, 70), result(Analyte.BLAST_PERCENT, "9")], context=pregnant, age=31
    )
    orders = proposed(given)
    assert orders["hematology-referral"] is Priority.STAT
    assert {"aptt", "prothrombin-time", "fibrinogen", "ldh"} < set(orders)
    assert "marrow-biopsy" not in orders


@pytest.mark.parametrize(
    "context",
    [
        {"conditions": (condition(ValueSetName.HEMATOLOGIC_MALIGNANCY),)},
        {"medications": (medication(ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY, first=9, last=9),)},
    ],
)
def test_a_finding_without_orders_replaces_those_of_the_overlay(context: dict[str, Any]) -> None:
    given = answer(
        [*count(8.5, 0.2, 45), result(Analyte.BODY_TEMPERATURE, "38.6", 0.2)], context=context
    )
    assert given.overlay is not None
    assert given.overlay.id == "neutropenic-fever"
    assert given.orders == ()


def test_secondary_causes_come_first_when_iron_speaks_for_chronic_disease() -> None:
    chronic = [
        result(Analyte.IRON, "30"),
        result(Analyte.IRON_BINDING_CAPACITY, "190"),
        result(Analyte.VITAMIN_B12, "520"),
    ]
    order = [each.order for each in answer([*PAN, *chronic]).orders]
    assert order.index("hiv-screen") < order.index("methylmalonic-acid")


def test_an_analyser_flag_is_no_film() -> None:
    flag = on_smear(SmearSet.BLAST_FLAG, method=SmearMethod.ANALYSER)
    given = answer(SEED, smear=(flag,))
    assert "peripheral-smear" in proposed(given)
    assert given.finding is not None
    assert "Analyser blast flag, smear needed." in given.finding.paragraphs
