"""Small FHIR resources for tests of the clinical context."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.panel import DataGroup

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PATIENT = "p1"
SUBJECT = {"reference": f"Patient/{PATIENT}"}
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"
ICD9CM = "http://hl7.org/fhir/sid/icd-9-cm"
ICD10GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
LOINC = "http://loinc.org"

_GROUPS = {
    "Patient": DataGroup.PATIENT,
    "Condition": DataGroup.CONDITIONS,
    "MedicationRequest": DataGroup.MEDICATION_REQUESTS,
    "MedicationAdministration": DataGroup.MEDICATION_ADMINISTRATIONS,
    "MedicationStatement": DataGroup.MEDICATION_STATEMENTS,
    "Procedure": DataGroup.PROCEDURES,
    "ServiceRequest": DataGroup.SERVICE_REQUESTS,
    "Encounter": DataGroup.ENCOUNTERS,
    "Appointment": DataGroup.APPOINTMENTS,
    "DiagnosticReport": DataGroup.DIAGNOSTIC_REPORTS,
}


def concept(system: str, code: str, **more: Any) -> dict[str, Any]:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}], **more}


def resource(kind: str, **elements: Any) -> dict[str, Any]:
    """A resource of the patient of these tests."""
    return {"resourceType": kind, "id": "x1", "subject": SUBJECT, **elements}


def condition(system: str, code: str, **elements: Any) -> dict[str, Any]:
    """A Condition with one coding."""
    return resource("Condition", code=concept(system, code), **elements)


def request(name: str = "", **elements: Any) -> dict[str, Any]:
    """An active MedicationRequest of 2026-06-10; without a name it names no medicine."""
    usual = {"status": "active", "intent": "order", "authoredOn": "2026-06-10"}
    medicine = {"medicationCodeableConcept": {"text": name}} if name else {}
    return resource("MedicationRequest", **{**usual, **medicine, **elements})


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    """A searchset as a server sends it."""
    entries = [{"resource": each} for each in resources]
    content = {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}
    return json.dumps(content).encode()


def context(
    *resources: dict[str, Any], drafts: bytes | None = None, selections: tuple[str, ...] = ()
):
    """Read resources as a server would send them: each type in the Bundle of its own search."""
    pages: dict[DataGroup, list[bytes]] = {}
    for each in resources:
        group = _GROUPS.get(each.get("resourceType"), DataGroup.MEDICATION_REQUESTS)
        pages.setdefault(group, []).append(bundle(each))
    return read_context(pages, drafts, selections, PATIENT, NOW)
