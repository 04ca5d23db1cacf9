# ruff: noqa: RUF012  msgspec copies an empty list for every instance
"""The FHIR R4 resources that are read for laboratory facts, the part of each that is read.

Field names are FHIR's own. Everything is optional here: what a missing or broken field means is
decided where it is used. Numbers are Decimal and keep the digits that were sent.
"""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003  msgspec resolves the annotations
from typing import Any

from msgspec import Raw, Struct

from fhir_mappings.r4.decoding import (
    CodeableConcept,
    Identifier,
    Period,
    Reference,
    Resource,
    ResourceKinds,
)
from fhir_mappings.r4.lenient import AllOrNothing


class Quantity(AllOrNothing, frozen=True):
    """FHIR Quantity (also SimpleQuantity and Age)."""

    value: Decimal | None = None
    comparator: str = ""
    unit: str = ""
    system: str = ""
    code: str = ""


class Range(Struct, frozen=True):
    """FHIR Range."""

    low: Quantity | None = None
    high: Quantity | None = None


class ReferenceRange(Struct, frozen=True):
    """Observation.referenceRange."""

    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None
    appliesTo: list[CodeableConcept] = []
    age: Range | None = None
    text: str = ""


class Annotation(Struct, frozen=True):
    """FHIR Annotation."""

    text: str = ""


class Meta(Struct, frozen=True):
    """Resource.meta: which version this is."""

    versionId: str = ""
    lastUpdated: str = ""


class Ratio(Struct, frozen=True):
    """FHIR Ratio, as titers are sent."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Component(Struct, frozen=True, kw_only=True):
    """Observation.component; an Observation has the same fields and more."""

    code: CodeableConcept = CodeableConcept()
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: Decimal | None = None
    valueRange: Range | None = None
    valueRatio: Ratio | None = None
    valueSampledData: Any = None
    valueTime: str | None = None
    valueDateTime: str | None = None
    valuePeriod: Any = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] = []
    referenceRange: list[ReferenceRange] = []


class Observation(Resource, tag="Observation", frozen=True, kw_only=True):
    """FHIR Observation."""

    meta: Meta | None = None
    contained: list[Raw] = []
    status: str = ""
    code: CodeableConcept = CodeableConcept()
    subject: Reference | None = None
    focus: list[Reference] = []
    effectiveDateTime: str = ""
    effectivePeriod: Period | None = None
    effectiveInstant: str = ""
    issued: str = ""
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: Decimal | None = None
    valueRange: Range | None = None
    valueRatio: Ratio | None = None
    valueSampledData: Any = None
    valueTime: str | None = None
    valueDateTime: str | None = None
    valuePeriod: Any = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] = []
    referenceRange: list[ReferenceRange] = []
    note: list[Annotation] = []
    specimen: Reference | None = None
    hasMember: list[Reference] = []
    component: list[Component] = []


class Attachment(Struct, frozen=True):
    """FHIR Attachment."""

    contentType: str = ""
    data: str = ""


class DiagnosticReport(Resource, tag="DiagnosticReport", frozen=True, kw_only=True):
    """FHIR DiagnosticReport."""

    meta: Meta | None = None
    contained: list[Raw] = []
    status: str = ""
    code: CodeableConcept = CodeableConcept()
    subject: Reference | None = None
    effectiveDateTime: str = ""
    effectivePeriod: Period | None = None
    issued: str = ""
    specimen: list[Reference] = []
    result: list[Reference] = []
    conclusion: str = ""
    conclusionCode: list[CodeableConcept] = []
    presentedForm: list[Attachment] = []


class SpecimenCollection(Struct, frozen=True):
    """Specimen.collection."""

    bodySite: CodeableConcept | None = None


class Specimen(Resource, tag="Specimen", frozen=True, kw_only=True):
    """FHIR Specimen: what a result was measured in."""

    type: CodeableConcept | None = None
    subject: Reference | None = None
    collection: SpecimenCollection | None = None


class PatientLink(Struct, frozen=True):
    """Patient.link."""

    type: str = ""
    other: Reference | None = None


class PatientResource(Resource, tag="Patient", frozen=True, kw_only=True):
    """FHIR Patient."""

    identifier: list[Identifier] = []
    gender: str = ""
    birthDate: str = ""
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None
    link: list[PatientLink] = []


LABORATORY_KINDS = ResourceKinds(Observation, DiagnosticReport, Specimen, PatientResource)
"""What `reader` decodes. OperationOutcome and everything else is passed over."""
