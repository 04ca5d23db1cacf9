"""Which medicines were given in a span of days (clinical-definition 5, "given")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import MedicationKind

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from fhir_mappings.context import Medication, ValueSetName
    from service.interpreter.assessment.timeline import Timeline


def medications(chart: Timeline, *sets: ValueSetName) -> tuple[Medication, ...]:
    """Return the medicines in any of the sets, whenever given."""
    if not chart.facts.context.medications:
        return ()
    wanted = frozenset(sets)
    return tuple(item for item in chart.facts.context.medications if item.sets & wanted)


def last_day(medication: Medication, now: datetime) -> date | None:
    """Return the last day on which the record shows the medicine given.

    A MedicationRequest shows its own date only: never having been closed does not show a dose.
    """
    if medication.last is not None:
        return medication.last
    if medication.active and medication.kind is not MedicationKind.REQUEST and medication.first:
        return max(now.date(), medication.first)
    return medication.first


def given_between(
    chart: Timeline, start: date, end: date, *sets: ValueSetName
) -> tuple[Medication, ...]:
    """Return the medicines whose days in the record touch `start` to `end`."""
    found = []
    for item in medications(chart, *sets):
        last = last_day(item, chart.now)
        first = item.first or last
        if first is not None and last is not None and first <= end and last >= start:
            found.append(item)
    return tuple(found)


def given_within(chart: Timeline, window: timedelta, *sets: ValueSetName) -> tuple[Medication, ...]:
    """Return the medicines given in the window that ends with the call."""
    today = chart.now.date()
    return given_between(chart, today - window, chart.latest.date(), *sets)


def active_or_given_within(
    chart: Timeline, window: timedelta, *sets: ValueSetName
) -> tuple[Medication, ...]:
    """Return the medicines being taken now or given in the window that ends with the call."""
    given = given_within(chart, window, *sets)
    return tuple(item for item in medications(chart, *sets) if item.active or item in given)
