"""What the blood counts say beyond their lines: how many, how sure, how recent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, Flag, Note, SmearSet
from service.interpreter.assessment.cell_lines import (
    assess_lines,
    deciding_neutrophils,
    is_low,
    pattern_of,
)
from service.interpreter.assessment.pregnancy import pregnancy_unknown
from service.interpreter.assessment.situation import CountQuality, Counts
from service.interpreter.assessment.smear import standing
from service.interpreter.assessment.urgency import neutrophils_below_half
from service.interpreter.interpretation import CellLine, CellLineState, Pattern
from service.interpreter.logic import at_least, below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import CellLineFact

_NOT_FINAL = frozenset({"preliminary", "unknown"})
_NOT_FINAL_NOTES = frozenset({Note.PRELIMINARY, Note.STATUS_UNKNOWN})
_NEUTROPHIL_SIGNS = (SmearSet.BLASTS, SmearSet.DYSPLASIA, SmearSet.HYPERSEGMENTED)


def count_lines(chart: Timeline, lines: Mapping[CellLine, CellLineFact]) -> Counts:
    """Return how many lines are low."""
    low = low_lines(lines)
    return Counts(
        low_lines=len(low),
        low_lines_at_most=len(low | _low_if_pregnant(chart)),
        pediatric_low=tuple(line.value for line in CellLine if line in low) if chart.child else (),
        age_unknown_and_low=chart.age is None and _low_at_any_age(chart, low),
        neutrophils_below_half_with_age=neutrophils_below_half(chart),
    )


def assess_counts(chart: Timeline, lines: Mapping[CellLine, CellLineFact]) -> CountQuality:
    """Return how sure the counts are."""
    used = [fact.result for fact in lines.values() if fact.result is not None]
    return CountQuality(
        white_by_leukocytes_alone=_by_leukocytes(lines) and deciding_neutrophils(chart) is None,
        preserved_neutrophils=_preserved(chart, lines),
        duffy_null_possible=_duffy_null_possible(chart, lines),
        conflict=any(Note.CONFLICT in result.notes for result in used),
        counts_preliminary=any(_not_final(result) for result in used),
        anc_bands_would_cross=any(Note.ANC_BANDS in result.notes for result in used),
        laboratory_critical_low=any(_critical(result) for result in used),
    )


def low_lines(lines: Mapping[CellLine, CellLineFact]) -> frozenset[CellLine]:
    """Return the lines that are low."""
    return frozenset(line for line, fact in lines.items() if fact.state is CellLineState.LOW)


def _low_if_pregnant(chart: Timeline) -> frozenset[CellLine]:
    if not pregnancy_unknown(chart):
        return frozenset()
    return low_lines(assess_lines(replace(chart, pregnant=True, trimester=None)))


def _low_at_any_age(chart: Timeline, low: frozenset[CellLine]) -> bool:
    return bool(low or low_lines(assess_lines(replace(chart, child=True))))


def _by_leukocytes(lines: Mapping[CellLine, CellLineFact]) -> bool:
    result = lines[CellLine.WHITE].result
    return result is not None and result.analyte is Analyte.LEUKOCYTES


def _preserved(chart: Timeline, lines: Mapping[CellLine, CellLineFact]) -> bool:
    """Whether WBC is low while the ANC is not."""
    white = lines[CellLine.WHITE]
    leukocytes = chart.newest(Analyte.LEUKOCYTES, chart.counts_span)
    if white.state is not CellLineState.NORMAL or _by_leukocytes(lines) or leukocytes is None:
        return False
    return is_low(leukocytes, chart) is True


def _duffy_null_possible(chart: Timeline, lines: Mapping[CellLine, CellLineFact]) -> bool:
    """Whether one of two low lines rests on an ANC of 1.0 to 1.79 and nothing else (2.1)."""
    if pattern_of(lines) is not Pattern.BICYTOPENIA or chart.pregnant:
        return False
    white = lines[CellLine.WHITE]
    result = white.result
    if result is None or result.analyte is not Analyte.NEUTROPHILS or chart.child:
        return False
    if white.state is not CellLineState.LOW:
        return False
    limits = chart.limits
    mild = at_least(result, limits.anc_moderate) and below(result, limits.anc)
    return bool(mild) and not any(
        standing(chart, sign, chart.smear_span) for sign in _NEUTROPHIL_SIGNS
    )


def _not_final(result: LabResult) -> bool:
    return result.status in _NOT_FINAL or bool(result.notes & _NOT_FINAL_NOTES)


def _critical(result: LabResult) -> bool:
    return result.flag is Flag.CRITICALLY_LOW and result.analyte is not Analyte.LEUKOCYTES
