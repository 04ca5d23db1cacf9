"""Vitamin B12, its function by MMA, and folate (clinical-definition 2.3, 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte
from service.interpreter.assessment.situation import FolateState
from service.interpreter.interpretation import B12State, FunctionState
from service.interpreter.logic import above, all_of, any_of, below, negate, single_state

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.logic import Truth

MMA_RENAL = "MMA_RENAL"


def b12_state(result: LabResult | None, chart: Timeline) -> B12State:
    """Return the B12 state; MISSING when not measured or when a bound leaves several open."""
    if result is None:
        return B12State.MISSING
    limits = chart.limits
    high = b12_upper_limit(result, chart)

    def classify(value: Decimal) -> B12State:
        if value < limits.b12_low:
            return B12State.LOW
        if value < limits.b12_normal:
            return B12State.BORDERLINE
        return B12State.ELEVATED if value > high else B12State.NORMAL

    state = single_state(classify, (result, (limits.b12_low, limits.b12_normal, high)))
    if state is B12State.ELEVATED and below(result, limits.b12_marked) is False:
        return B12State.MARKED
    return state or B12State.MISSING


def b12_upper_limit(result: LabResult, chart: Timeline) -> Decimal:
    """Return the limit above which B12 is high: the laboratory's when usable, else 900 pg/mL."""
    limits = chart.limits
    return chart.upper_limit(result, limits.lab_b12_min, limits.lab_b12_max, limits.b12_high)


def folate_state(result: LabResult | None, chart: Timeline) -> FolateState:
    """Return the state of serum folate."""
    if result is None:
        return FolateState.MISSING
    limits = chart.limits

    def classify(value: Decimal) -> FolateState:
        if value < limits.folate_low:
            return FolateState.LOW
        return FolateState.BORDERLINE if value < limits.folate_normal else FolateState.NORMAL

    state = single_state(classify, (result, (limits.folate_low, limits.folate_normal)))
    return state or FolateState.MISSING


def mma_raised(result: LabResult | None, chart: Timeline) -> Truth:
    """Whether MMA is above 0.40 umol/L or the laboratory's own usable limit."""
    limits = chart.limits
    limit = chart.upper_limit(result, limits.lab_mma_min, limits.lab_mma_max, limits.mma_high)
    return above(result, limit)


def homocysteine_raised(result: LabResult | None, chart: Timeline) -> Truth:
    """Whether homocysteine is above 15 umol/L or the laboratory's own usable limit."""
    limits = chart.limits
    limit = chart.upper_limit(
        result, limits.lab_homocysteine_min, limits.lab_homocysteine_max, limits.homocysteine_high
    )
    return above(result, limit)


def kidney_poor(chart: Timeline) -> Truth:
    """Whether kidney function is poor: chronic kidney disease, eGFR < 60, else creatinine high.

    None when unknown.
    """
    if chart.conditions(ValueSetName.CHRONIC_KIDNEY_DISEASE):
        return True
    egfr = _kidney(chart, Analyte.GLOMERULAR_FILTRATION_RATE)
    if egfr is not None:
        return below(egfr, chart.limits.egfr_poor)
    creatinine = _kidney(chart, Analyte.CREATININE)
    own = None if creatinine is None or creatinine.interval is None else creatinine.interval.high
    limit = chart.limits.creatinine_high if own is None or chart.pregnant else own
    return above(creatinine, limit)


def _kidney(chart: Timeline, analyte: Analyte) -> LabResult | None:
    return chart.newest(analyte, chart.organ_span)


def function_state(
    mma: LabResult | None, first_b12: date | None, chart: Timeline
) -> tuple[FunctionState, bool]:
    """Return FUNC, and whether kidney function keeps a raised MMA from proving anything.

    A normal MMA drawn after B12 treatment began says nothing.
    """
    raised = mma_raised(mma, chart)
    if mma is None or raised is None:
        return FunctionState.UNKNOWN, False
    if not raised:
        treated = first_b12 is not None and mma.taken.date() > first_b12
        return (FunctionState.UNKNOWN if treated else FunctionState.NOT_DEFICIENT), False
    proven = _raised_mma_proves(mma, chart)
    return (FunctionState.DEFICIENT, False) if proven else (FunctionState.UNKNOWN, True)


def _raised_mma_proves(mma: LabResult, chart: Timeline) -> Truth:
    limits = chart.limits
    poor = kidney_poor(chart)
    good_by_egfr = all_of(
        not chart.conditions(ValueSetName.CHRONIC_KIDNEY_DISEASE),
        negate(below(_kidney(chart, Analyte.GLOMERULAR_FILTRATION_RATE), limits.egfr_poor)),
    )
    known_poor = None if poor is None and _kidney_hidden(chart) else bool(poor)
    return any_of(
        good_by_egfr,
        all_of(above(mma, limits.mma_proof), negate(known_poor)),
        above(mma, limits.mma_proof_any),
    )


def _kidney_hidden(chart: Timeline) -> bool:
    """Whether a kidney value exists or may exist that does not tell.

    Asked when nothing tells: a value there is can then only be a bound.
    """
    return any(
        chart.unknown(analyte)
        or chart.unreadable(analyte, chart.organ_span)
        or _kidney(chart, analyte) is not None
        for analyte in (Analyte.GLOMERULAR_FILTRATION_RATE, Analyte.CREATININE)
    )


def b12_deficiency_before(chart: Timeline, first_b12: date | None) -> tuple[str, ...]:
    """Return the evidence of B12 deficiency from before the first dose (treated-b12-deficiency).

    B12 of the 180 d before, MMA up to 7 d after too: what treatment changes last.
    """
    found = [item.display for item in chart.conditions(ValueSetName.B12_DEFICIENCY)]
    if first_b12 is None:
        return tuple(found)
    windows = chart.windows
    since, until = first_b12 - windows.b12_evidence, first_b12 + windows.mma_after_first_dose
    for result in chart.every(Analyte.VITAMIN_B12):
        if since <= result.taken.date() <= first_b12 and b12_state(result, chart) is B12State.LOW:
            found.append(_named("B12", result))
    for result in chart.every(Analyte.METHYLMALONATE):
        if since <= result.taken.date() <= until and mma_raised(result, chart):
            found.append(_named("MMA", result))
    return tuple(found)


def mma_under_treatment(mma: LabResult | None, first_b12: date | None, chart: Timeline) -> bool:
    """Whether MMA was drawn so long after the first dose that it shows how treatment works."""
    if mma is None or first_b12 is None:
        return False
    return mma.taken.date() > first_b12 + chart.windows.mma_after_first_dose


def _named(name: str, result: LabResult) -> str:
    bound = result.comparator.value if result.comparator else ""
    return f"{name} {bound}{result.value} {result.unit} on {result.taken.date().isoformat()}"
