"""Which result of each analyte counts, and which were refused (clinical-definition 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import BLOOD_COUNTS, Analyte, DataGroup

if TYPE_CHECKING:
    from fhir_mappings.panel import LabResult, Unreadable
    from service.interpreter.assessment.iron import IronStudies
    from service.interpreter.assessment.situation import Blasts, Fever
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.windows import Span

_ALL = tuple(Analyte)
_SMEAR = (
    Analyte.BLAST_PERCENT,
    Analyte.BLASTS,
    Analyte.NUCLEATED_RED_CELL_RATIO,
    Analyte.NUCLEATED_RED_CELLS,
)


def span_of(analyte: Analyte, chart: Timeline) -> Span | None:
    """Return the window in which results of the analyte count."""
    if analyte in _SMEAR:
        return chart.smear_span
    match analyte.group:
        case DataGroup.BLOOD_COUNTS | DataGroup.DIFFERENTIAL:
            return chart.counts_span
        case DataGroup.IRON_STUDIES:
            return chart.iron_span
        case DataGroup.VITAMIN_B12:
            return chart.vitamin_span
        case DataGroup.HEMOLYSIS:
            return chart.hemolysis_span
        case DataGroup.TEMPERATURE:
            return chart.since(chart.now - chart.windows.temperature)
        case _:
            return chart.organ_span


def select(
    chart: Timeline, iron: IronStudies, blasts: Blasts, fever: Fever
) -> dict[Analyte, LabResult]:
    """Return the result of each analyte that the states rest on."""
    measured = chart.facts.panel.results
    selected = {
        analyte: result
        for analyte in _ALL
        if analyte in measured
        and (result := chart.newest(analyte, span_of(analyte, chart))) is not None
    }
    if iron.saturation is not None:
        selected[Analyte.TRANSFERRIN_SATURATION] = iron.saturation
    for number in blasts.number:
        selected[number.analyte] = number
    if fever.highest is not None:
        selected[Analyte.BODY_TEMPERATURE] = fever.highest
    return selected


def selected_counts(chart: Timeline) -> dict[Analyte, LabResult]:
    """Return what `select` does of the blood counts, which need nothing else."""
    span = chart.counts_span
    counts = ((analyte, chart.newest(analyte, span)) for analyte in BLOOD_COUNTS)
    return {analyte: result for analyte, result in counts if result is not None}


def refused(chart: Timeline) -> dict[Analyte, tuple[Unreadable, ...]]:
    """Return the refused results of each analyte in its window; blood counts of 90 d."""
    found: dict[Analyte, tuple[Unreadable, ...]] = {}
    named = {item.analyte for item in chart.facts.panel.unreadable}
    for analyte in _ALL:
        if analyte not in named:
            continue
        span = chart.data_quality_span if analyte in BLOOD_COUNTS else span_of(analyte, chart)
        if items := chart.unreadable(analyte, span):
            found[analyte] = items
    return found
