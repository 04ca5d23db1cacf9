"""Units of laboratory results: any spelling to an exact factor (clinical-definition 1.3).

`read_units` answers for a Quantity (U1, U4), `read_unit` for one spelling (U2, U3). A unit is read
only when exactly one reading is left for the analyte; otherwise `UnitNotUnderstood` says why.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_mappings.panel import Reason
from fhir_mappings.terminology import UCUM, UCUM_SYSTEMS
from fhir_mappings.units.reading import (
    Refusal,
    UnitNotUnderstood,
    UnitReading,
    accepted_readings,
    reading_or_refusal,
    usual_readings,
)
from fhir_mappings.units.spelling import MAX_LENGTH
from fhir_mappings.units.types import Dimension

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_mappings.terminology import AnalyteDefinition, CodeMeaning

__all__ = [
    "Dimension",
    "UnitNotUnderstood",
    "UnitReading",
    "accepted_readings",
    "clashes",
    "infer_unit",
    "read_unit",
    "read_units",
    "usual_readings",
]

_RANGE_TOLERANCE = Decimal("2.5")
"""How far a laboratory's limit may lie from the usual one; its square stays below ten."""


_CLASHES = {
    "MCnc": frozenset({Dimension.MOLAR}),
    "SCnc": frozenset({Dimension.MASS}),
    "NCnc": frozenset({Dimension.PERCENT, Dimension.PER_LEUKOCYTES}),
}
"""Dimensions that contradict LOINC's property; the unit governs (UNIT_GOVERNS)."""


def read_unit(text: str, analyte: AnalyteDefinition) -> UnitReading:
    """Read one spelling. Raises UnitNotUnderstood (U2, U3, grammar of 1.3)."""
    outcome = reading_or_refusal(_given(text) or "", analyte)
    if isinstance(outcome, Refusal):
        raise outcome.error()
    return outcome


def read_units(
    code: str | None,
    unit: str | None,
    range_units: Sequence[str],
    analyte: AnalyteDefinition,
    *,
    system: str | None = UCUM,
) -> UnitReading:
    """Read the unit of a Quantity (U1, U4). Raises UnitNotUnderstood.

    Pass Quantity.code, Quantity.unit, the units of referenceRange low and high, and Quantity.system
    as written: `code` counts as UCUM only when `system` is UCUM's; otherwise it is read as a
    spelling when there is no `unit`. A spelling that leaves the power of ten or the volume open is
    decided, as inferred, by the unit of the range.
    """
    ranges = tuple(filter(None, map(_given, range_units)))
    return _read_units(_given(code), _given(unit), ranges, analyte, system)


# One laboratory writes the same few units again and again; a refusal is not cached.
@lru_cache(maxsize=8192)
def _read_units(
    code: str | None,
    unit: str | None,
    ranges: tuple[str, ...],
    analyte: AnalyteDefinition,
    system: str | None,
) -> UnitReading:
    if (system or "").strip() not in UCUM_SYSTEMS:
        code, unit = None, unit or code
    spellings = tuple(text for text in (code, unit) if text) or ranges
    if not spellings:
        raise UnitNotUnderstood(
            Reason.UNIT,
            "No unit was sent with the result or with its reference range.",
            usual_readings(analyte),
            missing=True,
        )
    outcome = _agreed([reading_or_refusal(text, analyte) for text in spellings])
    if isinstance(outcome, UnitReading):
        if outcome.inferred and ranges is not spellings:
            _contradicted_by_range(outcome, ranges, analyte)
        return outcome
    settled = _settled_by_range(outcome, ranges, analyte) if spellings is not ranges else None
    if settled is None:
        raise outcome
    return settled


def infer_unit(
    value: Decimal,
    low: Decimal | None,
    high: Decimal | None,
    analyte: AnalyteDefinition,
    refusal: UnitNotUnderstood | None = None,
) -> UnitReading | None:
    """Return the one reading, as inferred, that plausible and reference range leave, or None.

    `low` and `high` are the laboratory's range as written. With `refusal` only the readings that
    it allows are tried, and none when the unit is missing altogether or is another kind of
    quantity: those stay refused (U1, U3). Without `refusal` every usual unit is tried.
    """
    if refusal is not None and not refusal.inferable:
        return None
    candidates = usual_readings(analyte) if refusal is None else refusal.candidates
    fitting = [
        reading
        for reading in candidates
        if analyte.is_plausible(reading.convert(value)) and _range_fits(reading, low, high, analyte)
    ]
    if len({reading.scale for reading in fitting}) != 1:
        return None
    return replace(fitting[0], inferred=True)


def clashes(meaning: CodeMeaning, reading: UnitReading) -> bool:
    """Return whether unit and LOINC property clash: mass and moles, number and share (U5)."""
    return reading.dimension in _CLASHES.get(meaning.property, ())


def _given(text: str | None) -> str | None:
    """The text if there is any, cut where it is too long to be a unit (and to be kept)."""
    return (text or "").strip()[: MAX_LENGTH + 1] or None


def _agreed(outcomes: list[UnitReading | Refusal]) -> UnitReading | UnitNotUnderstood:
    """Require that code and unit mean the same (U4)."""
    readings = [outcome for outcome in outcomes if isinstance(outcome, UnitReading)]
    # What was written in full comes before what had its volume assumed.
    readings = [reading for reading in readings if not reading.inferred] or readings
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    if not readings:
        return min(refusals, key=lambda refusal: not refusal.inferable).error()
    contradicted = any(refusal.contradicts for refusal in refusals)
    if contradicted or len({reading.scale for reading in readings}) > 1:
        return UnitNotUnderstood(
            Reason.UNIT_CONFLICT,
            "The result carries two units that contradict each other.",
            tuple(dict.fromkeys(readings)),
        )
    return readings[0]


def _settled_by_range(
    refusal: UnitNotUnderstood, ranges: tuple[str, ...], analyte: AnalyteDefinition
) -> UnitReading | None:
    if not refusal.inferable or not ranges:
        return None
    reading = _agreed([reading_or_refusal(text, analyte) for text in ranges])
    if isinstance(reading, UnitReading) and reading in refusal.candidates:
        return replace(reading, inferred=True)
    return None


def _contradicted_by_range(
    assumed: UnitReading, ranges: tuple[str, ...], analyte: AnalyteDefinition
) -> None:
    """Refuse an assumed volume when the unit of the range says another one."""
    if not ranges:
        return
    reading = _agreed([reading_or_refusal(text, analyte) for text in ranges])
    if isinstance(reading, UnitReading) and not reading.inferred and reading.scale != assumed.scale:
        raise UnitNotUnderstood(
            Reason.UNIT,
            "The unit names no volume, and the reference range has another unit.",
            (assumed, reading),
        )


def _range_fits(
    reading: UnitReading, low: Decimal | None, high: Decimal | None, analyte: AnalyteDefinition
) -> bool:
    """Return whether the laboratory's range, read so, lies roughly where such a range must lie."""
    pairs = ((low, analyte.reference_low), (high, analyte.reference_high))
    checks = [
        usual / _RANGE_TOLERANCE <= reading.convert(limit) <= usual * _RANGE_TOLERANCE
        for limit, usual in pairs
        if limit is not None and usual is not None
    ]
    return bool(checks) and all(checks)
