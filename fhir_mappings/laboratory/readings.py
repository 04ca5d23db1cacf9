"""What one Observation or DiagnosticReport can turn out to be, before anything is settled.

`observations` makes these, `reader` settles them into a Panel, a mapping report counts them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from fhir_mappings.panel import (
    LabResult,
    MarrowResult,
    PregnancyObservation,
    SerologyResult,
    SmearFinding,
    Unreadable,
)
from fhir_mappings.r4.decoding import Coding
from fhir_mappings.r4.subjects import Owner, identifier_key
from fhir_mappings.r4.times import read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from fhir_mappings.context import Patient
    from fhir_mappings.panel import Analyte, Reason
    from fhir_mappings.r4.decoding import Reference
    from fhir_mappings.r4.laboratory_resources import Specimen
    from fhir_mappings.r4.subjects import NamedPatient, PatientNames
    from fhir_mappings.r4.times import Moment
    from fhir_mappings.terminology import Role, Terminology
    from fhir_mappings.units.units import UnitReading


class Measured(Struct, frozen=True):
    """An accepted number. `role` marks segmented neutrophils, bands and the like.

    `number` and `unit_reading` are what was sent and how its unit was read, for the checks that
    need another result of the same specimen.
    """

    result: LabResult
    role: Role
    number: Decimal
    unit_reading: UnitReading


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A result with an unknown code, or (`excluded`) one that must never be read.

    `looks_like` is the analyte that an excluded code could be mistaken for.
    """

    excluded: bool = False
    looks_like: Analyte | None = None


Reading = (
    Measured
    | Unreadable
    | Unmapped
    | SmearFinding
    | SerologyResult
    | MarrowResult
    | PregnancyObservation
)


class Reported(Struct, frozen=True):
    """One reading with the coding it was judged by and the unit as written, for mapping reports.

    `of_note`: read in a note beside the value, not a result of its own.
    """

    reading: Reading
    coding: Coding = Coding()
    unit: str = ""
    of_note: bool = False


class Envelope(Struct, frozen=True):
    """What surrounds a value: A1 to A3 of clinical-definition 1.1 applied to one resource.

    `refusal` is why nothing in it may be used, None when it may. `blood` is True when specimen or
    report say that it is blood, `marrow` when they say bone marrow. `has_time` False: only the date
    is known.
    """

    status: str
    taken: datetime | None
    issued: datetime | None = None
    source: str = ""
    refusal: Reason | None = None
    explanation: str = ""
    blood: bool = False
    marrow: bool = False
    has_time: bool = True


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What every resource of one reading is judged against.

    `names` None accepts any subject (mapping reports). `patients` maps the references of included
    Patients to their names, `specimens` references to Specimens, `report_of` the reference of an
    Observation to the envelope of a report or panel that names it. `read_moment` reads dates; a
    record has the same few again and again, so one that remembers them saves most of the work.
    """

    names: PatientNames | None
    now: datetime
    terminology: Terminology
    patient: Patient | None = None
    patients: Mapping[str, NamedPatient] = field(default_factory=dict)
    specimens: Mapping[str, Specimen] = field(default_factory=dict)
    report_of: Mapping[str, Envelope] = field(default_factory=dict)
    read_moment: Callable[[str], Moment | None] = field(default=read_moment, compare=False)

    def owner(
        self,
        reference: Reference | None,
        *,
        contained: Mapping[str, NamedPatient] | None = None,
        full_url: str = "",
    ) -> Owner:
        """Return whom a Reference names: the patient, where any subject is accepted."""
        if self.names is None:
            return Owner.PATIENT
        if reference is None:
            return Owner.UNKNOWN
        key = None
        if (identifier := reference.identifier) is not None:
            key = identifier_key(identifier.system, identifier.value)
        patients = {**self.patients, **contained} if contained else self.patients
        return self.names.owner(reference.reference, key, patients=patients, full_url=full_url)
