"""The laboratory's flag is read by its code, in every system that servers send (2.6, rule 5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.laboratory.flags import flag_of
from fhir_mappings.panel import Analyte, Flag
from fhir_mappings.r4.decoding import CodeableConcept, Coding
from tests.support.fhir import SNOMED, coding, concept, observation, only, panel_of

HL7 = [
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "https://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation/",
    "http://hl7.org/fhir/v3/ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v2-0078",
    "http://hl7.org/fhir/v2/0078",
    "http://hl7.org/fhir/ValueSet/observation-interpretation",
    "urn:oid:2.16.840.1.113883.5.83",
    "urn:oid:2.16.840.1.113883.12.78",
    "",
]
LETTERS = {
    **dict.fromkeys(["L", "LU", "<"], Flag.LOW),
    "LL": Flag.CRITICALLY_LOW,
    **dict.fromkeys(["H", "HU", ">"], Flag.HIGH),
    "HH": Flag.CRITICALLY_HIGH,
    "N": Flag.NORMAL,
}
SNOMED_CODES = {
    "281300000": Flag.LOW,
    "62482003": Flag.LOW,
    "281302008": Flag.HIGH,
    "281301001": Flag.NORMAL,
}
SNOMED_SYSTEMS = [
    SNOMED,
    "https://snomed.info/sct",
    "http://snomed.info/sct/900000000000207008",
    "urn:oid:2.16.840.1.113883.6.96",
]
DISPLAYS = ["", "Onder referentiebereik", "Niedrig", "低", "Bajo", "High", "Normal", "see note"]


def flagged(*codings: tuple[str, str, str], text: str = "") -> Flag | None:
    made = [Coding(system, code, display) for system, code, display in codings]
    return flag_of([CodeableConcept(coding=made, text=text)])


@given(st.sampled_from(HL7), st.sampled_from(sorted(LETTERS)), st.sampled_from(DISPLAYS))
def test_a_letter_of_hl7_speaks_whatever_its_display_says(system, code, display):
    assert flagged((system, code, display), text=display) is LETTERS[code]


@given(
    st.sampled_from(SNOMED_SYSTEMS),
    st.sampled_from(sorted(SNOMED_CODES)),
    st.sampled_from(DISPLAYS),
)
def test_a_code_of_snomed_speaks_whatever_its_display_says(system, code, display):
    assert flagged((system, code, display), text=display) is SNOMED_CODES[code]


@pytest.mark.parametrize("unknown", [(SNOMED, "371879000"), ("urn:x", "7"), (HL7[0], "IND")])
def test_an_unknown_code_is_no_flag(unknown):
    assert flagged((*unknown, "")) is None
    assert flagged((*unknown, "Below reference range")) is Flag.LOW
    assert flagged((*unknown, "Unter dem Referenzbereich")) is None


def test_a_letter_in_snomed_is_no_code_of_it_and_a_number_in_hl7_none_of_that():
    assert flagged((SNOMED, "L", "")) is None
    assert flagged((HL7[0], "281300000", "")) is None


@given(st.permutations([("urn:local", "H", "Hoog"), (SNOMED, "281300000", ""), ("", "77", "x")]))
def test_among_several_codings_the_known_system_speaks(codings):
    assert flagged(*codings) is Flag.LOW


def test_codings_that_contradict_each_other_say_nothing():
    assert flagged((SNOMED, "281300000", ""), (HL7[0], "H", "")) is None
    assert flagged((SNOMED, "281301001", ""), (HL7[0], "L", "")) is Flag.LOW


def test_a_flag_may_stand_in_any_of_several_interpretations():
    interpretation = [
        concept(coding("R", HL7[0])),
        concept(coding("281300000", SNOMED, "Onder referentiebereik")),
    ]
    panel = panel_of(observation("718-7", 12.2, "g/dL", interpretation=interpretation))
    assert only(panel, Analyte.HEMOGLOBIN).flag is Flag.LOW
