"""What a FHIR server sent: the bytes, within limits, and what a page of a search says."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.fhir_client.failures import FailureKind, FetchFailed

if TYPE_CHECKING:
    import requests

    from service.fhir_client.deadline import Deadline

_BLOCK = 65_536


class ByteBudget:
    """How many bytes one search may still send over all its pages, out of what the call may."""

    def __init__(self, limit: int, call: ByteBudget | None = None) -> None:
        self._left = limit
        self._call = call
        self._lock = Lock()

    def spend(self, amount: int) -> None:
        """Raises FetchFailed (too-large) when a limit is passed."""
        with self._lock:
            self._left -= amount
            passed = self._left < 0
        if passed:
            raise FetchFailed(FailureKind.TOO_LARGE)
        if self._call is not None:
            self._call.spend(amount)


def read_body(response: requests.Response, deadline: Deadline, budget: ByteBudget) -> bytes:
    """Read a streamed answer, decompressed, within the deadline and the byte limit.

    `read1` returns what has come so far; `iter_content` would wait until its block is full and so
    let a slow server run past the deadline. One growing buffer instead of many blocks: those leave
    holes in the heap that the allocator does not give back. Raises FetchFailed.
    """
    body = bytearray()
    while block := response.raw.read1(_BLOCK, decode_content=True):
        budget.spend(len(block))
        body += block
        if not deadline.remaining:
            raise FetchFailed(FailureKind.DEADLINE)
    return bytes(body)


class _Link(Struct):
    relation: str = ""
    url: str = ""


class _Issue(Struct):
    severity: str = ""


# gc=False: a page has a thousand of these, none in a cycle.
class _Kind(Struct, gc=False):
    resourceType: str = ""
    issue: list[_Issue] | None = None

    @property
    def is_error(self) -> bool:
        return self.resourceType == "OperationOutcome" and any(
            issue.severity in {"error", "fatal"} for issue in self.issue or ()
        )


class _Entry(Struct, gc=False):
    resource: _Kind | None = None


class _Head(_Kind):
    id: str = ""
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _TypeOnly(Struct):
    resourceType: str = ""


class _LooseBundle(Struct):
    """What must fit in any case; entries stay raw, so that a bad one does not hide the others."""

    link: list[_Link] | None = None
    entry: list[Raw] | None = None


_HEAD = msgspec.json.Decoder(_Head)
_TYPE_ONLY = msgspec.json.Decoder(_TypeOnly)
_LOOSE_BUNDLE = msgspec.json.Decoder(_LooseBundle)
_ENTRY = msgspec.json.Decoder(_Entry)


class Document(Struct, frozen=True):
    """What is known of a JSON document before its content is read.

    `next_link` is a Bundle's next link as written, None without one. `has_error`: it is an
    OperationOutcome of severity error or fatal, or a Bundle that holds one (FHIR R4, search
    outcome); a warning or information says nothing about completeness. `is_empty`: it is a Bundle
    with no resource in it, OperationOutcomes apart.
    """

    resource_type: str
    id: str = ""
    next_link: str | None = None
    has_error: bool = False
    is_empty: bool = False


def look_at(body: bytes | Raw) -> Document:
    """Return the kind of a document. Raises FetchFailed (not-json) when unreadable."""
    try:
        head = _HEAD.decode(body)
    except DECODE_ERRORS:
        head = _look_at_parts(body)
    if head.resourceType != "Bundle":
        return Document(head.resourceType, head.id, has_error=head.is_error)
    links = [link.url for link in head.link or () if link.relation == "next" and link.url]
    entries = head.entry or ()
    return Document(
        "Bundle",
        next_link=links[0] if links else None,
        has_error=any(
            kind.is_error for entry in entries if (kind := entry.resource) and kind.issue
        ),
        is_empty=not any(
            (kind := entry.resource) and kind.resourceType != "OperationOutcome"
            for entry in entries
        ),
    )


def _look_at_parts(body: bytes | Raw) -> _Head:
    try:
        resource_type = _TYPE_ONLY.decode(body).resourceType
        if resource_type != "Bundle":
            return _Head(resourceType=resource_type)
        loose = _LOOSE_BUNDLE.decode(body)
    except DECODE_ERRORS:
        raise FetchFailed(FailureKind.NOT_JSON) from None
    entries: list[_Entry] = []
    for raw in loose.entry or ():
        try:
            entries.append(_ENTRY.decode(raw))
        except DECODE_ERRORS:
            continue
    return _Head(resourceType=resource_type, link=loose.link, entry=entries)
