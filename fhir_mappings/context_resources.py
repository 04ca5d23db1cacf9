"""The FHIR R4 resources of the clinical context, as far as they are read.

Every element but the id stays raw until a reader asks for it, so that a broken piece never spoils
the rest (see `loose`).
"""

from __future__ import annotations

from msgspec import Raw  # noqa: TC002 - msgspec resolves the annotations at run time

from fhir_mappings.decoding import OperationOutcome, Resource
from fhir_mappings.loose import NOTHING


class PatientResource(Resource, tag="Patient", frozen=True, kw_only=True):
    """Patient: only its id, to follow `urn:uuid:` subjects."""


class ConditionResource(Resource, tag="Condition", frozen=True, kw_only=True):
    """Condition."""

    subject: Raw = NOTHING
    clinicalStatus: Raw = NOTHING
    verificationStatus: Raw = NOTHING
    code: Raw = NOTHING
    onsetDateTime: Raw = NOTHING
    onsetPeriod: Raw = NOTHING
    recordedDate: Raw = NOTHING
    assertedDate: Raw = NOTHING
    abatementDateTime: Raw = NOTHING
    abatementPeriod: Raw = NOTHING
    abatementAge: Raw = NOTHING
    abatementRange: Raw = NOTHING
    abatementString: Raw = NOTHING
    abatementBoolean: Raw = NOTHING


class MedicationResource(Resource, tag="Medication", frozen=True, kw_only=True):
    """Medication, found through a medicationReference."""

    code: Raw = NOTHING
    form: Raw = NOTHING
    ingredient: Raw = NOTHING


class MedicationRecord(Resource, frozen=True, kw_only=True):
    """What the three medication resources have in common."""

    status: Raw = NOTHING
    subject: Raw = NOTHING
    medicationCodeableConcept: Raw = NOTHING
    medicationReference: Raw = NOTHING
    contained: Raw = NOTHING


class MedicationRequestResource(MedicationRecord, tag="MedicationRequest", frozen=True):
    """MedicationRequest."""

    intent: Raw = NOTHING
    doNotPerform: Raw = NOTHING
    authoredOn: Raw = NOTHING
    dosageInstruction: Raw = NOTHING


class MedicationStatementResource(MedicationRecord, tag="MedicationStatement", frozen=True):
    """MedicationStatement."""

    effectiveDateTime: Raw = NOTHING
    effectivePeriod: Raw = NOTHING
    dateAsserted: Raw = NOTHING
    dosage: Raw = NOTHING


class MedicationAdministrationResource(
    MedicationRecord, tag="MedicationAdministration", frozen=True
):
    """MedicationAdministration."""

    effectiveDateTime: Raw = NOTHING
    effectivePeriod: Raw = NOTHING
    dosage: Raw = NOTHING


class ProcedureResource(Resource, tag="Procedure", frozen=True, kw_only=True):
    """Procedure."""

    status: Raw = NOTHING
    subject: Raw = NOTHING
    code: Raw = NOTHING
    performedDateTime: Raw = NOTHING
    performedPeriod: Raw = NOTHING


class ServiceRequestResource(Resource, tag="ServiceRequest", frozen=True, kw_only=True):
    """ServiceRequest."""

    status: Raw = NOTHING
    subject: Raw = NOTHING
    code: Raw = NOTHING
    doNotPerform: Raw = NOTHING
    authoredOn: Raw = NOTHING
    occurrenceDateTime: Raw = NOTHING


class EncounterResource(
    Resource, tag="Encounter", frozen=True, kw_only=True, rename={"class_": "class"}
):
    """Encounter."""

    status: Raw = NOTHING
    subject: Raw = NOTHING
    class_: Raw = NOTHING
    type: Raw = NOTHING
    serviceType: Raw = NOTHING
    participant: Raw = NOTHING
    period: Raw = NOTHING


class AppointmentResource(Resource, tag="Appointment", frozen=True, kw_only=True):
    """Appointment."""

    status: Raw = NOTHING
    participant: Raw = NOTHING
    serviceCategory: Raw = NOTHING
    serviceType: Raw = NOTHING
    specialty: Raw = NOTHING
    appointmentType: Raw = NOTHING
    start: Raw = NOTHING
    end: Raw = NOTHING
    requestedPeriod: Raw = NOTHING


class ReportResource(Resource, tag="DiagnosticReport", frozen=True, kw_only=True):
    """DiagnosticReport, for imaging."""

    status: Raw = NOTHING
    subject: Raw = NOTHING
    code: Raw = NOTHING
    effectiveDateTime: Raw = NOTHING
    effectivePeriod: Raw = NOTHING
    issued: Raw = NOTHING


KINDS: tuple[type[Resource], ...] = (
    PatientResource,
    ConditionResource,
    MedicationResource,
    MedicationRequestResource,
    MedicationStatementResource,
    MedicationAdministrationResource,
    ProcedureResource,
    ServiceRequestResource,
    EncounterResource,
    AppointmentResource,
    ReportResource,
    OperationOutcome,
)
"""Every type that the context readers decode."""
