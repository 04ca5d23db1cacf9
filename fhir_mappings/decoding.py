"""JSON documents to typed FHIR resources, tolerantly, with msgspec.

A document is a Bundle (searchset, collection, transaction, ...) or one resource. It is decoded in
one typed pass; when anything in it does not fit, entry by entry, so that one bad entry never
spoils the others. What cannot be decoded is kept as `Undecodable`, never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Union

import msgspec
from msgspec import Raw, Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bad input (ValidationError is a DecodeError)."""


class Coding(Struct, frozen=True):
    """FHIR Coding, the part that is read."""

    system: str = ""
    code: str = ""
    display: str = ""


class CodeableConcept(Struct, frozen=True):
    """FHIR CodeableConcept."""

    coding: list[Coding] = []
    text: str = ""


class Reference(Struct, frozen=True):
    """FHIR Reference: relative, absolute, versioned or `urn:uuid:`."""

    reference: str = ""
    display: str = ""


class Period(Struct, frozen=True):
    """FHIR Period, its dates still as written."""

    start: str = ""
    end: str = ""


class Resource(Struct, frozen=True, tag_field="resourceType", kw_only=True):
    """Base of every resource that is read; subclasses set `tag` to the FHIR type name."""

    id: str = ""


class OperationOutcome(Resource, tag="OperationOutcome", frozen=True, kw_only=True):
    """A server's word about a search; its text is never passed on."""

    issue: Raw = Raw(b"[]")


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An entry whose JSON does not fit even the tolerant types. `raw` is the entry's resource."""

    resource_type: str
    raw: bytes
    reason: str


@dataclass(slots=True)
class Decoded:
    """The resources of one or more documents, in order of appearance.

    `full_urls` maps `id(resource)` positions to the entry's fullUrl, index by index.
    """

    resources: list[Resource] = field(default_factory=list)
    full_urls: list[str] = field(default_factory=list)
    undecodable: list[Undecodable] = field(default_factory=list)

    def of_type(self, kind: type[Any]) -> Iterator[Any]:
        """Yield the resources of one type."""
        return (resource for resource in self.resources if type(resource) is kind)


class _RawEntry(Struct, frozen=True):
    resource: Raw | None = None
    fullUrl: str | None = None


class _RawBundle(Struct, frozen=True, tag="Bundle", tag_field="resourceType"):
    entry: list[Raw] | None = None


class _TypeOnly(Struct, frozen=True):
    resourceType: str = ""


@cache
def _bundle_decoder(kinds: tuple[type[Resource], ...]) -> msgspec.json.Decoder[Any]:
    union: Any = Union[kinds]  # noqa: UP007  built at run time

    entry = msgspec.defstruct(
        "Entry",
        [("resource", union | None, None), ("fullUrl", str | None, None)],
        frozen=True,
    )
    bundle = msgspec.defstruct(
        "Bundle",
        [("entry", list[entry] | None, None)],  # type: ignore[valid-type]
        frozen=True,
        tag="Bundle",
        tag_field="resourceType",
    )
    return msgspec.json.Decoder(bundle)


@cache
def _resource_decoder(kinds: tuple[type[Resource], ...]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Union[kinds])  # noqa: UP007  built at run time


def decode(document: bytes | Raw, kinds: tuple[type[Resource], ...]) -> Decoded:
    """Decode a Bundle or a single resource into those of `kinds` that it holds.

    Resources of other types are passed over. Raises nothing: a document that is not JSON at all
    becomes one `Undecodable` with an empty resource type.
    """
    decoded = Decoded()
    try:
        bundle = _bundle_decoder(kinds).decode(document)
    except DECODE_ERRORS:
        _decode_piecewise(document, kinds, decoded)
        return decoded
    for entry in bundle.entry or ():
        if entry.resource is not None:
            decoded.resources.append(entry.resource)
            decoded.full_urls.append(entry.fullUrl or "")
    return decoded


def _decode_piecewise(
    document: bytes | Raw, kinds: tuple[type[Resource], ...], decoded: Decoded
) -> None:
    try:
        bundle = msgspec.json.decode(document, type=_RawBundle)
    except DECODE_ERRORS:
        _decode_resource(document, "", kinds, decoded)
        return
    for raw_entry in bundle.entry or ():
        try:
            entry = msgspec.json.decode(raw_entry, type=_RawEntry)
        except DECODE_ERRORS as error:
            decoded.undecodable.append(Undecodable("", bytes(raw_entry), _short(error)))
            continue
        if entry.resource is not None:
            _decode_resource(entry.resource, entry.fullUrl or "", kinds, decoded)


def _decode_resource(
    raw: bytes | Raw, full_url: str, kinds: tuple[type[Resource], ...], decoded: Decoded
) -> None:
    try:
        resource = _resource_decoder(kinds).decode(raw)
    except DECODE_ERRORS as error:
        kind = _type_of(raw)
        if kind in {k.__struct_config__.tag for k in kinds} or not kind:
            decoded.undecodable.append(Undecodable(kind, bytes(raw), _short(error)))
        return
    decoded.resources.append(resource)
    decoded.full_urls.append(full_url)


def _type_of(raw: bytes | Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_TypeOnly).resourceType
    except DECODE_ERRORS:
        return ""


def _short(error: BaseException) -> str:
    """The kind of error only: msgspec's messages can quote the input."""
    return type(error).__name__
