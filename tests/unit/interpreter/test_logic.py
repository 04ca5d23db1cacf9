"""Three-valued logic and comparisons with bounds (clinical-definition 1.1, A9)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte
from service.interpreter.logic import (
    above,
    all_of,
    any_of,
    at_least,
    at_least_n,
    at_most,
    below,
    negate,
    possible_values,
    single_state,
)
from tests.support.facts import result

TRUTHS = st.sampled_from([True, False, None])
LIMIT = Decimal("10")


def platelets(text: str):
    return result(Analyte.PLATELETS, text)


@given(st.lists(TRUTHS, min_size=1, max_size=4))
def test_de_morgan_holds_with_unknowns(truths) -> None:
    assert negate(all_of(*truths)) is any_of(*(negate(truth) for truth in truths))


def test_one_false_settles_a_conjunction_and_one_true_a_disjunction() -> None:
    assert all_of(None, False, True) is False
    assert any_of(None, True, False) is True
    assert all_of(None, True) is None
    assert any_of(None, False) is None


def test_nothing_to_ask_is_true_for_all_and_false_for_any() -> None:
    assert all_of() is True
    assert any_of() is False


@pytest.mark.parametrize(
    ("truths", "expected"),
    [
        ((True, True, False), True),
        ((True, None, False), None),
        ((True, False, False), False),
        ((None, None, False), None),
        ((True, True, None), True),
    ],
)
def test_two_low_lines_may_be_certain_impossible_or_open(truths, expected) -> None:
    assert at_least_n(2, truths) is expected


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ("9.9", True),
        ("10", False),
        ("10.1", False),
        ("<10", True),
        ("<9", True),
        ("<11", None),
        ("<=10", None),
        ("<=9.9", True),
        (">10", False),
        (">9", None),
        (">=10", False),
        (">=9.9", None),
    ],
)
def test_below_means_strictly_below_for_every_value_that_is_allowed(reported, expected) -> None:
    assert below(platelets(reported), LIMIT) is expected
    assert at_least(platelets(reported), LIMIT) is negate(expected)


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        ("10", False),
        ("10.1", True),
        (">10", True),
        (">=10", None),
        (">=10.1", True),
        (">9", None),
        ("<10", False),
        ("<=10", False),
        ("<11", None),
        ("<=10.1", None),
    ],
)
def test_above_means_strictly_above_for_every_value_that_is_allowed(reported, expected) -> None:
    assert above(platelets(reported), LIMIT) is expected
    assert at_most(platelets(reported), LIMIT) is negate(expected)


def test_without_a_result_every_comparison_is_unknown() -> None:
    assert below(None, LIMIT) is None
    assert above(None, LIMIT) is None
    assert at_least(None, LIMIT) is None


NUMBERS = st.decimals(min_value=0, max_value=40, places=1)
SIGNS = st.sampled_from(["", "<", "<=", ">", ">="])


def allows(sign: str, bound: Decimal, value: Decimal) -> bool:
    return {
        "": value == bound,
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
    }[sign]


@settings(max_examples=200)
@given(SIGNS, NUMBERS, NUMBERS, NUMBERS)
def test_a_settled_comparison_holds_for_each_allowed_value(sign, bound, limit, value) -> None:
    reading = platelets(f"{sign}{bound}")
    if not allows(sign, bound, value):
        return
    assert below(reading, limit) in (None, value < limit)
    assert above(reading, limit) in (None, value > limit)


@settings(max_examples=200)
@given(SIGNS, NUMBERS, NUMBERS)
def test_a_settled_state_is_the_state_of_each_allowed_value(sign, bound, value) -> None:
    limits = (Decimal(10), Decimal(20))

    def classify(number: Decimal) -> int:
        return sum(number >= limit for limit in limits)

    state = single_state(classify, (platelets(f"{sign}{bound}"), limits))
    if value > 0 and allows(sign, bound, value):
        assert state in (None, classify(value))


def test_possible_values_reach_every_side_of_every_limit() -> None:
    values = possible_values(platelets(">15"), (Decimal(10), Decimal(20)))
    assert {value > 20 for value in values} == {True, False}
    assert min(values) > 15
    assert possible_values(platelets("<0"), (LIMIT,)) == (Decimal(0),)
    assert possible_values(None, (LIMIT,)) == ()
    assert possible_values(platelets("7"), (LIMIT,)) == (Decimal(7),)
