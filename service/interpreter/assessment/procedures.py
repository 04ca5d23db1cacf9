"""Which procedures took place, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_mappings.context import Procedure, ValueSetName
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.windows import Span

IN_PROGRESS = "in-progress"
TOOK_PLACE = frozenset({IN_PROGRESS, "completed"})


def done_between(chart: Timeline, span: Span, *sets: ValueSetName) -> tuple[Procedure, ...]:
    """Return procedures in any of the sets, under way or completed, performed in the span."""
    if not chart.facts.context.procedures:
        return ()
    wanted = frozenset(sets)
    return tuple(
        procedure
        for procedure in chart.facts.context.procedures
        if procedure.sets & wanted
        and procedure.status in TOOK_PLACE
        and span.holds(procedure.performed)
    )


def under_way_or_between(chart: Timeline, span: Span, *sets: ValueSetName) -> tuple[Procedure, ...]:
    """Return procedures as `done_between`, and those under way whatever their date."""
    wanted = frozenset(sets)
    return tuple(
        procedure
        for procedure in chart.facts.context.procedures
        if procedure.sets & wanted
        and (
            procedure.status == IN_PROGRESS
            or (procedure.status in TOOK_PLACE and span.holds(procedure.performed))
        )
    )
