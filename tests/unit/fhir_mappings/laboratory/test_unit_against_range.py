"""A range that cannot be the analyte's in the result's unit makes the unit suspect (1.3, U14)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.laboratory.reference_intervals import NO_UNIT
from fhir_mappings.laboratory.unit_against_range import meant_by_range
from fhir_mappings.panel import Analyte, Reason
from fhir_mappings.r4.laboratory_resources import Quantity, ReferenceRange
from fhir_mappings.units.units import accepted_readings
from fhir_mappings.vocabulary.analytes import default_terminology
from tests.support.fhir import observation, only, panel_of, quantity, refused

HGB, PLT = Analyte.HEMOGLOBIN, Analyte.PLATELETS
DEFINITIONS = {
    analyte: definition
    for analyte, definition in default_terminology().definitions.items()
    if definition.range_limits
}
LOINC_OF = {
    meaning.analyte: code
    for code, meaning in reversed(default_terminology().loinc.items())
    if meaning.analyte in DEFINITIONS and not meaning.role and meaning.use == "ok"
}


def limits(low=None, high=None, unit=None, **more):
    fields = {"low": low, "high": high}
    return {k: quantity(v, unit) for k, v in fields.items() if v is not None} | more


def hemoglobin(value, unit, *ranges, **more):
    return panel_of(observation("718-7", value, unit, referenceRange=list(ranges), **more))


@pytest.mark.parametrize("range_unit", ["mmol/L", None])
def test_grams_called_millimoles_are_suspect(range_unit):
    suspect = refused(hemoglobin(8.9, "mmol/L", limits(12, 16, range_unit)), HGB)
    assert suspect.reason is Reason.UNIT_SUSPECT
    assert suspect.candidates == (Decimal("8.9"), Decimal("8.9") * Decimal("1.61145"))


@pytest.mark.parametrize("range_unit", ["g/dL", "G/DL", None])
def test_so_are_millimoles_called_grams(range_unit):
    suspect = refused(hemoglobin(5.5, "g/dL", limits(7.5, 10, range_unit)), HGB)
    assert suspect.reason is Reason.UNIT_SUSPECT
    assert suspect.candidates == (Decimal("5.5") * Decimal("1.61145"), Decimal("5.5"))


@pytest.mark.parametrize(
    "one_range",
    [
        limits(7.5, 10, "mmol/L"),
        limits(12, 16, "g/dL"),  # another unit: converted, never compared
        limits(None, 10, "mmol/L"),
        limits(0, 10, "mmol/L"),
        limits(7, 40, "mmol/L"),  # one side fits
        limits(12, 16, "mmol/L", type={"coding": [{"code": "treatment"}]}),
        limits(0, 0, "mmol/L"),
        {"text": "see report"},
        limits(3, 4, "mmol/L"),  # no unit fits it: a range that says nothing
    ],
)
def test_the_unit_stands_where_no_range_contradicts_it(one_range):
    assert only(hemoglobin(5.5, "mmol/L", one_range), HGB).reported_unit == "mmol/L"


@pytest.mark.parametrize(
    "ranges",
    [
        [limits(12, None, "mmol/L")],
        [limits(None, 16, "mmol/L")],
        [limits(0, 16, "mmol/L")],
        [{"text": "12 - 16 mmol/L"}],
        [{"text": "12.0-16.0"}],
        [
            limits(13, 17, appliesTo=[{"text": "male"}]),
            limits(12, 16, appliesTo=[{"text": "female"}]),
        ],
        [limits(11, 15, age={"high": {"value": 12, "code": "a"}}), limits(12, 16)],
    ],
)
def test_each_side_and_every_range_is_asked_whoever_it_is_for(ranges):
    assert refused(hemoglobin(8.9, "mmol/L", *ranges), HGB).reason is Reason.UNIT_SUSPECT


def test_one_range_that_fits_lets_the_unit_stand():
    ranges = [limits(13, 17, "mmol/L"), limits(7.5, 10, "mmol/L")]
    assert only(hemoglobin(5.5, "mmol/L", *ranges), HGB)


@pytest.mark.parametrize(
    ("code", "value", "unit", "low", "high"),
    [
        ("777-3", 84, "10*9/L", 150000, 400000),
        ("6690-2", 24, "10*9/L", 40, 110),
        ("2498-4", 54, "umol/L", 50, 175),
        ("2498-4", 20, "ug/L", 50, 175),
        ("2160-0", 80, "mmol/L", 60, 110),
        ("2160-0", 1.1, "umol/L", 0.6, 1.2),
        ("2160-0", 0.12, "mg/dL", 0.06, 0.11),
        ("2532-0", 400, "ukat/L", 120, 250),
        ("1975-2", 12, "mg/dL", None, 21),
        ("13964-2", 250, "umol/L", 70, 380),
        ("1988-5", 12, "mg/dL", None, 5),
        ("4544-3", 0.36, "%", 0.36, 0.46),
        ("2284-8", 8, "nmol/L", 3, 20),
    ],
)
def test_a_result_whose_range_is_in_another_unit_is_not_read(code, value, unit, low, high):
    panel = panel_of(observation(code, value, unit, referenceRange=[limits(low, high, unit)]))
    (analyte,) = {default_terminology().loinc[code].analyte}
    assert analyte not in panel.results
    assert [each.analyte for each in panel.unreadable] == [analyte]


@given(st.data())
def test_a_result_and_its_range_in_any_accepted_unit_are_read_and_mislabelled_never(data):
    """Changing the unit of value and range together changes nothing; of their label alone: never.

    A label is wrong where another unit fits value and range; then the result is refused.
    """
    analyte = data.draw(st.sampled_from(sorted(DEFINITIONS)))
    definition = DEFINITIONS[analyte]
    windows = definition.range_limits
    readings = accepted_readings(definition)
    true, label = (data.draw(st.sampled_from(readings)) for _ in range(2))
    share = st.decimals("0.01", "0.99", places=3)
    sides = {
        name: window[0] + (window[1] - window[0]) * data.draw(share)
        for name, window in (("low", windows.low), ("high", windows.high))
        if window
    }
    span = definition.plausible_high - definition.plausible_low
    value = definition.plausible_low + span * data.draw(share)
    written = {name: true_value(side, true) for name, side in sides.items()}
    number = true_value(value, true)
    fits = [low_high_fit(label, written, windows)]
    found = meant(definition, written, number, label)
    if any(fits):
        assert found == ()
    elif label.scale != true.scale and definition.is_plausible(true.convert(number)):
        assert round(value, 12) in {round(each, 12) for each in found}


def true_value(canonical: Decimal, reading) -> Decimal:
    return canonical * reading.divisor / reading.numerator + reading.zero


def low_high_fit(reading, written, windows) -> bool:
    pairs = ((written.get("low"), windows.low), (written.get("high"), windows.high))
    return any(
        window[0] <= reading.convert(limit) <= window[1]
        for limit, window in pairs
        if limit and window
    )


def meant(definition, written, number, label):
    sides = {name: Quantity(value=side) for name, side in written.items()}
    return meant_by_range([ReferenceRange(**sides)], number, label, NO_UNIT, definition)
