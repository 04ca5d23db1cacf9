"""Severe counts, neutropenia with fever, and red flags (clinical-definition 2.2, 3.2, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte, Note
from service.interpreter.assessment.cell_lines import CLUMPED, pattern_of, severity_limits
from service.interpreter.assessment.encounters import in_hospital_at
from service.interpreter.assessment.history import DISORDERS
from service.interpreter.assessment.situation import Fever, RedFlags, SevereCounts
from service.interpreter.assessment.smear import RED_FLAG_SETS, nucleated_red_cells, standing
from service.interpreter.interpretation import CellLine, CellLineState, Pattern
from service.interpreter.logic import all_of, any_of, at_least, at_least_n, below
from service.interpreter.windows import Span, within

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from fhir_mappings.context import Condition
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import CellLineFact
    from service.interpreter.logic import Truth


def two_low_lines(lines: Mapping[CellLine, CellLineFact]) -> Truth:
    """Whether at least two lines are low; None while an unknown line could be the second."""
    states = {CellLineState.LOW: True, CellLineState.UNKNOWN: None}
    return at_least_n(2, (states.get(fact.state, False) for fact in lines.values()))


def assess_severe(lines: Mapping[CellLine, CellLineFact], chart: Timeline) -> SevereCounts:
    """Return whether severe limits are crossed with at least two low lines, and by what.

    A value in CONFLICT is not severe: what would be severe is returned separately.
    """
    two_low = two_low_lines(lines)
    beyond = {line: _crosses(line, lines, chart) for line in lines}
    sure = {line: False if _in_conflict(lines[line]) else beyond[line] for line in lines}
    crossing = {
        line: fact.result
        for line, fact in lines.items()
        if two_low and beyond[line] and fact.result is not None
    }
    return SevereCounts(
        present=all_of(two_low, any_of(*sure.values())),
        results=tuple(result for line, result in crossing.items() if sure[line]),
        in_conflict=tuple(result for line, result in crossing.items() if not sure[line]),
    )


def _in_conflict(fact: CellLineFact) -> bool:
    return fact.result is not None and Note.CONFLICT in fact.result.notes


def _crosses(line: CellLine, lines: Mapping[CellLine, CellLineFact], chart: Timeline) -> Truth:
    severe = _below_grade(lines[line], chart, moderate=False)
    if line is not CellLine.HEMOGLOBIN:
        return severe
    return all_of(severe, _hemoglobin_counts(lines, chart))


def _hemoglobin_counts(lines: Mapping[CellLine, CellLineFact], chart: Timeline) -> Truth:
    """Hgb alone is mostly bleeding: it needs PAN, or a moderate white line or platelets."""
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


def neutrophils_below_half(chart: Timeline) -> Truth:
    """Whether ANC < 0.5, or WBC < 1.0 where the ANC is unknown, in results at most 3 d old."""
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


def assess_fever(chart: Timeline, window: timedelta) -> Fever:
    """Return whether any temperature of the `window` before the call is at least 38.0 Cel."""
    span = chart.since(chart.now - window)
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
    """Return night sweats and weight loss; fever, in a hospital stay only with ANC below 1.0."""
    symptoms = chart.conditions(ValueSetName.NIGHT_SWEATS, ValueSetName.WEIGHT_LOSS)
    names = [item.display for item in symptoms]
    if not in_hospital_at(chart, chart.now, now=True) or _neutrophils_low_for_fever(chart):
        names += [item.display for item in chart.conditions(ValueSetName.FEVER)]
        if fever.present and fever.highest is not None:
            names.append(f"temperature {fever.highest.value} Cel")
    return tuple(dict.fromkeys(names))


def _neutrophils_low_for_fever(chart: Timeline) -> bool:
    neutrophils = chart.newest(Analyte.NEUTROPHILS, chart.counts_span)
    return below(neutrophils, chart.limits.anc_fever_inpatient) is True


def _history(chart: Timeline) -> tuple[Condition, ...]:
    """Return disorders that are over or in remission, and what is recorded as history (3.1)."""
    history = ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY
    return tuple(
        condition
        for condition in chart.conditions(history, *DISORDERS, active=False)
        if history in condition.sets or condition.in_remission or not condition.active
    )
