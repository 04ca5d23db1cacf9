"""Severe counts, neutropenia with fever, and red flags (clinical-knowledge 2.2, 3.2, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte
from service.interpreter.assessment.cell_lines import CLUMPED, pattern_of, severity_limits
from service.interpreter.assessment.situation import Fever, RedFlags, SevereCounts
from service.interpreter.assessment.smear import RED_FLAG_SETS, nucleated_red_cells, standing
from service.interpreter.interpretation import CellLine, CellLineState, Pattern
from service.interpreter.logic import all_of, any_of, at_least, at_least_n, below, negate
from service.interpreter.windows import Span, recent, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_mappings.context import Condition
    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import CellLineFact
    from service.interpreter.logic import Truth


def two_low_lines(lines: Mapping[CellLine, CellLineFact]) -> Truth:
    """Whether at least two lines are low; None while an unknown line could be the second."""
    states = {CellLineState.LOW: True, CellLineState.UNKNOWN: None}
    return at_least_n(2, (states.get(fact.state, False) for fact in lines.values()))


def assess_severe(lines: Mapping[CellLine, CellLineFact], chart: Timeline) -> SevereCounts:
    """Return whether severe limits are crossed with at least two low lines, and by what."""
    crossed = {line: _crosses(line, lines, chart) for line in lines}
    present = all_of(two_low_lines(lines), any_of(*crossed.values()))
    if not present:
        return SevereCounts(present=present, new_since_previous=present)
    results = tuple(
        fact.result for line, fact in lines.items() if crossed[line] and fact.result is not None
    )
    news = any_of(*(_newly_severe(result, chart) for result in results))
    return SevereCounts(present=True, results=results, new_since_previous=news)


def _crosses(line: CellLine, lines: Mapping[CellLine, CellLineFact], chart: Timeline) -> Truth:
    severe = _below_grade(lines[line], chart, moderate=False)
    if line is not CellLine.HEMOGLOBIN:
        return severe
    return all_of(severe, _hemoglobin_counts(lines, chart))


def _hemoglobin_counts(lines: Mapping[CellLine, CellLineFact], chart: Timeline) -> Truth:
    """Hgb alone is mostly bleeding: it takes PAN, or a moderate white line or platelets."""
    pancytopenia: Truth = pattern_of(lines) is Pattern.PANCYTOPENIA
    unknown = any(fact.state is CellLineState.UNKNOWN for fact in lines.values())
    return any_of(
        None if unknown and not pancytopenia else pancytopenia,
        _below_grade(lines[CellLine.WHITE], chart, moderate=True),
        _below_grade(lines[CellLine.PLATELETS], chart, moderate=True),
    )


def _below_grade(fact: CellLineFact, chart: Timeline, *, moderate: bool) -> Truth:
    if fact.result is None or fact.why == CLUMPED:
        return None
    return below(fact.result, severity_limits(fact.result.analyte, chart)[moderate])


def _newly_severe(result: LabResult, chart: Timeline) -> Truth:
    """Whether the count before was not severe; no count before: new."""
    before = _count_before(result, chart)
    if before is None:
        return True
    return negate(below(before, severity_limits(before.analyte, chart)[0]))


def _count_before(result: LabResult, chart: Timeline) -> LabResult | None:
    """Return the count of the specimen before; of WBC where no ANC was had before."""
    until = result.taken - chart.windows.same_specimen
    analytes = [result.analyte]
    if result.analyte is Analyte.NEUTROPHILS:
        analytes.append(Analyte.LEUKOCYTES)
    for analyte in analytes:
        earlier = [item for item in chart.every(analyte) if item.taken < until]
        if earlier:
            return earlier[0]
    return None


def neutrophils_below_half(chart: Timeline) -> Truth:
    """Whether ANC < 0.5, or WBC < 1.0 where the ANC cannot be told, in results at most 3 d old."""
    span = chart.since(chart.now - chart.windows.neutrophils_with_fever)
    neutrophils = chart.newest(Analyte.NEUTROPHILS, span)
    by_neutrophils = below(neutrophils, chart.limits.anc_severe)
    if by_neutrophils is not None:
        return by_neutrophils
    leukocytes = chart.newest(Analyte.LEUKOCYTES, span)
    by_leukocytes = below(leukocytes, chart.limits.wbc_fever)
    if chart.unknown(Analyte.NEUTROPHILS) or chart.unknown(Analyte.LEUKOCYTES):
        return None
    if by_leukocytes or neutrophils is not None:
        return by_leukocytes or None
    return False if leukocytes is None and not _refused(chart, span) else by_leukocytes


def _refused(chart: Timeline, span: Span) -> bool:
    return any(
        chart.unreadable(analyte, span) for analyte in (Analyte.NEUTROPHILS, Analyte.LEUKOCYTES)
    )


def assess_fever(chart: Timeline) -> Fever:
    """Return whether any temperature of the last 24 h is at least 38.0 Cel."""
    span = chart.since(chart.now - chart.windows.temperature)
    measured = within(chart.facts.panel.results.get(Analyte.BODY_TEMPERATURE, ()), span)
    truths = {item: at_least(item, chart.limits.fever) for item in measured}
    high = [item for item in measured if truths[item]]
    if high:
        return Fever(present=True, highest=max(high, key=lambda item: item.value))
    open_ones = chart.unknown(Analyte.BODY_TEMPERATURE) or bool(
        chart.unreadable(Analyte.BODY_TEMPERATURE, span)
    )
    return Fever(present=any_of(*truths.values(), None if open_ones else False))


def assess_red_flags(chart: Timeline, fever: Fever) -> RedFlags:
    """Return film findings, nucleated red cells, constitutional symptoms and history."""
    smear = tuple(
        finding for target in RED_FLAG_SETS for finding in standing(chart, target, chart.smear_span)
    )
    return RedFlags(
        smear=smear,
        nucleated_red_cells=nucleated_red_cells(chart),
        constitutional=_constitutional(chart, fever),
        history_of_malignancy=_history(chart),
    )


def _constitutional(chart: Timeline, fever: Fever) -> tuple[str, ...]:
    conditions = chart.conditions(
        ValueSetName.FEVER, ValueSetName.NIGHT_SWEATS, ValueSetName.WEIGHT_LOSS, active=False
    )
    names = [item.display for item in conditions if item.active or _recent(item, chart)]
    if fever.present and fever.highest is not None:
        names.append(f"temperature {fever.highest.value} Cel")
    return tuple(dict.fromkeys(names))


def _recent(condition: Condition, chart: Timeline) -> bool:
    window = chart.windows.constitutional
    return recent(condition.onset, chart.now, window) or recent(condition.abated, chart.now, window)


def _history(chart: Timeline) -> tuple[Condition, ...]:
    history = ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY
    conditions = chart.conditions(history, ValueSetName.HEMATOLOGIC_MALIGNANCY, active=False)
    return tuple(
        condition
        for condition in conditions
        if history in condition.sets or condition.in_remission or not condition.active
    )
