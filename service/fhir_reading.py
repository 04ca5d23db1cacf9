"""What a FHIR server sent: the bytes, held to limits, and what a page of a search says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.decoding import DECODE_ERRORS
from service.fhir_failures import FailureKind, FetchFailed

if TYPE_CHECKING:
    import requests

    from service.deadline import Deadline

_BLOCK = 65_536


class ByteBudget:
    """How many bytes one search may still send, over all its pages."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def spend(self, amount: int) -> None:
        """Raises FetchFailed (too-large) when the limit is passed."""
        self.left -= amount
        if self.left < 0:
            raise FetchFailed(FailureKind.TOO_LARGE)


def read_body(response: requests.Response, deadline: Deadline, budget: ByteBudget) -> bytes:
    """Read a streamed answer, decompressed, within the deadline and the byte limit.

    `read1` returns what has come so far; `iter_content` would wait until its block is full and so
    let a dripping server run past the deadline. Raises FetchFailed.
    """
    blocks: list[bytes] = []
    while block := response.raw.read1(_BLOCK, decode_content=True):
        budget.spend(len(block))
        blocks.append(block)
        if not deadline.remaining:
            raise FetchFailed(FailureKind.DEADLINE)
    return b"".join(blocks)


class _Link(Struct):
    relation: str = ""
    url: str = ""


class _Issue(Struct):
    severity: str = ""


class _ResourceHead(Struct):
    resourceType: str = ""
    id: str = ""
    issue: list[_Issue] | None = None

    @property
    def is_error(self) -> bool:
        return self.resourceType == "OperationOutcome" and any(
            issue.severity in {"error", "fatal"} for issue in self.issue or ()
        )


class _Entry(Struct):
    resource: _ResourceHead | None = None


class _Bundle(Struct):
    resourceType: str = ""
    link: list[_Link] | None = None
    entry: list[_Entry] | None = None


class _LooseBundle(Struct):
    resourceType: str = ""
    link: list[_Link] | None = None
    entry: list[Raw] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """What is known of a JSON document before its content is read.

    `next_link` is a Bundle's next link as written, None without one. `has_error`: it is an
    OperationOutcome of severity error or fatal, or a Bundle that holds one (FHIR R4, search
    outcome); a warning or information says nothing about completeness.
    """

    resource_type: str
    id: str = ""
    next_link: str | None = None
    has_error: bool = False


def look_at(body: bytes | Raw) -> Document:
    """Tell the kind of a document. Raises FetchFailed (not-json) when it is not readable JSON."""
    try:
        head = msgspec.json.decode(body, type=_ResourceHead)
    except DECODE_ERRORS:
        try:
            # An `issue` that is no list of issues is harmless elsewhere; a broken id is not ours.
            head = _ResourceHead(msgspec.json.decode(body, type=_LooseBundle).resourceType)
        except DECODE_ERRORS:
            raise FetchFailed(FailureKind.NOT_JSON) from None
    if head.resourceType == "Bundle":
        return _look_at_bundle(body)
    return Document(head.resourceType, head.id, has_error=head.is_error)


def _look_at_bundle(body: bytes | Raw) -> Document:
    try:
        bundle = msgspec.json.decode(body, type=_Bundle)
        links = bundle.link
        heads = [entry.resource for entry in bundle.entry or ()]
    except DECODE_ERRORS:
        links, heads = _look_at_entries(body)
    next_links = [link.url for link in links or () if link.relation == "next" and link.url]
    return Document(
        "Bundle",
        next_link=next_links[0] if next_links else None,
        has_error=any(head is not None and head.is_error for head in heads),
    )


def _look_at_entries(body: bytes | Raw) -> tuple[list[_Link] | None, list[_ResourceHead | None]]:
    """As a whole it did not fit: entry by entry, so that a bad one hides nothing of the others."""
    try:
        bundle = msgspec.json.decode(body, type=_LooseBundle)
    except DECODE_ERRORS:
        raise FetchFailed(FailureKind.NOT_JSON) from None
    heads: list[_ResourceHead | None] = []
    for raw in bundle.entry or ():
        try:
            heads.append(msgspec.json.decode(raw, type=_Entry).resource)
        except DECODE_ERRORS:
            continue
    return bundle.link, heads
