"""Numbers as cards write them never hide on which side of a limit the value lies."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte, changed
from service.interpreter.formatting import as_laboratory
from service.interpreter.thresholds import LIMITS, limits_of
from tests.support.facts import result


def reported(analyte, canonical, text, unit):
    return changed(result(analyte, canonical), reported_value=text, reported_unit=unit)


@pytest.mark.parametrize(
    ("canonical", "text", "shown"),
    [
        ("149.99996", "149.99996", "149.99996"),
        ("149.1234567", "149.1234567", "149.1"),
        ("150.00004", "150.00004", "150.00004"),
        ("1480.000123", "1480.000123", "1480"),
    ],
)
def test_a_long_number_is_cut_to_four_digits_unless_that_hides_a_limit(canonical, text, shown):
    assert as_laboratory(reported(Analyte.PLATELETS, canonical, text, "10*3/uL"))[0] == shown


def test_a_limit_in_another_unit_is_not_hidden_either():
    """200 pg/mL are 147.561 pmol/L: 147.5599 is low, and is not shown as 147.6."""
    factor = Decimal("1.35537")
    low = Decimal("147.5599")
    assert low * factor < LIMITS.b12_low < Decimal("147.6") * factor
    number, unit = as_laboratory(reported(Analyte.VITAMIN_B12, low * factor, f"{low}", "pmol/L"))
    assert unit == "pmol/L"
    assert Decimal(number) * factor < LIMITS.b12_low


@settings(max_examples=300, deadline=None)
@given(
    limit=st.sampled_from(sorted(set(limits_of(Analyte.PLATELETS).values()))),
    away=st.decimals("-0.001", "0.001", places=9),
)
def test_the_side_of_a_limit_can_be_read_from_what_is_shown(limit, away):
    value = limit + away
    text = f"{value:f}"
    number = as_laboratory(reported(Analyte.PLATELETS, value, text, "10*3/uL"))[0]
    shown = Decimal(number)
    assert (shown < limit) == (value < limit)
    assert (shown > limit) == (value > limit)
