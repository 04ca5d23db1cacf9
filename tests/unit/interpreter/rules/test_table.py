"""The rows themselves, the steps of evaluation, and the data-quality card."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import (
    NO_STATEMENT,
    Analyte,
    DataGroup,
    Reason,
    SmearMethod,
    SmearSet,
    changed,
)
from fhir_mappings.vocabulary.orders import ORDERS
from service.interpreter.answer.summaries import fitted
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import (
    CellLine,
    CellLineState,
    FindingIndicator,
    Interpretation,
)
from service.interpreter.rules import RULES
from service.interpreter.rules.criteria.chemistry import below_limit
from service.knowledge import table_checks as checks
from tests.support.facts import (
    NOW,
    ago,
    condition,
    count,
    facts,
    medication,
    on_smear,
    refused,
    result,
    stay,
)
from tests.support.findings import EVERY_FINDING

HEALTHY = count(13.2, 4.1, 240, 6.0)
PAN = count(8.9, 1.1, 84, 2.4)
KNOWN = {"conditions": (condition(ValueSetName.HEMATOLOGIC_MALIGNANCY),)}
CHEMOTHERAPY = {
    "medications": (medication(ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY, first=9, last=9),)
}


def answer(results: list[Any], **more: Any) -> Interpretation:
    return interpret(facts(results, **more), NOW)


def finding(given: Interpretation) -> str | None:
    return given.finding.id if given.finding and given.finding.has_card else None


def overlay(given: Interpretation) -> str | None:
    return given.overlay.id if given.overlay else None


def test_nothing_is_wrong_with_the_table() -> None:
    assert checks.table_problems(ORDERS) == []


def test_the_table_has_each_finding_of_the_definition_and_no_other() -> None:
    assert {rule.id for rule in RULES} == EVERY_FINDING


def test_a_row_hidden_by_a_limit_of_its_own_is_found() -> None:
    """A row that asks for one limit must say which rows it goes before."""
    iron = next(rule for rule in RULES if rule.id == "pancytopenia-iron-deficiency")
    low = below_limit(Analyte.HAPTOGLOBIN, "haptoglobin_low")
    row = replace(iron, id="low-haptoglobin", when=(*iron.when[:2], low))
    found = checks.overlap_problems((row, *RULES))
    assert "index-pattern and low-haptoglobin hold together" in found


def test_the_checks_see_what_is_wrong() -> None:
    row = RULES[2]
    assert checks.identity_problems((*RULES, row)) == [f"{row.id} stands 2 times"]
    gone = frozenset({"leeches"})
    assert checks.identity_problems((replace(row, before=gone),)) == [
        f"{row.id} goes before leeches, which is no row after it"
    ]
    assert checks.citation_problems((replace(row, citation=("R77",)),))
    assert checks.citation_problems((replace(row, citation=()),))
    assert checks.order_problems(set(ORDERS) - {"ferritin"})
    assert checks.text_problems((replace(row, summary="{nothing} here"),))
    marrow = next(rule for rule in RULES if rule.id == "index-pattern")
    assert checks.marrow_problems((replace(marrow, cautions=("No marrow yet.",)),))
    fewer = [rule for rule in RULES if rule.id != "index-pattern"]
    assert any("IDX" in problem for problem in checks.overlap_problems(fewer))


def test_known_disorder_is_silent_about_a_relapse_of_old_blasts() -> None:
    old = [result(Analyte.BLAST_PERCENT, "8", 20), result(Analyte.BLAST_PERCENT, "8", 1)]
    assert finding(answer([*HEALTHY, *old], context=KNOWN)) is None
    new = answer([*HEALTHY, old[1]], context=KNOWN)
    assert finding(new) == "known-hematologic-disorder"
    assert overlay(new) is None


def test_known_disorder_keeps_neutropenic_fever_and_its_urgency() -> None:
    fever = result(Analyte.BODY_TEMPERATURE, "38.6", 0.2)
    given = answer([*count(8.5, 0.2, 45), fever], context=KNOWN)
    assert overlay(given) == "neutropenic-fever"
    assert given.finding is not None
    assert given.finding.indicator is FindingIndicator.CRITICAL


def test_a_provisional_leukemia_suppresses_nothing() -> None:
    provisional = condition(ValueSetName.HEMATOLOGIC_MALIGNANCY, may_suppress=False)
    assert finding(answer(PAN, context={"conditions": (provisional,)})) == "incomplete-workup"


def test_severe_counts_under_chemotherapy_are_a_warning_without_overlay() -> None:
    given = answer(count(8.5, 0.2, 45), context=CHEMOTHERAPY)
    assert overlay(given) is None
    assert finding(given) == "recent-chemotherapy"
    assert given.finding is not None
    assert given.finding.indicator is FindingIndicator.WARNING


def test_blasts_under_chemotherapy_stand_first_but_bring_no_orders() -> None:
    given = answer([*HEALTHY, result(Analyte.BLAST_PERCENT, "9")], context=CHEMOTHERAPY)
    assert overlay(given) == "circulating-blasts"
    assert finding(given) == "recent-chemotherapy"
    assert given.orders == ()


@pytest.mark.parametrize(
    ("results", "more", "expected"),
    [
        (count(9.0, 1.1, 200), {}, True),
        (count(9.0, 1.1, 200), {"context": {"encounters": (stay(2),)}}, True),
        (count(9.0, 4.0, 99), {}, True),
        (count(9.0, 4.0, 99), {"context": {"encounters": (stay(2),)}}, False),
        (count(9.0, 4.0, 49), {"context": {"encounters": (stay(2),)}}, True),
        (count(10.0, 4.0, 100), {}, False),
        (count(9.9, 4.0, 100), {}, True),
    ],
)
def test_hemoglobin_with_platelets_needs_more_than_two_low_lines(
    results: list[Any], more: dict[str, Any], expected: bool
) -> None:
    assert (finding(answer(results, **more)) == "bicytopenia") is expected


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (count(8.9, 1.1, 84, days=20), "stale-counts"),
        (count(9.0, 4.0, 84, days=20), "stale-counts"),
        (count(10.0, 4.0, 120, days=20), None),
        ([*count(10.0, 4.0, 120, days=20), result(Analyte.VITAMIN_B12, "1500", 20)], None),
        ([*count(10.0, 4.0, 120, days=20), result(Analyte.VITAMIN_B12, "150", 20)], "stale-counts"),
        (count(9.0, None, 84, days=20), "stale-counts"),
        (count(8.9, 1.1, 84, days=91), None),
    ],
)
def test_old_counts_are_rechecked_when_they_would_have_had_a_card(
    results: list[Any], expected: str | None
) -> None:
    given = answer(results)
    assert finding(given) == expected
    if expected:
        assert {each.order for each in given.orders} == {"cbc-differential", "peripheral-smear"}


def test_old_severe_counts_are_rechecked_stat() -> None:
    given = answer(count(8.9, 0.3, 84, days=20))
    assert overlay(given) is None
    assert {each.order: each.priority for each in given.orders}["cbc-differential"] == "stat"


@pytest.mark.parametrize(
    ("results", "more", "expected"),
    [
        ([result(Analyte.HEMOGLOBIN, "8"), result(Analyte.PLATELETS, "240")], {}, None),
        ([*count(8.0, 0.9, 240)], {}, "warning"),
        ([*count(8.0, 0.4, 240)], {}, "critical"),
        ([*count(12.0, 3.0, 240), result(Analyte.BLAST_PERCENT, "1")], {}, "critical"),
        (
            [*count(12.0, 0.4, 240), result(Analyte.BODY_TEMPERATURE, "38.2", 0.1)],
            {},
            "critical",
        ),
        ([*count(8.0, 0.9, 40)], {"context": CHEMOTHERAPY}, None),
        (
            [*count(8.0, 0.4, 40), result(Analyte.BODY_TEMPERATURE, "38.2", 0.1)],
            {"context": CHEMOTHERAPY},
            "critical",
        ),
        ([*count(8.0, 0.9, 40, days=20)], {}, None),
        (
            [*count(8.0, 0.9, 40, days=20), result(Analyte.BLAST_PERCENT, "3", 2)],
            {},
            "critical",
        ),
    ],
)
def test_children_have_rules_of_their_own(
    results: list[Any], more: dict[str, Any], expected: str | None
) -> None:
    given = answer(results, age=9, **more)
    assert overlay(given) is None
    assert (given.finding.indicator if given.finding else None) == expected


def test_a_child_gets_a_referral_to_pediatric_hematology_and_nothing_else() -> None:
    given = answer([*count(8.0, 0.4, 40), result(Analyte.VITAMIN_B12, "1500")], age=9)
    assert [(each.order, each.note) for each in given.orders] == [
        ("hematology-referral", "pediatric hematology")
    ]


@pytest.mark.parametrize(
    ("value", "hours", "fires"), [("38.0", 2, True), ("37.9", 2, False), ("39.0", 25, False)]
)
def test_fever_counts_from_38_0_within_24_hours(value: str, hours: int, fires: bool) -> None:
    temperature = result(Analyte.BODY_TEMPERATURE, value, hours / 24)
    given = answer([*count(13.0, 0.4, 240), temperature])
    assert (overlay(given) == "neutropenic-fever") is fires


def test_febrile_neutropenia_on_the_problem_list_counts_as_fever() -> None:
    context = {"conditions": (condition(ValueSetName.FEBRILE_NEUTROPENIA),)}
    given = answer(count(13.0, 0.4, 240), context=context)
    assert given.overlay is not None
    assert given.overlay.summary.startswith("ANC 0.4 with febrile neutropenia recorded")


def test_lower_overlays_keep_their_place_under_the_highest() -> None:
    fever = result(Analyte.BODY_TEMPERATURE, "38.6", 0.2)
    given = answer([*count(8.9, 0.2, 84), fever, result(Analyte.BLAST_PERCENT, "12")])
    assert overlay(given) == "neutropenic-fever"
    assert [each.id for each in given.lower_overlays] == ["circulating-blasts", "severe-cytopenias"]


def test_an_analyser_flag_alone_is_no_blast() -> None:
    flag = on_smear(SmearSet.BLAST_FLAG, method=SmearMethod.ANALYSER)
    assert overlay(answer(HEALTHY, smear=(flag,))) is None


@pytest.mark.parametrize(
    ("analyte", "candidate", "indicator"),
    [
        (Analyte.HEMOGLOBIN, "6.9", "warning"),
        (Analyte.HEMOGLOBIN, "7.0", "info"),
        (Analyte.NEUTROPHILS, "0.49", "warning"),
        (Analyte.PLATELETS, "19", "warning"),
        (Analyte.PLATELETS, "20", "info"),
    ],
)
def test_data_quality_warns_when_the_value_meant_would_be_severe(
    analyte: Analyte, candidate: str, indicator: str
) -> None:
    others = [each for each in HEALTHY if each.analyte is not analyte]
    refusal = refused(analyte, candidates=(Decimal(candidate),))
    given = answer(others, unreadable=(refusal,))
    assert given.data_quality is not None
    assert given.data_quality.indicator == indicator


def test_data_quality_is_due_only_when_no_usable_result_remains() -> None:
    refusal = refused(Analyte.HEMOGLOBIN)
    assert answer(HEALTHY, unreadable=(refusal,)).data_quality is None
    assert answer(HEALTHY[1:], unreadable=(refusal,)).data_quality is not None
    old = refused(Analyte.HEMOGLOBIN, 91)
    assert answer(HEALTHY[1:], unreadable=(old,)).data_quality is None


def test_data_quality_of_iron_and_b12_needs_two_low_lines() -> None:
    refusal = refused(Analyte.VITAMIN_B12)
    assert answer(HEALTHY, unreadable=(refusal,)).data_quality is None
    assert answer(PAN, unreadable=(refusal,)).data_quality is not None


@pytest.mark.parametrize("reason", sorted(NO_STATEMENT))
def test_results_that_say_nothing_about_the_patient_raise_no_data_quality(reason: Reason) -> None:
    refusal = refused(Analyte.HEMOGLOBIN, reason=reason)
    assert answer(HEALTHY[1:], unreadable=(refusal,)).data_quality is None


@pytest.mark.parametrize("reason", sorted(set(Reason) - NO_STATEMENT))
def test_a_count_that_was_sent_and_cannot_be_used_is_never_passed_over(reason: Reason) -> None:
    refusal = refused(Analyte.HEMOGLOBIN, reason=reason)
    given = answer(HEALTHY[1:], unreadable=(refusal,))
    assert given.data_quality is not None
    assert given.states.lines[CellLine.HEMOGLOBIN].state is CellLineState.UNKNOWN
    assert answer(HEALTHY, unreadable=(refusal,)).data_quality is None


@pytest.mark.parametrize("days", [0, 1, 3.5])
@pytest.mark.parametrize("reason", [Reason.UNIT, Reason.SUBJECT])
@pytest.mark.parametrize("other", [Analyte.NEUTROPHILS, Analyte.LEUKOCYTES])
def test_the_other_white_count_stands_in_for_one_that_cannot_be_used(
    other: Analyte, reason: Reason, days: float
) -> None:
    """V24: an excluded one only where the other is newer; one that is unsure wherever it judges."""
    this = {Analyte.NEUTROPHILS: Analyte.LEUKOCYTES, Analyte.LEUKOCYTES: Analyte.NEUTROPHILS}
    results = [result(other, "5.0", 1), *(r for r in HEALTHY if r.analyte not in this)]
    given = answer(results, unreadable=(refused(this[other], 1 + days, reason=reason),))
    is_newer = days > 0
    assert (given.data_quality is None) is (is_newer or reason is Reason.SUBJECT)


def test_an_older_count_hides_no_later_one_that_cannot_be_used() -> None:
    later = refused(Analyte.HEMOGLOBIN, 1, reason=Reason.SUBJECT)
    healthy = [changed(each, taken=ago(10)) for each in HEALTHY]
    assert answer(healthy, unreadable=(later,)).data_quality is not None
    pending = refused(Analyte.HEMOGLOBIN, 1, reason=Reason.STATUS, reported="")
    assert answer(healthy, unreadable=(pending,)).data_quality is None


@pytest.mark.parametrize(
    ("reason", "withheld"),
    [
        (Reason.SUBJECT, True),
        (Reason.OTHER_PATIENT, True),
        (Reason.NOT_DELIVERED, True),
        (Reason.FUTURE, False),
        (Reason.UNIT, False),
        (Reason.WITHDRAWN, False),
    ],
)
def test_a_chart_whose_counts_may_all_be_the_patients_is_not_answered_with_silence(
    reason: Reason, withheld: bool
) -> None:
    refusal = refused(Analyte.HEMOGLOBIN, reason=reason)
    given = answer([], unreadable=(refusal,))
    assert (given.withheld_counts is reason) is withheld
    assert answer(HEALTHY[1:2], unreadable=(refusal,)).withheld_counts is None
    old = refused(Analyte.HEMOGLOBIN, 91, reason=reason)
    assert answer([], unreadable=(old,)).withheld_counts is None


def test_blasts_at_unknown_age_are_not_passed_over() -> None:
    given = answer([*HEALTHY, result(Analyte.BLAST_PERCENT, "12")], age=None)
    assert given.data_quality is not None
    assert given.data_quality.indicator is FindingIndicator.WARNING
    assert "contact hematology now" in " ".join(given.data_quality.paragraphs)


def test_hospice_silences_data_quality_too() -> None:
    hospice = {"conditions": (condition(ValueSetName.HOSPICE_CARE),)}
    refusal = refused(Analyte.HEMOGLOBIN)
    assert answer(PAN[1:], unreadable=(refusal,), context=hospice).data_quality is None


def test_pregnancy_that_cannot_be_looked_up_leaves_low_lines_undecided() -> None:
    results = [
        result(Analyte.HEMOGLOBIN, "10.8", low="10.2"),
        result(Analyte.NEUTROPHILS, "1.6", low="1.5"),
        result(Analyte.PLATELETS, "240"),
    ]
    hidden = [DataGroup.PREGNANCY]
    assert answer(results, age=30, unavailable=hidden).undecided_groups == set(hidden)
    assert answer(results, age=80, unavailable=hidden).undecided_groups == frozenset()


def test_a_summary_never_reaches_140_characters() -> None:
    assert fitted("x" * 139) == "x" * 139
    assert len(fitted("word " * 60)) <= 139
    assert (
        fitted(f"{'A' * 100} (much too long a remark in parentheses here) end")
        == "A" * 100 + " end"
    )


def test_every_result_used_is_listed_once() -> None:
    given = answer([*PAN, result(Analyte.MEAN_CORPUSCULAR_VOLUME, "101")])
    used = [each.analyte for each in given.states.used]
    assert len(used) == len(set(used))
    assert {*(each.analyte for each in PAN), Analyte.MEAN_CORPUSCULAR_VOLUME} <= set(used)


STATE_CODES = re.compile(r"\b(LOW|NORMAL|ELEVATED|MARKED|BORDERLINE|MISSING|MASKED|CONF|PARTIAL)\b")
MORE_CODES = re.compile(r"\b(ID_TRUE|HIGH_SAT|ACD|IDX|IDX_B|LOWIRON_INDET|DEF|NOTDEF|UNK)\b")


def test_what_a_condition_saw_is_told_without_codes_of_states() -> None:
    for _name, case in islice(checks.checked_cases(), 0, None, 97):
        for rule in RULES:
            for each in rule.when:
                text = each.seen(case)
                assert not STATE_CODES.search(text), (rule.id, text)
                assert not MORE_CODES.search(text), (rule.id, text)
