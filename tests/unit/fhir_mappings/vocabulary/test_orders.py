"""What can be ordered and how a draft looks (clinical-definition 4)."""

from __future__ import annotations

import json
import re

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from fhir_mappings.r4.decoding import Coding
from fhir_mappings.terminology import LocalCoding
from fhir_mappings.vocabulary.orders import ORDERS, draft_order, order_ids_for, order_of_draft
from tests.support.context import ICD10CM, LOINC, SNOMED

LABORATORY, IMAGING, DIAGNOSTIC, REFERRAL = "108252007", "363679005", "103693007", "3457005"
CODES = {
    "hematology-referral": ("", "183567007", REFERRAL),
    "marrow-biopsy": ("", "234326005", DIAGNOSTIC),
    "marrow-karyotype": ("33893-9", "", LABORATORY),
    "marrow-flow-cytometry": ("", "", LABORATORY),
    "cbc-differential": ("57021-8", "26604007", LABORATORY),
    "peripheral-smear": ("5909-7", "14768001", LABORATORY),
    "reticulocytes": ("50262-5", "", LABORATORY),
    "ldh": ("2532-0", "11274001", LABORATORY),
    "bilirubin-total": ("1975-2", "", LABORATORY),
    "bilirubin-direct": ("1968-7", "", LABORATORY),
    "haptoglobin": ("4542-7", "", LABORATORY),
    "vitamin-b12": ("2132-9", "14598005", LABORATORY),
    "folate": ("2284-8", "", LABORATORY),
    "methylmalonic-acid": ("13964-2", "", LABORATORY),
    "homocysteine": ("13965-9", "104733005", LABORATORY),
    "intrinsic-factor-antibody": ("31444-3", "", LABORATORY),
    "iron-tibc": ("50190-8", "", LABORATORY),
    "ferritin": ("2276-4", "", LABORATORY),
    "metabolic-panel": ("24323-8", "", LABORATORY),
    "crp": ("1988-5", "", LABORATORY),
    "hiv-screen": ("56888-1", "171121004", LABORATORY),
    "hepatitis-b-surface-antigen": ("5196-1", "47758006", LABORATORY),
    "hepatitis-b-core-antibody": ("13952-7", "315133002", LABORATORY),
    "hepatitis-c-antibody": ("13955-0", "64411004", LABORATORY),
    "antinuclear-antibody": ("8061-4", "359788000", LABORATORY),
    "anti-dsdna": ("5130-0", "", LABORATORY),
    "ultrasound-abdomen": ("", "45036003", IMAGING),
    "ct-abdomen-pelvis": ("", "419394006", IMAGING),
    "copper": ("5631-7", "", LABORATORY),
    "zinc": ("5763-8", "", LABORATORY),
    "prothrombin-time": ("5902-2", "", LABORATORY),
    "aptt": ("14979-9", "", LABORATORY),
    "fibrinogen": ("3255-7", "", LABORATORY),
    "triglycerides": ("2571-8", "", LABORATORY),
}


def draft(order="methylmalonic-acid", **more):
    return draft_order(order, **{"patient_id": "p1", "reason": "pancytopenia", **more})


def test_there_are_exactly_the_orders_of_the_knowledge_document():
    assert set(ORDERS) == set(CODES)


@pytest.mark.parametrize("order", CODES)
def test_each_order_carries_its_codes_and_category(order):
    definition = ORDERS[order]
    assert (definition.loinc, definition.snomed, definition.category.code) == CODES[order]


@pytest.mark.parametrize("order", CODES)
def test_names_are_for_clinicians(order):
    assert not re.search(r"seed|extension|CPT", ORDERS[order].name)


@pytest.mark.parametrize("order", CODES)
def test_each_draft_is_a_valid_service_request(order):
    resource = draft(
        order,
        encounter_id="e1",
        priority="urgent",
        supporting=["Observation/1", "Observation/2", "Observation/1"],
        note="As hematology decides.",
        resource_id="draft-1",
    )
    ServiceRequest.model_validate_json(json.dumps(resource))
    loinc, snomed, category = CODES[order]
    codings = [(c["system"], c["code"]) for c in resource["code"].get("coding", [])]
    assert codings == [(s, c) for s, c in ((LOINC, loinc), (SNOMED, snomed)) if c]
    assert resource["code"]["text"] == ORDERS[order].name
    assert resource["category"][0]["coding"][0]["code"] == category
    assert (resource["status"], resource["intent"]) == ("draft", "proposal")
    assert resource["subject"] == {"reference": "Patient/p1"}
    assert resource["encounter"] == {"reference": "Encounter/e1"}
    assert resource["priority"] == "urgent"
    assert [s["reference"] for s in resource["supportingInfo"]] == [
        "Observation/1",
        "Observation/2",
    ]
    assert {"text": "As hematology decides."} in resource["note"]


def test_pancytopenia_is_coded_as_the_reason():
    (reason,) = draft()["reasonCode"]
    assert [(c["system"], c["code"]) for c in reason["coding"]] == [
        (SNOMED, "127034005"),
        (ICD10CM, "D61.818"),
    ]
    assert draft(reason="PAN")["reasonCode"] == [reason]


def test_bicytopenia_is_a_reason_in_words():
    assert draft(reason="bicytopenia")["reasonCode"] == [{"text": "bicytopenia"}]
    assert draft(reason="BI")["reasonCode"] == [{"text": "bicytopenia"}]


def test_any_other_reason_stands_as_it_is_and_none_is_left_out():
    assert draft(reason="circulating blasts")["reasonCode"] == [{"text": "circulating blasts"}]
    assert "reasonCode" not in draft(reason="")


def test_empty_elements_are_left_out():
    assert set(draft()) == {
        "resourceType",
        "status",
        "intent",
        "category",
        "priority",
        "code",
        "subject",
        "reasonCode",
    }


def test_the_marrow_draft_says_what_to_examine_and_what_to_check():
    marrow = draft("marrow-biopsy", note="pediatric hematology")
    detail = marrow["orderDetail"][0]["text"]
    for part in ("orphology", "iron stain", "flow cytometry", "karyotype", "FISH", "NGS"):
        assert part in detail
    notes = " ".join(note["text"] for note in marrow["note"])
    assert "pediatric hematology" in notes
    assert "latelet" in notes
    assert "anticoagulant" in notes


def test_the_intent_is_the_sites_choice():
    assert draft(intent="order")["intent"] == "order"


def test_a_sites_own_orderable_comes_first():
    own = Coding("https://hospital.example/orderables", "LAB123", "MMA serum")
    codings = draft(site_coding=own)["code"]["coding"]
    assert [c["code"] for c in codings] == ["LAB123", "13964-2"]
    alone = draft("marrow-flow-cytometry", site_coding=own)["code"]["coding"]
    assert [c["code"] for c in alone] == ["LAB123"]


def test_an_unknown_order_is_an_error():
    with pytest.raises(KeyError):
        draft("leeches")


@pytest.mark.parametrize(
    ("system", "code", "order"),
    [
        (LOINC, "2132-9", "vitamin-b12"),
        ("https://loinc.org", "2132-9", "vitamin-b12"),
        ("urn:oid:2.16.840.1.113883.6.1", "2132-9", "vitamin-b12"),
        (SNOMED, "14598005", "vitamin-b12"),
        (SNOMED, "307063001", "hematology-referral"),
        (SNOMED, "56241004", "marrow-biopsy"),
        (SNOMED, "49401003", "marrow-biopsy"),
    ],
)
def test_an_order_is_known_by_its_codes(system, code, order):
    assert order_ids_for([Coding("urn:local", "x"), Coding(system, code)]) == {order}


@pytest.mark.parametrize(
    ("system", "code"), [(SNOMED, "2132-9"), (LOINC, "14598005"), (LOINC, "2132"), ("", "2132-9")]
)
def test_a_code_of_another_system_is_no_order(system, code):
    assert order_ids_for([Coding(system, code)]) == frozenset()


@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("site_coding", [None, LocalCoding("urn:local", "x", "X")])
def test_a_draft_names_its_order(order: str, site_coding: LocalCoding | None) -> None:
    assert order_of_draft(draft_order(order, patient_id="p", site_coding=site_coding)) == order


def test_another_resource_is_no_order() -> None:
    assert order_of_draft({"resourceType": "MedicationRequest"}) == ""
    assert order_of_draft({"code": {"coding": [{"system": "urn:x", "code": "1"}]}}) == ""
