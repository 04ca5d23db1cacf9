"""data-quality (clinical-definition 3.3, A10) read a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.spec.second_reading import chemistry
from tests.spec.second_reading.chart import QUARTER

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Value
    from tests.spec.second_reading.patient import Patient


def data_quality(p: Patient) -> bool:
    """3.3: refused counts; iron studies and B12 of an adult with two low lines."""
    chart = p.chart
    if count_due(p):
        return True
    if not p.counts.pattern or chart.age < 18:
        return False
    if chemistry.iron_set_aside(chart, p.anchor):
        return True
    others = {"iron": 30, "tibc": 30, "tsat": 30, "b12": 90}
    return any(
        chart.newest(name, p.anchor + window) is None
        for name, window in others.items()
        if any(v.analyte == name and v.days <= p.anchor + window for v in refused(p))
    )


def refused(p: Patient) -> list[Value]:
    """What cannot be used of the last 90 d."""
    return [v for v in p.chart.values if v.refused in {"unit", "absent"} and v.days <= 90]


def count_due(p: Patient) -> bool:
    """A refused count whose line no usable result judges."""
    counts = p.counts
    return any(
        (v.analyte == "hgb" and counts.hgb is None)
        or (v.analyte == "plt" and counts.plt is None)
        or (v.analyte in {"anc", "wbc"} and white_due(p, v))
        for v in refused(p)
    )


def white_due(p: Patient, result: Value) -> bool:
    """3.3 and A10: does no usable ANC or WBC judge the line that this result was about?"""
    anc, wbc = p.counts.anc, p.counts.wbc
    if result.analyte == "anc" and anc is not None:
        return False
    if result.analyte == "wbc" and wbc is not None:
        return False
    others = [v for v in ((anc, wbc) if result.analyte == "anc" else (anc,)) if v is not None]
    if result.refused == "absent":
        return anc is None and wbc is None
    return not any(result.days - v.days > QUARTER for v in others)
