"""What exists already: marrow results and hematology referrals (clinical-definition 3.5 M4, M5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from service.interpreter.assessment.encounters import encounters_of
from service.interpreter.assessment.procedures import under_way_or_between
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY
from service.interpreter.windows import Span

if TYPE_CHECKING:
    from fhir_mappings.context import Encounter, ExistingOrder, Procedure
    from fhir_mappings.panel import MarrowResult
    from service.interpreter.assessment.timeline import Timeline

_STANDING = frozenset({"draft", "active", "on-hold"})


def standing_orders(chart: Timeline, order: str, target: ValueSetName) -> tuple[ExistingOrder, ...]:
    """Return orders of that id or set that stand: drafted in the hook, or <= 90 d old.

    One without a date stands as long as its status says so.
    """
    span = chart.since(chart.now - chart.windows.order_stands)
    return tuple(
        item
        for item in chart.facts.context.orders
        if (target in item.sets or order in item.orders)
        and (
            item.drafted
            or (item.status in _STANDING and (item.authored is None or span.holds(item.authored)))
        )
    )


def marrow_exists(chart: Timeline) -> tuple[Procedure | ExistingOrder | MarrowResult, ...]:
    """Return marrow procedures, orders and results that make another proposal unnecessary (M4)."""
    span = chart.since(chart.now - chart.windows.marrow_done)
    procedures = under_way_or_between(
        chart, span, ValueSetName.MARROW_PROCEDURES, ValueSetName.STEM_CELL_TRANSPLANT
    )
    orders = standing_orders(chart, MARROW_BIOPSY, ValueSetName.MARROW_PROCEDURES)
    results = tuple(item for item in chart.facts.panel.marrow if span.holds(item.taken))
    return (*procedures, *orders, *results)


def referral_exists(chart: Timeline) -> tuple[ExistingOrder | Encounter, ...]:
    """Return hematology referrals and visits, past 90 d to 60 d ahead (M5)."""
    orders = standing_orders(chart, HEMATOLOGY_REFERRAL, ValueSetName.HEMATOLOGY_REFERRALS)
    span = Span(chart.now - chart.windows.order_stands, chart.now + chart.windows.encounter_ahead)
    return (*orders, *encounters_of(chart, span, ValueSetName.HEMATOLOGY_ENCOUNTERS))
