"""Serology, pregnancy and marrow results (clinical-definition 1.7)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from fhir_mappings.panel import Reason, SerologyTest
from tests.support.fhir import (
    LOINC,
    SNOMED,
    coding,
    concept,
    observation,
    panel_of,
    quantity,
    report,
)


def positive(loinc="56888-1", **value):
    (found,) = panel_of(observation(loinc, **value)).serology
    return found.positive


@pytest.mark.parametrize(
    ("loinc", "test"),
    [("56888-1", SerologyTest.HIV), ("5195-3", SerologyTest.HEPATITIS_B_SURFACE_ANTIGEN),
     ("16933-4", SerologyTest.HEPATITIS_B_CORE_ANTIBODY),
     ("16128-1", SerologyTest.HEPATITIS_C_ANTIBODY), ("8061-4", SerologyTest.ANTINUCLEAR_ANTIBODY),
     ("31348-6", SerologyTest.ANTI_DSDNA), ("31444-3", SerologyTest.INTRINSIC_FACTOR_ANTIBODY)],
)  # fmt: skip
def test_each_test_is_known(loinc, test):
    (found,) = panel_of(observation(loinc, valueString="Non Reactive", id="s")).serology
    assert (found.test, found.positive, found.source) == (test, False, "Observation/s")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueCodeableConcept": concept(coding("10828004", SNOMED))}, True),
        ({"valueCodeableConcept": concept(coding("260415000", SNOMED))}, False),
        ({"valueString": "HIV-1 antibody positive"}, True),
        ({"valueString": "Indeterminate"}, None),
        ({"valueString": "1:640"}, None),
        ({"valueRatio": {"numerator": quantity(1), "denominator": quantity(640)}}, None),
        ({"valueString": "1:640", "interpretation": [concept({"code": "POS"})]}, True),
        ({"valueQuantity": quantity(0.1)}, None),
        ({"valueQuantity": quantity(0)}, None),
        ({"valueQuantity": quantity(5), "interpretation": [concept({"code": "NEG"})]}, False),
        ({"valueQuantity": quantity(5), "interpretation": [concept({"code": "H"})]}, True),
        ({"valueQuantity": quantity(9, "IU/mL"),
          "referenceRange": [{"high": quantity(5, "IU/mL")}]}, True),
        ({"valueQuantity": quantity(3, "IU/mL"), "referenceRange": [{"text": "<5"}]}, False),
        ({"valueQuantity": quantity(9, "IU/mL"),
          "referenceRange": [{"high": quantity(5, "kIU/L")}]}, None),
        ({"valueQuantity": quantity(1, "IU/mL", "<"), "referenceRange": [{"text": "<5"}]}, False),
        ({"valueQuantity": quantity(10, "IU/mL", "<"), "referenceRange": [{"text": "<5"}]}, None),
        ({"valueString": "Positive", "interpretation": [concept({"code": "NEG"})]}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_positive_negative_or_not_to_be_told(value, expected):
    assert positive(**value) is expected


def pregnancy(loinc, **value):
    (found,) = panel_of(observation(loinc, **value)).pregnancy
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (concept(coding("77386006", SNOMED)), True),
        (concept(coding("LA15173-0", LOINC)), True),
        (concept(coding("60001007", SNOMED)), False),
        (concept(coding("LA26683-5", LOINC)), False),
        (concept(coding("LA4489-6", LOINC, "Unknown")), None),
        ({"text": "Pregnant"}, True),
        ({"text": "Not pregnant"}, False),
        ({"text": "Possibly pregnant"}, None),
    ],
)
@pytest.mark.parametrize("loinc", ["82810-3", "11449-6"])
def test_a_pregnancy_status_says_yes_no_or_nothing(loinc, value, expected):
    found = pregnancy(loinc, valueCodeableConcept=value)
    assert (found.pregnant, found.is_test) == (expected, False)


@pytest.mark.parametrize("loinc", ["2118-8", "2110-5", "2106-3", "80384-1"])
def test_a_pregnancy_test_is_told_from_a_status(loinc):
    found = pregnancy(loinc, valueString="Positive")
    assert (found.pregnant, found.is_test) == (True, True)
    assert pregnancy(loinc, valueQuantity=quantity(3, "IU/L")).pregnant is None


@pytest.mark.parametrize(
    ("value", "weeks"),
    [
        ({"valueQuantity": quantity(20, "wk")}, 20),
        ({"valueQuantity": quantity(140, "d")}, 20),
        ({"valueQuantity": quantity(20)}, 20),
        ({"valueString": "20w0d"}, 20),
        ({"valueString": "20 weeks"}, 20),
        ({"valueQuantity": quantity(20, "mo")}, None),
        ({"valueQuantity": quantity(280, "wk")}, None),
        ({"valueQuantity": quantity(20, "wk", "<")}, None),
    ],
)
@pytest.mark.parametrize("loinc", ["49051-6", "11884-4", "18185-9"])
def test_the_gestational_age_is_in_weeks(loinc, value, weeks):
    found = pregnancy(loinc, **value)
    assert (found.gestational_weeks, found.pregnant) == (weeks, None)


def test_days_of_a_gestational_age_are_kept():
    found = pregnancy("18185-9", valueString="27w6d")
    assert found.gestational_weeks == Decimal(27) + Decimal(6) / 7
    assert found.gestational_weeks < 28


def test_the_estimated_date_of_delivery():
    assert pregnancy("11778-8", valueDateTime="2026-09-01").delivery_date == date(2026, 9, 1)
    assert pregnancy("11778-8", valueString="soon").delivery_date is None


@pytest.mark.parametrize(
    "loinc", ["33721-2", "48807-2", "33893-9", "50659-2", "51628-6", "11150-0"]
)
def test_a_marrow_result_or_report_of_any_content_is_known(loinc):
    for resource in (observation(loinc, valueString="46,XX"), report(loinc)):
        (found,) = panel_of(resource).marrow
        assert found.loinc == loinc


def test_marrow_blasts_are_no_blood_blasts():
    panel = panel_of(observation("11150-0", 4, "%", specimen={"display": "Bone marrow"}))
    assert not panel.results
    assert len(panel.marrow) == 1


def test_a_marrow_report_entered_in_error_or_only_registered_is_none():
    reasons = {"registered": Reason.STATUS}
    for status in ("entered-in-error", "registered", "cancelled"):
        panel = panel_of(report("33721-2", status=status))
        assert panel.marrow == ()
        assert [each.reason for each in panel.unreadable] == [reasons.get(status, Reason.WITHDRAWN)]
