"""A page of laboratory resources, opened without reading what may never be needed.

Of a plain Observation only the head is decoded: id, code, subject and when it was drawn. msgspec
passes over the rest ten times faster than it decodes it, and most results of a long record are of
codes that nobody asks for, or older than anybody looks. Everything else is decoded as ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.decoding import (
    BYTE_ORDER_MARK,
    DECODE_ERRORS,
    Decoded,
    decode,
    decode_entry,
)
from fhir_mappings.resources import LABORATORY_KINDS

_READ_TYPES = frozenset(str(kind.__struct_config__.tag) for kind in LABORATORY_KINDS)
_OPENED_TYPES = _READ_TYPES | {"Bundle", ""}


# gc=False: heads hold no cycles, and a thousand of them make the collector run for nothing.
class HeadCoding(Struct, frozen=True, gc=False):
    """Coding, the part that is read."""

    system: str = ""
    code: str = ""
    display: str = ""


class HeadConcept(Struct, frozen=True, gc=False):
    """CodeableConcept."""

    coding: list[HeadCoding] = []
    text: str = ""


class HeadReference(Struct, frozen=True, gc=False):
    """Reference."""

    reference: str = ""


class Head(Struct, frozen=True, gc=False):
    """What tells of an Observation whether it need be read; its types are those of the reading."""

    resourceType: str = ""
    id: str = ""
    code: HeadConcept = HeadConcept()
    subject: HeadReference | None = None
    effectiveDateTime: str = ""
    contained: Raw = Raw()
    component: Raw = Raw()
    hasMember: Raw = Raw()


class PlainObservation(NamedTuple):
    """An Observation that contains and groups nothing, still unread."""

    head: Head
    raw: Raw
    full_url: str


@dataclass(slots=True)
class Page:
    """One document: its plain Observations, and `others`, all else of it, decoded."""

    observations: list[PlainObservation] = field(default_factory=list)
    others: Decoded = field(default_factory=Decoded)

    @property
    def is_unreadable(self) -> bool:
        """Whether something was sent of which nothing can be read."""
        return bool(self.others.undecodable) and not (self.others.resources or self.observations)


class _Entry(Struct, frozen=True, gc=False):
    resource: Raw = Raw()
    fullUrl: str | None = None


class _Bundle(Struct, frozen=True, tag="Bundle", tag_field="resourceType"):
    entry: list[_Entry] | None = None


_BUNDLE = msgspec.json.Decoder(_Bundle)
_HEAD = msgspec.json.Decoder(Head)


def open_page(document: bytes) -> Page:
    """Open a Bundle or a single resource. Raises nothing, like `decode`."""
    document = document.removeprefix(BYTE_ORDER_MARK)
    page = Page()
    try:
        entries = _BUNDLE.decode(document).entry or ()
    except DECODE_ERRORS:
        page.others = decode(document, LABORATORY_KINDS)
        return page
    for entry in entries:
        _add(entry.resource, entry.fullUrl or "", page)
    return page


def _add(raw: Raw, full_url: str, page: Page) -> None:
    try:
        head = _HEAD.decode(raw)
    except DECODE_ERRORS:
        if raw and bytes(raw) != b"null":
            decode_entry(raw, full_url, LABORATORY_KINDS, page.others)
        return
    if head.resourceType != "Observation" or head.contained or head.component or head.hasMember:
        if head.resourceType in _OPENED_TYPES:
            decode_entry(raw, full_url, LABORATORY_KINDS, page.others)
    else:
        page.observations.append(PlainObservation(head, raw, full_url))
