"""Errors of real data and published code lists that must not recur (clinical-definition 1.8).

Results are read as FHIR and interpreted; each test says which published error it holds off.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from fhir_mappings.context import Patient, Sex, ValueSetName
from fhir_mappings.panel import Analyte, Note, Panel, Reason
from fhir_mappings.vocabulary.analytes import default_terminology
from fhir_mappings.vocabulary.value_sets import value_sets, value_sets_of
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import Facts, FindingIndicator, Interpretation
from tests.support.fhir import (
    LOINC,
    NOW,
    PATIENT_ID,
    SNOMED,
    coding,
    concept,
    observation,
    panel_of,
)

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
WOMAN = Patient(id=PATIENT_ID, sex=Sex.FEMALE, birth_date=date(1959, 1, 1))


def interpreted(panel: Panel) -> Interpretation:
    return interpret(Facts(patient=WOMAN, panel=panel), NOW)


def test_iron_sent_in_ug_per_liter_that_is_really_ug_per_deciliter() -> None:
    """20 ug/L beside TIBC 449 ug/dL and a saturation of 4 %: the iron is not used."""
    panel = panel_of(
        observation("2498-4", 20, "ug/L", id="iron"),
        observation("2500-7", 449, "ug/dL", id="tibc"),
        observation("2502-3", 4, "%", id="tsat"),
    )

    assert Analyte.IRON not in panel.results
    (refused,) = panel.unreadable
    assert (refused.analyte, refused.reason) == (Analyte.IRON, Reason.IRON_UNIT)
    assert refused.candidates == (Decimal(20),)
    (saturation,) = panel.results[Analyte.TRANSFERRIN_SATURATION]
    assert saturation.value == 4
    assert Note.TSAT_COMPUTED not in saturation.notes


@pytest.mark.parametrize("value", [250, 300, 500])
def test_neutrophils_per_microliter_sent_as_thousands(value: int) -> None:
    """Generated patients with leukemia carry 250 to 500 `10*3/uL`: severe neutropenia if meant."""
    panel = panel_of(
        observation("718-7", 9.0, "g/dL", id="h"),
        observation("6690-2", 2.0, "10*3/uL", id="w"),
        observation("751-8", value, "10*3/uL", id="n"),
        observation("777-3", 60, "10*3/uL", id="p"),
    )

    assert Analyte.NEUTROPHILS not in panel.results
    (refused,) = panel.unreadable
    assert refused.analyte is Analyte.NEUTROPHILS
    interpretation = interpreted(panel)
    assert interpretation.data_quality is not None
    meant_is_severe = value < 500
    expected = FindingIndicator.WARNING if meant_is_severe else FindingIndicator.INFO
    assert interpretation.data_quality.indicator is expected


def test_neutrophils_in_millimoles() -> None:
    """A published mapping gives an amount of substance the code of a cell count."""
    panel = panel_of(observation("751-8", 3.1, "mmol/L"))

    assert panel.results == {}
    (refused,) = panel.unreadable
    assert (refused.analyte, refused.reason) == (Analyte.NEUTROPHILS, Reason.UNIT)


def test_absolute_reticulocytes_in_loincs_own_example_unit() -> None:
    """`10*3/L` would make 50 x 10*9/L a millionth of it."""
    panel = panel_of(observation("42758-3", 50, "10*3/L", id="wrong"))
    right = panel_of(observation("42758-3", 50, "10*9/L", id="right"))

    assert panel.results == {}
    assert [each.analyte for each in panel.unreadable] == [Analyte.RETICULOCYTES]
    assert right.results[Analyte.RETICULOCYTES][0].value == 50


@pytest.mark.parametrize(
    ("loinc", "not_this", "value", "unit"),
    [
        ("20573-2", Analyte.TRANSFERRIN_SATURATION, 31, "%"),
        ("47205-0", Analyte.METHYLMALONATE, 0.3, "umol/L"),
        ("14914-6", Analyte.TRANSFERRIN, 250, "mg/dL"),
    ],
)
def test_a_loinc_code_published_for_something_it_is_not(
    loinc: str, not_this: Analyte, value: float, unit: str
) -> None:
    """Histoplasma antibody, metyrapone and free testosterone."""
    panel = panel_of(observation(loinc, value, unit))

    assert not_this not in panel.results
    assert panel == Panel()


@pytest.mark.parametrize(
    ("loinc", "analyte", "value", "unit"),
    [
        ("14801-5", Analyte.TRANSFERRIN_SATURATION, 31, "%"),
        ("14800-7", Analyte.IRON_BINDING_CAPACITY, 60, "umol/L"),
    ],
)
def test_a_loinc_code_that_others_take_for_something_else(
    loinc: str, analyte: Analyte, value: float, unit: str
) -> None:
    """14801-5 is iron saturation; 14800-7 is binding capacity and no vitamin D."""
    assert list(panel_of(observation(loinc, value, unit)).results) == [analyte]


@pytest.mark.parametrize(
    ("system", "code", "wrong_set"),
    [
        (SNOMED, "306253008", ValueSetName.HEMATOLOGY_REFERRALS),
        (SNOMED, "86273004", ValueSetName.MARROW_PROCEDURES),
        (SNOMED, "71493000", ValueSetName.PLATELET_TRANSFUSION),
        (RXNORM, "6387", ValueSetName.MARROW_SUPPRESSIVE_DRUGS),
    ],
)
def test_a_code_published_under_a_wrong_name_is_not_in_that_value_set(
    system: str, code: str, wrong_set: ValueSetName
) -> None:
    """Referral to a doctor, any biopsy, packed red cells, not azathioprine."""
    assert wrong_set not in value_sets_of(system, code)


def test_what_those_codes_were_meant_to_be_is_there() -> None:
    assert ValueSetName.RED_CELL_TRANSFUSION in value_sets_of(SNOMED, "71493000")
    assert ValueSetName.MARROW_SUPPRESSIVE_DRUGS in value_sets_of(RXNORM, "1256")


@pytest.mark.parametrize("code", ["419394000", "312581009"])
def test_a_code_that_fails_its_check_digit_is_shipped_nowhere(code: str) -> None:
    assert value_sets_of(SNOMED, code) == frozenset()
    assert default_terminology().meaning_of(SNOMED, code) is None


def test_no_shipped_value_set_holds_a_code_that_is_published_wrongly() -> None:
    shipped = {key for each in value_sets().values() for key in each.concepts}

    assert not shipped & {(SNOMED, "306253008"), (SNOMED, "86273004"), (RXNORM, "6387")}


# Found in a public data set of 100 real patients, in addition to the list of the definition.


def test_bands_in_percent_under_the_code_of_a_count_leave_the_neutrophils_alone() -> None:
    """Read as the share that they are (1.3 U5), they say nothing about the count."""
    bands = observation("763-3", 2, "%", id="b")
    white = observation("804-5", 9.1, "K/uL", id="w")
    hemoglobin = observation("718-7", 13.1, "g/dL", id="h")
    platelets = observation("777-3", 210, "K/uL", id="p")
    panel = panel_of(bands, white, hemoglobin, platelets)

    assert panel.unreadable == ()
    assert Analyte.NEUTROPHILS not in panel.results
    assert interpreted(panel).data_quality is None


def test_segmented_neutrophils_that_cannot_be_read_leave_the_count_unreadable() -> None:
    panel = panel_of(observation("30451-9", 40, "%"))

    assert [each.analyte for each in panel.unreadable] == [Analyte.NEUTROPHILS]


def test_transferrin_under_the_code_of_the_binding_capacity_is_no_capacity() -> None:
    """2500-7 in mg/dL, display Transferrin: 250 mg/dL would be 250,000 ug/dL."""
    wrong = concept(coding("2500-7", LOINC, "Transferrin"))
    panel = panel_of(
        observation("2500-7", 250, "mg/dL", id="trf", code=wrong),
        observation("2500-7", 310, "ug/dL", id="tibc"),
    )

    assert [r.value for r in panel.results[Analyte.IRON_BINDING_CAPACITY]] == [310]
    assert [each.reason for each in panel.unreadable] == [Reason.IMPLAUSIBLE]


def test_a_platelet_estimate_in_words_does_not_hide_the_count_of_the_specimen() -> None:
    """778-1 with the value LOW beside 777-3: the number is used."""
    panel = panel_of(
        observation("778-1", id="words", valueString="LOW"),
        observation("777-3", 90, "K/uL", id="number"),
    )

    assert [r.value for r in panel.results[Analyte.PLATELETS]] == [90]
    assert interpreted(panel).data_quality is None


@pytest.mark.parametrize("unit", ["%", "/100{WBCs}", "percent"])
def test_blasts_in_percent_under_the_code_of_a_count_are_blasts(unit: str) -> None:
    """To refuse them would leave blasts in the blood unsaid."""
    panel = panel_of(observation("708-8", 4, unit))

    (blasts,) = panel.results[Analyte.BLAST_PERCENT]
    assert blasts.value == 4
    assert Note.UNIT_GOVERNS in blasts.notes
    assert panel.unreadable == ()
    overlay = interpreted(panel).overlay
    assert overlay is not None
    assert overlay.id == "circulating-blasts"


def test_no_blasts_in_percent_under_the_code_of_a_count_are_no_blasts() -> None:
    panel = panel_of(observation("708-8", 0, "%"))

    assert panel.results[Analyte.BLAST_PERCENT][0].value == 0
    assert interpreted(panel).overlay is None


def test_nucleated_red_cells_per_hundred_leukocytes_under_the_code_of_a_count() -> None:
    (cells,) = panel_of(observation("772-4", 2, "%")).results[Analyte.NUCLEATED_RED_CELL_RATIO]

    assert cells.value == 2
    assert Note.UNIT_GOVERNS in cells.notes


def test_a_percent_and_a_count_on_one_result_contradict_each_other() -> None:
    both = {"value": 4, "unit": "%", "code": "10*9/L", "system": "http://unitsofmeasure.org"}
    panel = panel_of(observation("708-8", valueQuantity=both))

    assert panel.results == {}
    assert [each.reason for each in panel.unreadable] == [Reason.UNIT_CONFLICT]
