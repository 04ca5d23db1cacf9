"""What the CDS Client prefetched under one key (CDS Hooks 2.0, Prefetch Template).

There are six cases: a whole Bundle, an empty one and null are data ("nothing" included); a key left
out, an OperationOutcome and what cannot be read are not; a Bundle with a next link is incomplete
and must be followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from service.fhir_client.failures import FetchFailed
from service.fhir_client.responses import look_at

if TYPE_CHECKING:
    from msgspec import Raw

    from service.cds_hooks.prefetch_template import Template

NOT_PREFETCHED = ""
"""The CDS Client sent nothing under the key."""


class Prefetched(Struct, frozen=True):
    """One key as it was sent.

    `documents` are the JSON documents to use, `next_link` continues them. `usable` is False when
    the key must be fetched, and `why_not` then says, without a value from the patient, what was
    wrong with what was sent (empty: nothing was sent). `is_empty`: it says that there is no data.
    """

    usable: bool
    documents: tuple[bytes, ...] = ()
    next_link: str | None = None
    why_not: str = NOT_PREFETCHED
    is_empty: bool = False


def read_prefetched(value: Raw | None, template: Template, patient_id: str) -> Prefetched:
    """Judge the value of one prefetch key against its template."""
    if value is None:
        return Prefetched(usable=False)
    text = bytes(value)
    if text.strip() == b"null":
        # For a search: no data. For the read of the patient: there is no such resource, and
        # without it nothing can be said.
        if template.is_read:
            return Prefetched(usable=False, why_not="the prefetched value is null")
        return Prefetched(usable=True, is_empty=True)
    try:
        document = look_at(text)
    except FetchFailed:
        return Prefetched(usable=False, why_not="the prefetched value cannot be read")
    if document.has_error or document.resource_type == "OperationOutcome":
        return Prefetched(usable=False, why_not="the prefetched value is an OperationOutcome")
    expected = template.resource_type if template.is_read else "Bundle"
    if document.resource_type != expected:
        return Prefetched(usable=False, why_not=f"the prefetched value is not a {expected}")
    if template.is_read and document.id not in {patient_id, ""}:
        return Prefetched(
            usable=False, why_not="the prefetched Patient is not that of context.patientId"
        )
    return Prefetched(
        usable=True,
        documents=(text,),
        next_link=document.next_link,
        is_empty=document.is_empty and document.next_link is None,
    )
