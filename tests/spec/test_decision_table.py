"""The worked examples of clinical-definition 6 through the decision table."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.context import MedicationDraft, ValueSetName
from fhir_mappings.panel import Analyte, DataGroup, Reason, Unreadable
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import Facts, FindingIndicator, FiredFinding, Interpretation
from tests.support.changing import replace
from tests.support.chart_facts import chart_facts
from tests.support.facts import NOW, ago
from tests.support.vignette_charts import T0, chart, vignette, vignettes

INDICATORS = list(FindingIndicator)


def cards(answer: Interpretation) -> list[FiredFinding]:
    """The findings that have a card of their own, data quality apart, the first card first."""
    found = [answer.overlay, answer.finding, *(f for f, _ in answer.order_findings)]
    return [each for each in found if each and each.has_card]


def order_ids(answer: Interpretation) -> set[str]:
    return {order.order for order in answer.orders}


def shows_card(expected: dict[str, Any]) -> bool:
    top = expected["top"]
    return bool(top) and top != "no card" and not top.endswith("-suppressed")


def answer_to(given: dict[str, Any]) -> Interpretation:
    kidneys = frozenset({DataGroup.KIDNEY_FUNCTION})
    hidden = kidneys if given["flags"].get("kidney_unavailable") else frozenset()
    return interpret(chart_facts(chart(given), hidden), T0)


@pytest.mark.parametrize("given", vignettes(), ids=lambda given: given["id"])
def test_a_worked_example_gives_its_cards_and_orders(given: dict[str, Any]) -> None:
    expected = given["expected"]
    answer = answer_to(given)
    check(answer, expected)


def check(answer: Interpretation, expected: dict[str, Any]) -> None:
    assert (answer.data_quality is not None) == expected["dataQualityCard"]
    if not shows_card(expected):
        assert cards(answer) == []
        assert answer.orders == ()
        if expected["top"] and expected["top"] != "no card":
            assert answer.finding is not None
            assert answer.finding.id == expected["top"]
        return
    shown = [each.id for each in cards(answer)]
    assert shown[0] == expected["top"]
    assert expected["primary"] in shown
    assert max(INDICATORS.index(each.indicator) for each in cards(answer)) == INDICATORS.index(
        expected["indicator"]
    )
    assert set(expected["mustOrders"]) <= order_ids(answer)
    assert not set(expected["mustNotOrders"]) & order_ids(answer)
    for each in cards(answer):
        assert 0 < len(each.summary) < 140
        assert "{" not in each.summary


def _with_draft(name: str, draft: MedicationDraft) -> Facts:
    facts = chart_facts(chart(vignette(name)))
    return replace(facts, context=replace(facts.context, drafts=(draft,)))


B12_DRAFT = MedicationDraft(
    "d1", frozenset({ValueSetName.B12_MEDICATION}), "vitamin B 12", selected=True
)
IRON_DRAFT = MedicationDraft(
    "d2", frozenset({ValueSetName.IRON_MEDICATION}), "ferrous sulfate", selected=False
)


def test_p01_b12_ordered_while_b12_is_high_gets_a_warning_beside_the_finding() -> None:
    answer = interpret(_with_draft("V08", B12_DRAFT), NOW)
    assert [each.id for each in cards(answer)] == [
        "pancytopenia-high-b12",
        "b12-order-without-deficiency",
    ]
    assert cards(answer)[1].indicator is FindingIndicator.WARNING
    assert "1000 pg/mL" in cards(answer)[1].summary


def test_p02_iron_signed_without_proven_deficiency_gets_a_warning() -> None:
    answer = interpret(_with_draft("V01", IRON_DRAFT), NOW)
    assert [each.id for each in cards(answer)] == ["index-pattern", "iron-order-without-deficiency"]


def test_p03_iron_for_proven_deficiency_gets_no_warning() -> None:
    answer = interpret(_with_draft("V16", IRON_DRAFT), NOW)
    assert [each.id for each in cards(answer)] == ["pancytopenia-iron-deficiency"]


def test_p01_an_unselected_draft_is_not_asked_about_in_order_select() -> None:
    facts = _with_draft("V08", replace(B12_DRAFT, selected=False))
    facts = replace(facts, context=replace(facts.context, only_selected=True))
    assert interpret(facts, NOW).order_findings == ()


def test_p06_a_refused_hemoglobin_gives_data_quality_beside_the_rest() -> None:
    facts = chart_facts(chart(vignette("V01")))
    results = {k: v for k, v in facts.panel.results.items() if k is not Analyte.HEMOGLOBIN}
    refusal = Unreadable(
        Analyte.HEMOGLOBIN,
        Reason.UNIT_CONFLICT,
        "The code says g/dL, the unit g/L.",
        reported="8.9 g/L",
        taken=ago(1),
    )
    panel = replace(facts.panel, results=results, unreadable=(refusal,))
    answer = interpret(replace(facts, panel=panel), NOW)
    assert [each.id for each in cards(answer)] == ["incomplete-cbc"]
    assert answer.data_quality is not None
    assert "hemoglobin" in answer.data_quality.summary


def test_p07_without_a_birth_date_only_the_age_is_asked_for() -> None:
    facts = chart_facts(chart(vignette("V01")))
    facts = replace(facts, patient=replace(facts.patient, birth_date=None))
    answer = interpret(facts, NOW)
    assert cards(answer) == []
    assert answer.orders == ()
    assert answer.data_quality is not None
    assert answer.data_quality.summary.startswith("Age unknown: blood counts could not be judged.")
    assert answer.data_quality.indicator is FindingIndicator.INFO
