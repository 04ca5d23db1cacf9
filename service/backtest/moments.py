"""When the patient is judged: a blood count becomes known, or the chart is opened.

An export does not say when charts were opened. The start of each Encounter, and 08:00 of each
further day of a stay, is an estimate of it, and the report calls it so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from fhir_mappings.r4 import elements
from service.backtest.as_of import analytes_of
from service.interpreter.windows import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fhir_mappings.terminology import Terminology
    from service.backtest.dated import Clock, Dated

BLOOD_COUNTS = frozenset(
    {Analyte.HEMOGLOBIN, Analyte.LEUKOCYTES, Analyte.NEUTROPHILS, Analyte.PLATELETS}
)
LONGEST_STAY = 400
"""Days of one stay at which the chart is taken to be opened; a stay without an end ends here."""

_OPENING_HOUR = time(8)
_NOT_REPORTED = frozenset({"cancelled", "entered-in-error", "registered"})
_NEVER_HAPPENED = frozenset({"planned", "cancelled", "entered-in-error"})
_A_NEW_REPORT = timedelta(hours=24)


class Kind(StrEnum):
    """What makes a moment; each kind has a denominator of its own."""

    COUNT = "count"
    OPENING = "opening"


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One moment at which the patient is judged."""

    at: datetime
    kind: Kind


def count_moments(results: Iterable[Dated], terminology: Terminology) -> list[Moment]:
    """Return when blood counts became known: one moment for each specimen, at its last count.

    Counts of one specimen that became known more than a day apart are two: the later one is a
    correction or an addition that is looked at by itself.
    """
    counts = sorted(
        (
            (each.taken, each.known)
            for each in results
            if each.taken is not None
            and each.known is not None
            and not elements.codes(each.head.status) & _NOT_REPORTED
            and analytes_of(each, terminology) & BLOOD_COUNTS
        ),
    )
    moments: set[Moment] = set()
    for specimen in _specimens(counts):
        last: datetime | None = None
        for known in sorted(specimen):
            if last is not None and known - last > _A_NEW_REPORT:
                moments.add(Moment(last, Kind.COUNT))
            last = known
        if last is not None:
            moments.add(Moment(last, Kind.COUNT))
    return sorted(moments)


def _specimens(counts: Sequence[tuple[datetime, datetime]]) -> Iterator[list[datetime]]:
    first: datetime | None = None
    known: list[datetime] = []
    for taken, at in counts:
        if first is None or taken - first > WINDOWS.same_specimen:
            if known:
                yield known
            first, known = taken, []
        known.append(at)
    if known:
        yield known


def opening_moments(
    resources: Iterable[Dated], clock: Clock, until: datetime
) -> tuple[list[Moment], int]:
    """Return when the chart was opened, as far as an export can tell, and how many stays never end.

    `until` (the end of the period) bounds a stay without an end.
    """
    moments: set[Moment] = set()
    endless = 0
    for each in resources:
        if each.kind != "Encounter" or each.known is None:
            continue
        if elements.codes(each.head.status) & _NEVER_HAPPENED:
            continue
        start = each.known
        moments.add(Moment(start, Kind.OPENING))
        end = clock.period_end(each.head.period)
        if end is None:
            ongoing = bool(elements.codes(each.head.status) & {"in-progress", "onleave"})
            endless += ongoing
            end = until if ongoing else start
        moments.update(_mornings(start, min(end, until), clock))
    return sorted(moments), endless


def _mornings(start: datetime, end: datetime, clock: Clock) -> Iterator[Moment]:
    day = start.astimezone(clock.zone).date()
    for _ in range(LONGEST_STAY):
        day += timedelta(days=1)
        morning = datetime.combine(day, _OPENING_HOUR, clock.zone).astimezone(UTC)
        if morning >= end:
            return
        yield Moment(morning, Kind.OPENING)
