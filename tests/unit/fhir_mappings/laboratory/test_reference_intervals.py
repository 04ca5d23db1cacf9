"""The laboratory's own limits, however they are written (clinical-definition 2.6)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from fhir_mappings.context import Patient, Sex
from fhir_mappings.panel import Analyte
from tests.support.fhir import concept, observation, only, panel_of, quantity, ucum

WOMAN_40 = Patient("pat-1", Sex.FEMALE, date(1986, 1, 1))
MAN_70 = Patient("pat-1", Sex.MALE, date(1956, 1, 1))


def limits(*ranges, patient=None, loinc="718-7", value=8.9, unit="g/dL"):
    result = observation(loinc, value, unit, referenceRange=list(ranges))
    (found,) = panel_of(result, patient=patient).results.values()
    interval = found[0].interval
    return None if interval is None else (interval.low, interval.high)


def band(low=None, high=None, unit="g/dL", **more):
    return {
        name: quantity(value, unit)
        for name, value in (("low", low), ("high", high))
        if value is not None
    } | more


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (band(12, 16), ("12", "16")),
        (band(12), ("12", None)),
        (band(high=16), (None, "16")),
        (band(12, 16, unit=None), ("12", "16")),
        (band(120, 160, unit="g/L"), ("12", "16")),
        ({"low": ucum(12, "g/dL"), "high": ucum(160, "g/L")}, ("12", "16")),
        ({"low": quantity(12, "furlong"), "high": quantity(16, "g/dL")}, (None, "16")),
        ({"text": "12 to 16"}, ("12", "16")),
        ({"text": "12-16"}, ("12", "16")),
        ({"text": "12.0 – 16.0 g/dL"}, ("12.0", "16.0")),
        ({"text": "120 - 160 g/L"}, ("12", "16")),
        ({"text": "Reference range: 12-16"}, ("12", "16")),
        ({"text": "<16.5"}, (None, "16.5")),
        ({"text": "<= 16.5"}, (None, "16.5")),
        ({"text": "< or = 16.5"}, (None, "16.5")),
        ({"text": "up to 16.5 g/dL"}, (None, "16.5")),
        ({"text": ">12"}, ("12", None)),
        ({"text": "greater than 12"}, ("12", None)),
        (band(12, 16, text="10-20"), ("12", "16")),
        ({"low": {"unit": "g/dL"}, "high": {"unit": "g/dL"}, "text": "12-16"}, ("12", "16")),
    ],
)
def test_a_range_is_read_in_canonical_unit(given, expected):
    low, high = (None if each is None else Decimal(each) for each in expected)
    assert limits(given) == (low, high)


@pytest.mark.parametrize(
    "given",
    [
        band(0, 0),
        band(16, 12),
        {"text": "0-0"},
        {"text": "16-12"},
        {"text": "see comment"},
        {"text": "4,300 - 10,800"},
        {"text": "12 - 16 furlong"},
        {"low": {"unit": "g/dL"}, "high": {"unit": "g/dL"}},
        {"text": ""},
        {},
        band(12, 16, type=concept({"code": "treatment"})),
        band(12, 16, type=concept({"code": "recommended"})),
        band(12, 16, type={"text": "Critical range"}),
        {"low": quantity(12, "g/dL", "<")},
        {"low": quantity("1e999999", "g/dL")},
    ],
)
def test_what_is_no_reference_range_gives_no_limit(given):
    assert limits(given) is None


def test_a_normal_range_is_chosen_beside_others():
    normal = band(12, 16, type=concept({"code": "normal"}))
    assert limits(band(10, 20, type=concept({"code": "therapeutic"})), normal) == (12, 16)


def test_a_text_range_takes_the_unit_of_the_value():
    low, high = limits({"text": "4300 to 10800"}, loinc="6690-2", value=2400, unit="{cells}/uL")
    assert (low, high) == (Decimal("4.3"), Decimal("10.8"))


FEMALE = {"appliesTo": [concept({"code": "248152002", "system": "http://snomed.info/sct"})]}
MALE = {"appliesTo": [{"text": "Male"}]}


def test_the_range_for_the_sex_of_the_patient_is_chosen():
    both = [band(12, 16, **FEMALE), band(13.5, 17.5, **MALE)]
    assert limits(*both, patient=WOMAN_40) == (12, 16)
    assert limits(*reversed(both), patient=MAN_70) == (Decimal("13.5"), Decimal("17.5"))
    assert limits(*both) is None
    assert limits(*both, patient=Patient("pat-1")) is None


def test_the_range_for_the_age_of_the_patient_is_chosen():
    years = {"low": ucum(18, "a"), "high": ucum(59, "a")}
    old = {"low": ucum(60, "a")}
    infants = {"low": ucum(0, "d"), "high": ucum(24, "mo")}
    both = [band(12, 16, age=years), band(11, 15, age=old), band(9, 14, age=infants)]
    assert limits(*both, patient=WOMAN_40) == (12, 16)
    assert limits(*both, patient=MAN_70) == (11, 15)
    assert limits(*both) is None


def test_a_range_for_people_that_cannot_be_told_is_not_used():
    pregnant = {"appliesTo": [{"text": "Pregnant, third trimester"}]}
    assert limits(band(10, 14, **pregnant), patient=WOMAN_40) is None
    assert limits(band(10, 14, **pregnant), band(12, 16), patient=WOMAN_40) == (12, 16)


def test_two_different_ranges_for_everyone_settle_nothing():
    assert limits(band(12, 16), band(11, 15)) is None
    assert limits(band(12, 16), band(12, 16)) == (12, 16)


def test_the_range_settles_a_unit_that_leaves_its_power_of_ten_open():
    result = observation("777-3", 84, "10*3", referenceRange=[band(150, 400, unit="10*3/uL")])
    found = only(panel_of(result), Analyte.PLATELETS)
    assert found.value == 84
    assert "UNIT_INFERRED" in found.notes
