"""The unit of a result against the laboratory's own reference range (clinical-definition 1.3, U14).

A range of 12 to 16 mmol/L is no range of hemoglobin: it is in g/dL, and so is the result beside it.
Nothing is rescaled; such a result is refused, with what may have been meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fhir_mappings.laboratory.reference_intervals import NO_UNIT, normal_limits
from fhir_mappings.units.units import UnitNotUnderstood, accepted_readings, read_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from fhir_mappings.laboratory.reference_intervals import WrittenUnit
    from fhir_mappings.r4.laboratory_resources import ReferenceRange
    from fhir_mappings.terminology import AnalyteDefinition
    from fhir_mappings.units.units import UnitReading


class _Side(NamedTuple):
    """One limit as written, and between which values such a limit lies in canonical unit."""

    limit: Decimal
    window: tuple[Decimal, Decimal]

    def fits(self, reading: UnitReading) -> bool:
        low, high = self.window
        return low <= reading.convert(self.limit) <= high


def meant_by_range(
    ranges: Sequence[ReferenceRange],
    value: Decimal,
    reading: UnitReading,
    written_unit: WrittenUnit,
    definition: AnalyteDefinition,
) -> tuple[Decimal, ...]:
    """Return what was meant by a result whose range contradicts its unit; nothing when they fit.

    In canonical unit: the values under the units that range and value fit, then as it was written.
    `written_unit` is the unit that was read as `reading`. All ranges are used, because the unit is
    the same whoever they are for.
    """
    sides = []
    for side in _sides(ranges, reading, written_unit, definition):
        if side.fits(reading):
            return ()
        sides.append(side)
    if not sides:
        return ()
    meant = [
        other.convert(value)
        for other in accepted_readings(definition)
        if other.scale != reading.scale
        and definition.is_plausible(other.convert(value))
        and all(side.fits(other) for side in sides)
    ]
    return (*meant, reading.convert(value)) if meant else ()


def _sides(
    ranges: Sequence[ReferenceRange],
    reading: UnitReading,
    written_unit: WrittenUnit,
    definition: AnalyteDefinition,
) -> Iterator[_Side]:
    """Yield the limits that say something: in the result's unit or in none, a low one above 0."""
    windows = definition.range_limits
    if windows is None:
        return
    for limits in normal_limits(ranges):
        for limit, unit, window in (
            (limits.low or None, limits.low_unit, windows.low),
            (limits.high, limits.high_unit, windows.high),
        ):
            if limit is not None and window and _is_of(reading, unit, written_unit, definition):
                yield _Side(limit, window)


def _is_of(
    reading: UnitReading, unit: WrittenUnit, written: WrittenUnit, definition: AnalyteDefinition
) -> bool:
    """Whether a limit is in the result's unit, or in none."""
    if unit in (NO_UNIT, written):
        return True
    code, text, system = unit
    if not code and not text:
        return True
    try:
        own = read_units(code or None, text or None, (), definition, system=system or None)
    except UnitNotUnderstood:
        return False
    return own.scale == reading.scale
