"""The charts of the report page, as shapes with whole coordinates; the template draws them.

Rows of small groups are left out before anything is added up, so that no sum gives them away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from service.feedback.override_reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from service.feedback.report import Report, ReportRow

WIDTH, HEIGHT = 720, 96
DAYS_AS_DAYS = 62
"""Longer periods are drawn week by week."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One rectangle: `kind` decides its color, `title` says what it means."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(slots=True)
class FindingPicture:
    """What is drawn of one finding: cards over time, and the outcomes of those shown."""

    finding: str
    shown: int = 0
    shadow: int = 0
    highest: int = 0
    over_time: list[Shape] = field(default_factory=list)
    outcomes: list[Shape] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picture:
    """All findings on the same scale. `step` is the number of days of one bar."""

    findings: tuple[FindingPicture, ...]
    first: date
    last: date
    step: int


def picture(report: Report) -> Picture:
    """Draw the report."""
    first = report.since.date()
    last = report.until.date()
    step = 1 if (last - first).days < DAYS_AS_DAYS else 7
    visible = [row for row in report.rows if not row.small and (row.shown or row.shadow)]
    by_finding: dict[str, list[ReportRow]] = {}
    for row in visible:
        by_finding.setdefault(row.finding, []).append(row)
    bars = {finding: _bars(rows, first, last, step) for finding, rows in by_finding.items()}
    highest = max((sum(bar) for each in bars.values() for bar in each), default=0)
    findings = tuple(
        FindingPicture(
            finding,
            sum(row.shown for row in rows),
            sum(row.shadow for row in rows),
            highest,
            _over_time(bars[finding], highest, first, step),
            _outcomes(rows),
        )
        for finding, rows in by_finding.items()
    )
    return Picture(findings, first, last, step)


def _bars(rows: Iterable[ReportRow], first: date, last: date, step: int) -> list[tuple[int, int]]:
    shown = [0] * ((last - first).days // step + 1)
    shadow = list(shown)
    for row in rows:
        for day, cards in row.by_day.items():
            place = (day - first).days // step
            shown[place] += cards.shown
            shadow[place] += cards.shadow
    return list(zip(shown, shadow, strict=True))


def _over_time(
    bars: Sequence[tuple[int, int]], highest: int, first: date, step: int
) -> list[Shape]:
    slot = WIDTH / len(bars)
    shapes: list[Shape] = []
    for place, counts in enumerate(bars):
        day = first + timedelta(days=place * step)
        when = day.isoformat() if step == 1 else f"week from {day.isoformat()}"
        top = float(HEIGHT)
        for kind, number in zip(("shown", "shadow"), counts, strict=True):
            if number:
                height = HEIGHT * number / highest
                top -= height
                shapes.append(
                    _shape(kind, place * slot, top, slot * 0.84, height, f"{when}: {number} {kind}")
                )
    return shapes


def _outcomes(rows: Sequence[ReportRow]) -> list[Shape]:
    """One bar as wide as the picture: accepted, overridden by reason, unanswered."""
    reasons: dict[str, int] = {}
    for row in rows:
        for reason, number in row.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + number
    parts = [
        ("accepted", "accepted", sum(row.accepted for row in rows)),
        *((f"reason {r}", f"overridden: {r}", reasons.get(r, 0)) for r in REASONS),
        ("unanswered", "unanswered", sum(row.unanswered for row in rows)),
    ]
    whole = sum(number for _, _, number in parts)
    shapes: list[Shape] = []
    x = 0.0
    for kind, text, number in parts:
        if number:
            width = WIDTH * number / whole
            shapes.append(_shape(kind, x, 0, max(width - 1, 0.5), 22, f"{text}: {number}"))
            x += width
    return shapes


def _shape(kind: str, x: float, y: float, width: float, height: float, title: str) -> Shape:
    return Shape(kind, round(x, 2), round(y, 2), round(width, 2), round(height, 2), title)
