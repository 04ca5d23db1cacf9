"""Every text field of every resource that is read, each reachable with a text of one's own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from service import samples
from tests.support.hook_calls import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator


def _observation(code: str, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": {
            "coding": [{"system": "http://loinc.org", "code": code, "display": "d"}],
            "text": "t",
        },
        "subject": {"reference": f"Patient/{samples.SAMPLES[samples.SEED].patient_id}"},
        "effectiveDateTime": NOW.isoformat(),
        **fields,
    }


_CONCEPT = {"coding": [{"system": "s", "code": "c", "display": "d"}], "text": "t"}
_QUANTITY = {"value": 9, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"}
_RANGE = {"low": _QUANTITY, "text": "t", "type": _CONCEPT, "appliesTo": [_CONCEPT]}
_SUBJECT = {"reference": f"Patient/{samples.SAMPLES[samples.SEED].patient_id}"}
_WHEN = NOW.date().isoformat()


def _medication(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "id": "m",
        "status": "active",
        "subject": _SUBJECT,
        "medicationCodeableConcept": _CONCEPT,
        **fields,
    }


_DOSAGE = {"text": "t", "route": _CONCEPT, "site": _CONCEPT, "method": _CONCEPT}


def resources() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Resources by prefetch key and name, with a text in every place that any of them is read."""
    valued = {
        "interpretation": [_CONCEPT],
        "referenceRange": [_RANGE, {"text": "t"}],
        "note": [{"text": "t"}],
        "dataAbsentReason": _CONCEPT,
    }
    numbers = {
        "quantity": _observation("718-7", valueQuantity=_QUANTITY, **valued),
        "string": _observation("718-7", valueString="9"),
        "range text": _observation(
            "718-7", valueQuantity=_QUANTITY, referenceRange=[{"text": "t"}]
        ),
        "component": _observation(
            "58410-2",
            component=[
                {
                    "code": {
                        "coding": [{"system": "http://loinc.org", "code": "777-3"}],
                        "text": "t",
                    },
                    "valueQuantity": _QUANTITY,
                },
                {
                    "code": {"coding": [{"system": "http://loinc.org", "code": "6690-2"}]},
                    "valueString": "2",
                },
            ],
        ),
    }
    words = {
        "string": {"valueString": "t"},
        "concept": {"valueCodeableConcept": _CONCEPT},
    }
    return {
        "bloodCounts": {n: [r] for n, r in numbers.items()},
        "smear": {
            f"{code} {n}": [_observation(code, **w)]
            for code in ("58408-6", "5909-7", "14869-2", "18319-4")
            for n, w in words.items()
        },
        "serology": {f"{n}": [_observation("5222-7", **w)] for n, w in words.items()},
        "pregnancy": {
            f"{code} {n}": [_observation(code, **w)]
            for code in ("18185-9", "82810-3", "2106-3", "11778-8")
            for n, w in words.items()
        },
        "temperature": {"string": [_observation("8310-5", valueString="38")]},
        "conditions": {
            "one": [
                {
                    "resourceType": "Condition",
                    "id": "c",
                    "subject": _SUBJECT,
                    "code": _CONCEPT,
                    "clinicalStatus": _CONCEPT,
                    "verificationStatus": _CONCEPT,
                    "onsetDateTime": _WHEN,
                    "recordedDate": _WHEN,
                    "abatementString": "t",
                }
            ]
        },
        "medicationRequests": {
            "one": [
                _medication(
                    "MedicationRequest",
                    intent="order",
                    authoredOn=_WHEN,
                    dosageInstruction=[_DOSAGE],
                )
            ]
        },
        "medicationStatements": {
            "one": [_medication("MedicationStatement", effectiveDateTime=_WHEN, dosage=[_DOSAGE])]
        },
        "medicationAdministrations": {
            "one": [
                _medication(
                    "MedicationAdministration",
                    status="completed",
                    effectiveDateTime=_WHEN,
                    dosage=_DOSAGE,
                )
            ]
        },
        "procedures": {
            "one": [
                {
                    "resourceType": "Procedure",
                    "id": "p",
                    "status": "completed",
                    "subject": _SUBJECT,
                    "code": _CONCEPT,
                    "performedDateTime": _WHEN,
                }
            ]
        },
        "serviceRequests": {
            "one": [
                {
                    "resourceType": "ServiceRequest",
                    "id": "s",
                    "status": "active",
                    "intent": "order",
                    "subject": _SUBJECT,
                    "code": _CONCEPT,
                    "authoredOn": _WHEN,
                }
            ]
        },
        "encounters": {
            "one": [
                {
                    "resourceType": "Encounter",
                    "id": "e",
                    "status": "in-progress",
                    "class": {"code": "IMP", "display": "d"},
                    "subject": _SUBJECT,
                    "type": [_CONCEPT],
                    "serviceType": _CONCEPT,
                    "period": {"start": _WHEN},
                }
            ]
        },
        "appointments": {
            "one": [
                {
                    "resourceType": "Appointment",
                    "id": "a",
                    "status": "booked",
                    "serviceCategory": [_CONCEPT],
                    "serviceType": [_CONCEPT],
                    "specialty": [_CONCEPT],
                    "appointmentType": _CONCEPT,
                    "start": NOW.isoformat(),
                    "participant": [{"actor": _SUBJECT, "status": "accepted"}],
                }
            ]
        },
        "diagnosticReports": {
            "one": [
                {
                    "resourceType": "DiagnosticReport",
                    "id": "r",
                    "status": "final",
                    "code": _CONCEPT,
                    "subject": _SUBJECT,
                    "effectiveDateTime": NOW.isoformat(),
                    "conclusion": "t",
                    "conclusionCode": [_CONCEPT],
                }
            ]
        },
        "filmReports": {
            "one": [
                {
                    "resourceType": "DiagnosticReport",
                    "id": "f",
                    "status": "final",
                    "code": {
                        "coding": [{"system": "http://loinc.org", "code": "14869-2"}],
                        "text": "t",
                    },
                    "subject": _SUBJECT,
                    "effectiveDateTime": NOW.isoformat(),
                    "conclusion": "t",
                    "conclusionCode": [_CONCEPT],
                }
            ]
        },
        "patient": {
            "one": [
                {
                    "resourceType": "Patient",
                    "id": samples.SAMPLES[samples.SEED].patient_id,
                    "gender": "female",
                    "birthDate": "1958-02-03",
                }
            ]
        },
    }


Path = tuple[str | int, ...]
_LEFT = {"resourceType"}


def paths(value: Any, before: Path = ()) -> Iterator[Path]:
    """Each place of a text in a resource."""
    if isinstance(value, str):
        yield before
    elif isinstance(value, dict):
        for name, member in value.items():
            if name not in _LEFT:
                yield from paths(member, (*before, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from paths(member, (*before, index))


def with_text(resource: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    """The resource with that text in that place."""
    changed = copy.deepcopy(resource)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = text
    return changed


_ONE_AT_A_TIME = {"id", "reference", "effectiveDateTime", "status", "birthDate", "gender"}


def together(resource: dict[str, Any]) -> list[Path]:
    """The texts that can all be replaced, and the resource is still read."""
    return [path for path in paths(resource) if not _identifies(path)]


def alone(resource: dict[str, Any]) -> list[Path]:
    """The texts by which a resource is told apart and picked out: one at a time."""
    return [path for path in paths(resource) if _identifies(path)]


def _identifies(path: Path) -> bool:
    return path[-1] in _ONE_AT_A_TIME or (path[0] == "code" and path[-1] in {"code", "system"})


def filled(resource: dict[str, Any], places: list[Path], text: str) -> dict[str, Any]:
    """The resource with that text in all those places."""
    for path in places:
        resource = with_text(resource, path, text)
    return resource
