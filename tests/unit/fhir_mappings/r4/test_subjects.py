"""Whose a resource is, over every way that FHIR R4 allows to say so and every type that is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.clinical_context.patient import names_of, read_patient
from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.laboratory.record import LaboratoryRecord
from fhir_mappings.panel import DataGroup, Reason
from fhir_mappings.r4.subjects import NamedPatient, Owner, PatientNames, identifier_key
from fhir_mappings.vocabulary.analytes import default_terminology
from tests.support.fhir import NOW, PATIENT_ID, as_bytes, concept, observation, report

Json = dict[str, Any]

SERVER = "https://ehr.example.org/fhir"
OID, MRN = "urn:oid:1.2.3", "MRN-1"
OLD = "merged-away"
PATIENT = {
    "resourceType": "Patient",
    "id": PATIENT_ID,
    "identifier": [{"system": OID, "value": MRN}, {"value": "no system"}, {"system": "x"}],
    "link": [
        {"type": "replaces", "other": {"reference": f"Patient/{OLD}"}},
        {"type": "seealso", "other": {"reference": "Patient/twin"}},
    ],
}
TERMINOLOGY = default_terminology()


def named(reference: str = "", system: str = "", value: str = "", **more: Any) -> Json:
    """A subject, with what it stands on if that is more than itself."""
    subject: Json = {"reference": reference} if reference else {}
    if system or value:
        subject["identifier"] = {"system": system, "value": value}
    return subject | more


def contained(patient: Json) -> Json:
    return {"subject": named("#p"), "contained": [{"resourceType": "Patient", "id": "p"} | patient]}


OWN = {
    "relative": {"subject": named(f"Patient/{PATIENT_ID}")},
    "versioned": {"subject": named(f"Patient/{PATIENT_ID}/_history/2")},
    "on the call's server": {"subject": named(f"{SERVER}/Patient/{PATIENT_ID}")},
    "on the call's server, http": {
        "subject": named(f"http://EHR.example.org:80/fhir/Patient/{PATIENT_ID}")
    },
    "uuid kept as id": {"subject": named(f"urn:uuid:{PATIENT_ID}")},
    "identifier": {"subject": named("", OID, MRN)},
    "identifier in other case": {"subject": named("", OID.upper(), f" {MRN} ")},
    "identifier without a system": {"subject": named("", "", "no system")},
    "name beside it": {"subject": named(f"Patient/{PATIENT_ID}", display="Ann Example")},
    "contained with the identifier": contained({"identifier": [{"system": OID, "value": MRN}]}),
    "merged record": {"subject": named(f"Patient/{OLD}")},
    "merged record on the server": {"subject": named(f"{SERVER}/Patient/{OLD}")},
    "identifier beside a foreign reference": {
        "subject": named("https://elsewhere.example/fhir/Patient/77", OID, MRN)
    },
}
UNKNOWN = {
    "absent": {"subject": None},
    "empty": {"subject": {}},
    "name only": {"subject": {"display": "Ann Example"}},
    "identifier of nobody known": {"subject": named("", OID, "another number")},
    "identifier of another system": {"subject": named("", "urn:oid:9.9", MRN)},
    "identifier without its system": {"subject": named("", "", MRN)},
    "uuid of nobody": {"subject": named("urn:uuid:0f9d7a52-9d9c-4c3a-8f0e-000000000000")},
    "contained nobody": {"subject": named("#p")},
    "contained stranger": contained({"identifier": [{"system": OID, "value": "x"}]} | {"id": ""}),
    "same id elsewhere": {"subject": named(f"https://elsewhere.example/fhir/Patient/{PATIENT_ID}")},
    "group": {"subject": named(f"Group/{PATIENT_ID}")},
    "contradiction": {"subject": named("Patient/somebody-else", OID, MRN)},
    "no reference": {"subject": named(PATIENT_ID)},
}
OTHER = {
    "another": {"subject": named("Patient/somebody-else")},
    "another on the server": {"subject": named(f"{SERVER}/Patient/somebody-else")},
    "another with a number": {"subject": named("Patient/somebody-else", OID, "another number")},
    "seen also as": {"subject": named("Patient/twin")},
}
FORMS = [
    *((form, Owner.PATIENT) for form in OWN.items()),
    *((form, Owner.UNKNOWN) for form in UNKNOWN.items()),
    *((form, Owner.OTHER) for form in OTHER.items()),
]
SNOMED = "http://snomed.info/sct"


def condition() -> Json:
    return {
        "resourceType": "Condition",
        "code": concept({"system": SNOMED, "code": "91861009"}),
        "clinicalStatus": concept({"code": "active"}),
    }


def medicine(kind: str) -> Json:
    return {
        "resourceType": kind,
        "status": "active",
        "medicationCodeableConcept": {"text": "methotrexate 2.5 mg"},
        "authoredOn": "2026-05-01",
    }


CONTEXT = {
    DataGroup.CONDITIONS: condition(),
    DataGroup.MEDICATION_REQUESTS: medicine("MedicationRequest"),
    DataGroup.MEDICATION_STATEMENTS: medicine("MedicationStatement"),
    DataGroup.MEDICATION_ADMINISTRATIONS: medicine("MedicationAdministration")
    | {"status": "completed", "effectiveDateTime": "2026-05-01"},
    DataGroup.PROCEDURES: {
        "resourceType": "Procedure",
        "status": "completed",
        "code": concept({"system": SNOMED, "code": "116863004"}),
    },
    DataGroup.SERVICE_REQUESTS: {
        "resourceType": "ServiceRequest",
        "status": "active",
        "code": concept({"system": SNOMED, "code": "183567007"}),
    },
    DataGroup.ENCOUNTERS: {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"code": "IMP"},
    },
}
LABORATORY = {
    "count": (observation("718-7", 8.9, "g/dL"), "results"),
    "film": (observation("5909-7", valueString="Blasts present."), "smear"),
    "serology": (observation("5196-1", valueString="positive"), "serology"),
    "pregnancy": (observation("2106-3", valueString="positive"), "pregnancy"),
    "marrow report": (report("33721-2"), "marrow"),
    "film report": (report("5909-7", conclusion="Blasts present."), "smear"),
}


def patient() -> Any:
    return read_patient(as_bytes(PATIENT), PATIENT_ID)


def entry(resource: Json, form: Json) -> bytes:
    stated = {name: value for name, value in (resource | form).items() if value is not None}
    return as_bytes({"resourceType": "Bundle", "entry": [{"resource": stated}]})


@pytest.mark.parametrize("group", CONTEXT)
@pytest.mark.parametrize(("form", "owner"), FORMS, ids=[form[0] for form, _ in FORMS])
def test_every_kind_of_context_belongs_to_whom_it_names(
    form: tuple[str, Json], owner: Owner, group: DataGroup
) -> None:
    pages = {group: [entry(CONTEXT[group], form[1])]}
    names = names_of(patient(), SERVER)
    found = read_context(pages, None, (), PATIENT_ID, NOW, names=names)
    facts = (
        *found.conditions,
        *found.medications,
        *found.procedures,
        *found.orders,
        *found.encounters,
    )
    assert bool(facts) is (owner is Owner.PATIENT)
    assert found.of_others == (owner is Owner.OTHER)
    assert bool(found.of_nobody) is (owner is Owner.UNKNOWN)


@pytest.mark.parametrize("kind", LABORATORY)
@pytest.mark.parametrize(("form", "owner"), FORMS, ids=[form[0] for form, _ in FORMS])
def test_every_kind_of_result_belongs_to_whom_it_names(
    form: tuple[str, Json], owner: Owner, kind: str
) -> None:
    resource, where = LABORATORY[kind]
    record = LaboratoryRecord(PATIENT_ID, NOW, TERMINOLOGY, patient(), server=SERVER)
    panel = record.panel([entry(resource, form[1])])
    assert bool(getattr(panel, where)) is (owner is Owner.PATIENT)
    reasons = {
        Owner.PATIENT: [],
        Owner.UNKNOWN: [Reason.SUBJECT],
        Owner.OTHER: [Reason.OTHER_PATIENT],
    }
    assert [each.reason for each in panel.unreadable] == reasons[owner]


def test_an_answer_of_the_call_s_server_under_its_inner_address_is_the_server_s() -> None:
    inner = "http://10.0.0.7:8080/r4"
    resource = observation("718-7", 8.9, "g/dL", subject=named(f"{inner}/Patient/{PATIENT_ID}"))
    document = {
        "resourceType": "Bundle",
        "entry": [{"fullUrl": f"{inner}/Observation/o", "resource": resource}],
    }
    for url, reasons in ((f"{inner}/Observation/o", []), ("", [Reason.SUBJECT])):
        document["entry"][0]["fullUrl"] = url
        record = LaboratoryRecord(PATIENT_ID, NOW, TERMINOLOGY, patient(), server=SERVER)
        panel = record.panel([as_bytes(document)])
        assert [each.reason for each in panel.unreadable] == reasons


def test_without_a_server_in_the_call_any_address_of_the_patient_will_do() -> None:
    names = PatientNames(PATIENT_ID)
    assert names.owner(f"https://anywhere.example/Patient/{PATIENT_ID}") is Owner.PATIENT


def test_a_patient_of_the_bundle_is_known_by_its_number() -> None:
    names = names_of(patient(), SERVER)
    key = identifier_key(OID, MRN)
    assert key is not None
    at_hand = {"urn:uuid:p": NamedPatient("lab-7", frozenset({key}))}
    assert names.owner("urn:uuid:p", patients=at_hand) is Owner.PATIENT
    assert names.owner("urn:uuid:p", patients={"urn:uuid:p": NamedPatient("x")}) is Owner.OTHER


@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_no_text_raises_or_passes_for_the_patient(reference: str, system: str, value: str) -> None:
    names = names_of(patient(), SERVER)
    owner = names.owner(reference, identifier_key(system, value))
    assert owner is not Owner.PATIENT or PATIENT_ID in reference or MRN in value or OLD in reference


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists, max_leaves=4))
def test_a_broken_subject_is_nobody_s(subject: Any) -> None:
    json.dumps(subject)
    record = LaboratoryRecord(PATIENT_ID, NOW, TERMINOLOGY, patient())
    panel = record.panel([entry(observation("718-7", 8.9, "g/dL"), {"subject": subject})])
    assert [each.reason for each in panel.unreadable] == [Reason.SUBJECT]
