"""Hospital stays and visits in time (clinical-definition 3.2 bicytopenia, 3.5 M5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_mappings.context import Encounter, ValueSetName
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.windows import Span

STAY_CLASSES = frozenset({"IMP", "ACUTE", "NONAC", "EMER", "OBSENC"})
_NEVER_HAPPENED = frozenset({"cancelled", "entered-in-error", "noshow", "no-show", "waitlist"})
AHEAD = frozenset({"planned", "proposed", "pending", "booked"})
_OVER = frozenset({"finished", "completed", "discharged"})


def in_hospital_at(chart: Timeline, moment: datetime, *, now: bool) -> bool:
    """Whether a hospital or emergency stay was in progress at `moment`.

    `now`: the moment is the call, at which a stay that is over has ended whatever its period says.
    """
    return bool(_stays_at(chart, moment, now=now))


def stay_began(chart: Timeline, moment: datetime, *, now: bool) -> datetime | None:
    """Return when the earliest stay in progress at `moment` began; None when none says so."""
    starts = (stay.start for stay in _stays_at(chart, moment, now=now))
    return min((start for start in starts if start is not None), default=None)


def _stays_at(chart: Timeline, moment: datetime, *, now: bool) -> tuple[Encounter, ...]:
    return tuple(
        stay
        for stay in chart.facts.context.encounters
        if stay.kind.upper() in STAY_CLASSES
        and not stay.is_appointment
        and _covers(stay, moment, now=now)
    )


def _covers(stay: Encounter, moment: datetime, *, now: bool) -> bool:
    if stay.status in _NEVER_HAPPENED | AHEAD:
        return False
    over = stay.status in _OVER
    if over and (now or stay.end is None or stay.start is None):
        return False
    if stay.start is None and not now:
        return False
    began = stay.start is None or stay.start <= moment
    return began and (stay.end is None or stay.end >= moment)


def encounters_of(chart: Timeline, span: Span, *sets: ValueSetName) -> tuple[Encounter, ...]:
    """Return encounters and appointments in any of the sets that touch the span.

    One without any date counts while it is under way or still ahead.
    """
    wanted = frozenset(sets)
    return tuple(
        item
        for item in chart.facts.context.encounters
        if item.sets & wanted and item.status not in _NEVER_HAPPENED and _touches(item, span)
    )


def _touches(item: Encounter, span: Span) -> bool:
    start, end = item.start or item.end, item.end
    if start is None:
        return item.status not in _OVER
    if end is None:
        ongoing = item.status not in _OVER | AHEAD and not item.is_appointment
        end = span.end if ongoing and start <= span.end else start
    return start <= span.end and end >= span.start
