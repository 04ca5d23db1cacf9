"""Tolerant decoding: what fits is kept, what does not is named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.r4.decoding import decode
from fhir_mappings.r4.laboratory_resources import LABORATORY_KINDS, Observation
from fhir_mappings.r4.lenient import decode_leniently, parse_json
from tests.support.fhir import as_bytes, bundle, observation


def decoded(resource):
    found = decode(as_bytes(resource), LABORATORY_KINDS)
    (one,) = found.resources
    (unreadable_fields,) = found.unreadable_fields
    return one, unreadable_fields


def test_a_resource_that_fits_is_not_mended():
    _, unreadable_fields = decoded(observation("718-7", 8.9, "g/dL"))
    assert unreadable_fields == frozenset()


@pytest.mark.parametrize(
    ("broken", "unreadable_fields"),
    [
        ({"status": None}, set()),
        ({"status": {}}, {"status"}),
        ({"code": 3}, {"code"}),
        ({"code": {"coding": [3, {"system": "http://loinc.org", "code": "718-7"}]}}, {"code"}),
        ({"valueQuantity": {"value": "8,9"}}, {"valueQuantity"}),
        ({"valueQuantity": {"value": 8.9, "comparator": []}}, {"valueQuantity"}),
        ({"valueQuantity": {"value": None}}, set()),
        ({"interpretation": {"text": "low"}}, set()),
        ({"id": 7}, set()),
    ],
)
def test_only_the_broken_field_is_lost_and_it_is_named(broken, unreadable_fields):
    resource, lost = decoded(observation("718-7", 8.9, "g/dL") | {"meta": None} | broken)
    assert lost == unreadable_fields
    assert resource.effectiveDateTime
    if "valueQuantity" in unreadable_fields:
        assert resource.valueQuantity is None


def test_numbers_stay_exact_on_the_tolerant_path_too():
    resource, _ = decode_leniently(
        parse_json(b'{"valueQuantity":{"value":9.10},"id":null}'), Observation
    )
    assert str(resource.valueQuantity.value) == "9.10"
    assert parse_json(b"[1.10, NaN]") == [Decimal("1.10"), "NaN"]


def test_other_resource_types_are_passed_over_without_a_word():
    found = decode(as_bytes(bundle({"resourceType": "Provenance"}, {"resourceType": "Basic"})),
                   LABORATORY_KINDS)  # fmt: skip
    assert found.resources == []
    assert found.undecodable == []
