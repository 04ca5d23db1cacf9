"""Checks of one result against another of its specimen (clinical-definition 1.3, U8 to U12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.specimens import nearest
from fhir_mappings.panel import Comparator, Reason, Unreadable
from fhir_mappings.units.units import Dimension

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fhir_mappings.laboratory.readings import Measured
    from fhir_mappings.panel import LabResult

ONE_DAY = timedelta(hours=24)
"""Iron, TIBC and TSAT this close together belong together (1.4, 2.4)."""

_FEWEST = Decimal(19)
_ENOUGH_LEUKOCYTES = Decimal(1)
_NEUTROPHIL_SLACK = (Decimal("1.1"), Decimal("0.05"))
_HEMATOCRIT_PER_HEMOGLOBIN = (Decimal("2.2"), Decimal("4.0"))
_UNIT_SLIPS = (
    (Decimal("0.085"), Decimal("0.117"), Decimal(10)),
    (Decimal("8.5"), Decimal("11.7"), Decimal("0.1")),
    (Decimal("4.8"), Decimal("6.4"), 1 / Decimal("5.5845")),
    (Decimal("0.155"), Decimal("0.21"), Decimal("5.5845")),
)
"""Computed / reported saturation, and what the iron would have to be multiplied with."""

_MOST_SATURATION = Decimal(110)
"""Percent: more than rounding and the errors of two assays explain (1.4)."""

_POINTS = Decimal(5)
_FACTORS = (Decimal("0.5"), Decimal(2))
_BELOW = frozenset({Comparator.LESS, Comparator.LESS_OR_EQUAL})
_ABOVE = frozenset({Comparator.GREATER, Comparator.GREATER_OR_EQUAL})


@dataclass(frozen=True, slots=True)
class Checked:
    """What passed a check, and what did not with the reason."""

    kept: tuple[Measured, ...]
    refused: tuple[Unreadable, ...]


def check_neutrophils(measured: Sequence[Measured], leukocytes: Sequence[LabResult]) -> Checked:
    """U8 (ANC per microliter that small) and U9 (more neutrophils than leukocytes)."""

    def judge(each: Measured) -> Unreadable | None:
        result = each.result
        white = nearest(leukocytes, result.taken)
        if white is None:
            return None
        small = each.unit_reading.is_per_microliter and 0 < each.number <= _FEWEST
        if small and white.value >= _ENOUGH_LEUKOCYTES and white.comparator not in _BELOW:
            sentence = (
                "So few neutrophils per microliter beside the leukocytes: the unit looks wrong."
            )
            return refuse(result, Reason.UNIT_SUSPECT, sentence, (each.number,))
        if exceeds_leukocytes(result, white):
            sentence = "There are more neutrophils than leukocytes in the same specimen."
            return refuse(result, Reason.ANC_GT_WBC, sentence)
        return None

    return _sorted_out(measured, judge)


def exceeds_leukocytes(neutrophils: LabResult, leukocytes: LabResult) -> bool:
    """U9. A bound on the wrong side decides nothing."""
    if neutrophils.comparator in _BELOW or leukocytes.comparator in _ABOVE:
        return False
    factor, slack = _NEUTROPHIL_SLACK
    return neutrophils.value > factor * leukocytes.value + slack


def check_molar_hemoglobin(
    measured: Sequence[Measured], hematocrits: Sequence[LabResult]
) -> Checked:
    """U12: a value for the tetramer, read as the monomer, is four times too low."""

    def judge(each: Measured) -> Unreadable | None:
        result = each.result
        if each.unit_reading.dimension is not Dimension.MOLAR or result.comparator:
            return None
        hematocrit = nearest(hematocrits, result.taken)
        if hematocrit is None or hematocrit.comparator or result.value == 0:
            return None
        low, high = _HEMATOCRIT_PER_HEMOGLOBIN
        if low <= hematocrit.value / result.value <= high:
            return None
        sentence = "Hemoglobin in mmol/L does not fit the hematocrit of the same specimen."
        return refuse(result, Reason.UNIT_SUSPECT, sentence, (result.value * 4,))

    return _sorted_out(measured, judge)


def check_iron(
    measured: Sequence[Measured],
    capacities: Sequence[LabResult],
    saturations: Sequence[LabResult],
) -> Checked:
    """U10: iron whose saturation is off by the factor of a unit slip, or above 110 % (1.4)."""

    def judge(each: Measured) -> Unreadable | None:
        result = each.result
        capacity = nearest(capacities, result.taken, ONE_DAY)
        if capacity is None:
            return None
        reported = nearest(saturations, result.taken, ONE_DAY)
        factor = unit_slip(result, capacity, reported) if reported else None
        if factor is not None:
            sentence = (
                "Iron and binding capacity do not give the reported saturation: a unit is wrong."
            )
            return refuse(result, Reason.IRON_UNIT, sentence, (result.value * factor,))
        if _saturates_too_much(result, capacity):
            sentence = "There is more iron than the binding capacity can hold."
            return refuse(result, Reason.TSAT_OVER, sentence)
        return None

    return _sorted_out(measured, judge)


def _saturates_too_much(iron: LabResult, capacity: LabResult) -> bool:
    """Whether the computed saturation is above 110 %; a bound on the wrong side decides nothing."""
    if iron.comparator in _BELOW or capacity.comparator in _ABOVE:
        return False
    return 100 * iron.value > _MOST_SATURATION * capacity.value


def unit_slip(iron: LabResult, capacity: LabResult, reported: LabResult) -> Decimal | None:
    """The factor that iron looks wrong by, None when it does not look wrong by a unit."""
    if iron.comparator or capacity.comparator or reported.comparator:
        return None
    if not capacity.value or not reported.value:
        return None
    computed = 100 * iron.value / capacity.value
    if not disagree(computed, reported.value):
        return None
    ratio = computed / reported.value
    return next((factor for low, high, factor in _UNIT_SLIPS if low <= ratio <= high), None)


def disagree(computed: Decimal, reported: Decimal) -> bool:
    """U10: more than 5 percentage points, or a factor outside 0.5 to 2."""
    if abs(computed - reported) > _POINTS:
        return True
    low, high = _FACTORS
    return not low * reported <= computed <= high * reported


def refuse(
    result: LabResult, reason: Reason, sentence: str, candidates: tuple[Decimal, ...] = ()
) -> Unreadable:
    """An accepted result that another one shows to be wrong."""
    return Unreadable(
        analyte=result.analyte,
        reason=reason,
        explanation=sentence,
        reported=f"{result.reported_value} {result.reported_unit}".strip(),
        taken=result.taken,
        loinc=result.loinc,
        source=result.source,
        candidates=candidates,
    )


def _sorted_out(
    measured: Sequence[Measured], judge: Callable[[Measured], Unreadable | None]
) -> Checked:
    kept, refused = [], []
    for each in measured:
        refusal = judge(each)
        if refusal is None:
            kept.append(each)
        else:
            refused.append(refusal)
    return Checked(tuple(kept), tuple(refused))
