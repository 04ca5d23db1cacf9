"""Marrow response and cell turnover (clinical-definition 1.4, 2.3)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, changed
from service.interpreter.assessment.situation import ReticulocyteState
from service.interpreter.logic import above, at_least, single_state

if TYPE_CHECKING:
    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.logic import Truth

ALREADY_CORRECTED = "31111-8"
PYRUVATE_TO_LACTATE = "14805-6"

_NORMAL_HEMATOCRIT = Decimal(45)
_MATURATION = (
    (Decimal(36), Decimal("1.0")),
    (Decimal(26), Decimal("1.5")),
    (Decimal(16), Decimal("2.0")),
)
_LONGEST_MATURATION = Decimal("2.5")


def reticulocyte_index(chart: Timeline) -> LabResult | None:
    """Return the reticulocyte production index, with the comparator of the percentage.

    The hematocrit is measured or, without one, three times the hemoglobin.
    """
    percent = chart.newest(Analyte.RETICULOCYTE_PERCENT, chart.hemolysis_span)
    hematocrit = _hematocrit(chart)
    if percent is None or hematocrit is None:
        return None
    corrected = percent.value
    if percent.loinc != ALREADY_CORRECTED:
        corrected = corrected * hematocrit / _NORMAL_HEMATOCRIT
    maturation = next(
        (factor for least, factor in _MATURATION if hematocrit >= least), _LONGEST_MATURATION
    )
    return changed(percent, value=corrected / maturation, unit="1")


def _hematocrit(chart: Timeline) -> Decimal | None:
    measured = chart.newest(Analyte.HEMATOCRIT, chart.counts_span)
    if measured is not None and measured.comparator is None:
        return measured.value
    hemoglobin = chart.newest(Analyte.HEMOGLOBIN, chart.counts_span)
    if hemoglobin is None or hemoglobin.comparator is not None:
        return None
    return hemoglobin.value * 3


def reticulocyte_state(chart: Timeline) -> ReticulocyteState:
    """Return whether the marrow responds, by absolute number and index; the poorer one counts."""
    limits = chart.limits
    by_number = (limits.reticulocytes_low, limits.reticulocytes_adequate)
    by_index = (limits.rpi_low, limits.rpi_adequate)

    def classify(absolute: Decimal | None, index: Decimal | None) -> ReticulocyteState:
        measured = [
            (value, bounds)
            for value, bounds in ((absolute, by_number), (index, by_index))
            if value is not None
        ]
        if not measured:
            return ReticulocyteState.MISSING
        if any(value < low for value, (low, _) in measured):
            return ReticulocyteState.INADEQUATE
        if any(value <= adequate for value, (_, adequate) in measured):
            return ReticulocyteState.EQUIVOCAL
        return ReticulocyteState.ADEQUATE

    number = chart.newest(Analyte.RETICULOCYTES, chart.hemolysis_span)
    state = single_state(classify, (number, by_number), (reticulocyte_index(chart), by_index))
    return state or ReticulocyteState.MISSING


def ldh_raised(result: LabResult | None, chart: Timeline) -> Truth:
    """Whether LDH is above the laboratory's limit, else 250 U/L.

    Pyruvate to lactate reads about twice as high, so that only its own limit can tell.
    """
    limits = chart.limits
    if result is not None and result.loinc == PYRUVATE_TO_LACTATE:
        own = _own_upper(result)
        return None if own is None else above(result, own)
    limit = chart.upper_limit(result, limits.lab_ldh_min, limits.lab_ldh_max, limits.ldh_high)
    return above(result, limit)


def ldh_marked(result: LabResult | None, chart: Timeline) -> Truth:
    """Whether LDH is above 1000 U/L; by pyruvate to lactate at least 4 times its own limit."""
    if result is not None and result.loinc == PYRUVATE_TO_LACTATE:
        own = _own_upper(result)
        return None if own is None else at_least(result, own * chart.limits.ldh_reverse_marked)
    return above(result, chart.limits.ldh_marked)


def _own_upper(result: LabResult) -> Decimal | None:
    high = None if result.interval is None else result.interval.high
    return high if high is not None and high > 0 else None
