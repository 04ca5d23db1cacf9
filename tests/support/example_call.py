"""The whole request and response that the integrator's document shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from itertools import count
from typing import Any
from uuid import UUID

from fhir_mappings.panel import DataGroup
from service.app import create_app
from service.cds_hooks.discovery import CORE_KEYS
from service.settings import Settings

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
PATIENT = "4711"
_COUNTS = (("718-7", "Hemoglobin", "8.9", "g/dL"), ("751-8", "Neutrophils", "1.1", "10*9/L"))


def example_request() -> dict[str, Any]:
    """Return one patient-view call with two counts prefetched."""
    prefetch: dict[str, Any] = {group.value: None for group in DataGroup if group in CORE_KEYS}
    prefetch["patient"] = {
        "resourceType": "Patient",
        "id": PATIENT,
        "gender": "female",
        "birthDate": "1958-03-02",
    }
    prefetch["bloodCounts"] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": _count(*each)} for each in _COUNTS],
    }
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/12", "patientId": PATIENT},
        "prefetch": prefetch,
    }


def _count(code: str, name: str, value: str, unit: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name.lower(),
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-11-27T08:00:00Z",
        "valueQuantity": {
            "value": float(value),
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }


def example_response() -> dict[str, Any]:
    """Return what the service answers, with uuids that are the same in each run."""
    numbers = count(1)
    app = create_app(
        Settings(public_url="https://hooks.example", database_url=""),
        clock=lambda: NOW,
        new_id=lambda: UUID(int=next(numbers)),
        log_stream=StringIO(),
    )
    answer = app.test_client().post(
        "/cds-services/pancytopenia-patient-view", json=example_request()
    )
    assert answer.status_code == 200
    response: dict[str, Any] = answer.get_json()
    return response


def as_block(document: dict[str, Any]) -> str:
    """Return JSON as a fenced block."""
    return f"```json\n{json.dumps(document, indent=2, ensure_ascii=False)}\n```\n"
