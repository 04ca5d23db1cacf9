"""Transfusions and medicines that the rules looked at, with their days, for the plotted course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mappings.context import Medication, Procedure
from service.cards.escaping import plain
from service.interpreter.assessment.assess import assess
from service.interpreter.assessment.medications import last_day
from service.interpreter.formatting import day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from service.interpreter.assessment.situation import Situation
    from service.interpreter.interpretation import Facts

_MOST_EVENTS = 40
_MOST_NAME = 60


def marked_events(facts: Facts, now: datetime) -> list[dict[str, Any]]:
    """Return what was given and when, oldest first, as plain JSON types.

    Only what the assessment of this patient rests on: transfusions that mask a count, chemotherapy,
    and the medicines that the rules name. `to` is left out for what has one day. What has no date
    has no place on the axis.
    """
    situation = assess(facts, now)
    found: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for kind, item in _of_interest(situation):
        days = _days(item, now)
        if days is None:
            continue
        event = _event(kind, item, *days)
        found.setdefault((kind, event["name"], event["from"], event.get("to", "")), event)
    ordered = sorted(found.values(), key=lambda event: (event["from"], event["name"]))
    return ordered[-_MOST_EVENTS:]


def _of_interest(situation: Situation) -> Iterator[tuple[str, Medication | Procedure]]:
    for procedure in (
        *situation.transfusions.red_cells_transfused,
        *situation.transfusions.platelets_transfused,
    ):
        yield "transfusion", procedure
    for item in situation.history.chemotherapy:
        if isinstance(item, Medication | Procedure):
            yield "drug", item
    for medicines in (
        situation.history.marrow_suppressive,
        situation.urgent.agranulocytosis_drugs,
        situation.urgent.heparins,
        situation.chemistry.b12_medication,
        situation.history.growth_factors,
        situation.history.zinc,
        situation.transfusions.intravenous_iron,
    ):
        for medicine in medicines:
            yield "drug", medicine


def _days(item: Medication | Procedure, now: datetime) -> tuple[date, date] | None:
    if isinstance(item, Procedure):
        return None if item.performed is None else (item.performed.date(), item.performed.date())
    last = last_day(item, now)
    first = item.first or last
    return None if first is None or last is None else (first, max(first, last))


def _event(kind: str, item: Medication | Procedure, first: date, last: date) -> dict[str, Any]:
    name = item.name if isinstance(item, Medication) else item.display
    event: dict[str, Any] = {
        "kind": kind,
        "name": plain(name, _MOST_NAME),
        "from": first.isoformat(),
        "shown": day(first) if first == last else f"{day(first)} to {day(last)}",
        "source": item.source,
    }
    return event if first == last else event | {"to": last.isoformat()}
