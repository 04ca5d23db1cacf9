"""One broken entry is mended by itself; its neighbours keep to the typed decoder."""

from __future__ import annotations

import json

import pytest

from fhir_mappings.r4 import decoding
from fhir_mappings.r4.decoding import decode
from fhir_mappings.r4.laboratory_resources import LABORATORY_KINDS, Observation


def test_a_broken_entry_does_not_send_the_whole_bundle_through_mending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = {"resourceType": "Observation", "id": "sound"}
    broken = {"resourceType": "Observation", "id": "broken", "status": {"no": "code"}}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in (sound, broken, sound)]}
    mended: list[object] = []
    lenient = decoding.decode_leniently
    monkeypatch.setattr(
        decoding, "decode_leniently", lambda *given: mended.append(given) or lenient(*given)
    )

    decoded = decode(json.dumps(bundle).encode(), LABORATORY_KINDS)

    assert [r.id for r in decoded.resources] == ["sound", "broken", "sound"]
    assert len(mended) == 1
    assert decoded.unreadable_fields == [frozenset(), frozenset({"status"}), frozenset()]


def test_a_null_resource_is_no_resource() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": None},
            {"resource": {"resourceType": "Observation", "id": "o", "status": 1, "issued": []}},
        ],
    }
    decoded = decode(json.dumps(bundle).encode(), LABORATORY_KINDS)

    assert [resource.id for resource in decoded.resources] == ["o"]
    assert decoded.undecodable == []


@pytest.mark.parametrize("name", ["valueSampledData", "valuePeriod"])
def test_a_series_or_a_period_fits_its_type(name: str) -> None:
    resource = {"resourceType": "Observation", "id": "o", name: {"start": "2026-01-01"}}
    decoded = decode(json.dumps(resource).encode(), LABORATORY_KINDS)

    assert decoded.unreadable_fields == [frozenset()]
    assert isinstance(decoded.resources[0], Observation)
    assert getattr(decoded.resources[0], name) == {"start": "2026-01-01"}
