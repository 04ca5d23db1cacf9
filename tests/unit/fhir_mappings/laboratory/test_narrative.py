"""Words about a blood film (clinical-definition 1.5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.laboratory.narrative import findings_in
from fhir_mappings.panel import SmearSet

BLASTS, DYSPLASIA, TEARDROP = SmearSet.BLASTS, SmearSet.DYSPLASIA, SmearSet.TEARDROP


def told(text):
    return {mention.finding: mention.present for mention in findings_in(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Blasts present, no Auer rods seen", {BLASTS: True}),
        ("No circulating blasts seen", {BLASTS: False}),
        ("No atypical cells, blasts or dysplasia", {BLASTS: False, DYSPLASIA: False}),
        ("Blasts: none", {BLASTS: False}),
        ("Not all cells are mature; blasts 4%", {BLASTS: True}),
        ("No dysplasia but blasts seen", {DYSPLASIA: False, BLASTS: True}),
    ],
)
def test_the_sentences_that_must_hold(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Occasional blasts", "Blast cells 12 %", "Rare blast seen.", "BLASTS NOTED", "Blasts: 3",
        "Increased blasts", "Blasts 0.5 %", "Blasts: 10 %", "Possible blasts",
        "Suspicious for blasts", "Cannot exclude blasts", "Can not exclude blasts",
        "Cannot rule out blasts", "Does not exclude circulating blasts",
        "Blasts cannot be excluded",
        "Anemia without fragments, but blasts", "No platelet clumps. Blasts seen.",
        "No platelet clumps\nBlasts seen", "Without treatment, increased blasts",
        "Left shift with blasts", "No left shift; 2 blasts per 100 cells",
        "Myeloblasts 12 %", "Circulating lymphoblasts are seen", "blast-like cells",
        "No clumps are seen, a few blasts", "Blasts are many, none with granules",
        "Abnormal promyelocytes with Auer rods", "WBC 2.4, no clumps however 3 % blasts",
    ],
)  # fmt: skip
def test_blasts_that_are_there(text):
    assert told(text)[BLASTS] is True


@pytest.mark.parametrize(
    "text",
    [
        "No blasts", "no blasts.", "Negative for blasts", "Absence of blasts", "Free of blasts",
        "Rule out blasts", "r/o blasts", "R/O circulating blasts", "Without blasts",
        "No evidence of circulating blasts", "Blasts: 0", "Blasts 0 %", "Blasts: 0%",
        "Blasts absent",
        "Blasts not seen", "Blasts are not identified", "Blasts were not detected",
        "Blasts - negative",
        "Blasts (not present)", "0 blasts", "0 % blasts", "0% circulating blasts", "Zero blasts",
        "WBC morphology normal, no blasts", "Blasts 0.0 %", "Not increased: no blasts",
        "Platelets 0.5. No blasts", "No schistocytes, no blasts, no teardrop cells",
    ],
)  # fmt: skip
def test_blasts_that_are_denied(text):
    assert told(text)[BLASTS] is False


@pytest.mark.parametrize("text", ["Blasts < 1 %", "Blasts: <1%", "blasts ≤ 1 %"])
def test_less_than_a_bound_is_neither_present_nor_absent(text):
    assert told(text)[BLASTS] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pseudo-Pelger-Huet cells", {DYSPLASIA: True}),
        ("Hypogranular neutrophils", {DYSPLASIA: True}),
        ("hyposegmented forms seen", {DYSPLASIA: True}),
        ("dysplastic neutrophils", {DYSPLASIA: True}),
        ("No dysplasia", {DYSPLASIA: False}),
        ("Teardrop cells 1+", {TEARDROP: True}),
        ("tear drop cells", {TEARDROP: True}),
        ("Tear-drops, many", {TEARDROP: True}),
        ("Dacrocytes: few", {TEARDROP: True}),
        ("dacryocytes not seen", {TEARDROP: False}),
        ("Dysplasia: absent, teardrop cells present", {DYSPLASIA: False, TEARDROP: True}),
        ("No blasts. Later field: blasts seen", {BLASTS: True}),
    ],
)
def test_the_other_findings(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "Normal film", "Megaloblastic change", "lymphoblastoid cells", "Erythroblasts",
        "normoblasts present", "megaloblasts seen", "blastomyces", "No Auer rods seen",
        "myelodysplastic syndrome to be considered", "sideroblasts",
    ],
)  # fmt: skip
def test_other_words_are_no_findings(text):
    assert told(text) == {}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["no", "without", "negative for", "free of", "absence of"]),
       st.lists(st.sampled_from(["atypical", "abnormal", "circulating", "immature", "or", "cells"]),
                max_size=6),
       st.sampled_from(["blasts", "blast"]))  # fmt: skip
def test_a_negation_reaches_over_any_words_that_are_no_cue(negator, between, term):
    assert told(" ".join([negator, *between, term])) == {BLASTS: False}


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text):
    findings_in(text)
