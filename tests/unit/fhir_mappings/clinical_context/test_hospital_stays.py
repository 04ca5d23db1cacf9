"""A stay in hospital is seen in the words of any system (clinical-definition 3.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.panel import DataGroup
from fhir_mappings.terminology import LocalCoding
from tests.support.context import NOW, PATIENT, bundle, context, resource

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
EPIC = "urn:oid:1.2.840.114350.1.72.1.7.7.10.696784.13260"
V2 = ["http://terminology.hl7.org/CodeSystem/v2-0004", "http://hl7.org/fhir/v2/0004"]
STAYS = {"IMP", "ACUTE", "NONAC", "EMER", "OBSENC"}
INPATIENT = ["Inpatient", "IN-PATIENT", "Inpatient Encounter", "Hospitalization", "hospitalisation"]
INPATIENT += ["Hospital admission", "Acute inpatient stay", "Hospital Inpatient"]
EMERGENCY = ["Emergency", "EMERGENCY DEPARTMENT", "Emergency room admission"]
VISITS = ["Outpatient", "Ambulatory", "Hospital Outpatient Visit", "Emergency outpatient clinic"]
VISITS += [
    "Office visit",
    "Inpatients' relatives club",
    "Non-emergency transport",
    "ambulatory surgery",
]
RUNNING = {"status": "in-progress", "period": {"start": "2026-06-12T08:00:00Z"}}


def kind(class_=None, **elements):
    made = resource("Encounter", **{**RUNNING, "class": class_, **elements})
    (found,) = context(made).encounters
    return found.kind


@given(
    st.sampled_from(sorted(STAYS)),
    st.sampled_from([ACT, "http://hl7.org/fhir/v3/ActCode", "", "urn:oid:2.16.840.1.113883.5.4"]),
    st.sampled_from([str.upper, str.lower, str.title]),
)
def test_a_class_of_v3_in_any_spelling(code, system, case):
    assert kind({"system": system, "code": case(code)}) == code


@pytest.mark.parametrize("system", V2)
@pytest.mark.parametrize(("code", "expected"), [("I", "IMP"), ("E", "EMER"), ("O", "AMB")])
def test_a_class_of_v2_table_0004(system, code, expected):
    assert kind({"system": system, "code": code}) == expected
    assert kind({"coding": [{"system": system, "code": code}]}) == expected


@pytest.mark.parametrize("class_", ["inpatient", {"code": "inpatient"}, [{"code": "Inpatient"}]])
def test_a_word_of_older_versions(class_):
    assert kind(class_) == "IMP"


@given(st.sampled_from(INPATIENT), st.sampled_from([str, str.upper, str.lower]))
def test_the_name_of_a_local_class_or_type_says_inpatient(words, case):
    said = case(words)
    assert kind({"system": EPIC, "code": "3", "display": said}) == "IMP"
    assert kind({"coding": [{"system": EPIC, "code": "3"}], "text": said}) == "IMP"
    assert kind({"system": EPIC, "code": "3"}, type=[{"text": said}]) == "IMP"
    assert kind(None, type=[{"coding": [{"display": said}]}]) == "IMP"


@pytest.mark.parametrize("words", EMERGENCY)
def test_or_emergency(words):
    assert kind({"system": EPIC, "code": "7", "display": words}) == "EMER"


@pytest.mark.parametrize("words", VISITS)
def test_a_visit_is_no_stay(words):
    assert kind({"system": EPIC, "code": "9", "display": words}) not in STAYS


@pytest.mark.parametrize("code", ["AMB", "VR", "HH", "ambulatory", "outpatient"])
def test_a_class_that_is_known_as_a_visit_stays_one_whatever_its_type_says(code):
    assert kind({"system": ACT, "code": code}, type=[{"text": "Emergency"}]) not in STAYS


def test_a_code_i_of_a_system_of_the_senders_own_says_nothing():
    assert kind({"system": EPIC, "code": "I"}) == "I"


def test_a_hospitalization_without_an_end_is_a_stay():
    admitted = {"hospitalization": {"admitSource": {"text": "home"}}}
    ended = {"period": {"start": "2026-06-12", "end": "2026-06-13"}}
    assert kind({"system": EPIC, "code": "3"}, **admitted) == "IMP"
    assert kind({"system": EPIC, "code": "3"}, **admitted, **ended) == "3"
    assert kind({"system": EPIC, "code": "3"}, hospitalization={}) == "3"


@pytest.mark.parametrize(("target", "expected"), [("IMP", "IMP"), ("AMB", "AMB"), ("EMER", "EMER")])
def test_a_site_says_what_its_own_class_is(target, expected):
    made = resource("Encounter", **RUNNING, **{"class": {"system": EPIC, "code": "104"}})
    site = {(EPIC, "104"): (LocalCoding(ACT, target),)}
    pages = {DataGroup.ENCOUNTERS: [bundle(made)]}
    (found,) = read_context(pages, None, (), PATIENT, NOW, site_codes=site).encounters
    assert found.kind == expected


@given(st.recursive(st.text(max_size=10) | st.none() | st.integers(), st.lists, max_leaves=3))
def test_no_class_breaks_it(class_):
    assert isinstance(kind(class_), str)
