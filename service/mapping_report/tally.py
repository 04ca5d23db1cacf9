"""Counting how results are read, by code and unit, in whole charts.

Nothing of a patient is kept: codes, their names, units, numbers of results and, for units that are
not understood, how many values would lie in the usual range under each usual unit.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_mappings.clinical_context.patient import PatientUnreadable, read_patient
from fhir_mappings.laboratory.accepted_results import accept_results
from fhir_mappings.laboratory.readings import Measured, Unmapped
from fhir_mappings.laboratory.record import readings
from fhir_mappings.panel import (
    Analyte,
    Note,
    PregnancyObservation,
    Reason,
    SerologyResult,
    SmearFinding,
    Unreadable,
)
from fhir_mappings.r4.times import FUTURE_TOLERANCE
from fhir_mappings.units.units import UnitNotUnderstood, read_unit
from service.mapping_report.codings import Codings, short
from service.mapping_report.context_tally import ContextTally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.context import Patient
    from fhir_mappings.laboratory.readings import Reading, Reported
    from fhir_mappings.terminology import AnalyteDefinition, Terminology
    from fhir_mappings.units.units import UnitReading
    from service.mapping_report.inputs import ChartDocuments

END_OF_TIME = datetime(9998, 12, 31, tzinfo=UTC)
"""Results are judged as of here, so that the shifted dates of a de-identified export do not hide
its codes and units; dates after now are counted separately.
"""

MOST_ROWS = 20_000
_NUMBER = re.compile(r"[<>]?=?\s*(\d+(?:\.\d+)?)")
_NEAR = Decimal(4)
_BLASTS = re.compile(
    r"(?<!erythro)(?<!normo)(?<!megalo)(?<!sidero)(?<!fibro)(?<!osteo)(?<!neuro)(?<!glio)"
    r"blast(?:s|en|os|es|i)?(?![a-z])|promonocyt"
)
"""Names of leukemic cells; not of other cells and tumors with similar names."""


class Key(NamedTuple):
    """One code and unit as sent."""

    system: str
    code: str
    unit: str


class Refusal(NamedTuple):
    """Why a result is not used, with the sentence for a laboratory person."""

    reason: Reason | Note
    sentence: str


@dataclass(slots=True)
class Row:
    """Everything that was counted for one code and unit.

    `read_as` says analyte or finding and how the unit is converted; `checked` are refusals because
    of another result of the same patient; `fits` counts, for a unit that is not understood, the
    values that each usual unit would put in the usual range.
    """

    key: Key
    display: str = ""
    count: int = 0
    laboratory: bool = True
    analytes: Counter[Analyte] = field(default_factory=Counter)
    read_as: Counter[str] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    checked: Counter[Refusal] = field(default_factory=Counter)
    notes: Counter[Note] = field(default_factory=Counter)
    fits: Counter[str] = field(default_factory=Counter)
    excluded: int = 0
    unmapped: int = 0
    future: int = 0
    other_codings: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """How many were understood."""
        return self.read_as.total()

    @property
    def says_blasts(self) -> bool:
        """Whether the code, or one beside it, is named after blasts of the blood."""
        names = (self.display, *self.other_codings.values())
        return any(_BLASTS.search(name.lower()) for name in names)


@dataclass(slots=True)
class Tally:
    """The whole report while it is being counted."""

    now: datetime
    terminology: Terminology
    rows: dict[Key, Row] = field(default_factory=dict)
    patients: int = 0
    beyond: int = 0
    _context: ContextTally | None = None
    derived: Counter[Refusal] = field(default_factory=Counter)
    """Refusals of what was computed from several results, such as an ANC above the WBC."""

    @property
    def context(self) -> ContextTally:
        """What was counted of conditions, medicines, procedures and encounters."""
        if self._context is None:
            self._context = ContextTally(self.terminology)
        return self._context

    def add(self, chart: ChartDocuments) -> None:
        """Count one chart."""
        self.patients += bool(chart.patient_id)
        self.context.add(chart)
        codings = Codings.of(chart.documents)
        patient = _patient(chart)
        reported = readings(
            chart.documents, chart.patient_id, END_OF_TIME, self.terminology, patient
        )
        rows_of: dict[tuple[Any, ...], Row] = {}
        measured: list[Measured] = []
        seen: set[tuple[Key, str]] = set()
        for each in reported:
            row = self._row(each, codings)
            if row is None or each.of_note or _told_before(each, row, seen):
                continue
            self._count(row, each.reading)
            if isinstance(each.reading, Measured):
                measured.append(each.reading)
                rows_of[_identity(each.reading.result)] = row
        self._check(measured, rows_of)

    def _row(self, reported: Reported, codings: Codings) -> Row | None:
        coding = reported.coding
        key = Key(coding.system.strip(), short(coding.code), short(reported.unit))
        if not coding.code.strip():
            key = Key("", "", "")
        row = self.rows.get(key)
        if row is None:
            if len(self.rows) >= MOST_ROWS:
                self.beyond += 1
                return None
            row = self.rows[key] = Row(key, short(coding.display) if key.code else "")
            row.laboratory = False
        place = (coding.system, coding.code)
        row.display = row.display or (short(coding.display) if key.code else "")
        row.laboratory |= place not in codings.elsewhere or place in codings.laboratory
        for other in codings.beside.get(place, ()):
            row.other_codings.setdefault(other, codings.displays.get(other, ""))
        return row

    def _count(self, row: Row, reading: Reading) -> None:
        row.count += 1
        if isinstance(reading, Unmapped):
            row.excluded += reading.excluded
            row.unmapped += not reading.excluded
        elif isinstance(reading, Unreadable):
            row.refused[Refusal(reading.reason, reading.explanation)] += 1
            self._count_fits(row, reading)
        elif isinstance(reading, Measured):
            result = reading.result
            row.analytes[result.analyte] += 1
            row.read_as[_converted(reading, self.terminology)] += 1
            row.notes.update(result.notes)
            row.future += result.taken > self.now + FUTURE_TOLERANCE
        else:
            row.read_as[_finding(reading)] += 1
            row.future += reading.taken > self.now + FUTURE_TOLERANCE

    def _count_fits(self, row: Row, refused: Unreadable) -> None:
        if refused.analyte is None:
            return
        row.analytes[refused.analyte] += 1
        number = _NUMBER.match(refused.reported)
        if refused.reason is not Reason.UNIT or number is None:
            return
        definition = self.terminology.definition(refused.analyte)
        for unit in definition.usual_units:
            row.fits[unit] += _lies_well(Decimal(number[1]), unit, definition)

    def _check(self, measured: Iterable[Measured], rows_of: Mapping[tuple[Any, ...], Row]) -> None:
        """Count what only the rest of the chart shows: U8 to U12 and conflicts (A8)."""
        results, refused = accept_results(measured, self.terminology)
        for each in refused:
            row = rows_of.get(_identity(each))
            counted = row.checked if row else self.derived
            counted[Refusal(each.reason, each.explanation)] += 1
        for result in (one for several in results.values() for one in several):
            row = rows_of.get(_identity(result))
            if row and Note.CONFLICT in result.notes:
                row.notes[Note.CONFLICT] += 1
            if Note.TSAT_INCONSISTENT in result.notes:
                explanation = "Iron and binding capacity do not give the reported saturation."
                self.derived[Refusal(Note.TSAT_INCONSISTENT, explanation)] += 1


def _patient(chart: ChartDocuments) -> Patient | None:
    for document in chart.documents:
        try:
            return read_patient(document, chart.patient_id)
        except PatientUnreadable:
            continue
    return None


def _told_before(reported: Reported, row: Row, seen: set[tuple[Key, str]]) -> bool:
    """One narrative gives several findings; it is one result."""
    reading = reported.reading
    if not isinstance(reading, SmearFinding) or not reading.source:
        return False
    place = (row.key, reading.source)
    repeated = place in seen
    seen.add(place)
    return repeated


def _identity(result: Any) -> tuple[Any, ...]:  # noqa: ANN401  LabResult or Unreadable of it
    if isinstance(result, Unreadable):
        shown = result.reported
    else:
        shown = f"{result.reported_value} {result.reported_unit}".strip()
    return result.analyte, result.loinc, result.source, result.taken, shown


def _lies_well(number: Decimal, unit: str, definition: AnalyteDefinition) -> bool:
    """Whether a value in this unit lies within four times of the usual range."""
    try:
        value = read_unit(unit, definition).convert(number)
    except UnitNotUnderstood:
        return False
    low, high = definition.reference_low, definition.reference_high
    return (
        definition.is_plausible(value)
        and (low is None or value >= low / _NEAR)
        and (high is None or value <= high * _NEAR)
        and not (low is None and high is None)
    )


def _converted(measured: Measured, terminology: Terminology) -> str:
    definition = terminology.definition(measured.result.analyte)
    role = f" ({measured.role.value})" if measured.role else ""
    name = f"{definition.name}{role}, {definition.canonical_unit}"
    return f"{name}, {_factor(measured.unit_reading)}"


def _factor(reading: UnitReading) -> str:
    number = f"{reading.numerator.normalize():f}"
    times = f"x {number}" + (f" / {reading.divisor:f}" if reading.divisor != 1 else "")
    return f"(value - {reading.zero:f}) {times}" if reading.zero else times


def _finding(reading: Reading) -> str:
    if isinstance(reading, SmearFinding):
        return f"blood film: {reading.finding.value}" if reading.finding else "blood film"
    if isinstance(reading, SerologyResult):
        return f"serology: {reading.test.value}"
    if isinstance(reading, PregnancyObservation):
        return "pregnancy"
    return "marrow report"
