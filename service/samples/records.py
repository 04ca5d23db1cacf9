"""Helpers for what is not a laboratory result: conditions, procedures, medicines, encounters."""

from __future__ import annotations

from service.samples.resources import HL7, RXNORM, SNOMED, Ago, Resource, concept


def condition(
    code: str, text: str, *, system: str = SNOMED, verification: str = "confirmed"
) -> Resource:
    """An active Condition, recorded 200 days ago."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": HL7 + "condition-clinical", "code": "active"}]},
        "verificationStatus": {
            "coding": [{"system": HL7 + "condition-ver-status", "code": verification}]
        },
        "code": concept(system, code, text),
        "recordedDate": Ago(200, whole_day=True),
    }


def procedure(code: str, text: str, *, days: float, status: str = "completed") -> Resource:
    """A Procedure by SNOMED CT code; one still in progress began that many days ago."""
    when: Resource = {"performedDateTime": Ago(days)}
    if status == "in-progress":
        when = {"performedPeriod": {"start": Ago(days)}}
    return {
        "resourceType": "Procedure",
        "status": status,
        "code": concept(SNOMED, code, text),
        **when,
    }


def prescription(code: str, text: str, *, days: float = 60, status: str = "active") -> Resource:
    """A MedicationRequest by RxNorm code."""
    return {
        "resourceType": "MedicationRequest",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, code, text),
        "authoredOn": Ago(days),
    }


def given(code: str, text: str, *, days: float) -> Resource:
    """A completed MedicationAdministration by RxNorm code."""
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": concept(RXNORM, code, text),
        "effectiveDateTime": Ago(days),
    }


def statement(code: str, text: str, *, since: float) -> Resource:
    """A MedicationStatement of something still taken."""
    return {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": concept(RXNORM, code, text),
        "effectivePeriod": {"start": Ago(since, whole_day=True)},
    }


def referral(days: float) -> Resource:
    """An active referral to hematology."""
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": concept(SNOMED, "183567007", "Referral to hematologist"),
        "authoredOn": Ago(days),
    }


def encounter(
    kind: str, *, start: float, end: float | None = None, status: str = "in-progress"
) -> Resource:
    """An Encounter of a v3 ActCode class; still going on without an end."""
    period: Resource = {"start": Ago(start)}
    if end is not None:
        period["end"] = Ago(end)
    return {
        "resourceType": "Encounter",
        "status": "finished" if end is not None else status,
        "class": {"system": HL7 + "v3-ActCode", "code": kind},
        "period": period,
    }
