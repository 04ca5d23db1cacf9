"""Hidden groups, intervals, agreement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.backtest.figures.part import share_cells
from service.backtest.small_groups import (
    SMALL,
    hidden,
    hidden_shares,
    is_small,
    is_telling,
    unshown,
)
from service.backtest.statistics import Share, difference, kappa


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 40), max_size=8))
def test_no_hidden_group_can_be_subtracted(groups: dict[str, int]) -> None:
    away = hidden(groups)
    small = {name for name, number in groups.items() if 0 < number < SMALL}
    assert small <= away
    large = [name for name, number in groups.items() if number >= SMALL]
    if small and any(name not in away for name in large):
        # What is left of a shown whole is the sum of at least two groups, and no small number.
        assert len(away) >= 2
        assert sum(groups[name] for name in away) >= SMALL


def test_nobody_is_no_small_group() -> None:
    assert hidden({"a": 0, "b": 12}) == frozenset()
    assert hidden({"a": 0, "b": 3, "c": 9, "d": 20}) == {"b", "c"}


@pytest.mark.parametrize(
    ("number", "whole", "telling"),
    [(0, 9, False), (3, 9, True), (7, 8, True), (8, 8, False), (5, 10, False)],
)
def test_a_share_tells_of_a_small_group_or_of_its_rest(
    number: int, whole: int, *, telling: bool
) -> None:
    assert is_telling(number, whole) is telling


@pytest.mark.parametrize(
    ("number", "whole", "word"),
    [(2, 61, "<5"), (59, 61, "nearly all"), (7, 61, "hidden"), (0, 61, "hidden")],
)
def test_the_word_for_a_number_that_is_not_shown_is_true(
    number: int, whole: int, word: str
) -> None:
    assert unshown(number, whole) == word
    assert share_cells(number, whole, small=True) == (f"{word} of {whole}", None, "")


SHARES = st.integers(0, 40).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@given(st.dictionaries(st.text(max_size=3), SHARES, max_size=8))
def test_no_hidden_share_can_be_subtracted(shares: dict[str, tuple[int, int]]) -> None:
    away = hidden_shares(shares)
    assert {name for name, share in shares.items() if is_telling(*share)} <= away
    shown = [name for name, (_, whole) in shares.items() if whole and name not in away]
    if away and shown:
        assert len(away) >= 2
        number = sum(shares[name][0] for name in away)
        rest = sum(shares[name][1] for name in away) - number
        assert not is_small(number)
        assert not is_small(rest)


def test_intervals_are_those_of_the_textbooks() -> None:
    # Newcombe 1998, tables I and II: 81 of 263, and 56/70 against 48/80.
    low, high = Share(81, 263).interval or (0, 0)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    gap = difference(Share(56, 70), Share(48, 80)) or (0, 0, 0)
    assert tuple(round(each, 4) for each in gap) == (0.2, 0.0524, 0.3339)
    assert Share(0, 0).interval is None


def test_agreement_beyond_chance() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: kappa 0.4.
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert kappa(first, second) == pytest.approx(0.4)
    assert kappa(["apt"], ["apt"]) is None
    assert kappa([], []) is None
