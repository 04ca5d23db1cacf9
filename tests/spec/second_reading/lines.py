"""The three cell lines and their severity (clinical-definition 2.1, 2.2, 2.6), a second time."""

from __future__ import annotations

from dataclasses import dataclass

from tests.spec.second_reading.chart import QUARTER, Chart, Value, neutrophils

TOGETHER, CURRENT, STALE = 3.0, 14.0, 90.0
LIMITS = {"anc": 1.8, "wbc": 4.0, "plt": 150.0}
RANGES = {"hgb": (10.0, 14.5), "anc": (1.0, 2.2), "wbc": (3.0, 5.0), "plt": (100.0, 180.0)}
CHILD = {"hgb": 9.0, "anc": 1.0, "wbc": 2.5, "plt": 100.0}


@dataclass(frozen=True)
class Counts:
    """One blood count: what stands in the 72 h that end at the anchor, or one earlier specimen."""

    hgb: Value | None = None
    anc: Value | None = None
    wbc: Value | None = None
    plt: Value | None = None
    mcv: Value | None = None
    anchor: float | None = None
    low_hgb: bool | None = None
    low_white: bool | None = None
    low_plt: bool | None = None
    masked: int = 0
    white_by_wbc: bool = False

    @property
    def low(self) -> int:
        return [self.low_hgb, self.low_white, self.low_plt].count(True)

    @property
    def pattern(self) -> str:
        """2.1: PAN, BI, BIINC or nothing."""
        if self.low == 3:
            return "PAN"
        if self.low < 2:
            return ""
        if self.masked:
            return "PAN"
        return "BIINC" if None in (self.low_hgb, self.low_white, self.low_plt) else "BI"

    @property
    def current(self) -> bool:
        return self.anchor is not None and self.anchor <= CURRENT


def yes(value: Value | None, limit: float) -> bool:
    """Certainly below the limit."""
    return value is not None and value.below(limit) is True


def over(value: Value | None, limit: float) -> bool:
    """Certainly above the limit."""
    return value is not None and value.above(limit) is True


def least(value: Value | None, limit: float) -> bool:
    """Certainly at least the limit."""
    return value is not None and value.below(limit) is False


def fixed_limit(chart: Chart, analyte: str) -> float:
    """2.1 without the laboratory's range."""
    if chart.age < 18:
        return CHILD[analyte]
    if analyte == "hgb":
        if chart.pregnant:
            return 10.5 if chart.trimester == 2 else 11.0
        return 13.0 if chart.sex == "male" else 12.0
    return 100.0 if analyte == "plt" and chart.pregnant else LIMITS[analyte]


def is_low(chart: Chart, value: Value) -> bool | None:
    """2.1, 2.5 and 2.6: is this count low?"""
    limit = fixed_limit(chart, value.analyte)
    flagged = value.flag in {"L", "LL"}
    if chart.age < 18:
        if flagged:
            return True
        return value.below(limit if value.low is None else value.low)
    if chart.pregnant:
        return value.below(limit)
    lowest, highest = RANGES[value.analyte]
    if value.low is not None and lowest <= value.low <= highest:
        return value.below(value.low)
    return value.below(limit * 1.1 if flagged else limit)


def clumped(chart: Chart, platelets: Value) -> bool:
    """1.5: clumps on the platelet specimen or within 72 h of it."""
    clumps = (film for film in chart.films if film.kind == "PLT_CLUMP" and film.present)
    return any(abs(film.days - platelets.days) <= TOGETHER for film in clumps)


def transfused(days: float | None, sample: Value, window: float) -> bool:
    """Was blood given in the days before this sample?"""
    return days is not None and 0 <= days - sample.days <= window


def counts(chart: Chart, oldest: float = STALE, anchored: float | None = None) -> Counts:
    """2.1 and 2.4: the three lines of the 72 h that end at the newest count."""
    ancs = neutrophils(chart)
    lines = [v for name in ("hgb", "wbc", "plt") for v in chart.usable(name)] + ancs
    within = [v.days for v in lines if v.days <= oldest]
    if anchored is None and not within:
        return Counts()
    anchor = min(within) if anchored is None else anchored
    until = anchor + (TOGETHER if anchored is None else QUARTER)
    hgb = chart.newest("hgb", until, anchor)
    wbc = chart.newest("wbc", until, anchor)
    plt = chart.newest("plt", until, anchor)
    anc = next((v for v in ancs if anchor <= v.days <= until), None)
    white, by_wbc = white_line(chart, anc, wbc)
    if anc is not None and is_low(chart, anc) is None:
        anc = None  # an open bound counts as none
    low_hgb = None if hgb is None else is_low(chart, hgb)
    low_plt = None if plt is None else is_low(chart, plt)
    masked = 0
    if hgb is not None and low_hgb is False:
        masked += transfused(chart.red_cells_days, hgb, 7)
    if plt is not None and low_plt is False:
        masked += transfused(chart.platelets_days, plt, 3)
    if plt is not None and low_plt and clumped(chart, plt):
        low_plt = None
    mcv = chart.newest("mcv", until, anchor)
    return Counts(
        hgb, anc, wbc, plt, mcv, anchor, low_hgb, white, low_plt, masked, white_by_wbc=by_wbc
    )


def white_line(chart: Chart, anc: Value | None, wbc: Value | None) -> tuple[bool | None, bool]:
    """2.1: is the white line low, and did WBC alone judge it?"""
    by_wbc = None if wbc is None else is_low(chart, wbc)
    low = None if anc is None else is_low(chart, anc)
    if anc is None or low is None:
        return by_wbc, wbc is not None
    older = wbc is not None and anc.days - wbc.days > QUARTER
    if low and older and by_wbc is False and least(anc, 1.0):
        return False, False
    return low, False


def specimens(chart: Chart, oldest: float, youngest: float) -> list[Counts]:
    """Every earlier blood count drawn between so many days before the call, by itself."""
    days = {v.days for name in ("hgb", "wbc", "anc", "plt") for v in chart.usable(name)}
    return [counts(chart, anchored=d) for d in days if youngest <= d <= oldest]


def severe(found: Counts, *, hemoglobin: bool = True, conflicts: bool = False) -> list[str]:
    """2.2 for at least two low lines: which lines are beyond the severe limit."""
    if not found.pattern:
        return []
    white = found.anc or found.wbc
    severe_lines = []
    if yes(white, 0.5):
        severe_lines.append("white")
    if found.low_plt and yes(found.plt, 20):
        severe_lines.append("plt")
    beside = found.pattern == "PAN" or (bool(found.low_plt) and yes(found.plt, 50))
    beside = beside or (yes(found.anc, 1.0) if found.anc else yes(found.wbc, 2.0))
    if hemoglobin and yes(found.hgb, 7.0) and beside:
        severe_lines.append("hgb")
    by_name = {"white": white, "plt": found.plt, "hgb": found.hgb}
    return [name for name in severe_lines if conflicts or not conflicting(by_name[name])]


def conflicting(value: Value | None) -> bool:
    return value is not None and value.conflict
