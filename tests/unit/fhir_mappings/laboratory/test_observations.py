"""Which Observations count (clinical-definition 1.1, A1 to A6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.panel import Analyte, Note, Reason
from tests.support.fhir import (
    LOINC,
    NOW,
    PATIENT_ID,
    bundle,
    coding,
    component,
    concept,
    observation,
    only,
    panel_of,
    read_documents,
    refused,
    report,
)

HGB = Analyte.HEMOGLOBIN
HEMOGLOBIN = "718-7"


def hemoglobin(**more):
    return observation(HEMOGLOBIN, 8.9, "g/dL", **more)


@pytest.mark.parametrize("status", ["final", "amended", "corrected", " Final ", "CORRECTED"])
def test_a_settled_status_is_used_without_remark(status):
    assert only(panel_of(hemoglobin(status=status)), HGB).notes == frozenset()


@pytest.mark.parametrize(
    ("status", "note"),
    [("preliminary", Note.PRELIMINARY), ("unknown", Note.STATUS_UNKNOWN)],
)
def test_a_result_that_is_not_settled_is_used_and_labelled(status, note):
    result = only(panel_of(hemoglobin(status=status)), HGB)
    assert result.notes == {note}
    assert result.status == status


@pytest.mark.parametrize(
    "status",
    ["registered", "cancelled", "entered-in-error ", "Entered-In-Error", "bogus", "", None, 5],
)
def test_any_other_status_is_set_aside_and_told(status):
    found = refused(panel_of(hemoglobin(status=status)), HGB)
    withdrawn = str(status).strip().lower() in {"cancelled", "entered-in-error"}
    assert found.reason is (Reason.WITHDRAWN if withdrawn else Reason.STATUS)
    assert found.reported == "8.9 g/dL"


@pytest.mark.parametrize(
    "reference",
    [
        f"Patient/{PATIENT_ID}",
        f"https://ehr.example.org/fhir/Patient/{PATIENT_ID}",
        f"Patient/{PATIENT_ID}/_history/3",
        f"https://ehr.example.org/fhir/Patient/{PATIENT_ID}/_history/3",
        f"urn:uuid:{PATIENT_ID}",
    ],
)
def test_the_patient_is_known_by_every_spelling_of_the_reference(reference):
    assert only(panel_of(hemoglobin(subject={"reference": reference})), HGB).value


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": f"Group/{PATIENT_ID}"},
        {"reference": f"Device/{PATIENT_ID}"},
        {"reference": "urn:uuid:0f9d7a52-9d9c-4c3a-8f0e-000000000000"},
        {"identifier": {"value": "MRN 1"}},
        {"display": "Somebody"},
        {},
        None,
        "Patient",
    ],
)
def test_a_result_of_nobody_who_can_be_matched_is_set_aside(subject):
    found = refused(panel_of(hemoglobin(subject=subject)), HGB)
    assert found.reason is Reason.SUBJECT
    assert found.candidates == (Decimal("8.9"),)


@pytest.mark.parametrize("other", ["someone-else", f"x{PATIENT_ID}"])
def test_a_result_of_another_patient_is_set_aside_and_not_repeated(other):
    found = refused(panel_of(hemoglobin(subject={"reference": f"Patient/{other}"})), HGB)
    assert found.reason is Reason.OTHER_PATIENT
    assert (found.reported, found.candidates) == ("", ())


def test_a_uuid_is_resolved_through_the_patient_of_the_bundle():
    urn = "urn:uuid:11111111-2222-3333-4444-555555555555"
    transaction = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": urn, "resource": {"resourceType": "Patient", "id": PATIENT_ID}},
            {"fullUrl": "urn:uuid:a", "resource": hemoglobin(subject={"reference": urn})},
        ],
    }
    assert only(read_documents(transaction), HGB).value
    transaction["entry"][0]["resource"]["id"] = "other"
    assert refused(read_documents(transaction), HGB).reason is Reason.OTHER_PATIENT


@pytest.mark.parametrize(
    "more",
    [
        {"focus": [{"reference": "Patient/the-baby"}]},
        {"focus": [{"reference": "RelatedPerson/mother"}]},
        {"focus": [{"display": "Fetus"}]},
        {"focus": [{"reference": "BiologicallyDerivedProduct/bag"}]},
        {"specimen": {"display": "Cord blood"}},
        {"specimen": {"display": "Blood product unit"}},
        {"specimen": {"reference": "Specimen/s1"}},
        {
            "specimen": {"reference": "#s"},
            "contained": [
                {"resourceType": "Specimen", "id": "s", "type": {"text": "Blood from donor"}}
            ],
        },
        {"code": concept(coding(HEMOGLOBIN), text="Hemoglobin, umbilical cord")},
    ],
)
def test_fetus_cord_donor_and_blood_product_are_not_the_patient(more):
    specimen = {
        "resourceType": "Specimen",
        "id": "s1",
        "type": concept(coding("122556008", "http://snomed.info/sct", "Cord blood specimen")),
    }
    found = refused(panel_of(hemoglobin(**more), specimen), HGB)
    assert found.reason in {Reason.SPECIMEN, Reason.OTHER_PATIENT}


def test_an_ordinary_specimen_and_a_focus_on_the_patient_change_nothing():
    more = {
        "focus": [{"reference": f"Patient/{PATIENT_ID}"}],
        "specimen": {"display": "Venous blood", "reference": "Specimen/unknown"},
    }
    assert only(panel_of(hemoglobin(**more)), HGB).value


@pytest.mark.parametrize("system", [None, "", " ", "LN", "LOINC", "loinc.org"])
def test_a_count_by_a_loinc_code_without_its_system_is_not_unmeasured(system):
    code = {"code": HEMOGLOBIN} | ({} if system is None else {"system": system})
    panel = panel_of(hemoglobin(code=concept(code)))
    assert refused(panel, HGB).reason is Reason.CODE
    local = concept({"code": "4711", "system": ""})
    assert panel_of(hemoglobin(code=local)).unreadable == ()


@pytest.mark.parametrize(
    "system",
    ["HTTP://loinc.org", "https://LOINC.org/", "http://www.loinc.org", "2.16.840.1.113883.6.1"],
)
def test_the_address_of_loinc_is_known_in_any_case_and_with_a_slash(system):
    code = concept({"code": HEMOGLOBIN, "system": system})
    assert only(panel_of(hemoglobin(code=code)), HGB).value


@pytest.mark.parametrize("code", ["718-7", "6690-2", "751-8", "777-3"])
@pytest.mark.parametrize("where", ["Bone marrow", "Bone marrow aspirate, iliac crest"])
def test_a_count_of_a_marrow_specimen_is_a_contradiction(code, where):
    """Its code says blood: one of the two is wrong, and the line is not unmeasured."""
    unit = "g/dL" if code == "718-7" else "10*9/L"
    (item,) = panel_of(observation(code, 8.9, unit, specimen={"display": where})).unreadable
    assert (item.reason, item.loinc) == (Reason.CODE, code)


def test_marrow_is_not_blood():
    blasts = observation("26446-5", 12, "%", specimen={"display": "Bone marrow aspirate"})
    assert refused(panel_of(blasts), Analyte.BLAST_PERCENT).reason is Reason.SPECIMEN


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"effectiveDateTime": "2026-05-13T06:00:00Z"}, "2026-05-13T06:00:00+00:00"),
        ({"effectivePeriod": {"start": "2026-05-11", "end": "2026-05-12T01:00:00Z"}},
         "2026-05-12T01:00:00+00:00"),
        ({"effectivePeriod": {"start": "2026-05-12T01:00:00Z"}}, "2026-05-12T01:00:00+00:00"),
        ({"effectiveInstant": "2026-05-12T01:00:00.5Z"}, "2026-05-12T01:00:00.500000+00:00"),
        ({"issued": "2026-05-12T01:00:00Z"}, "2026-05-12T01:00:00+00:00"),
        ({"effectiveDateTime": "unknown", "issued": "2026-05-12T01:00:00Z"},
         "2026-05-12T01:00:00+00:00"),
        ({"effectiveDateTime": "2026", "issued": "2026-05-12T01:00:00Z"},
         "2026-05-12T01:00:00+00:00"),
        ({"effectiveDateTime": "2026-05-13T06:00:00Z", "issued": "2026-05-13T09:00:00Z"},
         "2026-05-13T06:00:00+00:00"),
        ({"effectiveDateTime": NOW.isoformat()}, "2026-05-15T10:00:00+00:00"),
        ({"effectiveDateTime": "2026-05-15T11:00:00Z"}, "2026-05-15T11:00:00+00:00"),
    ],
)  # fmt: skip
def test_the_time_is_when_the_specimen_was_taken_else_when_it_was_issued(times, expected):
    panel = panel_of(hemoglobin(**({"effectiveDateTime": None} | times)))
    assert only(panel, HGB).taken.isoformat() == expected


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ({}, Reason.NO_TIME),
        ({"effectiveDateTime": "yesterday"}, Reason.NO_TIME),
        ({"effectiveDateTime": "2026"}, Reason.NO_TIME),
        ({"effectiveDateTime": "2026-02-30"}, Reason.NO_TIME),
        ({"effectiveDateTime": "0001-01-01"}, Reason.NO_TIME),
        ({"effectiveDateTime": "2026-05-15T11:00:01Z"}, Reason.FUTURE),
        ({"effectiveDateTime": "2164-09-24T20:21:00-04:00"}, Reason.FUTURE),
        ({"effectiveDateTime": "2026-05-17"}, Reason.FUTURE),
    ],
)
def test_no_time_and_a_time_to_come_are_set_aside(times, reason):
    panel = panel_of(hemoglobin(**({"effectiveDateTime": None} | times)))
    assert refused(panel, HGB).reason is reason


@pytest.mark.parametrize("system", [LOINC, "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"])
def test_loinc_is_known_by_three_spellings(system):
    code = concept(coding("local-1", "urn:oid:1.2.3"), coding(HEMOGLOBIN, system))
    assert only(panel_of(hemoglobin(code=code)), HGB).loinc == HEMOGLOBIN


@pytest.mark.parametrize(
    "code",
    [
        concept(coding(HEMOGLOBIN, "urn:oid:1.2.3")),
        {"text": "Hemoglobin"},
        concept(coding("4548-4")),
        concept(coding("30353-7")),
    ],
)
def test_local_and_excluded_codes_are_neither_used_nor_refused(code):
    panel = panel_of(hemoglobin(code=code))
    assert not panel.results
    assert not panel.unreadable


def test_codings_of_different_analytes_are_ambiguous_for_both():
    panel = panel_of(hemoglobin(code=concept(coding(HEMOGLOBIN), coding("777-3"))))
    assert {each.analyte for each in panel.unreadable} == {HGB, Analyte.PLATELETS}
    assert {each.reason for each in panel.unreadable} == {Reason.CODE}
    assert not panel.results


def test_two_codes_of_one_analyte_and_a_panel_code_beside_are_not_ambiguous():
    code = concept(coding("58410-2"), coding(HEMOGLOBIN), coding("20509-6"))
    assert only(panel_of(hemoglobin(code=code)), HGB).value


def test_segmented_neutrophils_beside_the_whole_count_are_ambiguous():
    code = concept(coding("751-8"), coding("768-2"))
    panel = panel_of(observation("", 1.1, "10*9/L", code=code))
    assert refused(panel, Analyte.NEUTROPHILS).reason is Reason.CODE


def test_an_excluded_code_beside_an_analyte_makes_it_ambiguous():
    panel = panel_of(hemoglobin(code=concept(coding(HEMOGLOBIN), coding("4548-4"))))
    assert refused(panel, HGB).reason is Reason.CODE


def test_components_of_a_panel_take_its_time_and_status():
    cbc = observation(
        "58410-2",
        0.0,
        "",
        id="cbc",
        status="preliminary",
        component=[component(HEMOGLOBIN, 8.9, "g/dL"), component("777-3", 84, "10*3/uL")],
    )
    panel = panel_of(cbc)
    assert set(panel.results) == {HGB, Analyte.PLATELETS}
    result = only(panel, HGB)
    assert result.notes == {Note.PRELIMINARY}
    assert result.source == "Observation/cbc"
    assert not panel.unreadable


def test_a_component_of_a_panel_entered_in_error_is_set_aside():
    cbc = observation(
        "58410-2", status="entered-in-error", component=[component(HEMOGLOBIN, 8.9, "g/dL")]
    )
    assert refused(panel_of(cbc), HGB).reason is Reason.WITHDRAWN


def test_a_member_without_a_time_takes_that_of_the_panel_that_names_it():
    member = hemoglobin(id="m", effectiveDateTime=None)
    cbc = observation("58410-2", hasMember=[{"reference": "Observation/m"}])
    assert only(panel_of(member, cbc), HGB).taken.isoformat() == "2026-05-14T08:00:00+02:00"


def test_what_a_report_contains_takes_its_subject_status_and_time():
    inner = {
        "resourceType": "Observation",
        "code": concept(coding(HEMOGLOBIN)),
        "valueQuantity": {"value": 8.9, "unit": "g/dL"},
    }
    panel = panel_of(report("58410-2", id="r", status="appended", contained=[inner]))
    assert only(panel, HGB).status == "amended"
    assert only(panel, HGB).source == ""
    for broken, reason in [
        ({"status": "cancelled"}, Reason.WITHDRAWN),
        ({"status": "registered"}, Reason.STATUS),
        ({"subject": {"reference": "Patient/other"}}, Reason.OTHER_PATIENT),
        ({"subject": None}, Reason.SUBJECT),
        ({"effectiveDateTime": None}, Reason.NO_TIME),
    ]:
        panel = panel_of(report("58410-2", contained=[inner], **broken))
        assert refused(panel, HGB).reason is reason


def test_the_same_result_inside_and_outside_a_report_counts_once():
    outside = hemoglobin(id="h1")
    inside = {name: outside[name] for name in ("resourceType", "status", "code", "valueQuantity")}
    panel = panel_of(
        report("58410-2", contained=[inside], result=[{"reference": "Observation/h1"}]), outside
    )
    result = only(panel, HGB)
    assert result.source == "Observation/h1"
    assert result.notes == frozenset()


def test_a_single_resource_is_a_document_too():
    assert only(read_documents(hemoglobin()), HGB).value
    nested = bundle(bundle(hemoglobin()), kind="batch-response")
    assert only(read_documents(nested), HGB).value
