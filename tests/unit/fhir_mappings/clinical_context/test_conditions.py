"""Which Conditions count, and for what (clinical-definition 3.1, 5)."""

from __future__ import annotations

from datetime import date

import pytest

from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.context import ValueSetName as S
from fhir_mappings.panel import DataGroup
from tests.support.context import (
    ICD9CM,
    ICD10CM,
    NOW,
    PATIENT,
    SNOMED,
    bundle,
    condition,
    context,
    resource,
)

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
AML = (SNOMED, "91861009")


def clinical(code):
    return {"clinicalStatus": {"coding": [{"system": CLINICAL, "code": code}]}}


def verified(code):
    return {"verificationStatus": {"coding": [{"system": VERIFICATION, "code": code}]}}


def only(*resources):
    (found,) = context(*resources).conditions
    return found


@pytest.mark.parametrize("status", ["active", "recurrence", "relapse"])
def test_active_recurrence_and_relapse_are_active(status):
    found = only(condition(*AML, **clinical(status)))
    assert found.active
    assert found.may_suppress
    assert S.HEMATOLOGIC_MALIGNANCY in found.sets


@pytest.mark.parametrize("status", ["inactive", "remission", "resolved"])
def test_inactive_remission_and_resolved_stay_as_facts_that_are_not_active(status):
    found = only(condition(*AML, **clinical(status)))
    assert not found.active
    assert S.HEMATOLOGIC_MALIGNANCY in found.sets


def test_without_clinical_status_a_condition_is_active():
    assert only(condition(*AML)).active
    assert only(condition(*AML, clinicalStatus={"coding": [{}]})).active


@pytest.mark.parametrize(
    "abatement",
    [
        {"abatementDateTime": "2020-05-01"},
        {"abatementDateTime": "2020"},
        {"abatementPeriod": {"start": "2020-01-01", "end": "2020-03-01"}},
        {"abatementAge": {"value": 60, "unit": "a"}},
        {"abatementString": "years ago"},
        {"abatementBoolean": True},
    ],
)
def test_without_clinical_status_an_abatement_ends_it(abatement):
    assert not only(condition(*AML, **abatement)).active


def test_an_abatement_to_come_or_denied_does_not_end_it():
    assert only(condition(*AML, abatementDateTime="2027-01-01")).active
    assert only(condition(*AML, abatementBoolean=False)).active


def test_an_abatement_in_the_past_wins_over_the_status_active():
    assert not only(condition(*AML, **clinical("active"), abatementDateTime="2015-01-01")).active


@pytest.mark.parametrize("status", ["refuted", "entered-in-error", "entered-in-error "])
def test_refuted_and_erroneous_conditions_are_left_out(status):
    assert context(condition(*AML, **clinical("active"), **verified(status))).conditions == ()


@pytest.mark.parametrize("status", ["provisional", "differential", "unconfirmed"])
def test_an_unsettled_diagnosis_never_suppresses(status):
    found = only(condition(*AML, **clinical("active"), **verified(status)))
    assert found.active
    assert not found.may_suppress


def test_a_confirmed_diagnosis_may_suppress():
    assert only(condition(*AML, **verified("confirmed"))).may_suppress


def test_statuses_as_plain_words_are_read_too():
    found = only(condition(*AML, clinicalStatus="active", verificationStatus="provisional"))
    assert found.active
    assert not found.may_suppress
    assert not only(condition(*AML, clinicalStatus={"text": "Resolved"})).active


@pytest.mark.parametrize(
    ("system", "code"),
    [(ICD10CM, "C92.01"), (ICD10CM, "C9101"), (ICD10CM, "C83.3A"), (ICD9CM, "204.01")],
)
def test_a_remission_code_is_history_even_on_an_active_problem(system, code):
    found = only(condition(system, code, **clinical("active")))
    assert found.in_remission
    assert S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY in found.sets
    assert S.HEMATOLOGIC_MALIGNANCY not in found.sets


def test_a_remission_code_wins_over_the_other_codings():
    codings = [{"system": SNOMED, "code": AML[1]}, {"system": ICD10CM, "code": "C92.01"}]
    found = only(resource("Condition", code={"coding": codings}, **clinical("active")))
    assert found.in_remission
    assert S.HEMATOLOGIC_MALIGNANCY not in found.sets


@pytest.mark.parametrize(("system", "code"), [(ICD10CM, "C92.02"), (ICD9CM, "203.00")])
def test_relapse_and_unspecified_codes_are_active_disease(system, code):
    found = only(condition(system, code, **clinical("active")))
    assert not found.in_remission
    assert S.HEMATOLOGIC_MALIGNANCY in found.sets


def test_personal_history_wins_over_the_diagnosis_beside_it():
    codings = [{"system": SNOMED, "code": "93143009"}, {"system": ICD10CM, "code": "Z85.6"}]
    found = only(resource("Condition", code={"coding": codings}))
    assert found.sets == {S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY}


@pytest.mark.parametrize("code", ["277577000", "111574001", "363346000"])
def test_gammopathy_copper_and_solid_cancer_never_suppress(code):
    assert not only(condition(SNOMED, code, **clinical("active"))).may_suppress


def test_solid_cancer_never_suppresses_whatever_stands_beside_it():
    codings = [{"system": SNOMED, "code": "363346000"}, {"system": ICD10CM, "code": "C79.52"}]
    assert not only(resource("Condition", code={"coding": codings})).may_suppress


def test_the_text_of_a_condition_names_no_medicine():
    leukemia = resource("Condition", code={"text": "Acute myeloid leukemia, methotrexate"})
    assert only(leukemia).sets == {S.HEMATOLOGIC_MALIGNANCY}
    assert context(resource("Condition", code={"text": "methotrexate"})).conditions == ()


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/p1",
        "Patient/p1/_history/4",
        "https://ehr.example/fhir/Patient/p1",
        "https://ehr.example/fhir/Patient/p1/_history/2",
        "urn:uuid:p1",
    ],
)
def test_the_patient_is_known_in_every_way_to_write_a_reference(subject):
    assert only(condition(*AML, subject={"reference": subject})).active


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p2"},
        {"reference": "Patient/p11"},
        {"reference": "Group/p1"},
        {"reference": "https://ehr.example/fhir/Patient/p1x"},
        {"identifier": {"value": "p1"}},
        {"reference": "p1"},
        {},
        None,
        "Patient/p1",
    ],
)
def test_nobody_elses_condition_counts(subject):
    assert context(condition(*AML, subject=subject)).conditions == ()


def test_a_subject_by_urn_is_followed_to_the_patient_in_the_bundle():
    urn = "urn:uuid:0d0f37a4-2f7a-4f4e-8f2a-8f7f4f1f0a11"
    page = (
        '{"resourceType":"Bundle","type":"collection","entry":['
        f'{{"fullUrl":"{urn}","resource":{{"resourceType":"Patient","id":"{PATIENT}"}}}},'
        '{"resource":{"resourceType":"Condition","id":"c","subject":{"reference":"' + urn + '"},'
        '"code":{"coding":[{"system":"http://snomed.info/sct","code":"91861009"}]}}}]}'
    ).encode()
    found = read_context({DataGroup.CONDITIONS: [page]}, None, (), PATIENT, NOW)
    assert len(found.conditions) == 1


@pytest.mark.parametrize(
    ("elements", "onset"),
    [
        ({"onsetDateTime": "2026-05-01", "recordedDate": "2026-06-01"}, date(2026, 5, 1)),
        ({"onsetPeriod": {"start": "2026-04-02T10:00:00+02:00"}}, date(2026, 4, 2)),
        ({"recordedDate": "2026-06-01T08:00:00.123456789Z"}, date(2026, 6, 1)),
        ({"onsetDateTime": "2026-05"}, date(2026, 5, 1)),
        ({"onsetDateTime": "2026"}, date(2026, 1, 1)),
        ({"onsetDateTime": "spring", "recordedDate": "2026-06-01"}, date(2026, 6, 1)),
        ({"onsetDateTime": "2026-02-31"}, None),
        ({"onsetAge": {"value": 50}}, None),
    ],
)
def test_onset_is_the_onset_else_the_recorded_date(elements, onset):
    assert only(condition(*AML, **elements)).onset == onset


def test_broken_pieces_elsewhere_do_not_spoil_a_condition():
    messy = condition(
        *AML,
        id=17,
        severity="",
        stage={"summary": None},
        evidence=None,
        onsetDateTime=["?"],
        extension=[{}],
        recordedDate="2026-06-01",
    )
    messy["code"]["coding"] = [None, {}, "x", *messy["code"]["coding"], {"code": 5}]
    found = only(messy)
    assert found.onset == date(2026, 6, 1)
    assert found.source == "Condition/17"


def test_one_coding_that_is_an_object_instead_of_a_list_is_read():
    loose = resource("Condition", code={"coding": {"system": ICD10CM, "code": "D46.9"}})
    assert S.HEMATOLOGIC_MALIGNANCY in only(loose).sets


def test_a_bad_entry_never_spoils_the_others_and_is_named():
    page = bundle(condition(*AML), {"id": "no type"})
    found = read_context({DataGroup.CONDITIONS: [page, b"{"]}, None, (), PATIENT, NOW)
    assert len(found.conditions) == 1
    assert len(found.unreadable) == 2


def test_the_same_condition_on_two_pages_counts_once():
    pages = [bundle(condition(*AML)), bundle(condition(*AML))]
    found = read_context({DataGroup.CONDITIONS: pages}, None, (), PATIENT, NOW)
    assert len(found.conditions) == 1


def test_a_condition_is_shown_by_its_own_text_else_by_the_code():
    assert only(condition(*AML)).display == "Acute myeloid leukemia"
    named = condition(*AML)
    named["code"]["text"] = "AML with NPM1"
    assert only(named).display == "AML with NPM1"
