"""Small builders of FHIR R4 laboratory resources, as plain JSON types.

Every builder gives the smallest resource that is read; keyword arguments replace or add fields,
and None takes a field away.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fhir_mappings.laboratory.record import read_panel
from fhir_mappings.vocabulary.analytes import default_terminology

if TYPE_CHECKING:
    from fhir_mappings.panel import Analyte, LabResult, Panel, Unreadable

NOW = datetime(2026, 5, 15, 10, 0, tzinfo=UTC)
YESTERDAY = "2026-05-14T08:00:00+02:00"
PATIENT_ID = "pat-1"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
SNOMED = "http://snomed.info/sct"

Json = dict[str, Any]


def coding(code: str, system: str = LOINC, display: str = "") -> Json:
    """A Coding."""
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(*codings: Json, text: str = "") -> Json:
    """A CodeableConcept."""
    return {"coding": list(codings)} | ({"text": text} if text else {})


def quantity(value: Any, unit: str | None = None, comparator: str | None = None) -> Json:
    """A Quantity with its unit as text alone."""
    fields = {"value": value, "unit": unit, "comparator": comparator}
    return {name: each for name, each in fields.items() if each is not None}


def ucum(value: Any, code: str) -> Json:
    """A Quantity with a UCUM code."""
    return {"value": value, "unit": code, "system": UCUM, "code": code}


def observation(
    loinc: str,
    value: Any = None,
    unit: str | None = None,
    /,
    comparator: str | None = None,
    **more: Any,
) -> Json:
    """One Observation of the hook's patient, final, drawn yesterday."""
    fields: Json = {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(coding(loinc)),
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        "effectiveDateTime": YESTERDAY,
    }
    if value is not None:
        fields["valueQuantity"] = quantity(value, unit, comparator)
    fields |= more
    return {name: each for name, each in fields.items() if each is not None}


def component(loinc: str, value: Any, unit: str | None = None, **more: Any) -> Json:
    """One component of an Observation."""
    return {"code": concept(coding(loinc)), "valueQuantity": quantity(value, unit)} | more


def report(loinc: str, **more: Any) -> Json:
    """One DiagnosticReport of the hook's patient."""
    fields: Json = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": concept(coding(loinc)),
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        "effectiveDateTime": YESTERDAY,
    } | more
    return {name: each for name, each in fields.items() if each is not None}


def bundle(*resources: Json, kind: str = "searchset") -> Json:
    """A Bundle of these resources."""
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [{"resource": resource} for resource in resources],
    }


def as_bytes(value: Any) -> bytes:
    """The JSON of a value, as it goes over the wire."""
    return json.dumps(value).encode()


def at(*, days: float = 0, minutes: float = 0) -> str:
    """A time before the call."""
    return (NOW - timedelta(days=days, minutes=minutes)).isoformat()


def panel_of(*resources: Json, **options: Any) -> Panel:
    """Read resources, each of them one entry of one searchset."""
    return read_documents(bundle(*resources), **options)


def read_documents(*documents: Any, now: datetime = NOW, **options: Any) -> Panel:
    """Read documents as the laboratory reader gets them: values or bytes, one a page."""
    raw = [each if isinstance(each, bytes) else as_bytes(each) for each in documents]
    terminology = options.pop("terminology", None) or default_terminology()
    patient_id = options.pop("patient_id", PATIENT_ID)
    return read_panel(raw, patient_id, now, terminology, **options)


def only(panel: Panel, analyte: Analyte) -> LabResult:
    """The only result of an analyte."""
    (result,) = panel.results[analyte]
    return result


def refused(panel: Panel, analyte: Analyte | None) -> Unreadable:
    """The only refusal of an analyte, which has no result."""
    assert analyte is None or analyte not in panel.results
    (unreadable,) = [each for each in panel.unreadable if each.analyte == analyte]
    return unreadable
