"""The value of one Observation or component as an exact number in canonical unit, or a refusal.

Rules U1 to U8, U11, U13 and U14 of clinical-definition 1.3. Nothing is rescaled: a value that may
have been meant otherwise is refused, with what it may have been as `candidates`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.flags import flag_of
from fhir_mappings.laboratory.numbers import NOT_PLAIN, NoNumber, read_number, text_of
from fhir_mappings.laboratory.readings import Measured
from fhir_mappings.laboratory.reference_intervals import (
    NO_UNIT,
    chosen_limits,
    interval_in_canonical_unit,
    range_units,
)
from fhir_mappings.laboratory.refusals import refused
from fhir_mappings.laboratory.unit_against_range import meant_by_range
from fhir_mappings.panel import Analyte, LabResult, Note, Reason
from fhir_mappings.terminology import Role
from fhir_mappings.units.grammar import is_unit
from fhir_mappings.units.units import (
    UnitNotUnderstood,
    clashes,
    infer_unit,
    read_units,
    usual_readings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.laboratory.numbers import Number
    from fhir_mappings.laboratory.readings import Envelope, ReadingContext
    from fhir_mappings.laboratory.reference_intervals import WrittenUnit
    from fhir_mappings.panel import Unreadable
    from fhir_mappings.r4.laboratory_resources import Component, Observation
    from fhir_mappings.terminology import AnalyteDefinition, CodeMeaning
    from fhir_mappings.units.units import UnitReading

STAND_IN_RANK = 100
"""Added to the method rank of codes that stand in only when nothing better is there (1.2 notes)."""

_NO_NOTES: frozenset[Note] = frozenset()
_AGAINST_RANGE = (
    "In the unit of this result the laboratory's own reference range is impossible: the unit looks"
    " wrong."
)
_STAND_INS = frozenset({Role.CORRECTED_RETICULOCYTES, Role.CONJUGATED, Role.RACE_PAIR})
_SMALLEST_PER_MICROLITER = {Analyte.PLATELETS: Decimal(1000), Analyte.LEUKOCYTES: Decimal(50)}
_SMALLEST_PER_LITER = {
    Analyte.PLATELETS: Decimal(1),
    Analyte.RETICULOCYTES: Decimal(1),
    Analyte.LEUKOCYTES: Decimal("0.05"),
    Analyte.NEUTROPHILS: Decimal("0.05"),
}


def measure(
    valued: Observation | Component,
    meaning: CodeMeaning,
    envelope: Envelope,
    chart: ReadingContext,
    unreadable_fields: frozenset[str] = frozenset(),
) -> Measured | Unreadable:
    """Read one number of a known analyte. The envelope must not have been refused."""
    analyte = meaning.analyte
    if analyte is None or envelope.taken is None:
        msg = "measure() needs an analyte and a time"
        raise ValueError(msg)
    try:
        number = read_number(valued, unreadable_fields, units_in_text=True)
    except NoNumber as refusal:
        return refused(meaning, envelope, refusal.reason, refusal.explanation, refusal.reported)
    definition = chart.terminology.definition(analyte)
    limits = chosen_limits(valued.referenceRange, chart.patient, envelope.taken)
    low, high = (limits.low, limits.high) if limits else (None, None)
    shown = f"{number.text} {number.unit}".strip()
    try:
        reading = _read_unit(valued, number, (low, high), definition)
    except UnitNotUnderstood as problem:
        if number.in_text and number.unit and not is_unit(number.unit):
            return refused(meaning, envelope, Reason.VALUE, NOT_PLAIN, text_of(valued).strip()[:60])
        meant = _plausible(problem.candidates, number.value, definition)
        return refused(meaning, envelope, problem.reason, problem.explanation, shown, meant)
    value = reading.convert(number.value)
    problem_found = _implausible(number, value, reading, definition)
    if problem_found:
        others = [each for each in usual_readings(definition) if each.factor != reading.factor]
        meant = _plausible(others, number.value, definition)
        return refused(meaning, envelope, *problem_found, shown, meant)
    written = _written_unit(valued, number)
    meant = meant_by_range(valued.referenceRange, number.value, reading, written, definition)
    if meant:
        return refused(meaning, envelope, Reason.UNIT_SUSPECT, _AGAINST_RANGE, shown, meant)
    result = LabResult(
        analyte=analyte,
        value=value,
        taken=envelope.taken,
        unit=definition.canonical_unit,
        reported_value=number.text,
        reported_unit=number.unit or next(iter(range_units(valued.referenceRange)), ""),
        status=envelope.status,
        loinc=meaning.code,
        comparator=number.comparator,
        issued=envelope.issued,
        interval=interval_in_canonical_unit(limits, reading, definition, written),
        flag=flag_of(valued.interpretation),
        method_rank=meaning.method_rank + (STAND_IN_RANK if meaning.role in _STAND_INS else 0),
        notes=_notes(envelope.status, meaning, reading),
        source=envelope.source,
        has_time=envelope.has_time,
    )
    return Measured(result, meaning.role, number.value, reading)


def _read_unit(
    valued: Observation | Component,
    number: Number,
    limits: tuple[Decimal | None, Decimal | None],
    definition: AnalyteDefinition,
) -> UnitReading:
    """U1 to U4; what they leave open, the ranges may settle (UNIT_INFERRED)."""
    code, unit, system = _written_unit(valued, number)
    try:
        reading = read_units(code, unit, (), definition, system=system)
    except UnitNotUnderstood:
        pass
    else:
        if not reading.inferred:
            return reading
    # The units of the range count only where the value's own does not tell.
    try:
        return read_units(code, unit, range_units(valued.referenceRange), definition, system=system)
    except UnitNotUnderstood as problem:
        inferred = None
        if number.comparator is None:
            inferred = infer_unit(number.value, *limits, definition, problem)
        if inferred is None:
            raise
        return inferred


def _written_unit(valued: Observation | Component, number: Number) -> WrittenUnit:
    """Code, unit and system as written."""
    quantity = valued.valueQuantity
    if number.in_text:
        return ("", number.unit, "")
    return NO_UNIT if quantity is None else (quantity.code, quantity.unit, quantity.system)


def _implausible(
    number: Number, value: Decimal, reading: UnitReading, definition: AnalyteDefinition
) -> tuple[Reason, str] | None:
    """U8 first, because it knows what was meant; then U6 and U11."""
    suspect = _suspect_unit(number, value, reading, definition.analyte)
    if suspect:
        return Reason.UNIT_SUSPECT, suspect
    if not definition.is_plausible(value):
        low, high = definition.plausible_low, definition.plausible_high
        limits = f"{low:f} to {high:f} {definition.canonical_unit}"
        return Reason.IMPLAUSIBLE, f"The value lies outside {limits}, no result can lie there."
    if definition.analyte is Analyte.TRANSFERRIN_SATURATION and number.value == 1 == value:
        return Reason.IMPLAUSIBLE, "A saturation of at most 1 % is a fraction sent as percent."
    return None


def _suspect_unit(
    number: Number, value: Decimal, reading: UnitReading, analyte: Analyte
) -> str | None:
    """U8, the part that needs no second result."""
    if reading.is_per_microliter:
        if number.value != number.value.to_integral_value():
            return "Cells per microliter have no fraction: the unit looks wrong."
        smallest = _SMALLEST_PER_MICROLITER.get(analyte)
        if smallest is not None and number.value < smallest:
            return "So few cells per microliter: the unit looks wrong."
    if reading.is_below_per_microliter:
        smallest = _SMALLEST_PER_LITER.get(analyte)
        if smallest is not None and value < smallest:
            return "So few cells in so large a volume: the unit looks wrong."
    return None


def _plausible(
    readings: Iterable[UnitReading], value: Decimal, definition: AnalyteDefinition
) -> tuple[Decimal, ...]:
    converted = (reading.convert(value) for reading in readings)
    return tuple(dict.fromkeys(v for v in converted if definition.is_plausible(v)))


def _notes(status: str, meaning: CodeMeaning, reading: UnitReading) -> frozenset[Note]:
    if status == "final" and not reading.inferred and not clashes(meaning, reading):
        return _NO_NOTES
    notes = {
        Note.PRELIMINARY: status == "preliminary",
        Note.STATUS_UNKNOWN: status == "unknown",
        Note.UNIT_INFERRED: reading.inferred,
        Note.UNIT_GOVERNS: clashes(meaning, reading),
    }
    return frozenset(note for note, applies in notes.items() if applies)
