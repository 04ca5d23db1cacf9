"""The hook's draftOrders (CDS Hooks order-select, order-sign), read leniently.

Real clients send a Bundle without type, objects where a list belongs, `coding: [{}]`, a
MedicationRequest without any medicine. Whatever can be read is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_mappings.clinical_context.medications import name_medication
from fhir_mappings.clinical_context.patient_resources import (
    PatientResources,
    open_chart,
    resource_key,
)
from fhir_mappings.context import MedicationDraft
from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.context_resources import MedicationRequestResource
from fhir_mappings.r4.decoding import DECODE_ERRORS
from fhir_mappings.vocabulary.site_context import NO_SITE_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fhir_mappings.r4.subjects import PatientNames
    from fhir_mappings.terminology import LocalCoding

_VOID = frozenset({"entered-in-error", "cancelled", "stopped"})


def open_drafts(
    draft_orders: bytes | None,
    names: PatientNames,
    site: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = NO_SITE_CODES,
) -> PatientResources:
    """Decode draftOrders: a Bundle, a list of resources or one resource. Raises nothing."""
    if draft_orders is None:
        return open_chart((), names, site)
    return open_chart(_documents(draft_orders), names, site)


def read_medication_drafts(
    drafts: PatientResources, chart: PatientResources, selections: tuple[str, ...]
) -> Iterator[MedicationDraft]:
    """Yield every drafted MedicationRequest of the patient, whatever its medicine, if any.

    `chart` may hold the Medication that a draft refers to. A selection names a draft as
    `MedicationRequest/id`, as a bare id, or as any other spelling of a reference.
    """
    known = PatientResources(
        chart.names,
        medications={**chart.medications, **drafts.medications},
        site=chart.site,
    )
    for resource, url in zip(drafts.resources, drafts.full_urls, strict=True):
        if not isinstance(resource, MedicationRequestResource) or not _counts(resource, drafts):
            continue
        chart.before_each()
        named = name_medication(resource, known)
        drugs = () if named.route.local else named.drugs
        yield MedicationDraft(
            id=resource.id,
            sets=frozenset().union(*(drug.sets for drug in drugs)),
            name=named.name,
            selected=_is_selected(resource.id, url, selections),
        )


def _counts(resource: MedicationRequestResource, drafts: PatientResources) -> bool:
    if loose.codes(resource.status) & _VOID:
        return False
    if resource.doNotPerform is True:
        return False
    subject = resource.subject
    return drafts.is_patient(subject) or not loose.reference(subject)


def _is_selected(draft: str, url: str, selections: tuple[str, ...]) -> bool:
    names = {url, draft, f"MedicationRequest/{draft}" if draft else ""} - {""}
    return any(each in names or resource_key(each) in names for each in selections)


def _documents(draft_orders: bytes) -> list[bytes]:
    """Return draftOrders as documents, completing a Bundle that lacks even its resourceType."""
    try:
        content = msgspec.json.decode(draft_orders)
        if content is None:
            return []
        if isinstance(content, dict) and "resourceType" not in content and "entry" in content:
            return [msgspec.json.encode(content | {"resourceType": "Bundle"})]
        if isinstance(content, list):
            return [msgspec.json.encode(each) for each in content]
    except (*DECODE_ERRORS, ValueError, OverflowError):
        pass
    return [draft_orders]
