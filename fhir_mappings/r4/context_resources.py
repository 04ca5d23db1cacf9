"""The FHIR R4 resources of the clinical context, as far as they are read.

Every element but the id is taken as whatever JSON it is, and read with `elements` when a reader
needs it, so that a broken element never affects the rest.
"""

from __future__ import annotations

from typing import Any

from fhir_mappings.r4.decoding import OperationOutcome, Resource, ResourceKinds


class PatientResource(Resource, tag="Patient", frozen=True, kw_only=True):
    """Patient: only what tells who it is, to follow references to it."""

    identifier: Any = None


class Record(Resource, frozen=True, kw_only=True):
    """What every resource about a patient has in common."""

    subject: Any = None
    contained: Any = None


class ConditionResource(Record, tag="Condition", frozen=True, kw_only=True):
    """Condition."""

    clinicalStatus: Any = None
    verificationStatus: Any = None
    code: Any = None
    onsetDateTime: Any = None
    onsetPeriod: Any = None
    recordedDate: Any = None
    assertedDate: Any = None
    abatementDateTime: Any = None
    abatementPeriod: Any = None
    abatementAge: Any = None
    abatementRange: Any = None
    abatementString: Any = None
    abatementBoolean: Any = None


class MedicationResource(Resource, tag="Medication", frozen=True, kw_only=True):
    """Medication, found through a medicationReference."""

    code: Any = None
    form: object = None
    ingredient: Any = None


class MedicationRecord(Record, frozen=True, kw_only=True):
    """What the three medication resources have in common."""

    status: Any = None
    medicationCodeableConcept: Any = None
    medicationReference: Any = None


class MedicationRequestResource(MedicationRecord, tag="MedicationRequest", frozen=True):
    """MedicationRequest."""

    intent: Any = None
    doNotPerform: Any = None
    authoredOn: Any = None
    dosageInstruction: Any = None


class MedicationStatementResource(MedicationRecord, tag="MedicationStatement", frozen=True):
    """MedicationStatement."""

    effectiveDateTime: Any = None
    effectivePeriod: Any = None
    dateAsserted: Any = None
    dosage: object = None


class MedicationAdministrationResource(
    MedicationRecord, tag="MedicationAdministration", frozen=True
):
    """MedicationAdministration."""

    effectiveDateTime: Any = None
    effectivePeriod: Any = None
    dosage: object = None


class ProcedureResource(Record, tag="Procedure", frozen=True, kw_only=True):
    """Procedure."""

    status: Any = None
    code: Any = None
    performedDateTime: Any = None
    performedPeriod: Any = None


class ServiceRequestResource(Record, tag="ServiceRequest", frozen=True, kw_only=True):
    """ServiceRequest."""

    status: Any = None
    code: Any = None
    doNotPerform: Any = None
    authoredOn: Any = None
    occurrenceDateTime: Any = None


class EncounterResource(
    Record, tag="Encounter", frozen=True, kw_only=True, rename={"class_": "class"}
):
    """Encounter."""

    status: Any = None
    class_: Any = None
    type: Any = None
    serviceType: Any = None
    participant: Any = None
    hospitalization: Any = None
    period: object = None


class AppointmentResource(Resource, tag="Appointment", frozen=True, kw_only=True):
    """Appointment."""

    status: Any = None
    participant: Any = None
    serviceCategory: Any = None
    serviceType: Any = None
    specialty: Any = None
    appointmentType: Any = None
    start: Any = None
    end: Any = None
    requestedPeriod: Any = None


class ReportResource(Record, tag="DiagnosticReport", frozen=True, kw_only=True):
    """DiagnosticReport, for imaging."""

    status: Any = None
    code: Any = None
    effectiveDateTime: Any = None
    effectivePeriod: Any = None
    issued: Any = None


KINDS = ResourceKinds(
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
