"""The three cell lines: limits, states, pattern and grades (clinical-knowledge 2.1, 2.2, 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fhir_mappings.context import Sex, ValueSetName
from fhir_mappings.panel import Analyte
from service.interpreter.chart import LOW_FLAGS
from service.interpreter.children import child_limit, low_in_child
from service.interpreter.film import standing_clumps
from service.interpreter.interpretation import Grade, Line, LineFact, LineState, Pattern
from service.interpreter.logic import any_of, below
from service.interpreter.procedures_done import done_between
from service.interpreter.windows import Span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from fhir_mappings.context import Procedure
    from fhir_mappings.panel import LabResult
    from service.interpreter.chart import Chart
    from service.interpreter.logic import Truth

ANALYTES_OF_LINE = {
    Line.HEMOGLOBIN: (Analyte.HEMOGLOBIN,),
    Line.WHITE: (Analyte.NEUTROPHILS, Analyte.LEUKOCYTES),
    Line.PLATELETS: (Analyte.PLATELETS,),
}
"""In order of preference: the white line is judged by WBC only when no ANC can be had."""


CLUMPED = "platelet clumps"
NOT_RETRIEVED = "could not be retrieved"


class Limit(NamedTuple):
    """A lower limit and whether it is the laboratory's own."""

    value: Decimal
    is_laboratory: bool = False


def limit_for(result: LabResult, chart: Chart) -> Limit:
    """Return the limit below which this count is low, for this patient."""
    if chart.child:
        return Limit(*child_limit(result, chart.limits))
    fixed = _fixed_limit(result.analyte, chart)
    own = _usable_laboratory_limit(result, chart)
    return Limit(fixed) if own is None else Limit(own, is_laboratory=True)


def _fixed_limit(analyte: Analyte, chart: Chart) -> Decimal:
    limits = chart.limits
    if analyte is Analyte.HEMOGLOBIN:
        return _fixed_hemoglobin(chart)
    if analyte is Analyte.NEUTROPHILS:
        return limits.anc
    if analyte is Analyte.LEUKOCYTES:
        return limits.wbc
    return limits.plt_pregnant if chart.pregnant else limits.plt


def _fixed_hemoglobin(chart: Chart) -> Decimal:
    limits = chart.limits
    if chart.pregnant:
        return limits.hgb_second_trimester if chart.trimester == 2 else limits.hgb_pregnant
    return limits.hgb_male if chart.facts.patient.sex is Sex.MALE else limits.hgb_other


def _usable_laboratory_limit(result: LabResult, chart: Chart) -> Decimal | None:
    low = None if result.interval is None else result.interval.low
    if low is None or chart.pregnant:
        return None
    limits = chart.limits
    match result.analyte:
        case Analyte.HEMOGLOBIN:
            smallest, largest = limits.lab_hgb_min, limits.lab_hgb_max
        case Analyte.NEUTROPHILS:
            smallest, largest = limits.lab_anc_min, limits.lab_anc_max
        case Analyte.LEUKOCYTES:
            smallest, largest = limits.lab_wbc_min, limits.lab_wbc_max
        case _:
            smallest, largest = limits.lab_plt_min, limits.lab_plt_max
    return low if smallest <= low <= largest else None


def is_low(result: LabResult, chart: Chart) -> Truth:
    """Whether the count is low; None when its comparator leaves that open.

    Without a usable range the laboratory's flag widens the fixed limit by a tenth; a normal flag
    never makes a low count normal.
    """
    if chart.child:
        return low_in_child(result, chart.limits)
    limit = limit_for(result, chart)
    low = below(result, limit.value)
    if result.flag not in LOW_FLAGS or limit.is_laboratory or chart.pregnant:
        return low
    return any_of(low, below(result, limit.value * chart.limits.flag_factor))


def assess_lines(chart: Chart) -> dict[Line, LineFact]:
    """Return the state, grade and limit of each line in the 72 h that end at the anchor."""
    return {line: _line(line, chart) for line in Line}


def _line(line: Line, chart: Chart) -> LineFact:
    for analyte in ANALYTES_OF_LINE[line]:
        if chart.unknown(analyte):
            return LineFact(line, LineState.UNKNOWN, why=NOT_RETRIEVED)
        result = chart.newest(analyte, chart.counts_span)
        if result is not None:
            return _judged(line, result, chart)
    return LineFact(line, LineState.UNKNOWN, why=_why_absent(line, chart))


def _why_absent(line: Line, chart: Chart) -> str:
    analytes = ANALYTES_OF_LINE[line]
    if any(chart.unreadable(analyte, chart.data_quality_span) for analyte in analytes):
        return "reported, but could not be read"
    if any(chart.every(analyte) for analyte in analytes):
        recent = chart.anchor is not None
        return "more than 72 h apart from the other counts" if recent else "more than 90 d old"
    return "not measured"


def _judged(line: Line, result: LabResult, chart: Chart) -> LineFact:
    low = is_low(result, chart)
    limit = limit_for(result, chart)
    state, why = _state(line, result, low, chart)
    grade = {LineState.LOW: grade_of(result, chart), LineState.UNKNOWN: Grade.UNKNOWN}
    return LineFact(
        line,
        state,
        grade.get(state, Grade.NORMAL),
        result,
        limit.value,
        limit.is_laboratory,
        why,
    )


def _state(line: Line, result: LabResult, low: Truth, chart: Chart) -> tuple[LineState, str]:
    if low is None:
        return LineState.UNKNOWN, "reported as a bound that does not tell"
    if low:
        if line is Line.PLATELETS and standing_clumps(chart, result.taken):
            return LineState.UNKNOWN, CLUMPED
        return LineState.LOW, ""
    if line is Line.HEMOGLOBIN and red_cells_before(chart, result):
        return LineState.MASKED, "red cells transfused in the 7 d before"
    if line is Line.PLATELETS and platelets_before(chart, result):
        return LineState.MASKED, "platelets transfused in the 3 d before"
    return LineState.NORMAL, ""


def red_cells_before(chart: Chart, sample: LabResult) -> tuple[Procedure, ...]:
    """Return the red cells transfused in the 7 d before the sample."""
    window = chart.windows.red_cells_before_sample
    span = Span(sample.taken - window, sample.taken)
    return done_between(chart, span, ValueSetName.RED_CELL_TRANSFUSION)


def platelets_before(chart: Chart, sample: LabResult) -> tuple[Procedure, ...]:
    """Return the platelets transfused in the 3 d before the sample."""
    window = chart.windows.platelets_before_sample
    span = Span(sample.taken - window, sample.taken)
    return done_between(chart, span, ValueSetName.PLATELET_TRANSFUSION)


def severity_limits(analyte: Analyte, chart: Chart) -> tuple[Decimal, Decimal]:
    """Return the limits of severe and of moderate for a count (2.2)."""
    limits = chart.limits
    return {
        Analyte.HEMOGLOBIN: (limits.hgb_severe, limits.hgb_moderate),
        Analyte.NEUTROPHILS: (limits.anc_severe, limits.anc_moderate),
        Analyte.LEUKOCYTES: (limits.wbc_severe, limits.wbc_moderate),
        Analyte.PLATELETS: (limits.plt_severe, limits.plt_moderate),
    }[analyte]


def grade_of(result: LabResult, chart: Chart) -> Grade:
    """Return the grade of a low count by the fixed limits of 2.2; UNKNOWN when a bound hides it."""
    severe, moderate = severity_limits(result.analyte, chart)
    for limit, grade in ((severe, Grade.SEVERE), (moderate, Grade.MODERATE)):
        crossed = below(result, limit)
        if crossed is None:
            return Grade.UNKNOWN
        if crossed:
            return grade
    return Grade.MILD


def pattern_of(lines: Mapping[Line, LineFact]) -> Pattern:
    """Return PAN, BI, BIINC or none: two low lines, and what the third one is."""
    states = [fact.state for fact in lines.values()]
    low = states.count(LineState.LOW)
    if low == 3:
        return Pattern.PANCYTOPENIA
    if low < 2:
        return Pattern.NONE
    third = next(state for state in states if state is not LineState.LOW)
    if third is LineState.MASKED:
        return Pattern.PANCYTOPENIA
    if third is LineState.NORMAL:
        return Pattern.BICYTOPENIA
    return Pattern.BICYTOPENIA_THIRD_UNKNOWN
