"""What earlier specimens showed: lines low together, and since when (3.2, 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import BLOOD_COUNTS
from service.interpreter.assessment.cell_lines import ANALYTES_OF_LINE, is_low
from service.interpreter.assessment.encounters import stay_began
from service.interpreter.interpretation import CellLine, CellLineState
from service.interpreter.windows import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import CellLineFact, States


def both_low_before(
    lines: Mapping[CellLine, CellLineFact], chart: Timeline, moment: datetime, *, now: bool
) -> bool:
    """Whether the two low lines were low together 7 to 90 d before the anchor, before the stay.

    The stay is the one in progress at `moment`, which is the call (`now`) or the anchor.
    """
    low = [line for line, fact in lines.items() if fact.state is CellLineState.LOW]
    if len(low) != 2 or chart.anchor is None:
        return False
    began = stay_began(chart, moment, now=now)
    span = Span(
        chart.anchor - chart.windows.both_low_from, chart.anchor - chart.windows.both_low_until
    )
    return any(
        _all_low(low, drawn, chart)
        for drawn in specimens(chart, span)
        if not began or drawn < began
    )


def all_low_before(chart: Timeline) -> bool:
    """Whether all three lines were low in a specimen 90 to 3 d before the anchor."""
    if chart.anchor is None:
        return False
    span = Span(
        chart.anchor - chart.windows.pancytopenia_before_from,
        chart.anchor - chart.windows.pancytopenia_before_until,
    )
    return any(_all_low(CellLine, drawn, chart) for drawn in specimens(chart, span))


def specimens(chart: Timeline, span: Span) -> frozenset[datetime]:
    """Return when blood counts were drawn in the span."""
    return frozenset().union(*(chart.drawn_in(analyte, span) for analyte in BLOOD_COUNTS))


def count_at(line: CellLine, drawn: datetime, chart: Timeline) -> LabResult | None:
    """Return the result by which one specimen judges the line: ANC before WBC."""
    apart = chart.windows.same_specimen
    specimen = Span(drawn - apart, drawn + apart)
    results = (chart.newest(analyte, specimen) for analyte in ANALYTES_OF_LINE[line])
    return next((result for result in results if result is not None), None)


def _all_low(lines: Iterable[CellLine], drawn: datetime, chart: Timeline) -> bool:
    counts = (count_at(line, drawn, chart) for line in lines)
    return all(count is not None and is_low(count, chart) is True for count in counts)


def last_not_low(
    lines: Mapping[CellLine, CellLineFact], chart: Timeline
) -> dict[CellLine, LabResult]:
    """Return for each low line the newest earlier value that was not low, within two years.

    Where there is none, the newest earlier value, however old.
    """
    found: dict[CellLine, LabResult] = {}
    for line, fact in lines.items():
        if fact.state is not CellLineState.LOW or fact.result is None:
            continue
        until = fact.result.taken - chart.windows.same_specimen
        earlier = [each for each in chart.every(fact.result.analyte) if each.taken < until]
        normal = (each for each in earlier if _was_normal(each, chart))
        value = next(normal, None) or next(iter(earlier), None)
        if value is not None:
            found[line] = value
    return found


def always_low(
    lines: Mapping[CellLine, CellLineFact], before: Mapping[CellLine, LabResult], chart: Timeline
) -> bool:
    """Whether a line is low for which `before`, made by `last_not_low`, has no normal value."""
    low = [line for line, fact in lines.items() if fact.state is CellLineState.LOW]
    return any(line not in before or not _was_normal(before[line], chart) for line in low)


def _was_normal(result: LabResult, chart: Timeline) -> bool:
    since = chart.now - chart.windows.course
    return result.taken >= since and is_low(result, chart) is False


def wants_older_counts(states: States) -> bool:
    """Whether a card would say more of a line if counts older than their reach were known.

    That is so where a line is low of which nothing earlier is known, and where beside a low line
    another was not measured: never, or not with these counts.
    """
    facts = states.lines.values()
    low = [fact.line for fact in facts if fact.state is CellLineState.LOW]
    unmeasured = any(fact.result is None for fact in facts)
    return any(line not in states.before for line in low) or bool(low and unmeasured)
