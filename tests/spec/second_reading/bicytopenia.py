"""Two low lines and a normal third (clinical-definition 3.1 step 10 and 3.2) read a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.spec.second_reading import chemistry, lines
from tests.spec.second_reading.lines import least, over, yes

if TYPE_CHECKING:
    from tests.spec.second_reading.patient import Patient


def bicytopenia(p: Patient, overlays: list[str]) -> str:
    """Step 10."""
    if p.b12 == "HIGH" and p.func == "DEF":
        return "false-high-b12"
    if p.b12 == "LOW":
        return "bicytopenia-low-b12"
    if not gate(p, overlays):
        return ""
    explained = p.portal or chemistry.b12_medicine(p.chart)
    return "bicytopenia-high-b12" if p.b12 == "HIGH" and not explained else "bicytopenia"


def gate(p: Patient, overlays: list[str]) -> bool:
    """The gate of the bicytopenia row."""
    c = p.counts
    pair = not c.low_white
    if pair and p.portal and least(c.plt, 30):
        return over(c.mcv, 115) or bool(overlays)
    if overlays:
        return True
    if p.chart.stay_days is None:
        white = yes(c.anc, 1.0) if c.anc else yes(c.wbc, 2.0)
        deep = yes(c.hgb, 10.0) or white or yes(c.plt, 100)
        return deep or over(c.mcv, 100) or over(c.wbc, 30)
    if c.low_white and (not c.white_by_wbc or yes(c.wbc, 3.0)):
        return True
    if over(c.mcv, 110) or yes(c.plt, 50) or over(c.wbc, 50):
        return True
    return yes(c.plt, 100) and (over(c.wbc, 30) or earlier_low(p))


def earlier_low(p: Patient) -> bool:
    """Both low lines low in a specimen 7 to 90 d before the anchor and before the stay."""
    c, stay = p.counts, p.chart.stay_days or 0.0
    for each in lines.specimens(p.chart, p.anchor + 90, max(p.anchor + 7, stay)):
        same = (
            (each.low_hgb or not c.low_hgb)
            and (each.low_white or not c.low_white)
            and (each.low_plt or not c.low_plt)
        )
        if same:
            return True
    return False
