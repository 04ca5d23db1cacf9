"""The Patient resource to what rules ask of it: sex, birth date, deceased, replaced."""

from __future__ import annotations

from fhir_mappings.context import Patient, Sex
from fhir_mappings.r4.decoding import ResourceKinds, decode
from fhir_mappings.r4.laboratory_resources import PatientResource
from fhir_mappings.r4.times import read_date

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
    )


def _deceased(resource: PatientResource, unreadable_fields: frozenset[str]) -> bool:
    """A deceasedDateTime of any form means that the patient has died."""
    given = (
        bool((resource.deceasedDateTime or "").strip()) or "deceasedDateTime" in unreadable_fields
    )
    return resource.deceasedBoolean is True or given
