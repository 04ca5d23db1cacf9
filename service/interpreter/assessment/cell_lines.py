"""The three cell lines: limits, states, pattern and grades (clinical-definition 2.1, 2.2, 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fhir_mappings.context import Sex, ValueSetName
from fhir_mappings.panel import Analyte
from service.interpreter.assessment.pediatric_limits import child_limit, low_in_child
from service.interpreter.assessment.procedures import done_between
from service.interpreter.assessment.smear import standing_clumps
from service.interpreter.assessment.timeline import LOW_FLAGS
from service.interpreter.assessment.unusable import why_unusable
from service.interpreter.interpretation import CellLine, CellLineFact, CellLineState, Grade, Pattern
from service.interpreter.logic import any_of, below
from service.interpreter.windows import Span, within

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from fhir_mappings.context import Procedure
    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.logic import Truth

ANALYTES_OF_LINE = {
    CellLine.HEMOGLOBIN: (Analyte.HEMOGLOBIN,),
    CellLine.WHITE: (Analyte.NEUTROPHILS, Analyte.LEUKOCYTES),
    CellLine.PLATELETS: (Analyte.PLATELETS,),
}
"""In order of preference: the white line is judged by WBC only when no ANC decides."""


CLUMPED = "platelet clumps"
OPEN_BOUND = "reported as a bound that does not tell"
NOT_MEASURED = "not measured"
TOO_OLD = "more than 90 d old"
NOTHING_SENT = frozenset({NOT_MEASURED, TOO_OLD})
"""Why nothing of a line was sent that could bear on today."""

NOT_RETRIEVED = "could not be retrieved"


class Limit(NamedTuple):
    """A lower limit and whether it is the laboratory's own."""

    value: Decimal
    is_laboratory: bool = False


def limit_for(result: LabResult, chart: Timeline) -> Limit:
    """Return the limit below which this count is low, for this patient."""
    if chart.child:
        return Limit(*child_limit(result, chart.limits))
    fixed = _fixed_limit(result.analyte, chart)
    own = _usable_laboratory_limit(result, chart)
    return Limit(fixed) if own is None else Limit(own, is_laboratory=True)


def _fixed_limit(analyte: Analyte, chart: Timeline) -> Decimal:
    limits = chart.limits
    if analyte is Analyte.HEMOGLOBIN:
        return _fixed_hemoglobin(chart)
    if analyte is Analyte.NEUTROPHILS:
        return limits.anc
    if analyte is Analyte.LEUKOCYTES:
        return limits.wbc
    return limits.plt_pregnant if chart.pregnant else limits.plt


def _fixed_hemoglobin(chart: Timeline) -> Decimal:
    limits = chart.limits
    if chart.pregnant:
        return limits.hgb_second_trimester if chart.trimester == 2 else limits.hgb_pregnant
    return limits.hgb_male if chart.facts.patient.sex is Sex.MALE else limits.hgb_other


def _usable_laboratory_limit(result: LabResult, chart: Timeline) -> Decimal | None:
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


def is_low(result: LabResult, chart: Timeline) -> Truth:
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


def assess_lines(chart: Timeline) -> dict[CellLine, CellLineFact]:
    """Return the state, grade and limit of each line in the 72 h that end at the anchor."""
    return {line: _line(line, chart) for line in CellLine}


def _line(line: CellLine, chart: Timeline) -> CellLineFact:
    if line is CellLine.WHITE:
        return _white_line(chart)
    (analyte,) = ANALYTES_OF_LINE[line]
    if chart.unknown(analyte):
        return CellLineFact(line, CellLineState.UNKNOWN, why=NOT_RETRIEVED)
    result = chart.newest(analyte, chart.counts_span)
    if result is not None:
        return _judged(line, result, chart)
    return CellLineFact(line, CellLineState.UNKNOWN, why=_why_absent(line, chart))


def _white_line(chart: Timeline) -> CellLineFact:
    """Judge by the newest ANC that decides, else by WBC; a newer normal WBC may overrule it."""
    line = CellLine.WHITE
    if chart.unknown(Analyte.NEUTROPHILS):
        return CellLineFact(line, CellLineState.UNKNOWN, why=NOT_RETRIEVED)
    neutrophils = deciding_neutrophils(chart)
    leukocytes = chart.newest(Analyte.LEUKOCYTES, chart.counts_span)
    if neutrophils is not None:
        stands = _still_low(neutrophils, leukocytes, chart)
        if stands is False and leukocytes is not None:
            return _judged(line, leukocytes, chart)
        judged = _judged(line, neutrophils, chart)
        return judged if stands else judged._replace(state=CellLineState.UNKNOWN, why=OPEN_BOUND)
    if leukocytes is not None:
        return _judged(line, leukocytes, chart)
    if chart.unknown(Analyte.LEUKOCYTES):
        return CellLineFact(line, CellLineState.UNKNOWN, why=NOT_RETRIEVED)
    bound = chart.newest(Analyte.NEUTROPHILS, chart.counts_span)
    if bound is not None:
        return _judged(line, bound, chart)
    return CellLineFact(line, CellLineState.UNKNOWN, why=_why_absent(line, chart))


def deciding_neutrophils(chart: Timeline) -> LabResult | None:
    """Return the newest ANC of the 72 h that tells whether it is low: an open bound counts as none.

    None means that the white line is judged by WBC alone.
    """
    span = chart.counts_span
    if span is None or chart.unknown(Analyte.NEUTROPHILS):
        return None
    results = within(chart.facts.panel.results.get(Analyte.NEUTROPHILS, ()), span)
    return next((result for result in results if is_low(result, chart) is not None), None)


def _still_low(neutrophils: LabResult, leukocytes: LabResult | None, chart: Timeline) -> Truth:
    """Whether an ANC is not overruled: an ANC of 1.0 or more by a newer WBC that is not low."""
    newer = (
        leukocytes is not None
        and leukocytes.taken - neutrophils.taken > chart.windows.same_specimen
    )
    if chart.child or leukocytes is None or not newer or not is_low(neutrophils, chart):
        return True
    return any_of(below(neutrophils, chart.limits.anc_overruled), is_low(leukocytes, chart))


def _why_absent(line: CellLine, chart: Timeline) -> str:
    analytes = ANALYTES_OF_LINE[line]
    sent = [chart.unreadable(analyte, chart.data_quality_span) for analyte in analytes]
    if words := why_unusable([item for items in sent for item in items]):
        return words
    if any(chart.every(analyte) for analyte in analytes):
        recent = chart.anchor is not None
        return "more than 72 h apart from the other counts" if recent else TOO_OLD
    said_nothing = chart.without_statement(analytes, chart.data_quality_span)
    return why_unusable(said_nothing) or NOT_MEASURED


def _judged(line: CellLine, result: LabResult, chart: Timeline) -> CellLineFact:
    low = is_low(result, chart)
    limit = limit_for(result, chart)
    state, why = _state(line, result, low, chart)
    grade = {CellLineState.LOW: grade_of(result, chart), CellLineState.UNKNOWN: Grade.UNKNOWN}
    return CellLineFact(
        line,
        state,
        grade.get(state, Grade.NORMAL),
        result,
        limit.value,
        limit.is_laboratory,
        why,
    )


def _state(
    line: CellLine, result: LabResult, low: Truth, chart: Timeline
) -> tuple[CellLineState, str]:
    if low is None:
        return CellLineState.UNKNOWN, OPEN_BOUND
    if low:
        if line is CellLine.PLATELETS and standing_clumps(chart, result.taken):
            return CellLineState.UNKNOWN, CLUMPED
        return CellLineState.LOW, ""
    if line is CellLine.HEMOGLOBIN and red_cells_before(chart, result):
        return CellLineState.MASKED, "red cells transfused in the 7 d before"
    if line is CellLine.PLATELETS and platelets_before(chart, result):
        return CellLineState.MASKED, "platelets transfused in the 3 d before"
    return CellLineState.NORMAL, ""


def red_cells_before(chart: Timeline, sample: LabResult) -> tuple[Procedure, ...]:
    """Return the red cells transfused in the 7 d before the sample."""
    window = chart.windows.red_cells_before_sample
    span = Span(sample.taken - window, sample.taken)
    return done_between(chart, span, ValueSetName.RED_CELL_TRANSFUSION)


def platelets_before(chart: Timeline, sample: LabResult) -> tuple[Procedure, ...]:
    """Return the platelets transfused in the 3 d before the sample."""
    window = chart.windows.platelets_before_sample
    span = Span(sample.taken - window, sample.taken)
    return done_between(chart, span, ValueSetName.PLATELET_TRANSFUSION)


def severity_limits(analyte: Analyte, chart: Timeline) -> tuple[Decimal, Decimal]:
    """Return the limits of severe and of moderate for a count (2.2)."""
    limits = chart.limits
    return {
        Analyte.HEMOGLOBIN: (limits.hgb_severe, limits.hgb_moderate),
        Analyte.NEUTROPHILS: (limits.anc_severe, limits.anc_moderate),
        Analyte.LEUKOCYTES: (limits.wbc_severe, limits.wbc_moderate),
        Analyte.PLATELETS: (limits.plt_severe, limits.plt_moderate),
    }[analyte]


def grade_of(result: LabResult, chart: Timeline) -> Grade:
    """Return the grade of a low count by the fixed limits of 2.2; UNKNOWN when a bound hides it."""
    severe, moderate = severity_limits(result.analyte, chart)
    for limit, grade in ((severe, Grade.SEVERE), (moderate, Grade.MODERATE)):
        crossed = below(result, limit)
        if crossed is None:
            return Grade.UNKNOWN
        if crossed:
            return grade
    return Grade.MILD


def pattern_of(lines: Mapping[CellLine, CellLineFact]) -> Pattern:
    """Return PAN, BI, BIINC or none: two low lines, and what the third one is."""
    states = [fact.state for fact in lines.values()]
    low = states.count(CellLineState.LOW)
    if low == 3:
        return Pattern.PANCYTOPENIA
    if low < 2:
        return Pattern.NONE
    third = next(state for state in states if state is not CellLineState.LOW)
    if third is CellLineState.MASKED:
        return Pattern.PANCYTOPENIA
    if third is CellLineState.NORMAL:
        return Pattern.BICYTOPENIA
    return Pattern.BICYTOPENIA_THIRD_UNKNOWN
