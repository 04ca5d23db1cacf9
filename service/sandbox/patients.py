"""Looking for a patient on a FHIR server by name, identifier or id."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.cds_hooks.hook_request import is_fhir_id
from service.clinical_data.parallel import run_side_by_side
from service.errors import ClinicalDataUnavailable
from service.fhir_client.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.fhir_client.deadline import Deadline
    from service.fhir_client.server import FhirServer

MOST = 20

Json = dict[str, Any]


def find_patients(server: FhirServer, deadline: Deadline, text: str) -> list[Json]:
    """Return at most `MOST` patients whose name begins with the text, or whose id it is.

    An empty text finds the first ones of the server. Raises ClinicalDataUnavailable when the server
    answers neither the search nor the read.
    """
    text = text.strip()
    query = (
        f"Patient?name={quote(text, safe='')}&_count={MOST}" if text else f"Patient?_count={MOST}"
    )
    tasks = {"search": partial(_first_page, server, query)}
    if is_fhir_id(text):
        tasks["read"] = partial(_read, server, text)
    answers = run_side_by_side(tasks, deadline, len(tasks))
    search = answers["search"]
    pages = [
        page for answer in answers.values() if not isinstance(answer, Failure) for page in answer
    ]
    if isinstance(search, Failure) and not pages:
        raise ClinicalDataUnavailable(
            "The FHIR server could not be searched for patients",
            details=(("patient", search.sentence),),
        )
    found = {one["id"]: one for page in reversed(pages) for one in _patients(page)}
    return list(found.values())[:MOST]


def _first_page(server: FhirServer, query: str) -> tuple[bytes, ...]:
    return (server.first_page(query),)


def _read(server: FhirServer, patient_id: str) -> tuple[bytes, ...]:
    return (server.read("Patient", patient_id),)


def _patients(page: bytes) -> Iterator[Json]:
    try:
        document = msgspec.json.decode(page)
    except DECODE_ERRORS:
        return
    entries = document.get("entry") if document.get("resourceType") == "Bundle" else None
    resources = [document] if entries is None else [_resource(entry) for entry in entries]
    for resource in resources:
        if resource.get("resourceType") == "Patient" and isinstance(resource.get("id"), str):
            yield {
                "id": resource["id"],
                "name": _name(resource),
                "birthDate": _text(resource.get("birthDate")),
                "gender": _text(resource.get("gender")),
            }


def _resource(entry: object) -> Json:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return resource if isinstance(resource, dict) else {}


def _name(patient: Json) -> str:
    names = patient.get("name")
    first = names[0] if isinstance(names, list) and names and isinstance(names[0], dict) else {}
    if _text(first.get("text")):
        return _text(first.get("text"))
    given = first.get("given")
    parts = [*(given if isinstance(given, list) else []), first.get("family")]
    return " ".join(part for part in parts if isinstance(part, str))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
