"""A reason for every silence (clinical-definition 3.1)."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte, DataGroup
from service.interpreter.interpret import interpret, may_still_fire
from service.interpreter.interpretation import Interpretation, RuleOutcome, TriedRule
from service.interpreter.rules import FINDINGS
from tests.support.changing import replace
from tests.support.facts import (
    NOW,
    condition,
    count,
    facts,
    medication,
    refused,
    result,
)

HEALTHY = [
    replace(each, unit="g/dL" if each.analyte is Analyte.HEMOGLOBIN else "10*9/L")
    for each in count(13.2, 4.1, 240, 6.0)
]
PAN = count(8.9, 1.1, 84, 2.4)


def answer(results: list[Any], **more: Any) -> Interpretation:
    return interpret(facts(results, **more), NOW)


def sentence(given: Interpretation) -> str:
    return given.explanation.sentence


def tried(given: Interpretation, rule: str) -> TriedRule:
    return next(each for each in given.explanation.tried if each.id == rule)


def test_a_healthy_patient_is_told_in_one_sentence() -> None:
    assert sentence(answer(HEALTHY)) == (
        "No card: hemoglobin 13.2 g/dL, neutrophils 4.1 and platelets 240 are not low."
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"deceased": True}, "deceased"),
        ({"replaced": True}, "replaced"),
    ],
)
def test_step_0_gives_nothing_and_says_why(more: dict[str, bool], words: str) -> None:
    given = facts(PAN)
    given = replace(given, patient=replace(given.patient, **more))
    found = interpret(given, NOW)
    assert found.finding is None
    assert found.data_quality is None
    assert words in sentence(found)
    assert not may_still_fire(given, NOW)


def test_nothing_opens_in_a_patients_own_portal() -> None:
    given = replace(facts(PAN), user_is_patient=True)
    found = interpret(given, NOW)
    assert found.finding is None
    assert "patient or a related person" in sentence(found)


@pytest.mark.parametrize(
    ("results", "more", "words"),
    [
        ([], {}, "no usable blood count was found"),
        (count(8.9, 1.1, 84, days=120), {}, "older than 90 days"),
        (count(8.9, 4.0, 240), {}, "hemoglobin 8.9"),
        (count(10.0, 3.5, 120), {}, "are low but neutrophils 3.5 are not"),
        (count(10.0, 3.5, 120), {"age": 9}, "under 18"),
        (
            PAN,
            {"context": {"conditions": (condition(ValueSetName.HOSPICE_CARE),)}},
            "hospice",
        ),
        (
            [*PAN, *count(9.0, 1.2, 90, days=20)],
            {"context": {"conditions": (condition(ValueSetName.MARROW_FAILURE),)}},
            "nothing is new",
        ),
        (
            HEALTHY,
            {
                "context": {
                    "medications": (
                        medication(ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY, first=9, last=9),
                    )
                }
            },
            "chemotherapy was given recently",
        ),
        (count(10.5, 4.1, 116, days=20), {}, "20 days old"),
        (
            count(10.6, 1.85, 120),
            {"age": 29, "context": {"conditions": (condition(ValueSetName.PREGNANCY_STATE),)}},
            "limits of pregnancy",
        ),
    ],
)
def test_every_silence_has_a_reason(results: list[Any], more: dict[str, Any], words: str) -> None:
    found = answer(results, **more)
    assert found.orders == ()
    assert sentence(found).startswith("No card: ")
    assert words in sentence(found)


def test_every_rule_stands_in_the_explanation_once_and_in_the_order_of_the_table() -> None:
    for results in (PAN, HEALTHY, []):
        assert tuple(each.id for each in answer(results).explanation.tried) == FINDINGS


def test_the_first_condition_that_failed_is_named_with_what_was_seen() -> None:
    found = tried(answer(HEALTHY), "severe-cytopenias")
    assert found.outcome is RuleOutcome.FALSE
    assert "platelets normal (240)" in found.condition


def test_rows_after_the_one_that_fired_are_not_reached() -> None:
    found = answer(PAN)
    assert tried(found, "incomplete-workup").outcome is RuleOutcome.FIRED
    assert tried(found, "bicytopenia").outcome is RuleOutcome.NOT_REACHED
    assert tried(found, "pancytopenia-high-b12").outcome is RuleOutcome.FALSE


def test_an_unreadable_b12_leaves_rows_open_and_says_what_would_decide() -> None:
    found = answer(PAN, unreadable=(refused(Analyte.VITAMIN_B12),))
    row = tried(found, "pancytopenia-low-b12")
    assert row.outcome is RuleOutcome.UNDECIDED
    assert row.decided_by == ("a usable vitamin B12 result",)


def test_two_low_lines_without_a_card_are_undecided_while_b12_cannot_be_had() -> None:
    found = answer(count(10.0, 3.5, 120), unavailable=[DataGroup.VITAMIN_B12])
    assert found.finding is None
    assert found.undecided_groups == {DataGroup.VITAMIN_B12}
    assert "not settled without" in sentence(found)


def test_very_low_neutrophils_are_undecided_while_temperatures_cannot_be_had() -> None:
    found = answer(count(13.0, 0.3, 240), unavailable=[DataGroup.TEMPERATURE])
    assert found.undecided_groups == {DataGroup.TEMPERATURE}


def test_a_card_that_fires_leaves_no_412() -> None:
    found = answer(PAN, unavailable=[DataGroup.VITAMIN_B12, DataGroup.IRON_STUDIES])
    assert found.finding is not None
    assert found.undecided_groups == frozenset()


@pytest.mark.parametrize(
    "group", [DataGroup.SMEAR, DataGroup.CONDITIONS, DataGroup.SERVICE_REQUESTS]
)
def test_film_and_context_that_cannot_be_had_never_make_a_412(group: DataGroup) -> None:
    assert answer(count(10.0, 3.5, 120), unavailable=[group]).undecided_groups == frozenset()


def test_normal_counts_are_decided_whatever_is_missing() -> None:
    missing = set(DataGroup) - {
        DataGroup.PATIENT,
        DataGroup.BLOOD_COUNTS,
        DataGroup.DIFFERENTIAL,
        DataGroup.SMEAR,
    }
    assert answer(HEALTHY, unavailable=missing).undecided_groups == frozenset()
    assert not may_still_fire(facts(HEALTHY, unavailable=missing), NOW)


@pytest.mark.parametrize(
    "results",
    [
        count(8.9, 4.0, 84),
        count(13.0, 0.4, 240),
        [*count(13.0, None, 240, 0.9)],
        [*HEALTHY, result(Analyte.BLAST_PERCENT, "1")],
        # low only by the limits of pregnancy: the laboratory's own are lower
        [
            result(Analyte.HEMOGLOBIN, "10.8", low="10.2"),
            result(Analyte.NEUTROPHILS, "1.6", low="1.5"),
            result(Analyte.PLATELETS, "240"),
        ],
    ],
)
def test_the_second_stage_is_fetched_when_a_rule_may_still_fire(results: list[Any]) -> None:
    missing = set(DataGroup) - {
        DataGroup.PATIENT,
        DataGroup.BLOOD_COUNTS,
        DataGroup.DIFFERENTIAL,
        DataGroup.SMEAR,
    }
    assert may_still_fire(facts(results, age=30, unavailable=missing), NOW)


def test_an_unreadable_count_keeps_the_call_open() -> None:
    given = facts(HEALTHY[1:], unreadable=(refused(Analyte.HEMOGLOBIN),))
    assert may_still_fire(given, NOW)
    found = interpret(given, NOW)
    assert found.data_quality is not None


def test_a_finding_switched_off_gives_no_card_and_no_other_row_takes_its_patient() -> None:
    results = [*PAN, result(Analyte.VITAMIN_B12, "110")]
    found = interpret(facts(results), NOW, frozenset({"pancytopenia-low-b12"}))
    assert found.finding is None
    assert found.orders == ()
    assert tried(found, "pancytopenia-low-b12").outcome is RuleOutcome.SWITCHED_OFF
    assert "switched off" in sentence(found)


def test_an_overlay_switched_off_leaves_the_finding_beneath_it() -> None:
    results = [*count(8.9, 0.3, 84), result(Analyte.VITAMIN_B12, "1480")]
    found = interpret(facts(results), NOW, frozenset({"severe-cytopenias"}))
    assert found.overlay is None
    assert found.finding is not None
    assert found.finding.id == "pancytopenia-high-b12"


def test_hospice_cannot_be_switched_off() -> None:
    hospice = {"conditions": (condition(ValueSetName.HOSPICE_CARE),)}
    found = interpret(facts(PAN, context=hospice), NOW, frozenset({"hospice-suppressed"}))
    assert found.finding is not None
    assert not found.finding.has_card
