"""The resources of several documents, with what is needed to judge whose they are.

A resource counts when its subject is the hook's patient, however that is written (r4.subjects).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.context_resources import (
    KINDS,
    AppointmentResource,
    MedicationRecord,
    MedicationResource,
    PatientResource,
    Record,
)
from fhir_mappings.r4.decoding import Resource, decode, no_limit
from fhir_mappings.r4.lenient import decode_leniently
from fhir_mappings.r4.references import keys_of
from fhir_mappings.r4.subjects import (
    NamedPatient,
    Owner,
    PatientNames,
    identifier_key,
    identifier_keys,
)
from fhir_mappings.vocabulary.site_context import NO_SITE_CODES, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fhir_mappings.r4.decoding import Coding
    from fhir_mappings.terminology import LocalCoding

NOBODY = PatientNames("")
"""For documents for which it does not matter whose they are."""


@dataclass(frozen=True, slots=True)
class PatientResources:
    """Resources in order of appearance, each resource once.

    A subject that is the patient is written in one way, however it was sent. `full_urls` is the
    entry's fullUrl of each, `unreadable` the type of every entry that could not be read,
    `of_others` counts what names another patient, `of_nobody` the type of what names nobody who
    can be matched. `site` says what the site's own codes stand for
    (nothing: never read). `before_each` is called before each resource is handed out.
    """

    names: PatientNames
    resources: tuple[Resource, ...] = ()
    full_urls: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    medications: dict[str, MedicationResource] = field(default_factory=dict)
    site: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = field(
        default_factory=lambda: NO_SITE_CODES
    )
    patients: dict[str, NamedPatient] = field(default_factory=dict)
    of_others: int = 0
    of_nobody: tuple[str, ...] = ()
    before_each: Callable[[], None] = no_limit

    def codings(self, element: object) -> tuple[Coding, ...]:
        """Return the codings of one or more CodeableConcepts, as the site maps them."""
        return translated(loose.codings(element), self.site)

    def of_type(self, kind: type[Any]) -> Iterator[Any]:
        """Yield the resources of one type."""
        for resource in self.resources:
            if type(resource) is kind:
                self.before_each()
                yield resource

    def is_patient(self, element: object) -> bool:
        """Whether a Reference element names the hook's patient."""
        return _owner(element, self.names, self.patients) is Owner.PATIENT

    def medication(self, reference: str, record: MedicationRecord) -> MedicationResource | None:
        """Return the Medication that a reference names: contained, or in any document."""
        if reference.startswith("#"):
            contained = loose.items(record.contained)
            return _contained_medication(contained, reference.removeprefix("#"))
        return self.medications.get(reference) or self.medications.get(resource_key(reference))


def open_chart(
    documents: Iterable[bytes],
    names: PatientNames,
    site: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = NO_SITE_CODES,
    before_each: Callable[[], None] = no_limit,
) -> PatientResources:
    """Decode documents, each a Bundle or one resource. Raises nothing of its own."""
    resources: dict[object, tuple[Resource, str]] = {}
    unreadable: list[str] = []
    for document in documents:
        decoded = decode(document, KINDS)
        unreadable.extend(each.resource_type for each in decoded.undecodable)
        for resource, url in zip(decoded.resources, decoded.full_urls, strict=True):
            key = (
                (type(resource), resource.id) if resource.id else (type(resource), url or object())
            )
            resources.setdefault(key, (resource, url))
    return dataclasses.replace(
        _chart(list(resources.values()), tuple(unreadable), names),
        site=site,
        before_each=before_each,
    )


def resource_key(reference: str) -> str:
    """Return `Type/id` of a relative, absolute or versioned reference, else empty."""
    path = reference.split("?", 1)[0].split("#", 1)[0].split("/_history/", 1)[0].rstrip("/")
    parts = path.split("/")
    if len(parts) < 2 or not parts[-2].isalpha() or not parts[-1]:
        return ""
    return "/".join(parts[-2:])


def source_of(resource: Resource, kind: str) -> str:
    """Return the relative reference to a resource, empty when it has no id."""
    return f"{kind}/{resource.id}" if resource.id else ""


def _chart(
    found: list[tuple[Resource, str]], unreadable: tuple[str, ...], names: PatientNames
) -> PatientResources:
    medications: dict[str, MedicationResource] = {}
    patients: dict[str, NamedPatient] = {}
    for resource, url in found:
        if isinstance(resource, MedicationResource):
            medications |= {
                key: resource for key in (url, source_of(resource, "Medication")) if key
            }
        elif isinstance(resource, PatientResource):
            patient = _called(resource.id, resource.identifier)
            patients |= dict.fromkeys(keys_of("Patient", resource.id, url), patient)
    owned = [_with_owner(resource, url, names, patients) for resource, url in found]
    return PatientResources(
        names=names,
        resources=tuple(resource for resource, _ in owned),
        full_urls=tuple(url for _, url in found),
        unreadable=unreadable,
        medications=medications,
        patients=patients,
        of_others=sum(1 for _, owner in owned if owner is Owner.OTHER),
        of_nobody=tuple(
            str(resource.__struct_config__.tag)
            for resource, owner in owned
            if owner is Owner.UNKNOWN
        ),
    )


def _with_owner(
    resource: Resource, url: str, names: PatientNames, patients: Mapping[str, NamedPatient]
) -> tuple[Resource, Owner]:
    """Whose a resource is; one of the patient's with its subject written in the usual way."""
    if isinstance(resource, AppointmentResource):
        return resource, _owner_of_appointment(resource, names, patients)
    if not isinstance(resource, Record):
        return resource, Owner.PATIENT
    if loose.reference(resource.subject) == names.plain:
        return resource, Owner.PATIENT
    known = {**patients, **_contained_patients(resource.contained)}
    owner = _owner(resource.subject, names, known, url)
    if owner is Owner.PATIENT:
        resource = replace(resource, subject={"reference": names.plain})
    return resource, owner


def _owner_of_appointment(
    resource: AppointmentResource, names: PatientNames, patients: Mapping[str, NamedPatient]
) -> Owner:
    """An Appointment names places and practitioners as well."""
    actors = [loose.member(each, "actor") for each in loose.items(resource.participant)]
    owners = {_owner(actor, names, patients) for actor in actors}
    if Owner.OTHER in owners and Owner.PATIENT not in owners:
        return Owner.OTHER
    return Owner.PATIENT


def _owner(
    element: object, names: PatientNames, patients: Mapping[str, NamedPatient], url: str = ""
) -> Owner:
    identifier = loose.member(element, "identifier")
    key = identifier_key(
        loose.text(loose.member(identifier, "system")),
        loose.text(loose.member(identifier, "value")),
    )
    return names.owner(loose.reference(element), key, patients=patients, full_url=url)


def _contained_patients(contained: object) -> dict[str, NamedPatient]:
    return {
        "#" + loose.text(loose.member(each, "id")).lstrip("#"): _called(
            loose.text(loose.member(each, "id")), loose.member(each, "identifier")
        )
        for each in loose.items(contained)
        if loose.member(each, "resourceType") == "Patient"
    }


def _called(patient_id: str, identifiers: object) -> NamedPatient:
    return NamedPatient(
        patient_id,
        identifier_keys(
            (loose.text(loose.member(each, "system")), loose.text(loose.member(each, "value")))
            for each in loose.items(identifiers)
        ),
    )


def _contained_medication(contained: list[Any], local_id: str) -> MedicationResource | None:
    for each in contained:
        if loose.text(loose.member(each, "id")).lstrip("#") == local_id:
            medication: MedicationResource | None = decode_leniently(each, MedicationResource)[0]
            return medication
    return None
