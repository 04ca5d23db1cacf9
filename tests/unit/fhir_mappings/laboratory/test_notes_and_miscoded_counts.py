"""Notes on counts are read as a smear report is; counts under its code are named (1.5)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.laboratory.narrative import findings_in
from fhir_mappings.panel import Analyte, Reason, SmearMethod, SmearSet
from tests.support.fhir import coding, concept, observation, panel_of, refused

CLUMP = SmearSet.PLATELET_CLUMP
CLUMPED = [
    *["PLATELET CLUMPS PRESENT. COUNT MAY BE FALSELY LOW.", "Platelet clumping noted"],
    *["Clumped platelets", "platelet satellitism seen", "Platelets are clumped", "PLT CLUMPS"],
    *["Platelet satellitosis", "Clumping of platelets cannot be excluded", "Platelets: clumped"],
    *["Few platelet-clumps", "platelet  clump\nseen", "Some platelet aggregates"],
]
NOT_CLUMPED = [
    *["No platelet clumps seen", "No clumping of platelets", "Platelet clumps: none"],
    *["Platelet clumps not seen", "without platelet satellitism"],
]
SILENT = ["Hemolyzed", "", "Platelets confirmed", "Repeat in citrate", "clumsy handling"]
OF_THE_BLOOD_COUNT = ["718-7", "6690-2", "777-3", "751-8", "770-8", "709-6", "787-2", "58410-2"]


def noted(code, text, **more):
    return panel_of(observation(code, 84, "K/uL", id="x", note=[{"text": text}], **more))


def clumps(panel):
    return [(f.present, f.method) for f in panel.smear if f.finding is CLUMP]


@pytest.mark.parametrize("text", CLUMPED)
@pytest.mark.parametrize("code", OF_THE_BLOOD_COUNT)
def test_clumps_in_a_note_on_any_part_of_the_blood_count(code, text):
    assert clumps(noted(code, text)) == [(True, SmearMethod.NARRATIVE)]


@pytest.mark.parametrize("text", NOT_CLUMPED)
def test_clumps_that_are_denied(text):
    assert clumps(noted("777-3", text)) == [(False, SmearMethod.NARRATIVE)]


@pytest.mark.parametrize("text", SILENT)
def test_a_note_about_something_else_shows_no_smear(text):
    assert noted("777-3", text).smear == ()


def test_clumps_beside_platelets_need_no_second_word():
    assert clumps(noted("777-3", "CLUMPING PRESENT")) == [(True, SmearMethod.NARRATIVE)]
    assert noted("6690-2", "CLUMPING PRESENT").smear == ()


def test_blasts_in_a_note_count_too():
    (found,) = noted("6690-2", "Occasional blasts seen").smear
    assert (found.finding, found.present) == (SmearSet.BLASTS, True)


@pytest.mark.parametrize(
    "more",
    [
        {"subject": {"reference": "Patient/other"}},
        {"status": "entered-in-error"},
        {"specimen": {"display": "bone marrow"}},
    ],
)
def test_a_note_on_a_result_that_does_not_count_says_nothing(more):
    assert noted("777-3", CLUMPED[0], **more).smear == ()


def test_a_note_on_another_result_is_not_read():
    assert noted("2132-9", CLUMPED[0]).smear == ()


def test_a_note_on_a_count_that_cannot_be_read_is_read():
    panel = panel_of(observation("777-3", valueString="clotted", note=[{"text": CLUMPED[0]}]))
    assert clumps(panel) == [(True, SmearMethod.NARRATIVE)]


def test_promonocytes_on_a_film_are_blasts():
    (found,) = findings_in("Promonocytes 6 %")
    assert (found.finding, found.present) == (SmearSet.BLASTS, True)


@given(st.text(max_size=300))
def test_no_note_breaks_the_reading(text):
    noted("777-3", text)


# --- counts under the codes of words about a blood film

UNITS = ["giga.l-1", "10*9/L", "K/uL", "x10^3/mm3", "10*3/ÂµL", "Tsd/ul", "10^3"]
NAMES = {
    "PLATELETS": Analyte.PLATELETS,
    "Thrombocytes": Analyte.PLATELETS,
    "PLT count": Analyte.PLATELETS,
    "LEUKOCYTES": Analyte.LEUKOCYTES,
    "WBC": Analyte.LEUKOCYTES,
    "White blood cells": Analyte.LEUKOCYTES,
    "Neutrophils": Analyte.NEUTROPHILS,
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("code", ["11125-2", "18314-5", "5909-7", "33255-1"])
def test_a_count_is_reported_as_what_its_name_says(code, name, unit):
    made = observation(code, 15, unit, code=concept(coding(code, display=name)))
    panel = panel_of(made)
    assert panel.results == {}
    found = refused(panel, NAMES[name])
    assert (found.reason, found.reported) == (Reason.CODE, f"15 {unit}")
    assert found.candidates == (15,)


@pytest.mark.parametrize(
    ("code", "analyte"), [("11125-2", Analyte.PLATELETS), ("11156-7", Analyte.LEUKOCYTES)]
)
def test_without_a_name_the_code_says_whose_words_it_is_for(code, analyte):
    assert refused(panel_of(observation(code, 15, "10*9/L")), analyte).candidates == (15,)


@pytest.mark.parametrize("name", ["HEMOGLOBIN", "Hgb", ""])
@pytest.mark.parametrize("code", ["6742-1", "11125-2", "18314-5"])
def test_grams_per_volume_under_a_code_of_the_film_can_only_be_hemoglobin(code, name):
    made = observation(code, 8.9, "g/dL", code=concept(coding(code, display=name)))
    found = refused(panel_of(made), Analyte.HEMOGLOBIN)
    assert (found.reason, found.candidates) == (Reason.CODE, (Decimal("8.9"),))


@pytest.mark.parametrize(
    ("name", "unit"), [("PLATELETS", "%"), ("PLATELETS", None), ("Something", "10*9/L")]
)
def test_any_other_number_there_is_refused_without_an_analyte(name, unit):
    made = observation("18314-5", 15, unit, code=concept(coding("18314-5", display=name)))
    assert refused(panel_of(made), None).reason is Reason.VALUE
