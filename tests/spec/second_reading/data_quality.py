"""data-quality (clinical-knowledge 3.3, A10) read a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.spec.second_reading import chemistry
from tests.spec.second_reading.chart import QUARTER

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Value
    from tests.spec.second_reading.patient import Patient


def data_quality(p: Patient) -> bool:
    """3.3: a refused count whose line no usable result judges; iron and B12 with two low lines."""
    chart, c = p.chart, p.counts
    refused = [v for v in chart.values if v.refused in {"unit", "absent"} and v.days <= 90]
    if any(v.analyte == "hgb" for v in refused) and c.hgb is None:
        return True
    if any(v.analyte == "plt" for v in refused) and c.plt is None:
        return True
    if any(v.analyte in {"anc", "wbc"} and white_due(p, v) for v in refused):
        return True
    if not c.pattern:
        return False
    if chemistry.iron_set_aside(chart, p.anchor):
        return True
    others = {"iron": 30, "tibc": 30, "tsat": 30, "b12": 90}
    return any(
        chart.newest(name, p.anchor + window) is None
        for name, window in others.items()
        if any(v.analyte == name and v.days <= p.anchor + window for v in refused)
    )


def white_due(p: Patient, refused: Value) -> bool:
    """3.3 and A10: does no usable ANC or WBC judge the line that this result was about?"""
    anc, wbc = p.counts.anc, p.counts.wbc
    if refused.analyte == "anc" and anc is not None:
        return False
    if refused.analyte == "wbc" and wbc is not None:
        return False
    others = [v for v in ((anc, wbc) if refused.analyte == "anc" else (anc,)) if v is not None]
    if refused.refused == "absent":
        return anc is None and wbc is None
    return not any(refused.days - v.days > QUARTER for v in others)
