"""Conditions in words only: whole words, denial, doubt, the past (clinical-definition 5)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.clinical_context.condition_words import named_in
from fhir_mappings.context import ValueSetName as S
from fhir_mappings.vocabulary.condition_terms import condition_terms, read_terms
from tests.support.context import ICD10CM, SNOMED, context, resource

TERMS = sorted(condition_terms())
LOCAL = "urn:oid:1.2.3.4"
NEGATIONS = ["no {}", "not {}", "without {}", "denies {}", "negative for {}", "{} ruled out"]
NEGATIONS += ["{} excluded", "family history of {}", "FH: {}", "{}: no", "{} - negative", "FH {}"]
DOUBTS = [
    "possible {}",
    "probable {}",
    "suspected {}",
    "{}, likely",
    "rule out {}",
    "r/o {}",
    "{}?",
]
DOUBTS += ["query {}", "? {}"]
HISTORIES = ["history of {}", "h/o {}", "{} in remission", "Personal history of {}"]


def problem(text="", *codings, **elements):
    code = {"text": text} if text else {}
    if codings:
        code["coding"] = [
            {"system": system, "code": code_, "display": display}
            for system, code_, display in codings
        ]
    return resource("Condition", code=code, **elements)


def read(*args, **elements):
    return context(problem(*args, **elements)).conditions


@given(st.sampled_from(TERMS), st.sampled_from([str, str.upper, str.title]))
def test_every_name_counts_in_any_case_as_a_whole_word(term, case):
    named = named_in([case(term)])
    assert named is not None
    assert condition_terms()[term] <= named.sets
    assert (named.denied, named.doubted, named.history) == (False, False, False)
    assert named_in([f"x{term}y"]) is None
    assert named_in([f"chronic {case(term)}, stage 2 (2019)"]) == named


@given(st.sampled_from(TERMS), st.sampled_from(NEGATIONS))
def test_what_is_denied_or_of_the_family_is_not_there(term, words):
    assert read(words.format(term)) == ()


@given(st.sampled_from(TERMS), st.sampled_from(DOUBTS))
def test_what_is_doubted_never_suppresses(term, words):
    (found,) = read(words.format(term))
    assert found.sets >= condition_terms()[term]
    assert (found.may_suppress, found.doubted, found.in_words) == (False, True, True)


@given(st.sampled_from(TERMS), st.sampled_from(HISTORIES))
def test_what_is_past_is_history(term, words):
    (found,) = read(words.format(term))
    assert not found.active
    assert S.HEMATOLOGIC_MALIGNANCY not in found.sets
    if S.HEMATOLOGIC_MALIGNANCY in condition_terms()[term]:
        assert S.HISTORY_OF_HEMATOLOGIC_MALIGNANCY in found.sets


def test_a_sentence_denies_only_what_stands_in_it():
    (found,) = read("No diabetes. Acute myeloid leukemia")
    assert (found.active, found.may_suppress) == (True, True)
    assert read("Acute myeloid leukemia ruled out; anemia") == ()


@pytest.mark.parametrize(
    "text",
    [
        "Acute myeloid leukemia not having achieved remission",
        "Multiple myeloma, not in remission",
        "Acute leukemia without mention of remission",
    ],
)
def test_no_remission_is_no_denial(text):
    (found,) = read(text)
    assert found.active
    assert S.HEMATOLOGIC_MALIGNANCY in found.sets


def test_cirrhosis_without_ascites_is_cirrhosis():
    (found,) = read("Alcoholic cirrhosis of liver without ascites")
    assert {S.LIVER_DISEASE, S.PORTAL_HYPERTENSION} <= found.sets


@pytest.mark.parametrize(
    "text",
    [
        *["Leukemoid reaction", "Lymphomatoid papulosis", "Hearing aids", "Amlodipine allergy"],
        *["Chlorosis", "HIVE", "mdsx", "Fevers Ferry", "", "Anemia", "Contraception"],
    ],
)
def test_what_only_looks_like_a_name_is_none(text):
    assert read(text) == ()


@pytest.mark.parametrize(
    "codings",
    [
        (),
        ((LOCAL, "4711", ""),),
        ((LOCAL, "4711", "AML"),),
        ((SNOMED, "", "Acute myeloid leukemia"),),
        (("http://id.who.int/icd/release/11/mms", "2A60", "Leukaemia"),),
    ],
)
def test_words_are_asked_where_no_known_system_codes_the_condition(codings):
    (found,) = read("Acute myeloid leukemia", *codings)
    assert found.in_words
    assert found.display == "Acute myeloid leukemia"


@pytest.mark.parametrize("coding", [(SNOMED, "73211009", ""), (ICD10CM, "E11.9", "")])
def test_a_code_of_a_known_system_speaks_alone(coding):
    assert read("Acute myeloid leukemia?", coding) == ()


def test_a_known_code_needs_no_words():
    (found,) = read("No leukemia", (SNOMED, "91861009", ""))
    assert not found.in_words
    assert found.may_suppress


def test_the_verification_status_counts_beside_the_words():
    refuted = {"verificationStatus": {"coding": [{"code": "refuted"}]}}
    provisional = {"verificationStatus": {"coding": [{"code": "provisional"}]}}
    assert read("AML", **refuted) == ()
    assert not read("AML", **provisional)[0].may_suppress


@given(st.text(max_size=2000))
def test_no_text_breaks_it(text):
    named_in([text])


def terms(*targets):
    element = {"code": "Some Disease", "target": [_target(each) for each in targets]}
    group = [{"element": [element]}]
    return json.dumps({"resourceType": "ConceptMap", "status": "active", "group": group})


def _target(code):
    return {"code": code, "equivalence": "equivalent"}


def test_a_name_for_no_known_set_stops_the_load():
    assert read_terms(terms("hospice-care")) == {"some disease": {S.HOSPICE_CARE}}
    for targets in (["hospice-car"], ["hospice-care", "leukaemia"], []):
        with pytest.raises(ValueError, match=r"hospice-car|leukaemia|some disease"):
            read_terms(terms(*targets))
