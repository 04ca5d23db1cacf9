"""JSON documents to typed FHIR resources, leniently, with msgspec.

A document is a Bundle (searchset, collection, transaction, ...) or one resource. It is decoded in
one typed pass; when anything in it does not fit, entry by entry and then field by field
(`lenient`), so that one bad entry never affects the others. What cannot be decoded is kept as
`Undecodable`, never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4.lenient import decode_leniently, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bad input (ValidationError is a DecodeError)."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DEEPEST_BUNDLE = 3
_NULL = Raw(b"null")


def no_limit() -> None:
    """Let every resource be read: what stands where no budget is given."""


class Coding(Struct, frozen=True):
    """FHIR Coding, the part that is read."""

    system: str = ""
    code: str = ""
    display: str = ""


class CodeableConcept(Struct, frozen=True):
    """FHIR CodeableConcept."""

    coding: list[Coding] = []
    text: str = ""


class Identifier(Struct, frozen=True):
    """FHIR Identifier, the part that tells whose or what it is."""

    system: str = ""
    value: str = ""


class Reference(Struct, frozen=True):
    """FHIR Reference: literal (relative, absolute, versioned, `urn:uuid:`), logical, or a name."""

    reference: str = ""
    identifier: Identifier | None = None
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


class Decoded(Struct):
    """The resources of one or more documents, in order of appearance.

    `full_urls` and `unreadable_fields` run beside `resources`: the entry's fullUrl, and the fields
    in which something did not fit and was left out (empty for a resource that fitted).
    """

    resources: list[Resource] = []
    full_urls: list[str] = []
    undecodable: list[Undecodable] = []
    unreadable_fields: list[frozenset[str]] = []

    def add(
        self, resource: Resource, full_url: str, unreadable_fields: frozenset[str] = frozenset()
    ) -> None:
        """Append one resource, its fullUrl and the fields of it that could not be read."""
        self.resources.append(resource)
        self.full_urls.append(full_url)
        self.unreadable_fields.append(unreadable_fields)

    def of_type(self, kind: type[Any]) -> Iterator[Any]:
        """Yield the resources of one type."""
        return (resource for resource in self.resources if type(resource) is kind)


class _RawEntry(Struct, frozen=True):
    resource: Raw = _NULL
    fullUrl: Any = None


class _RawBundle(Struct, frozen=True, tag="Bundle", tag_field="resourceType"):
    entry: list[Raw] | None = None


_RAW_ENTRY = msgspec.json.Decoder(_RawEntry)
_RAW_BUNDLE = msgspec.json.Decoder(_RawBundle)


class ResourceKinds:
    """Types of resources to decode, with the decoders for them.

    Make one when a module is imported, never during a call: msgspec prepares a type when its first
    decoder is made, and two threads that do so at once end the process (msgspec 0.22).
    """

    def __init__(self, *types: type[Resource]) -> None:
        union: Any = Union[types]  # noqa: UP007  built at run time
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
        self.by_name = {str(kind.__struct_config__.tag): kind for kind in types}
        self.document: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[(bundle, *types)])
        self.resource: msgspec.json.Decoder[Any] = msgspec.json.Decoder(union)


def decode(document: bytes | Raw, kinds: ResourceKinds) -> Decoded:
    """Decode a Bundle or a single resource into those of `kinds` that it holds.

    Resources of other types are passed over. Raises nothing: a document that is not JSON at all
    becomes one `Undecodable` with an empty resource type, a Bundle that cannot be opened one of
    type Bundle.
    """
    decoded = Decoded()
    document = bytes(document).removeprefix(BYTE_ORDER_MARK)
    try:
        found = kinds.document.decode(document)
    except DECODE_ERRORS:
        _decode_piecewise(document, kinds, decoded)
        return decoded
    if isinstance(found, Resource):
        decoded.add(found, "")
        return decoded
    for entry in found.entry or ():
        if entry.resource is not None:
            decoded.add(entry.resource, entry.fullUrl or "")
    return decoded


def _decode_piecewise(document: bytes, kinds: ResourceKinds, decoded: Decoded) -> None:
    try:
        bundle = _RAW_BUNDLE.decode(document)
        entries = [_RAW_ENTRY.decode(raw) for raw in bundle.entry or ()]
    except DECODE_ERRORS:
        decode_entry(document, "", kinds, decoded)
        return
    for entry in entries:
        if bytes(entry.resource) != b"null":
            decode_entry(entry.resource, _text(entry.fullUrl), kinds, decoded)


def decode_entry(raw: bytes | Raw, full_url: str, kinds: ResourceKinds, decoded: Decoded) -> None:
    """Add one entry's resource to `decoded`, or what it holds if it is a Bundle itself."""
    try:
        decoded.add(kinds.resource.decode(raw), full_url)
    except DECODE_ERRORS:
        try:
            parsed = parse_json(raw)
        except (ValueError, RecursionError) as error:
            decoded.undecodable.append(Undecodable("", bytes(raw), type(error).__name__))
            return
        _mend_resource(parsed, full_url, kinds, decoded)


def _mend_resource(
    parsed: object,
    full_url: str,
    kinds: ResourceKinds,
    decoded: Decoded,
    depth: int = 0,
) -> None:
    """Fit what did not pass the typed decoder, and open a Bundle that stands inside a Bundle."""
    resource_type = _text(parsed.get("resourceType")) if isinstance(parsed, dict) else ""
    if resource_type in kinds.by_name:
        resource, unreadable_fields = decode_leniently(parsed, kinds.by_name[resource_type])
        decoded.add(resource, full_url, unreadable_fields)
    elif resource_type == "Bundle" and depth < _DEEPEST_BUNDLE:
        entries = parsed.get("entry") if isinstance(parsed, dict) else None
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, dict) and entry.get("resource") is not None:
                url = _text(entry.get("fullUrl"))
                _mend_resource(entry["resource"], url, kinds, decoded, depth + 1)
            elif entry is not None and not isinstance(entry, dict):
                decoded.undecodable.append(Undecodable("Bundle", b"", "entry"))
    elif not resource_type:
        decoded.undecodable.append(Undecodable("", b"", "resourceType"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
