"""A page opened without being read holds, once read, what decoding it at once gives."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.r4.bundle_page import open_page
from fhir_mappings.r4.decoding import Decoded, decode
from fhir_mappings.r4.laboratory_resources import LABORATORY_KINDS
from tests.support.fhir import as_bytes, bundle, component, observation, report

PLAIN = observation("718-7", 8.9, "g/dL", id="a", note=[{"text": "hemolytic"}])
ENTRIES = [
    PLAIN,
    observation("6690-2", 2.4, "10*3/uL", referenceRange=[{"text": "4 to 10"}], id=None),
    observation("718-7", valueString="8,9", specimen={"reference": "Specimen/s"}),
    observation("58410-2", component=[component("718-7", 9, "g/dL")]),
    observation("24317-0", hasMember=[{"reference": "Observation/a"}]),
    observation("718-7", contained=[PLAIN]),
    observation("718-7", 9, "g/dL", id=7),
    observation("718-7", 9, "g/dL", effectiveDateTime=20260514),
    observation("718-7", "nine", "g/dL"),
    observation("718-7", 9, "g/dL", code={"coding": {"code": "718-7"}}),
    observation("718-7", 9, "g/dL", subject="Patient/pat-1"),
    report("58410-2", result=[{"reference": "Observation/a"}]),
    bundle(PLAIN),
    {"resourceType": "Specimen", "id": "s"},
    {"resourceType": "OperationOutcome", "issue": []},
    {"resourceType": "Basic"},
    {"id": "of no type"},
    "no resource",
    None,
]


def content(decoded: Decoded) -> list[tuple[bytes, str, frozenset[str]]]:
    return sorted(
        (msgspec.json.encode(resource), url, unreadable_fields)
        for resource, url, unreadable_fields in zip(
            decoded.resources, decoded.full_urls, decoded.unreadable_fields, strict=True
        )
    )


def read_whole(document: bytes) -> Decoded:
    page = open_page(document)
    for unread in page.observations:
        unread.read_into(page.others)
    return page.others


def assert_same(document: bytes) -> None:
    opened, decoded = read_whole(document), decode(document, LABORATORY_KINDS)
    assert content(opened) == content(decoded)
    assert len(opened.undecodable) == len(decoded.undecodable)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(ENTRIES), max_size=6), st.sampled_from([None, "urn:uuid:x", 5]))
def test_any_bundle_gives_the_same_in_the_end(entries, url):
    document = bundle(*entries)
    for entry in document["entry"][:1]:
        entry["fullUrl"] = url
    assert_same(as_bytes(document))


@pytest.mark.parametrize(
    "document",
    [
        as_bytes(PLAIN),
        b"\xef\xbb\xbf" + as_bytes(bundle(PLAIN)),
        as_bytes(bundle(PLAIN)).replace(b"hemolytic", b"h\xff"),
        as_bytes(bundle(PLAIN)).replace(b"8.9", b"NaN"),
        as_bytes(bundle(PLAIN) | {"entry": {"resource": PLAIN}}),
        as_bytes(bundle(PLAIN) | {"entry": [None]}),
        b'{"resourceType": "Bundle"}',
        b"[]",
        b"no JSON",
        b"",
    ],
)
def test_a_document_that_is_no_tidy_bundle_gives_the_same_in_the_end(document):
    assert_same(document)


def test_plain_observations_stay_unread():
    page = open_page(as_bytes(bundle(*ENTRIES[:3])))
    assert len(page.observations) == 3
    assert page.others == Decoded()
