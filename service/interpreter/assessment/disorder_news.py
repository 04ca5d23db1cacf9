"""What is new in a patient with a known hematologic disorder (clinical-definition 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Note
from service.interpreter.assessment.cell_lines import pattern_of, severity_limits
from service.interpreter.assessment.earlier_counts import all_low_before, count_at, specimens
from service.interpreter.assessment.situation import DisorderNews
from service.interpreter.interpretation import CellLine, CellLineState, Pattern
from service.interpreter.logic import below
from service.interpreter.windows import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.situation import Blasts
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import CellLineFact

_SEVERE_LINES = (CellLine.WHITE, CellLine.PLATELETS)
"""Hemoglobin never: whether it is severe depends on the last transfusion."""


def disorder_news(
    chart: Timeline, lines: Mapping[CellLine, CellLineFact], blasts: Blasts, *, current: bool
) -> DisorderNews:
    """Return what is new; of the counts only when they are `current`."""
    return DisorderNews(
        blasts=blasts.new_within_3_days,
        severe=_newly_severe(chart, lines) if current else (),
        pancytopenia=current
        and pattern_of(lines) is Pattern.PANCYTOPENIA
        and not all_low_before(chart),
    )


def _newly_severe(chart: Timeline, lines: Mapping[CellLine, CellLineFact]) -> tuple[LabResult, ...]:
    """Return severe neutrophils or platelets that were severe in no CBC of the 30 d before."""
    if sum(fact.state is CellLineState.LOW for fact in lines.values()) < 2:
        return ()
    return tuple(
        result
        for line in _SEVERE_LINES
        if (result := lines[line].result) is not None
        and lines[line].state is CellLineState.LOW
        and Note.CONFLICT not in result.notes
        and _is_severe(result, chart)
        and not _severe_before(line, result, chart)
    )


def _severe_before(line: CellLine, result: LabResult, chart: Timeline) -> bool:
    span = Span(
        result.taken - chart.windows.severe_before,
        result.taken - chart.windows.same_specimen,
    )
    counts = (count_at(line, drawn, chart) for drawn in specimens(chart, span) if drawn < span.end)
    return any(count is not None and _is_severe(count, chart) for count in counts)


def _is_severe(result: LabResult, chart: Timeline) -> bool:
    return below(result, severity_limits(result.analyte, chart)[0]) is True
