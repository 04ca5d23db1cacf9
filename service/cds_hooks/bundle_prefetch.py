"""A Bundle in a file as the prefetch that a CDS Client would have sent.

Any kind of Bundle will do. In a transaction the entries refer to each other by `urn:uuid:` or by
fullUrl; those references are resolved as a FHIR server does when it stores them. Numbers keep their
digits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_mappings.panel import DataGroup
from fhir_mappings.r4.decoding import BYTE_ORDER_MARK, DECODE_ERRORS
from fhir_mappings.r4.json_position import json_fault
from fhir_mappings.r4.times import read_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.cds_hooks.prefetch_template import Template

Json = dict[str, Any]

_DECODER = msgspec.json.Decoder(float_hook=Decimal)

# Resources that others in the same search result refer to.
_COMPANIONS = {
    "Medication": ("MedicationRequest", "MedicationAdministration", "MedicationStatement"),
    "Specimen": ("Observation", "DiagnosticReport"),
}


class BundleNotUsable(ValueError):
    """The file has no Bundle of one patient; the message is for a person."""


@dataclass(slots=True)
class BundleCall:
    """What one Bundle gives to a hook call: its patient, its prefetch and its drafts."""

    patient_id: str
    prefetch: dict[str, Json | None]
    drafts: list[Json] = field(default_factory=list)


def read_bundle(
    document: bytes, templates: Mapping[DataGroup, Template], patient_id: str | None = None
) -> BundleCall:
    """Split a Bundle into one prefetch value for each template.

    Every key is present, an empty searchset where the Bundle holds nothing for it. A date in a
    template must be that of a day (`Template.on`); as in a search, an Observation without a time of
    its own is not found by it. Raises BundleNotUsable when the file is no Bundle, or its patient is
    unclear.
    """
    entries = _entries(document)
    patient = _patient([resource for _, resource in entries], patient_id)
    prefetch: dict[str, Json | None] = {}
    claimed: set[int] = set()
    for key, template in templates.items():
        if key == DataGroup.PATIENT:
            prefetch[key] = patient
            continue
        kind, codes = template.resource_type, _wanted_codes(template)
        chosen = [entry for entry in entries if _matches(entry[1], kind, codes)]
        claimed.update(id(resource) for _, resource in chosen)
        if (since := template.since) is not None:
            chosen = [entry for entry in chosen if _taken_since(entry[1], since)]
        chosen += [entry for entry in entries if kind in _COMPANIONS.get(_kind(entry[1]), ())]
        prefetch[key] = _searchset(chosen)
    _add_unclaimed_observations(prefetch, entries, claimed, templates)
    return BundleCall(patient["id"], prefetch, [r for _, r in entries if _is_draft(r)])


def resources_of(document: bytes) -> list[Json]:
    """Return the resources of a Bundle, or the single resource in the file.

    Raises BundleNotUsable when the file holds no FHIR resource.
    """
    resource = _decoded(document)
    if _kind(resource) == "Bundle":
        return [each for _, each in _entries(document)]
    if not _kind(resource):
        raise BundleNotUsable("The file holds no FHIR resource.")
    return [_with_id({"resource": resource}, 0)]


def searchset(resources: list[Json]) -> Json:
    """Return a searchset Bundle of resources."""
    return _searchset([("", resource) for resource in resources])


def encode(value: object) -> bytes:
    """Return JSON with every number's digits as read."""
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def _entries(document: bytes) -> list[tuple[str, Json]]:
    bundle = _decoded(document)
    if _kind(bundle) != "Bundle":
        raise BundleNotUsable("The file holds no FHIR Bundle.")
    entries = [
        (entry.get("fullUrl") or "", _with_id(entry, place))
        for place, entry in enumerate(bundle.get("entry") or [])
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    ]
    stored = {url: f"{_kind(resource)}/{resource['id']}" for url, resource in entries if url}
    return [(url, _resolved(resource, stored)) for url, resource in entries]


def _decoded(document: bytes) -> Json:
    text = document.removeprefix(BYTE_ORDER_MARK)
    try:
        decoded = _DECODER.decode(text)
    except DECODE_ERRORS as error:
        raise BundleNotUsable(f"The file is not JSON ({json_fault(text, error)}).") from error
    return decoded if isinstance(decoded, dict) else {}


def _with_id(entry: Json, place: int) -> Json:
    resource: Json = entry["resource"]
    if isinstance(resource.get("id"), str) and resource["id"]:
        return resource
    request = entry.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    path = url.split("?")[0] if isinstance(url, str) else ""
    if "/" in path:
        assigned = path.rsplit("/", 1)[1]
    else:
        assigned = str(entry.get("fullUrl") or "").removeprefix("urn:uuid:").rsplit("/", 1)[-1]
    return {**resource, "id": assigned or f"entry-{place + 1}"}


def _resolved(value: Any, stored: Mapping[str, str]) -> Any:  # noqa: ANN401  any JSON
    """Return `value` with every reference to an entry of the Bundle as `Type/id`."""
    if isinstance(value, dict):
        return {
            key: stored.get(item, item)
            if key == "reference" and isinstance(item, str)
            else _resolved(item, stored)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(item, stored) for item in value]
    return value


def _patient(resources: list[Json], patient_id: str | None) -> Json:
    patients = {r["id"]: r for r in resources if _kind(r) == "Patient"}
    if not patients:
        raise BundleNotUsable("The Bundle holds no Patient.")
    if patient_id is not None:
        if patient_id not in patients:
            raise BundleNotUsable("The Bundle does not hold the Patient named by --patient.")
        return patients[patient_id]
    if len(patients) > 1:
        raise BundleNotUsable(
            f"The Bundle holds {len(patients)} Patients: choose one with --patient ID."
        )
    return next(iter(patients.values()))


def _wanted_codes(template: Template) -> frozenset[str]:
    return frozenset(token.rpartition("|")[2] for token in template.codes)


def _matches(resource: Json, kind: str, codes: frozenset[str]) -> bool:
    """Whether a search of this type and these codes finds the resource; no codes mean all."""
    return _kind(resource) == kind and (not codes or not codes.isdisjoint(_codes(resource)))


def _taken_since(resource: Json, since: date) -> bool:
    """Whether a search by date finds the Observation (FHIR R4, search.html#date): `ge` a day."""
    last = _last_time(resource)
    return last is not None and last >= since


def _last_time(resource: Json) -> date | None:
    """The day of an Observation, the last of a period; None when it has no time of its own."""
    given = resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    period = resource.get("effectivePeriod")
    if not given and isinstance(period, dict):
        if period.get("start") and not period.get("end"):
            return date.max
        given = period.get("end")
    moment = read_moment(given) if isinstance(given, str) else None
    return None if moment is None else moment.at.date()


def _codes(resource: Json) -> Iterator[str]:
    concept = resource.get("code")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield coding["code"].strip()


def _add_unclaimed_observations(
    prefetch: dict[str, Json | None],
    entries: list[tuple[str, Json]],
    claimed: set[int],
    templates: Mapping[DataGroup, Template],
) -> None:
    """Put Observations that no search names beside the counts: panels may refer to them."""
    counts = prefetch.get(DataGroup.BLOOD_COUNTS)
    if counts is None:
        return
    since = templates[DataGroup.BLOOD_COUNTS].since
    for url, resource in entries:
        if _kind(resource) != "Observation" or id(resource) in claimed:
            continue
        # One without a time has that of its panel.
        if since is None or _last_time(resource) is None or _taken_since(resource, since):
            counts["entry"].append(_entry(url, resource))
    counts["total"] = len(counts["entry"])


def _is_draft(resource: Json) -> bool:
    return (
        _kind(resource) in {"MedicationRequest", "ServiceRequest"}
        and resource.get("status") == "draft"
    )


def _searchset(entries: list[tuple[str, Json]]) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "entry": [_entry(url, resource) for url, resource in entries],
    }


def _entry(url: str, resource: Json) -> Json:
    return {"fullUrl": url, "resource": resource} if url else {"resource": resource}


def _kind(resource: Json) -> str:
    kind = resource.get("resourceType")
    return kind if isinstance(kind, str) else ""
