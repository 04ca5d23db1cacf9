"""The sample patients by name, as Bundles and as hook calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fhir_mappings.vocabulary.orders import CANONICAL_BASE
from service.samples.adults import ADULTS
from service.samples.other_counts import OTHER_COUNTS
from service.samples.special import SPECIAL
from service.samples.traps import TRAPS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from service.samples.chart import Sample

SAMPLES: dict[str, Sample] = {
    sample.name: sample for sample in (*ADULTS, *OTHER_COUNTS, *SPECIAL, *TRAPS)
}
NAMES: tuple[str, ...] = tuple(SAMPLES)
GROUPS: dict[str, tuple[str, ...]] = {
    "Pancytopenia and vitamin B12": tuple(sample.name for sample in ADULTS),
    "Other blood counts": tuple(sample.name for sample in OTHER_COUNTS),
    "Children, pregnancy, known disease, orders": tuple(sample.name for sample in SPECIAL),
    "Data that mislead": tuple(sample.name for sample in TRAPS),
}
"""The samples under the headings of the page."""
SEED = "index-pattern"
"""The patient that the demo opens."""


def sample_bundle(name: str, now: datetime) -> dict[str, Any]:
    """One sample as an R4 transaction Bundle; KeyError when there is none with that name."""
    entries = [put(resource) for resource in SAMPLES[name].resources(now)]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def put(resource: dict[str, Any]) -> dict[str, Any]:
    """A transaction entry that creates or replaces one resource under its own id."""
    url = f"{resource['resourceType']}/{resource['id']}"
    return {
        "fullUrl": f"{CANONICAL_BASE}/{url}",
        "resource": resource,
        "request": {"method": "PUT", "url": url},
    }


def hook_call(
    name: str,
    now: datetime,
    *,
    fhir_server: str | None = None,
    prefetch: dict[str, Any] | None = None,
    new_id: Callable[[], object] = uuid4,
) -> dict[str, Any]:
    """The body of a hook call for one sample, as an EHR would post it (CDS Hooks 2.0)."""
    sample = SAMPLES[name]
    context: dict[str, Any] = {
        "userId": "Practitioner/heme-hooks-clinician",
        "patientId": sample.patient_id,
    }
    drafts = sample.draft_orders(now)
    if drafts:
        entries = [{"resource": draft} for draft in drafts]
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        context["selections"] = [f"{d['resourceType']}/{d['id']}" for d in drafts]
    call = {"hook": sample.hook, "hookInstance": str(new_id()), "context": context}
    if fhir_server:
        call["fhirServer"] = fhir_server
    if prefetch:
        call["prefetch"] = prefetch
    return call
