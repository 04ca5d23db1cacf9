"""The second reading is worth comparing with: it gives every worked example of the definition."""

from __future__ import annotations

import pytest

from tests.spec.second_reading.orders import proposed
from tests.spec.second_reading.table import read
from tests.spec.second_reading.work_up import work_up
from tests.spec.second_reading.worked_examples import chart_of
from tests.support.vignette_charts import vignette, vignettes

SILENT = {None, "no card", "known-hematologic-disorder-suppressed", "hospice-suppressed"}
UNREAD = {"copper", "zinc", "ultrasound-abdomen"}
"""Orders of M10 and M13, which the second reading leaves out."""


@pytest.mark.parametrize("name", [each["id"] for each in vignettes()])
def test_the_second_reading_gives_the_worked_example(name: str) -> None:
    given = vignette(name)
    expected, chart = given["expected"], chart_of(given)
    made = read(chart)
    assert made.data_quality == expected["dataQualityCard"]
    if expected["top"] in SILENT:
        assert made.findings == []
        return
    assert made.findings[0] == expected["top"]
    assert expected["primary"] in made.findings
    assert made.indicator == expected["indicator"]
    orders = {*proposed(chart, made), *work_up(chart, made)}
    assert set(expected["mustOrders"]) - UNREAD <= orders
    assert not set(expected["mustNotOrders"]) & orders
