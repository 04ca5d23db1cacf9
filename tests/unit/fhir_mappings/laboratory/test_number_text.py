"""A text that is one number, with its comparator in signs or words and its unit (1.1, A4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.laboratory.number_text import has_decimal_comma, number_in
from fhir_mappings.panel import Analyte, Comparator, Reason
from tests.support.fhir import observation, only, panel_of, quantity, refused

B12 = Analyte.VITAMIN_B12
GREATER = ["GREATER THAN", "MORE THAN", "OVER", "GT", ">"]
LESS = ["LESS THAN", "UNDER", "LT", "<"]
AT_LEAST = [*(f"{word} OR EQUAL TO" for word in GREATER[:2]), "AT LEAST", "GE", "GTE", ">=", "≥"]
AT_MOST = [*(f"{word} OR EQUAL TO" for word in LESS[:1]), "AT MOST", "LE", "LTE", "<=", "≤"]
WORDINGS = {
    None: ["", "="],
    Comparator.GREATER: GREATER,
    Comparator.LESS: LESS,
    Comparator.GREATER_OR_EQUAL: AT_LEAST,
    Comparator.LESS_OR_EQUAL: AT_MOST,
}
UNITS = ["", "pg/mL", "ng/L", "pmol/L", "PG/ML", "%", "10*3/uL", "x10^9/L", "mL/min/1.73m2"]


@given(
    st.sampled_from([(each, word) for each, words in WORDINGS.items() for word in words]),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.integers(0, 10_000_000),
    st.sampled_from(["", ".5", ".25"]),
    st.booleans(),
    st.sampled_from(UNITS),
)
def test_every_wording_of_a_number_is_read(wording, case, whole, decimals, grouped, unit):
    comparator, word = wording
    digits = (f"{whole:,}" if grouped else str(whole)) + decimals
    found = number_in(f"  {case(word)}  {digits} {unit} ")
    assert found == (comparator, f"{whole}{decimals}", unit)


@pytest.mark.parametrize(
    "text",
    [
        *["", "low", "1+", "3-5", "1:80", "-3", "+3", ".5", "5.", "5..5", "8.9.1", "> <5", "5 <6"],
        *["8,9", "2,00", "0,500", "12,34", "1,2345", "NOT LESS THAN 5", "5 > 3", "x" * 500],
        "1" * 500,
    ],
)
def test_anything_else_is_no_number(text):
    assert number_in(text) is None


@pytest.mark.parametrize("text", ["8,9", "<8,9", "0,500", "8,9 g/dL", "12,34"])
def test_a_comma_that_may_be_a_decimal_point_is_told(text):
    assert has_decimal_comma(text)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    number_in(text)
    has_decimal_comma(text)


@pytest.mark.parametrize(
    "value",
    [
        {"valueString": "GREATER THAN 2,000 pg/mL"},
        {"valueString": ">2000 ng/L"},
        {"valueCodeableConcept": {"text": "more than 2000 pg/mL"}},
        {"valueCodeableConcept": {"text": ">2000 pg/mL", "coding": [{"code": "X"}]}},
        {"valueString": "over 2000", "referenceRange": [{"high": quantity(900, "pg/mL")}]},
    ],
)
def test_a_vitamin_b12_above_the_limit_of_measurement_is_a_bound(value):
    result = only(panel_of(observation("2132-9", **value)), B12)
    assert (result.value, result.comparator) == (2000, Comparator.GREATER)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"valueString": "2000"}, Reason.UNIT),
        ({"valueString": "2000 mmHg"}, Reason.VALUE),
        ({"valueString": "2000 g/L"}, Reason.IMPLAUSIBLE),
        ({"valueString": "2000 %"}, Reason.UNIT),
        ({"valueString": "2000 see note"}, Reason.VALUE),
        ({"valueCodeableConcept": {"text": "high"}}, Reason.VALUE),
    ],
)
def test_a_number_whose_unit_does_not_fit_is_reported_but_not_read(value, reason):
    assert refused(panel_of(observation("2132-9", **value)), B12).reason is reason
