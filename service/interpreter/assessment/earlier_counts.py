"""What earlier specimens showed (clinical-knowledge 3.2 bicytopenia)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import BLOOD_COUNTS
from service.interpreter.assessment.cell_lines import ANALYTES_OF_LINE, is_low
from service.interpreter.interpretation import CellLineState
from service.interpreter.windows import Span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import CellLine, CellLineFact


def both_low_before(lines: Mapping[CellLine, CellLineFact], chart: Timeline) -> bool:
    """Whether the two low lines were low together in a specimen 7 to 90 d before the anchor."""
    low = [line for line, fact in lines.items() if fact.state is CellLineState.LOW]
    if len(low) != 2 or chart.anchor is None:
        return False
    span = Span(
        chart.anchor - chart.windows.both_low_from, chart.anchor - chart.windows.both_low_until
    )
    drawn = {
        result.taken
        for analyte in BLOOD_COUNTS
        for result in chart.every(analyte)
        if span.holds(result.taken)
    }
    return any(all(_low_at(line, moment, chart) for line in low) for moment in drawn)


def _low_at(line: CellLine, moment: datetime, chart: Timeline) -> bool:
    apart = chart.windows.same_specimen
    specimen = Span(moment - apart, moment + apart)
    for analyte in ANALYTES_OF_LINE[line]:
        result = chart.newest(analyte, specimen)
        if result is not None:
            return is_low(result, chart) is True
    return False
