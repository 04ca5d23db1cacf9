"""What a document says of itself, whatever else in it is broken."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir_client.failures import FetchFailed
from service.fhir_client.responses import Document, look_at

NEXT = [{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}]
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
NOTE = {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}


def look(document: dict[str, Any]) -> Document:
    return look_at(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        ({"resourceType": "Patient", "id": "1"}, Document("Patient", "1")),
        ({"resourceType": "Patient", "id": "1", "link": {}}, Document("Patient")),
        ({"resourceType": "Patient", "id": 1}, Document("Patient")),
        ({"resourceType": "Patient", "issue": "none"}, Document("Patient")),
        ({}, Document("")),
        (ERROR, Document("OperationOutcome", has_error=True)),
        (NOTE, Document("OperationOutcome")),
        ({"resourceType": "Bundle"}, Document("Bundle", is_empty=True)),
        (
            {"resourceType": "Bundle", "entry": None, "link": None},
            Document("Bundle", is_empty=True),
        ),
        (
            {"resourceType": "Bundle", "link": NEXT},
            Document("Bundle", next_link="b", is_empty=True),
        ),
        (
            {"resourceType": "Bundle", "link": [{"relation": "previous", "url": "b"}]},
            Document("Bundle", is_empty=True),
        ),
        (
            {"resourceType": "Bundle", "link": [{"relation": "next"}]},
            Document("Bundle", is_empty=True),
        ),
        (
            {"resourceType": "Bundle", "link": NEXT, "entry": [7, {"resource": ERROR}]},
            Document("Bundle", next_link="b", has_error=True, is_empty=True),
        ),
        (
            {"resourceType": "Bundle", "entry": [{"resource": NOTE}, {}, {"resource": None}]},
            Document("Bundle", is_empty=True),
        ),
        (
            {"resourceType": "Bundle", "entry": [{"resource": {"id": "1", "issue": [{"a": 1}]}}]},
            Document("Bundle"),
        ),
        (
            {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Condition"}}]},
            Document("Bundle"),
        ),
    ],
)
def test_a_document_tells_its_kind_its_next_page_and_its_error(
    document: dict[str, Any], seen: Document
) -> None:
    assert look(document) == seen


@pytest.mark.parametrize(
    "document",
    [
        {"resourceType": 7},
        {"resourceType": "Bundle", "entry": {}},
        {"resourceType": "Bundle", "link": "next"},
        {"resourceType": "Bundle", "link": [{"relation": "next", "url": 7}]},
    ],
)
def test_a_bundle_whose_end_cannot_be_told_is_no_answer(document: dict[str, Any]) -> None:
    with pytest.raises(FetchFailed):
        look(document)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100))
def test_random_bytes_are_refused_or_have_a_kind(body: bytes) -> None:
    try:
        document = look_at(body)
    except FetchFailed:
        return
    assert document.resource_type == ""
