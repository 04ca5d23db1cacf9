"""Calls and tokens shaped as EHR vendors send them; keys, ids and data are our own.

Sources and dates: docs/vendors/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt

from tests.support.hook_calls import PATIENT_ID
from tests.support.tokens import RSA_KEY

if TYPE_CHECKING:
    from datetime import datetime

EPIC_BASE = "https://ehr.example/interconnect/api/FHIR/R4"
EPIC_JKU = "https://ehr.example/interconnect/api/epic/2019/Security/Open/PublicKeys/530013/530013"
EPIC_KID = "q3bmo5HzW61TUgikHZH+A8Tx4UOXz2iOs4KvVU4e/Y0="
EPIC_DRAFT = "eQ7" + "Zp4.mV-3" * 20 + "g3"
"""The id of an unsigned order: longer than the 64 characters of a FHIR id."""

ORACLE_ISSUER = "https://cds-hooks.cerner.com"
ORACLE_JKU = "https://authorization.cerner.com/jwk"
ORACLE_BASE = "https://fhir-ehr.cerner.com/r4/0c3b1a52-6a55-4a5e-8a58-7d7e0f1b2c3d"

_EPIC_SCOPES = " ".join(
    f"user/{name}.Read"
    for name in ("Condition", "Encounter", "MedicationRequest", "Observation", "Patient")
)


def epic_token(audience: str, now: datetime) -> str:
    """Return a token with Epic's header and claims: `sub`, and `nbf` five minutes before `iat`."""
    issued = int(now.timestamp())
    claims = {
        "iss": EPIC_BASE,
        "aud": audience,
        "sub": "5f0d1d6e-9c0b-4c53-a2f5-1df1f30f1f34",
        "iat": issued,
        "nbf": issued - 300,
        "exp": issued + 900,
        "jti": str(uuid4()),
    }
    header = {"jku": EPIC_JKU, "kid": EPIC_KID, "typ": "JWT"}
    return jwt.encode(claims, RSA_KEY, "RS384", header)


def epic_call(hook: str) -> dict[str, Any]:
    """Return a call as Epic makes it, nothing prefetched; order hooks draft B12 and codeine."""
    context: dict[str, Any] = {
        "patientId": PATIENT_ID,
        "encounterId": "eAJ9U5Zv9Vzeg4lBWxmAQcItP6nlidE0QacJVtVudEQ43",
        "userId": "PractitionerRole/eiGtAGAYuev3M0OjRIjwNJg3",
    }
    if hook != "patient-view":
        drafts = [
            _epic_draft(EPIC_DRAFT, "CYANOCOBALAMIN 1,000 MCG/ML INJECTION SOLUTION"),
            _epic_draft("e2" + EPIC_DRAFT[2:], "CODEINE SULFATE 15 MG PO TABS"),
        ]
        context["draftOrders"] = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": draft} for draft in drafts],
        }
    if hook == "order-select":
        context["selections"] = [f"MedicationRequest/{EPIC_DRAFT}"]
    trigger = {"patient-view": "60", "order-select": "18", "order-sign": "23"}[hook]
    return {
        "hookInstance": str(uuid4()),
        "fhirServer": EPIC_BASE,
        "hook": hook,
        "fhirAuthorization": {
            "access_token": "opaque",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": _EPIC_SCOPES,
            "subject": "heme-hooks-at-this-site",
        },
        "context": context,
        "extension": {
            "com.epic.cdshooks.request.bpa-trigger-action": trigger,
            "com.epic.cdshooks.request.cds-hooks-specification-version": "1.1",
            "com.epic.cdshooks.request.fhir-version": "R4",
            "com.epic.cdshooks.request.criteria-id": "1126",
            "com.epic.cdshooks.request.epic-version": "9.8",
            "com.epic.cdshooks.request.cds-hooks-su-version": "0",
        },
    }


def _epic_draft(draft_id: str, text: str) -> dict[str, Any]:
    unknown = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
    return {
        "resourceType": "MedicationRequest",
        "id": draft_id,
        "status": "draft",
        "intent": "order",
        "category": [{"text": "Inpatient"}],
        "medicationReference": {
            "reference": "Medication/epB4yoDKZsUL25R7hwVJBNg3",
            "display": text,
        },
        "subject": {"reference": f"Patient/{PATIENT_ID}", "display": "Sample, Iris"},
        "encounter": {"reference": "Encounter/eAJ9U5Zv9Vzeg4lBWxmAQcItP6nlidE0QacJVtVudEQ43"},
        "requester": {"extension": [{"valueCode": "unknown", "url": unknown}]},
        "dosageInstruction": [
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "mo"}},
                "asNeededBoolean": False,
            }
        ],
    }


def oracle_token(audience: str, now: datetime) -> str:
    """Return a token as Oracle Health's page describes it: one issuer, a `jku` on another host."""
    issued = int(now.timestamp())
    claims = {
        "iss": ORACLE_ISSUER,
        "aud": audience,
        "iat": issued,
        "exp": issued + 300,
        "jti": str(uuid4()),
    }
    return jwt.encode(claims, RSA_KEY, "RS256", {"jku": ORACLE_JKU, "kid": "2026", "typ": "JWT"})


def oracle_call() -> dict[str, Any]:
    """Return a CDS Hooks 1.0 call of patient-view: neither encounter nor extension."""
    return {
        "hookInstance": str(uuid4()),
        "fhirServer": ORACLE_BASE,
        "hook": "patient-view",
        "fhirAuthorization": {
            "access_token": "opaque",
            "token_type": "Bearer",
            "expires_in": 570,
            "scope": "patient/Patient.read patient/Observation.read",
            "subject": "heme-hooks-at-this-site",
        },
        "context": {"userId": "Practitioner/4122622", "patientId": PATIENT_ID},
    }
