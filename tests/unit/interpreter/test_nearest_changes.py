"""The nearest single value that would change the answer, found by asking the interpreter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte
from service.interpreter.interpret import interpret
from service.interpreter.nearest_changes import nearest_changes
from tests.support.facts import NOW, count, facts, result

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
