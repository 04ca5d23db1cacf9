"""What a part of the report is made of: words, tables, and what a plot shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.backtest.small_groups import unshown
from service.backtest.statistics import Share

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table: `name` is that of its CSV file. Numbers stay numbers; text is for a reader."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a plot, with its interval when it is a share."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """What a plot shows. `text` says in words what there is to see, for who does not see it."""

    name: str
    title: str
    axis: str
    bars: tuple[Bar, ...]
    text: str
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the report, R1 to R11."""

    id: str
    title: str
    words: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(slots=True)
class Measures:
    """The numbers that a committee can set limits to; None: cannot be told.

    `few` names those that rest on fewer than five patients: they are held against the limit, and
    not shown.
    """

    values: dict[str, float | None] = field(default_factory=dict)
    few: set[str] = field(default_factory=set)

    def shown(self, name: str) -> str:
        """Return a number for a reader."""
        value = self.values.get(name)
        return "none" if value is None else "few" if name in self.few else f"{value:g}"


@dataclass(frozen=True, slots=True)
class LimitMet:
    """One limit, what was found, and whether it is met; `met` None: cannot be told."""

    measure: str
    limit: str
    found: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One question of the committee, answered: a number, and what it means in words."""

    question: str
    number: str
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown."""

    title: str
    first: date
    last: date
    answers: tuple[Answer, ...]
    box: tuple[LimitMet, ...]
    incomplete: tuple[str, ...]
    limits_of_method: tuple[str, ...]
    parts: tuple[Part, ...]
    run: tuple[tuple[str, str], ...]


def per(number: int, whole: int, times: int = 100) -> float | None:
    """Return a rate with one decimal, None of nothing."""
    return round(times * number / whole, 1) if whole else None


def share_cells(number: int, whole: int, *, small: bool = False) -> tuple[Cell, ...]:
    """Return `n of N`, percent, and the 95 % interval; hidden where the group is small."""
    share = Share(number, whole)
    interval = share.interval
    if interval is None or share.value is None:
        return ("0 of 0", None, "")
    if small:
        return (f"{unshown(number, whole)} of {whole}", None, "")
    low, high = interval
    return (
        f"{number} of {whole}",
        round(100 * share.value, 1),
        f"{100 * low:.1f} to {100 * high:.1f}",
    )


SHARE_COLUMNS = ("of", "%", "95 % interval")


def quartiles(values: Sequence[int]) -> tuple[Cell, Cell, Cell]:
    """Return lower quartile, median and upper quartile, by linear interpolation."""
    ordered = sorted(values)
    if not ordered:
        return None, None, None

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        found = ordered[below] + (place - below) * (ordered[above] - ordered[below])
        return round(found, 1)

    return at(0.25), at(0.5), at(0.75)
