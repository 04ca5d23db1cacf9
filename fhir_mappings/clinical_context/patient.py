"""The Patient resource to what rules ask of it: sex, birth date, deceased, replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Patient, Sex
from fhir_mappings.r4.decoding import ResourceKinds, decode
from fhir_mappings.r4.laboratory_resources import PatientResource
from fhir_mappings.r4.references import without_version
from fhir_mappings.r4.subjects import PatientNames, identifier_keys
from fhir_mappings.r4.times import read_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.r4.decoding import Identifier

_PATIENT = ResourceKinds(PatientResource)
_SEX_WORDS = {
    "male": Sex.MALE,
    "m": Sex.MALE,
    "female": Sex.FEMALE,
    "f": Sex.FEMALE,
    "other": Sex.OTHER,
}


class PatientUnreadable(ValueError):
    """The document holds no Patient of the hook. The message never quotes the document."""


def read_patient(document: bytes, patient_id: str) -> Patient:
    """Read the hook's Patient from a Patient resource or from a Bundle that holds it.

    A Patient without an id is taken for the hook's when it is the only one. Raises
    `PatientUnreadable` when there is no Patient, or only another one.
    """
    patient_id = patient_id.removeprefix("Patient/")
    decoded = decode(document, _PATIENT)
    candidates = [
        (resource, unreadable_fields)
        for resource, unreadable_fields in zip(
            decoded.resources, decoded.unreadable_fields, strict=True
        )
        if isinstance(resource, PatientResource) and resource.id in {patient_id, ""}
    ]
    named = [pair for pair in candidates if pair[0].id]
    chosen = named or candidates
    if not chosen or (not named and len(decoded.resources) > 1):
        msg = "no Patient of this id" if decoded.resources else "no Patient could be read"
        raise PatientUnreadable(msg)
    resource, unreadable_fields = chosen[0]
    return Patient(
        id=patient_id,
        sex=_SEX_WORDS.get(resource.gender.strip().lower(), Sex.UNKNOWN),
        birth_date=read_date(resource.birthDate),
        deceased=_deceased(resource, unreadable_fields),
        replaced=any(link.type.strip().lower() == "replaced-by" for link in resource.link),
        identifiers=identifier_keys((each.system, each.value) for each in _identifiers(resource)),
        replaces=frozenset(_replaced_ids(resource)),
    )


def names_of(patient: Patient, server: str = "") -> PatientNames:
    """Return the ways in which resources may name this patient on a FHIR server."""
    return PatientNames(patient.id, patient.replaces, patient.identifiers, server)


def _identifiers(resource: PatientResource) -> Iterator[Identifier]:
    """The record's own identifiers, and that by which it names a record merged into it."""
    yield from resource.identifier
    for link in resource.link:
        if link.type.strip().lower() == "replaces" and link.other and link.other.identifier:
            yield link.other.identifier


def _replaced_ids(resource: PatientResource) -> Iterator[str]:
    for link in resource.link:
        if link.type.strip().lower() == "replaces" and link.other is not None:
            *_, kind, last = ["", "", *without_version(link.other.reference).split("/")]
            if kind == "Patient" and last:
                yield last


def _deceased(resource: PatientResource, unreadable_fields: frozenset[str]) -> bool:
    """A deceasedDateTime of any form means that the patient has died."""
    given = (
        bool((resource.deceasedDateTime or "").strip()) or "deceasedDateTime" in unreadable_fields
    )
    return resource.deceasedBoolean is True or given
