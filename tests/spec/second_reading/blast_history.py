"""Which blasts stand (clinical-definition 2.4) read a second time."""

from __future__ import annotations

from tests.spec.second_reading.chart import QUARTER, Chart, Film, Value
from tests.spec.second_reading.lines import least


def standing(chart: Chart, oldest: float = 30, youngest: float = 0) -> tuple[bool, bool]:
    """2.4: do blasts stand, and is it more than a small number?"""
    number, large = blast_number(chart, oldest, youngest)
    films = [f for f in chart.films if f.kind == "BLASTS" and youngest <= f.days <= oldest]
    newest_film: Film | None = min(films, key=lambda film: film.days, default=None)
    on_film = newest_film is not None and newest_film.present
    return number or on_film, large or on_film


def blast_number(chart: Chart, oldest: float, youngest: float) -> tuple[bool, bool]:
    """2.4: a blast number that stands, and whether it is 5 % or 0.5 or more."""
    numbers = [
        v
        for name in ("blast", "blasta")
        for v in chart.usable(name)
        if youngest <= v.days <= oldest
    ]
    if not numbers:
        return False, False
    newest = min(v.days for v in numbers)
    last = [v for v in numbers if v.days - newest <= QUARTER]
    if any(positive(v) for v in last):
        return True, any(large(v) for v in last)
    clean = [v.days for v in numbers if not positive(v) and counted(chart, v.days)]
    for value in numbers:
        later = {d for d in clean if d < value.days - QUARTER}
        if large(value) and len(later) < 2:
            return True, True
    return False, False


def positive(value: Value) -> bool:
    return value.value > 0 and value.bound not in {"<", "<="}


def large(value: Value) -> bool:
    return positive(value) and value.value >= (5 if value.analyte == "blast" else 0.5)


def counted(chart: Chart, days: float) -> bool:
    """Was WBC 1.0 or more in the specimen of this differential?"""
    return any(abs(w.days - days) <= QUARTER and least(w, 1.0) for w in chart.usable("wbc"))
