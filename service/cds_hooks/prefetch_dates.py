"""Prefetch templates that ask only for the time in which results can decide.

CDS Hooks 3.0.0-ballot (main, June 2026) lets a template compute a date from the day of the call.
The days are those of the interpreter's windows, so that the two cannot drift.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from service.cds_hooks.prefetch_template import Template, since_days_ago
from service.interpreter.windows import COUNT_GROUPS, REACH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from fhir_mappings.panel import DataGroup

SLACK = timedelta(days=2)
"""For the time zones of client and server, and for results that are dated by day alone."""


def days_asked(group: DataGroup) -> int:
    """Return the whole days before the call that the template of a group asks for."""
    return -(-(REACH[group] + SLACK) // timedelta(days=1))


def dated_keys(*, wanted: bool, every_key: bool) -> frozenset[DataGroup]:
    """Return the keys whose templates carry a date.

    With every key in discovery none of the counts has one: that is meant for EHRs that give no FHIR
    access, where an older count that a card shows could not be fetched.
    """
    if not wanted:
        return frozenset()
    return frozenset(REACH) - (COUNT_GROUPS if every_key else frozenset())


def with_dates(templates: Mapping[str, str], keys: frozenset[DataGroup]) -> dict[str, str]:
    """Return the templates, those of `keys` with a date."""
    dates = {group.value: since_days_ago(days_asked(group)) for group in keys}
    return {
        key: f"{text}&date={dates[key]}" if key in dates else text
        for key, text in templates.items()
    }


def as_filled_on(
    today: date, templates: Mapping[DataGroup, Template], keys: frozenset[DataGroup]
) -> dict[DataGroup, Template]:
    """Return the searches of a CDS Client that fills the templates on this day, `keys` dated."""
    filled = dict(templates)
    for group in keys & filled.keys():
        asked = ("date", since_days_ago(days_asked(group)))
        template = filled[group]
        filled[group] = Template(template.resource_type, (*template.parameters, asked)).on(today)
    return filled
