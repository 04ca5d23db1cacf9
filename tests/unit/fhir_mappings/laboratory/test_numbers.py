"""Values, comparators and units (clinical-definition 1.1 A4 and A9, 1.3 U1 to U12)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.panel import Analyte, Comparator, Note, Reason
from tests.support.fhir import at, observation, only, panel_of, quantity, refused, ucum

HGB = Analyte.HEMOGLOBIN


def hemoglobin(**more):
    return observation("718-7", **more)


def test_a_number_keeps_the_digits_that_were_sent():
    result = only(panel_of(hemoglobin(valueQuantity=quantity("9.10", "g/dL"))), HGB)
    assert result.reported_value == "9.10"
    assert result.reported_unit == "g/dL"
    assert result.value == Decimal("9.1")


@pytest.mark.parametrize(
    ("text", "value", "comparator"),
    [
        ("8.9", "8.9", None),
        (" 8 ", "8", None),
        ("<2", "2", Comparator.LESS),
        ("<= 2.5", "2.5", Comparator.LESS_OR_EQUAL),
        (">9", "9", Comparator.GREATER),
        (" >= 9", "9", Comparator.GREATER_OR_EQUAL),
        ("=9", "9", None),
        ("GREATER THAN 9", "9", Comparator.GREATER),
        ("more than or equal to 9", "9", Comparator.GREATER_OR_EQUAL),
        ("At Least 9", "9", Comparator.GREATER_OR_EQUAL),
        ("LT 2.5", "2.5", Comparator.LESS),
        ("AT MOST 2.5", "2.5", Comparator.LESS_OR_EQUAL),
    ],
)
def test_a_text_that_is_a_plain_number_takes_its_unit_from_the_range(text, value, comparator):
    limits = [{"low": quantity(12, "g/dL"), "high": quantity(16, "g/dL")}]
    result = only(panel_of(hemoglobin(valueString=text, referenceRange=limits)), HGB)
    assert (result.value, result.comparator) == (Decimal(value), comparator)


@pytest.mark.parametrize(
    "more",
    [
        {"valueString": "8,9"},
        {"valueString": "8.9 but clotted"},
        {"valueString": "8.9 g/dL and falling"},
        {"valueString": "8 - 9"},
        {"valueString": "low"},
        {"valueString": "8.9.1"},
        {"valueString": "-3"},
        {"valueString": "NOT GREATER THAN 9"},
        {"valueString": "0,890"},
        {"valueString": "1,00 g/dL"},
        {"valueString": "9 " + "g/dL" * 100},
        {"valueString": "\u0668.9"},
        {"valueQuantity": quantity("8,9", "g/dL")},
        {"valueQuantity": quantity("NaN", "g/dL")},
        {"valueQuantity": quantity("Infinity", "g/dL")},
        {"valueQuantity": quantity("1e999999999", "g/dL")},
        {"valueQuantity": quantity("1e-999999999", "g/dL")},
        {"valueQuantity": quantity(8.9, "g/dL", "~")},
        {"valueQuantity": quantity(8.9, "g/dL", "ad")},
        {"valueQuantity": {"value": 8.9, "unit": "g/dL", "comparator": {"x": 1}}},
        {"valueQuantity": {"value": [8.9], "unit": "g/dL"}},
        {"valueQuantity": {"value": True, "unit": "g/dL"}},
        {"valueQuantity": "8.9 g/dL"},
        {"valueInteger": "nine"},
        {"valueCodeableConcept": {"text": "low"}},
        {"valueBoolean": True},
        {"valueRange": {"low": quantity(8, "g/dL"), "high": quantity(9, "g/dL")}},
        {"valueRatio": {"numerator": quantity(8), "denominator": quantity(1)}},
        {"valueSampledData": {"period": 1}},
        {"valueTime": "08:00:00"},
        {"valueDateTime": "2026-05-14"},
        {"valuePeriod": {"start": "2026-05-14"}},
    ],
)
def test_what_is_no_plain_number_is_unreadable_and_never_unmeasured(more):
    assert refused(panel_of(hemoglobin(**more)), HGB).reason is Reason.VALUE


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"valueQuantity": {"unit": "g/dL"}},
        {"valueQuantity": {"value": None, "unit": "g/dL"}},
        {"valueString": "  "},
        {"dataAbsentReason": {"coding": [{"code": "masked"}]}},
        {"valueQuantity": quantity(8.9, "g/dL"), "dataAbsentReason": {"text": "error"}},
    ],
)
def test_a_result_without_a_value_is_reported_all_the_same(more):
    assert refused(panel_of(hemoglobin(**more)), HGB).reason is Reason.ABSENT


def test_an_integer_is_a_number_without_a_unit():
    limits = [{"low": quantity(150, "10*3/uL")}]
    platelets = observation("777-3", valueInteger=84, referenceRange=limits)
    assert only(panel_of(platelets), Analyte.PLATELETS).value == 84


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"valueQuantity": quantity(8.9)}, Reason.UNIT),
        ({"valueQuantity": quantity(8.9, "furlong")}, Reason.UNIT),
        ({"valueQuantity": quantity(8.9, "10*3/uL")}, Reason.UNIT),
        ({"valueQuantity": ucum(8.9, "g/dL") | {"unit": "g/L"}}, Reason.UNIT_CONFLICT),
        ({"valueQuantity": quantity(89, "g/dL")}, Reason.IMPLAUSIBLE),
        ({"valueQuantity": quantity(0, "g/dL")}, Reason.IMPLAUSIBLE),
        ({"valueQuantity": quantity(-8.9, "g/dL")}, Reason.IMPLAUSIBLE),
    ],
)
def test_a_unit_that_cannot_be_right_refuses_the_value(more, reason):
    assert refused(panel_of(hemoglobin(**more)), HGB).reason is reason


def test_nothing_is_rescaled_but_what_may_have_been_meant_is_told():
    found = refused(panel_of(observation("751-8", 300, "10*3/uL")), Analyte.NEUTROPHILS)
    assert found.reason is Reason.IMPLAUSIBLE
    assert Decimal("0.3") in found.candidates
    assert found.reported == "300 10*3/uL"


def test_a_molar_unit_governs_over_a_mass_code():
    result = only(panel_of(observation("718-7", 5.6, "mmol/L")), HGB)
    assert result.value == Decimal("5.6") * Decimal("1.61145")
    assert Note.UNIT_GOVERNS in result.notes


@pytest.mark.parametrize(
    ("loinc", "analyte", "value", "unit"),
    [
        ("777-3", Analyte.PLATELETS, 250.5, "/uL"),
        ("777-3", Analyte.PLATELETS, 250, "/uL"),
        ("6690-2", Analyte.LEUKOCYTES, 4, "/uL"),
        ("6690-2", Analyte.LEUKOCYTES, 4.2, "cells/uL"),
        ("777-3", Analyte.PLATELETS, 250, "10*3/L"),
        ("6690-2", Analyte.LEUKOCYTES, 4, "10*3/L"),
        ("751-8", Analyte.NEUTROPHILS, 2, "10*3/L"),
    ],
)
def test_counts_too_small_for_their_unit_are_suspect(loinc, analyte, value, unit):
    assert refused(panel_of(observation(loinc, value, unit)), analyte).reason is Reason.UNIT_SUSPECT


def test_no_neutrophils_per_microliter_are_possible():
    zero = observation("751-8", 0, "/uL")
    assert only(panel_of(zero), Analyte.NEUTROPHILS).value == 0
    few, white = observation("751-8", 12, "/uL"), observation("6690-2", 3.1, "10*9/L")
    assert only(panel_of(few), Analyte.NEUTROPHILS).value == Decimal("0.012")
    panel = panel_of(few, white)
    assert refused(panel, Analyte.NEUTROPHILS).reason is Reason.UNIT_SUSPECT


@pytest.mark.parametrize(("neutrophils", "kept"), [("1.15", True), ("1.16", False)])
def test_more_neutrophils_than_leukocytes_are_refused(neutrophils, kept):
    white = observation("6690-2", 1, "10*9/L")
    panel = panel_of(white, observation("751-8", neutrophils, "10*9/L"))
    assert (Analyte.NEUTROPHILS in panel.results) is kept
    assert [each.reason for each in panel.unreadable] == ([] if kept else [Reason.ANC_GT_WBC])


def test_another_specimen_does_not_judge_the_neutrophils():
    white = observation("6690-2", 1, "10*9/L", effectiveDateTime=at(days=1))
    count = observation("751-8", 5, "10*9/L", effectiveDateTime=at(days=1, minutes=16))
    assert Analyte.NEUTROPHILS in panel_of(white, count).results


@pytest.mark.parametrize(("hematocrit", "kept"), [(27, True), (45, False)])
def test_molar_hemoglobin_must_fit_the_hematocrit(hematocrit, kept):
    red = observation("718-7", 5.6, "mmol/L") | {"id": "h"}
    panel = panel_of(red, observation("4544-3", hematocrit, "%"))
    assert (HGB in panel.results) is kept
    assert len(panel.unreadable) == (0 if kept else 1)


@pytest.mark.parametrize(("value", "unit", "kept"), [(0.9, "%", 0), (1.0, "%", 0), (0.21, "1", 1)])
def test_a_saturation_sent_as_a_fraction_is_not_taken_for_percent(value, unit, kept):
    panel = panel_of(observation("2502-3", value, unit))
    assert len(panel.results) == kept
    if kept:
        assert only(panel, Analyte.TRANSFERRIN_SATURATION).value == 21


@pytest.mark.parametrize(
    ("interpretation", "flag"),
    [
        (
            [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-x", "code": "LL"}]}],
            "LL",
        ),
        ([{"coding": [{"system": "http://hl7.org/fhir/v2/0078", "code": "L"}]}], "L"),
        ({"coding": [{"code": "H"}]}, "H"),
        ([{"text": "low"}], "L"),
        ([{"text": "Below low normal"}], "L"),
        ([{"coding": [{"display": "Below lower panic limits"}]}], "LL"),
        ([{"text": "Critical high"}], "HH"),
        ([{"coding": [{"code": "L"}], "text": "Normal (applies to non-numeric results)"}], "L"),
        ([{"coding": [{"code": "A"}]}, {"coding": [{"code": "L"}]}], "L"),
        ([{"coding": [{"code": "L"}]}, {"coding": [{"code": "H"}]}], None),
        ([{"coding": [{"code": "<"}]}], "L"),
        ([{"coding": [{"code": "N"}]}], "N"),
        ([{"coding": [{"code": "L*"}]}], "L"),
        ([{"text": "delta"}], None),
        ([{"text": "SEE NOTE"}], None),
        ([{"text": "not low"}], None),
        ("low", None),
        (None, None),
        ([], None),
    ],
)
def test_the_laboratory_flag_is_read_from_code_before_words(interpretation, flag):
    result = only(panel_of(observation("718-7", 8.9, "g/dL", interpretation=interpretation)), HGB)
    assert result.flag == flag


def test_what_is_broken_elsewhere_does_not_spoil_a_result():
    untidy = observation(
        "718-7",
        8.9,
        "g/dL",
        id=None,
        meta="x",
        category=None,
        interpretation=7,
        referenceRange=[None, "12-16", {"low": {"value": "x"}, "text": 5}],
        note=[{"text": None}],
        performer="Dr",
        component=None,
        hasMember="",
        specimen=[],
        issued=5,
        effectivePeriod=None,
        extension=[{"url": ""}],
    )
    untidy["code"]["coding"] += [None, 3, {"display": None}]
    untidy["id"] = None
    assert only(panel_of(untidy), HGB).value == Decimal("8.9")
