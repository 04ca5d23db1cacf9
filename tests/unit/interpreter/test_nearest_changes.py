"""The nearest single value that would change the answer, found by asking the interpreter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte
from service.interpreter.interpret import interpret
from service.interpreter.nearest_changes import answer_of, nearest_changes, verdict
from tests.support.chart_facts import chart_facts
from tests.support.facts import NOW, count, facts, result
from tests.support.random_chart_resources import resources
from tests.support.random_charts import random_charts
from tests.support.vignette_charts import T0

if TYPE_CHECKING:
    from decimal import Decimal

    from service.interpreter.interpretation import Interpretation


def ids(answer: Interpretation) -> tuple[str, ...]:
    every = (answer.overlay, *answer.lower_overlays, answer.finding)
    return tuple(each.id for each in every if each is not None and each.has_card)


def changes(results: list[Any]) -> dict[Analyte, tuple[Decimal, tuple[str, ...]]]:
    given_facts = facts(results)
    found = nearest_changes(given_facts, NOW, interpret(given_facts, NOW))
    return {each.result.analyte: (each.value, each.findings) for each in found}


def test_platelets_just_below_the_limit_turn_the_answer_at_the_limit() -> None:
    found = changes([*count(8.9, 1.1, 149), result(Analyte.VITAMIN_B12, "1480")])
    value, findings = found[Analyte.PLATELETS]
    assert value == 150
    assert "pancytopenia-high-b12" not in findings


def test_severe_neutropenia_is_one_step_below_the_limit() -> None:
    value, findings = changes(count(8.9, "0.5", 84))[Analyte.NEUTROPHILS]
    assert str(value) == "0.4"
    assert "severe-cytopenias" in findings


def test_no_result_no_change() -> None:
    assert changes([]) == {}


values = st.decimals("0.1", "20", places=1)


@settings(max_examples=60, deadline=None)
@given(values, values, st.integers(1, 400), st.sampled_from(["150", "320", "700", "1200"]))
def test_every_change_that_is_told_is_what_the_interpreter_answers(hgb, anc, plt, b12) -> None:
    chart = facts([*count(hgb, anc, plt), result(Analyte.VITAMIN_B12, b12)])
    today = interpret(chart, NOW)
    for change in nearest_changes(chart, NOW, today):
        analyte = change.result.analyte
        results = {**chart.panel.results, analyte: (result(analyte, change.value),)}
        then = interpret(replace(chart, panel=replace(chart.panel, results=results)), NOW)
        assert ids(then) == change.findings or then.data_quality


def test_the_verdict_without_words_is_that_of_the_interpretation() -> None:
    seen = set()
    for chart in random_charts(20261128, 120):
        given_facts = replace(chart_facts(resources(chart)), user_is_patient=chart.portal_user)
        said = answer_of(interpret(given_facts, T0, explained=False))
        assert verdict(given_facts, T0, frozenset()) == said
        seen.add(said[1])
    assert seen == {"", "info", "warning", "critical"}


def test_a_finding_that_is_switched_off_has_no_part_in_the_verdict() -> None:
    chart = facts([*count(8.9, 1.1, 84), result(Analyte.VITAMIN_B12, "1480")])
    off = frozenset({"pancytopenia-high-b12"})
    assert verdict(chart, NOW, off) == answer_of(interpret(chart, NOW, off))
    assert verdict(chart, NOW, off) != verdict(chart, NOW, frozenset())
