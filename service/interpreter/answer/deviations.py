"""On which side of the limit used a result lies (clinical-definition 2.3, 2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.assessment.situation import FolateState, ReticulocyteState
from service.interpreter.interpretation import B12State, Deviation
from service.interpreter.logic import above, at_least, below
from service.interpreter.thresholds import limits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.thresholds import Thresholds

    Judge = Callable[[LabResult, Situation], Deviation]


def deviation_of(result: LabResult, situation: Situation) -> Deviation:
    """Return the side of a result; NONE within limits, undecided by a bound, or without limits."""
    if judge := _JUDGES.get(result.analyte):
        return judge(result, situation)
    limits = limits_of(result.analyte, situation.limits)
    return _side(result, limits.get("low"), limits.get("high"))


def _side(
    result: LabResult,
    low: Decimal | None = None,
    high: Decimal | None = None,
    very_high: Decimal | None = None,
) -> Deviation:
    if low is not None and below(result, low) is True:
        return Deviation.LOW
    if very_high is not None and at_least(result, very_high) is True:
        return Deviation.VERY_HIGH
    if high is not None and above(result, high) is True:
        return Deviation.HIGH
    return Deviation.NONE


def _own(
    bound: Decimal | None, least: Decimal, most: Decimal, fixed: Decimal, situation: Situation
) -> Decimal:
    """The laboratory's limit where it may be used, else the fixed one (2.6)."""
    if bound is None or situation.pregnant or not least <= bound <= most:
        return fixed
    return bound


def _low_of(result: LabResult) -> Decimal | None:
    return None if result.interval is None else result.interval.low


def _high_of(result: LabResult) -> Decimal | None:
    return None if result.interval is None else result.interval.high


def _b12(_result: LabResult, situation: Situation) -> Deviation:
    return {
        B12State.LOW: Deviation.LOW,
        B12State.ELEVATED: Deviation.HIGH,
        B12State.MARKED: Deviation.VERY_HIGH,
    }.get(situation.states.b12, Deviation.NONE)


def _iron(result: LabResult, situation: Situation) -> Deviation:
    limits = situation.limits
    low = _own(
        _low_of(result), limits.lab_iron_min, limits.lab_iron_max, limits.iron_low, situation
    )
    return _side(result, low, limits.iron_high)


def _capacity(result: LabResult, situation: Situation) -> Deviation:
    limits = situation.limits
    low = _own(
        _low_of(result),
        limits.lab_tibc_low_min,
        limits.lab_tibc_low_max,
        limits.tibc_low,
        situation,
    )
    high = _own(
        _high_of(result),
        limits.lab_tibc_high_min,
        limits.lab_tibc_high_max,
        limits.tibc_high,
        situation,
    )
    return _side(result, low, high)


def _folate(_result: LabResult, situation: Situation) -> Deviation:
    return Deviation.LOW if situation.chemistry.folate is FolateState.LOW else Deviation.NONE


def _mma(result: LabResult, situation: Situation) -> Deviation:
    limits = situation.limits
    high = _own(
        _high_of(result), limits.lab_mma_min, limits.lab_mma_max, limits.mma_high, situation
    )
    return _side(result, high=high)


def _homocysteine(_result: LabResult, situation: Situation) -> Deviation:
    return Deviation.HIGH if situation.chemistry.homocysteine_high is True else Deviation.NONE


def _ldh(_result: LabResult, situation: Situation) -> Deviation:
    if situation.chemistry.ldh_marked is True:
        return Deviation.VERY_HIGH
    return Deviation.HIGH if situation.chemistry.ldh_high is True else Deviation.NONE


def _haptoglobin(_result: LabResult, situation: Situation) -> Deviation:
    return Deviation.LOW if situation.chemistry.haptoglobin_low is True else Deviation.NONE


def _bilirubin(_result: LabResult, situation: Situation) -> Deviation:
    return Deviation.HIGH if situation.chemistry.indirect_bilirubin_high is True else Deviation.NONE


def _reticulocytes(_result: LabResult, situation: Situation) -> Deviation:
    low = situation.chemistry.reticulocytes is ReticulocyteState.INADEQUATE
    return Deviation.LOW if low else Deviation.NONE


def _creatinine(result: LabResult, situation: Situation) -> Deviation:
    own = _high_of(result)
    fixed = situation.limits.creatinine_high
    return _side(result, high=fixed if own is None or situation.pregnant else own)


def _fixed(
    low: Callable[[Thresholds], Decimal] | None = None,
    high: Callable[[Thresholds], Decimal] | None = None,
    very_high: Callable[[Thresholds], Decimal] | None = None,
) -> Judge:
    """Return a judge by fixed limits only."""

    def judge(result: LabResult, situation: Situation) -> Deviation:
        limits = situation.limits
        return _side(
            result,
            low(limits) if low else None,
            high(limits) if high else None,
            very_high(limits) if very_high else None,
        )

    return judge


_JUDGES: Mapping[Analyte, Judge] = {
    Analyte.VITAMIN_B12: _b12,
    Analyte.IRON: _iron,
    Analyte.IRON_BINDING_CAPACITY: _capacity,
    Analyte.FERRITIN: _fixed(lambda t: t.ferritin_deficient, very_high=lambda t: t.ferritin_hlh),
    Analyte.FOLATE: _folate,
    Analyte.METHYLMALONATE: _mma,
    Analyte.HOMOCYSTEINE: _homocysteine,
    Analyte.LACTATE_DEHYDROGENASE: _ldh,
    Analyte.HAPTOGLOBIN: _haptoglobin,
    Analyte.BILIRUBIN_INDIRECT: _bilirubin,
    Analyte.RETICULOCYTES: _reticulocytes,
    Analyte.RETICULOCYTE_PERCENT: _reticulocytes,
    Analyte.CREATININE: _creatinine,
    Analyte.GLOMERULAR_FILTRATION_RATE: _fixed(lambda t: t.egfr_poor),
}
"""Analytes that are judged by more than two fixed limits."""
