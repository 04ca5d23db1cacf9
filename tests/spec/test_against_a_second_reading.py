"""The service and a second, independent reading of the table say the same of random charts.

`RANDOM_CHARTS` is the number of charts (500 unless set): after a change of the table
run `RANDOM_CHARTS=5000 pytest tests/spec/test_against_a_second_reading.py`.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.panel import DataGroup
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import FindingIndicator
from tests.spec.second_reading.orders import proposed
from tests.spec.second_reading.table import OVERLAYS, Reading, read
from tests.spec.second_reading.work_up import work_up
from tests.support.changing import replace
from tests.support.chart_facts import chart_facts
from tests.support.random_chart_resources import drafts, resources
from tests.support.random_charts import random_charts
from tests.support.vignette_charts import T0

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Chart

INDICATORS = list(FindingIndicator)
UNREAD = {"copper", "zinc", "ultrasound-abdomen", "ct-abdomen-pelvis"}
"""Orders of M10 and M13, which the second reading leaves out."""
CHARTS = int(os.environ.get("RANDOM_CHARTS", "500"))
PARTS = 10
FINDINGS = (
    *OVERLAYS,
    "index-pattern",
    "pancytopenia-high-b12",
    "pancytopenia-high-b12-iron-deficiency",
    "false-high-b12",
    "treated-b12-deficiency",
    "pancytopenia-low-b12",
    "b12-function-unknown",
    "functional-b12-deficiency",
    "unexplained-pancytopenia",
    "folate-deficiency",
    "pancytopenia-iron-deficiency",
    "pancytopenia-chronic-disease-iron",
    "incomplete-workup",
    "bicytopenia-high-b12",
    "bicytopenia-low-b12",
    "bicytopenia",
    "incomplete-cbc",
    "stale-counts",
    "pediatric",
    "pregnancy",
    "known-hematologic-disorder",
    "recent-chemotherapy",
    "b12-order-without-deficiency",
    "iron-order-without-deficiency",
    "data-quality",
)


def charts(part: int) -> list[Chart]:
    """The charts of one part of the run, the same in each run."""
    return list(random_charts(20261200 + part, CHARTS // PARTS))


def expected(chart: Chart) -> dict[str, Any]:
    """What the second reading says."""
    made = read(chart)
    return {
        "findings": made.findings,
        "indicator": made.indicator,
        "data-quality": made.data_quality,
        "orders": {
            order: priority
            for order, priority in {**proposed(chart, made), **work_up(chart, made)}.items()
            if order not in UNREAD
        },
        "order findings": made.order_findings,
    }


def shown(chart: Chart) -> dict[str, Any]:
    """What the product finds, from FHIR resources through its readers."""
    hidden = frozenset({DataGroup.KIDNEY_FUNCTION}) if chart.kidney_unavailable else frozenset()
    facts = chart_facts(resources(chart), hidden, drafts(chart))
    answer = interpret(replace(facts, user_is_patient=chart.portal_user), T0)
    fired = [
        each
        for each in (answer.overlay, *answer.lower_overlays, answer.finding)
        if each is not None and each.has_card
    ]
    return {
        "findings": [each.id for each in fired],
        "indicator": max((each.indicator for each in fired), key=INDICATORS.index, default=""),
        "data-quality": answer.data_quality is not None,
        "orders": {each.order: each.priority for each in answer.orders if each.order not in UNREAD},
        "order findings": {each.id for each, _draft in answer.order_findings},
    }


@pytest.mark.parametrize("part", range(PARTS))
def test_both_readings_say_the_same(part: int) -> None:
    for chart in charts(part):
        assert shown(chart) == expected(chart), chart


def test_the_charts_reach_every_finding() -> None:
    reached: Counter[str] = Counter()
    for part in range(PARTS):
        for chart in charts(part):
            reached.update(names(read(chart)))
    assert {name: reached[name] for name in FINDINGS if reached[name] < CHARTS // 150} == {}


def names(made: Reading) -> list[str]:
    """Everything that one reading names."""
    return [
        *made.findings,
        *made.order_findings,
        *(["data-quality"] if made.data_quality else []),
    ]
