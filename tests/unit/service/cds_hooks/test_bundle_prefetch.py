"""A Bundle in a file becomes the prefetch that a CDS Client would have sent."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from fhir_mappings.panel import DataGroup
from service.cds_hooks.bundle_prefetch import BundleNotUsable, encode, read_bundle, resources_of
from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.prefetch_dates import as_filled_on

TEMPLATES = load_catalogue().templates


def entry(resource, **more):
    return {"resource": resource, **more}


def bundle(*entries, kind="collection"):
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries)}).encode()


PATIENT = {"resourceType": "Patient", "id": "p1"}


def observation(code, identity, **more):
    return {
        "resourceType": "Observation",
        "id": identity,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        **more,
    }


def ids(value):
    return [each["resource"]["id"] for each in value["entry"]]


def test_every_template_has_a_value_and_only_what_its_search_finds():
    call = read_bundle(
        bundle(
            entry(PATIENT),
            entry(observation("718-7", "hgb")),
            entry(observation("2132-9", "b12")),
            entry({"resourceType": "Condition", "id": "c"}),
        ),
        TEMPLATES,
    )

    assert call.patient_id == "p1"
    assert set(call.prefetch) == set(TEMPLATES)
    assert call.prefetch["patient"]["id"] == "p1"
    assert ids(call.prefetch["bloodCounts"]) == ["hgb"]
    assert ids(call.prefetch["vitaminB12"]) == ["b12"]
    assert ids(call.prefetch["conditions"]) == ["c"]
    assert call.prefetch["ironStudies"]["entry"] == []


def test_references_of_a_transaction_are_resolved_as_a_server_does():
    call = read_bundle(
        bundle(
            entry({"resourceType": "Patient"}, fullUrl="urn:uuid:1111"),
            entry(
                observation("718-7", "hgb") | {"subject": {"reference": "urn:uuid:1111"}},
                fullUrl="urn:uuid:2222",
                request={"method": "POST", "url": "Observation"},
            ),
            kind="transaction",
        ),
        TEMPLATES,
    )

    assert call.patient_id == "1111"
    subject = call.prefetch["bloodCounts"]["entry"][0]["resource"]["subject"]
    assert subject == {"reference": "Patient/1111"}


def test_an_id_may_stand_only_in_the_request():
    call = read_bundle(
        bundle(
            entry({"resourceType": "Patient"}, request={"method": "PUT", "url": "Patient/p9"}),
            kind="transaction",
        ),
        TEMPLATES,
    )

    assert call.patient_id == "p9"


def test_a_medication_travels_with_the_requests_that_point_at_it():
    call = read_bundle(
        bundle(
            entry(PATIENT),
            entry({"resourceType": "Medication", "id": "m"}, fullUrl="urn:uuid:m"),
            entry(
                {
                    "resourceType": "MedicationRequest",
                    "id": "r",
                    "medicationReference": {"reference": "urn:uuid:m"},
                }
            ),
        ),
        TEMPLATES,
    )

    requests = call.prefetch["medicationRequests"]
    assert ids(requests) == ["r", "m"]
    assert requests["entry"][0]["resource"]["medicationReference"] == {"reference": "Medication/m"}


def test_an_observation_that_no_search_names_is_not_lost():
    call = read_bundle(bundle(entry(PATIENT), entry(observation("LOCAL-1", "odd"))), TEMPLATES)

    assert ids(call.prefetch["bloodCounts"]) == ["odd"]


def test_numbers_keep_their_digits():
    document = bundle(entry(PATIENT), entry(observation("718-7", "hgb"))).replace(
        b'"id": "hgb"', b'"id": "hgb", "valueQuantity": {"value": 9.10}'
    )

    assert b'"value":9.10' in encode(read_bundle(document, TEMPLATES).prefetch)


def test_drafts_are_found_for_the_order_hooks():
    draft = {"resourceType": "MedicationRequest", "id": "d", "status": "draft"}

    assert read_bundle(bundle(entry(PATIENT), entry(draft)), TEMPLATES).drafts == [draft]


def test_one_of_several_patients_must_be_named():
    two = bundle(entry(PATIENT), entry({"resourceType": "Patient", "id": "p2"}))

    with pytest.raises(BundleNotUsable, match="holds 2 Patients"):
        read_bundle(two, TEMPLATES)
    assert read_bundle(two, TEMPLATES, "p2").patient_id == "p2"
    with pytest.raises(BundleNotUsable, match="does not hold"):
        read_bundle(two, TEMPLATES, "p3")


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no FHIR Bundle"),
        (b'{"resourceType":"Patient","id":"x"}', "no FHIR Bundle"),
        (b'{"resourceType":"Bundle"}', "no Patient"),
        (b'{"resourceType":"Bundle","entry":[null,3,{"resource":null}]}', "no Patient"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(document, sentence):
    with pytest.raises(BundleNotUsable, match=sentence):
        read_bundle(document, TEMPLATES)


def test_a_draft_may_be_a_bundle_or_stand_alone():
    alone = b'{"resourceType":"MedicationRequest","id":"a"}'

    assert resources_of(alone)[0]["id"] == "a"
    assert (
        resources_of(bundle(entry({"resourceType": "MedicationRequest", "id": "b"})))[0]["id"]
        == "b"
    )
    with pytest.raises(BundleNotUsable):
        resources_of(b"{}")


def test_a_date_in_a_template_is_searched_by():
    """FHIR R4, search.html#date: an interval that overlaps is found, no time at all is not."""
    dated = as_filled_on(date(2026, 6, 15), TEMPLATES, frozenset({DataGroup.IRON_STUDIES}))
    since = dated[DataGroup.IRON_STUDIES].since
    assert since is not None
    before = (since - timedelta(days=1)).isoformat()
    call = read_bundle(
        bundle(
            entry(PATIENT),
            entry(observation("2498-4", "on-the-day", effectiveDateTime=since.isoformat())),
            entry(observation("2498-4", "before", effectiveDateTime=f"{before}T23:00:00Z")),
            entry(observation("2498-4", "month", effectiveDateTime=f"{since:%Y-%m}")),
            entry(observation("2498-4", "instant", effectiveInstant=f"{since}T08:00:00Z")),
            entry(observation("2498-4", "open", effectivePeriod={"start": "2020-01-01"})),
            entry(observation("2498-4", "closed", effectivePeriod={"end": before})),
            entry(observation("2498-4", "issued-only", issued=f"{since}T08:00:00Z")),
        ),
        dated,
    )
    assert ids(call.prefetch["ironStudies"]) == ["on-the-day", "month", "instant", "open"]
    assert call.prefetch["bloodCounts"]["entry"] == [], "a search named them all"


def test_members_of_panels_that_no_search_names_keep_to_the_date_of_the_counts():
    dated = as_filled_on(date(2026, 6, 15), TEMPLATES, frozenset({DataGroup.BLOOD_COUNTS}))
    call = read_bundle(
        bundle(
            entry(PATIENT),
            entry(observation("LOCAL", "old", effectiveDateTime="2020-01-01")),
            entry(observation("LOCAL", "new", effectiveDateTime="2026-06-01")),
            entry(observation("LOCAL", "dated-by-its-panel")),
        ),
        dated,
    )
    assert ids(call.prefetch["bloodCounts"]) == ["new", "dated-by-its-panel"]
