"""A page of laboratory resources, opened without reading what may never be needed.

Of an Observation only id, time and type are decoded, and everything else that is ever read is kept
as the bytes that were sent. msgspec passes over bytes ten times faster than it decodes them, and
most results of a long record are of codes that nobody asks for, or older than anybody looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4.decoding import BYTE_ORDER_MARK, DECODE_ERRORS, Decoded, decode, decode_entry
from fhir_mappings.r4.laboratory_resources import LABORATORY_KINDS, Observation

if TYPE_CHECKING:
    from collections.abc import Iterable

_OBSERVATION = "Observation"
_READ_TYPES = frozenset(LABORATORY_KINDS.by_name)
_OPENED_TYPES = _READ_TYPES - {_OBSERVATION} | {"Bundle", ""}


# gc=False: heads hold no cycles, and a thousand of them would make the collector run for nothing.
class Head(Struct, frozen=True, gc=False, omit_defaults=True):
    """What decides whether an Observation must be read; the types are those of the reading."""

    resourceType: str = ""
    id: str = ""
    effectiveDateTime: str = ""
    code: Raw = Raw()
    subject: Raw = Raw()
    contained: Raw = Raw()
    component: Raw = Raw()
    hasMember: Raw = Raw()


if TYPE_CHECKING:

    class _UnreadObservation(Head, frozen=True):
        """A Head with everything else that is read of an Observation, still as bytes."""

else:
    _OF_HEAD = {each.name for each in msgspec.structs.fields(Head)}
    _UnreadObservation = msgspec.defstruct(
        "_UnreadObservation",
        [
            (each.name, Raw, Raw())
            for each in msgspec.structs.fields(Observation)
            if each.name not in _OF_HEAD
        ],
        bases=(Head,),
        frozen=True,
        gc=False,
        omit_defaults=True,
    )


class Unread(Struct, frozen=True, gc=False):
    """One Bundle entry with an Observation that is not read yet."""

    resource: _UnreadObservation = _UnreadObservation()
    fullUrl: str | None = None

    def read_into(self, decoded: Decoded) -> None:
        """Decode the Observation: put together again from its bytes, then as any other."""
        decode_entry(
            msgspec.json.encode(self.resource), self.fullUrl or "", LABORATORY_KINDS, decoded
        )


@dataclass(slots=True)
class Page:
    """One document: `observations` that contain and group nothing, and everything else, decoded."""

    observations: list[Unread] = field(default_factory=list)
    others: Decoded = field(default_factory=Decoded)

    @property
    def is_unreadable(self) -> bool:
        """Whether something was sent and nothing of it can be read."""
        return bool(self.others.undecodable) and not (self.others.resources or self.observations)


class _Bundle(Struct, frozen=True, tag="Bundle", tag_field="resourceType"):
    entry: list[Unread] | None = None


class _RawEntry(Struct, frozen=True, gc=False):
    resource: Raw = Raw()
    fullUrl: str | None = None


class _RawBundle(Struct, frozen=True, tag="Bundle", tag_field="resourceType"):
    entry: list[_RawEntry] | None = None


_BUNDLE = msgspec.json.Decoder(_Bundle)
_RAW_BUNDLE = msgspec.json.Decoder(_RawBundle)
_UNREAD = msgspec.json.Decoder(_UnreadObservation)


def open_page(document: bytes) -> Page:
    """Open a Bundle or a single resource. Raises nothing, like `decode`."""
    document = document.removeprefix(BYTE_ORDER_MARK)
    try:
        entries = _BUNDLE.decode(document).entry or []
    except DECODE_ERRORS:
        return _piece_by_piece(document)
    page = Page()
    for entry in entries:
        head = entry.resource
        if head.resourceType != _OBSERVATION:
            if head.resourceType in _OPENED_TYPES:
                return _piece_by_piece(document)
        elif head.contained or head.component or head.hasMember:
            entry.read_into(page.others)
        else:
            page.observations.append(entry)
    return page


def _piece_by_piece(document: bytes) -> Page:
    """A page with other resources on it, or with something that does not fit."""
    page = Page()
    try:
        entries: Iterable[_RawEntry] = _RAW_BUNDLE.decode(document).entry or ()
    except DECODE_ERRORS:
        page.others = decode(document, LABORATORY_KINDS)
        return page
    for entry in entries:
        raw = entry.resource
        if not raw or bytes(raw) == b"null":
            continue
        try:
            unread = Unread(_UNREAD.decode(raw), entry.fullUrl)
        except DECODE_ERRORS:
            unread = Unread()
        head = unread.resource
        holds_others = head.contained or head.component or head.hasMember
        if head.resourceType == _OBSERVATION and not holds_others:
            page.observations.append(unread)
        elif head.resourceType in _READ_TYPES | _OPENED_TYPES:
            decode_entry(raw, entry.fullUrl or "", LABORATORY_KINDS, page.others)
    return page
