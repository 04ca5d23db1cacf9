"""The hook's draftOrders, as loosely as real clients send them (CDS Hooks order-select)."""

from __future__ import annotations

import json

import pytest

from fhir_mappings.context import ValueSetName as S
from tests.support.context import RXNORM, SNOMED, SUBJECT, bundle, concept, context, request

IRON = concept(RXNORM, "24947")


def draft(**elements):
    usual = {"resourceType": "MedicationRequest", "id": "request-123", "status": "draft"}
    return {**usual, "subject": SUBJECT, "authoredOn": "2026-06-15", **elements}


def read(*resources, selections=(), chart=()):
    return context(*chart, drafts=bundle(*resources), selections=selections)


def test_a_drafted_medicine_is_known_by_its_value_set():
    (found,) = read(draft(medicationCodeableConcept=IRON)).drafts
    assert found.sets == {S.IRON_MEDICATION}
    assert (found.id, found.name, found.selected) == ("request-123", "ferrous sulfate", False)


@pytest.mark.parametrize(
    "selection",
    [
        "MedicationRequest/request-123",
        "request-123",
        "https://ehr.example/fhir/MedicationRequest/request-123",
    ],
)
def test_a_selection_names_the_draft(selection):
    (found,) = read(draft(), selections=("MedicationRequest/other", selection)).drafts
    assert found.selected


@pytest.mark.parametrize("selection", ["ServiceRequest/request-123", "request-12", "", "x/y"])
def test_a_selection_of_something_else_does_not(selection):
    (found,) = read(draft(), selections=(selection,)).drafts
    assert not found.selected


def test_a_draft_without_any_medicine_is_kept_and_matches_nothing():
    (found,) = read({k: v for k, v in draft().items() if k != "intent"}).drafts
    assert (found.sets, found.name) == (frozenset(), "")


def test_objects_where_lists_belong_and_empty_codings_do_no_harm():
    loose = draft(
        category={"text": "outpatient"},
        reasonCode={"text": "fatigue"},
        dosageInstruction={"route": {"text": "oral"}},
        medicationCodeableConcept={"coding": IRON["coding"][0], "text": None},
    )
    empty = draft(id="b", medicationCodeableConcept={"coding": [{}]}, reasonCode=[])
    found = {each.id: each.sets for each in read(loose, empty).drafts}
    assert found == {"request-123": {S.IRON_MEDICATION}, "b": frozenset()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda r: {"resourceType": "Bundle", "entry": [{"resource": r}]},
        lambda r: {"resourceType": "Bundle", "entry": {"resource": r}},
        lambda r: {"entry": [{"resource": r}]},
        lambda r: [r],
        lambda r: r,
        lambda r: {"resourceType": "Bundle", "entry": [None, {}, {"resource": r}]},
    ],
)
def test_any_wrapping_of_the_drafts_is_opened(wrap):
    drafts = json.dumps(wrap(draft(medicationCodeableConcept=IRON))).encode()
    (found,) = context(drafts=drafts).drafts
    assert found.sets == {S.IRON_MEDICATION}


@pytest.mark.parametrize(
    "drafts", [b"", b"null", b"[]", b"3", b'"x"', b"{", b'{"entry":7}', b"\xff\xfe", b"[" * 50000]
)
def test_drafts_that_are_no_drafts_are_no_error(drafts):
    assert context(drafts=drafts).drafts == ()


def test_a_draft_may_leave_out_its_subject_but_not_be_anothers():
    assert len(read(draft(subject=None)).drafts) == 1
    assert read(draft(subject={"reference": "Patient/p2"})).drafts == ()


def test_a_withdrawn_draft_is_none():
    assert read(draft(status="cancelled")).drafts == ()
    assert read(draft(doNotPerform=True)).drafts == ()


def test_a_draft_may_refer_to_a_medication_of_the_chart():
    medication = {"resourceType": "Medication", "id": "m1", "code": IRON}
    pointer = {"reference": "Medication/m1"}
    (found,) = read(draft(medicationReference=pointer), chart=(medication,)).drafts
    assert found.sets == {S.IRON_MEDICATION}
    (found,) = read(draft(medicationReference=pointer), medication).drafts
    assert found.sets == {S.IRON_MEDICATION}


def test_a_drafted_medicine_is_not_yet_given():
    assert read(draft(medicationCodeableConcept=IRON)).medications == ()


def test_a_drafted_order_stands_as_drafted():
    service = {
        "resourceType": "ServiceRequest",
        "id": "example-request-id",
        "code": concept(SNOMED, "183567007"),
        "status": "draft",
    }
    (found,) = read(service).orders
    assert found.drafted
    assert found.orders == {"hematology-referral"}
    assert read({**service, "code": {"coding": [{}]}}, {**service, "code": []}).orders == ()


def test_intravitreal_and_topical_drafts_match_nothing():
    (found,) = read(draft(medicationCodeableConcept={"text": "Methotrexate cream"})).drafts
    assert found.sets == frozenset()


def test_requests_in_the_chart_are_no_drafts():
    assert context(request("ferrous sulfate")).drafts == ()
