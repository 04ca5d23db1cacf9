"""The resources of several documents, with what is needed to judge whose they are.

A resource counts when its subject is the hook's patient, whichever way the reference is written:
relative, absolute, versioned, or `urn:uuid:` with the Patient in one of the documents.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.context_resources import (
    KINDS,
    AppointmentResource,
    MedicationRecord,
    MedicationResource,
    PatientResource,
)
from fhir_mappings.r4.decoding import Resource, decode
from fhir_mappings.r4.lenient import decode_leniently
from fhir_mappings.vocabulary.site_context import NO_SITE_CODES, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fhir_mappings.r4.decoding import Coding
    from fhir_mappings.terminology import LocalCoding


@dataclass(frozen=True, slots=True)
class PatientResources:
    """Resources in order of appearance, each resource once.

    `full_urls` is the entry's fullUrl of each, `patient_names` every way to write the patient as a
    `urn:uuid:` reference, `unreadable` the type of every entry that could not be read. `site` says
    what the site's own codes stand for (nothing: never read).
    """

    patient_id: str
    resources: tuple[Resource, ...] = ()
    full_urls: tuple[str, ...] = ()
    patient_names: frozenset[str] = frozenset()
    unreadable: tuple[str, ...] = ()
    medications: dict[str, MedicationResource] = field(default_factory=dict)
    site: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = field(
        default_factory=lambda: NO_SITE_CODES
    )

    def codings(self, element: object) -> tuple[Coding, ...]:
        """Return the codings of one or more CodeableConcepts, as the site maps them."""
        return translated(loose.codings(element), self.site)

    def of_type(self, kind: type[Any]) -> Iterator[Any]:
        """Yield the resources of one type."""
        return (resource for resource in self.resources if type(resource) is kind)

    def is_patient(self, element: object) -> bool:
        """Whether a Reference element names the hook's patient."""
        written = loose.reference(element)
        key = resource_key(written)
        return key == f"Patient/{self.patient_id}" or written in self.patient_names

    @property
    def of_others(self) -> int:
        """How many resources name somebody and not the hook's patient."""
        named = (_owners(resource) for resource in self.resources)
        return sum(1 for owners in named if owners and not any(map(self.is_patient, owners)))

    def medication(self, reference: str, record: MedicationRecord) -> MedicationResource | None:
        """Return the Medication that a reference names: contained, or in any document."""
        if reference.startswith("#"):
            contained = loose.items(record.contained)
            return _contained_medication(contained, reference.removeprefix("#"))
        return self.medications.get(reference) or self.medications.get(resource_key(reference))


def open_chart(
    documents: Iterable[bytes],
    patient_id: str,
    site: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = NO_SITE_CODES,
) -> PatientResources:
    """Decode documents, each a Bundle or one resource. Raises nothing."""
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
    return replace(_chart(list(resources.values()), tuple(unreadable), patient_id), site=site)


def resource_key(reference: str) -> str:
    """Return `Type/id` of a relative, absolute or versioned reference, else empty."""
    path = reference.split("?", 1)[0].split("#", 1)[0].split("/_history/", 1)[0].rstrip("/")
    parts = path.split("/")
    if len(parts) < 2 or not parts[-2].isalpha() or not parts[-1]:
        return ""
    return "/".join(parts[-2:])


def _owners(resource: Resource) -> list[object]:
    """Return the references to whom a resource is about; an Appointment names places as well."""
    if isinstance(resource, AppointmentResource):
        actors = [loose.member(each, "actor") for each in loose.items(resource.participant)]
        return [a for a in actors if resource_key(loose.reference(a)).startswith("Patient/")]
    subject = getattr(resource, "subject", None)
    return [subject] if loose.reference(subject) else []


def source_of(resource: Resource, kind: str) -> str:
    """Return the relative reference to a resource, empty when it has no id."""
    return f"{kind}/{resource.id}" if resource.id else ""


def _chart(
    found: list[tuple[Resource, str]], unreadable: tuple[str, ...], patient: str
) -> PatientResources:
    medications: dict[str, MedicationResource] = {}
    names = {f"urn:uuid:{patient}"}
    for resource, url in found:
        if isinstance(resource, MedicationResource):
            medications |= {
                key: resource for key in (url, source_of(resource, "Medication")) if key
            }
        elif isinstance(resource, PatientResource) and resource.id == patient and url:
            names.add(url)
    return PatientResources(
        patient_id=patient,
        resources=tuple(resource for resource, _ in found),
        full_urls=tuple(url for _, url in found),
        patient_names=frozenset(names),
        unreadable=unreadable,
        medications=medications,
    )


def _contained_medication(contained: list[Any], local_id: str) -> MedicationResource | None:
    for each in contained:
        if loose.text(loose.member(each, "id")).lstrip("#") == local_id:
            medication: MedicationResource | None = decode_leniently(each, MedicationResource)[0]
            return medication
    return None
