"""The service and a second, independent reading of the table say the same of random charts.

`HEME_HOOKS_RANDOM_CHARTS` is the number of charts (500 unless set): after a change of the table
run `HEME_HOOKS_RANDOM_CHARTS=5000 pytest tests/spec/test_against_a_second_reading.py`.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from service.app import create_app
from service.settings import Settings
from tests.functional.calls.test_vignettes_over_http import (
    ORDER_CODES,
    TEMPLATES,
    call,
    prefetched,
)
from tests.spec.second_reading.orders import proposed
from tests.spec.second_reading.table import OVERLAYS, Reading, read
from tests.spec.second_reading.work_up import work_up
from tests.support.random_chart_resources import drafts, resources
from tests.support.random_charts import random_charts
from tests.support.vignette_charts import PATIENT, T0

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.spec.second_reading.chart import Chart

UNREAD = {"copper", "zinc", "ultrasound-abdomen", "ct-abdomen-pelvis"}
"""Orders of M10 and M13, which the second reading leaves out."""
CHARTS = int(os.environ.get("HEME_HOOKS_RANDOM_CHARTS", "500"))
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


def shown(client: FlaskClient, chart: Chart) -> dict[str, Any]:
    """What the service shows."""
    prefetch = prefetched(resources(chart), list(TEMPLATES))
    if chart.kidney_unavailable:
        del prefetch["kidneyFunction"]
    user = f"Patient/{PATIENT}" if chart.portal_user else "Practitioner/1"
    cards = call(client, prefetch, context={"userId": user})
    named = [name for card in cards for name in findings_of(card)]
    leading = [card for card in cards if findings_of(card)[0] != "data-quality"]
    order_cards = []
    if chart.drafts:
        entries = [{"resource": each} for each in drafts(chart)]
        order_cards = call(
            client,
            prefetch,
            service="pancytopenia-order-sign",
            hook="order-sign",
            context={
                "userId": user,
                "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": entries},
            },
        )
    return {
        "findings": [name for name in named if name != "data-quality"],
        "indicator": leading[0]["indicator"] if leading else "",
        "data-quality": "data-quality" in named,
        "orders": priorities(cards),
        "order findings": {findings_of(card)[0] for card in order_cards},
    }


def findings_of(card: dict[str, Any]) -> list[str]:
    """Every finding that the card names, the leading one first."""
    return list(card["extension"]["heme-hooks"]["findings"])


def priorities(cards: list[dict[str, Any]]) -> dict[str, str]:
    """Every order that is proposed, with its priority."""
    by_code = {code: order for order in set(ORDER_CODES) - UNREAD for code in ORDER_CODES[order]}
    return {
        by_code[coding["code"]]: action["resource"]["priority"]
        for card in cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
        for coding in action.get("resource", {}).get("code", {}).get("coding", [])
        if coding["code"] in by_code
    }


@pytest.mark.parametrize("part", range(PARTS))
def test_both_readings_say_the_same(part: int) -> None:
    client = create_app(Settings(database_url=""), clock=lambda: T0).test_client()
    for chart in charts(part):
        assert shown(client, chart) == expected(chart), chart


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
