"""When a card rests (clinical-definition 3.7, B2 and B3): no store, no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cds_hooks.messages import Indicator
from service.feedback.held_back import Why
from service.feedback.news import CardStates
from service.feedback.showings import (
    Call,
    Periods,
    Showing,
    by_user,
    reason_to_hold,
    reason_to_hold_order_card,
)
from service.interpreter.interpretation import Grade, Priority

DAY_0 = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
INFO, WARNING, CRITICAL = Indicator.INFO, Indicator.WARNING, Indicator.CRITICAL
QUIET = (INFO, WARNING)
INDEX = CardStates(
    ("index-pattern",), Grade.MILD, Grade.MODERATE, referral=Priority.URGENT, marrow=Priority.URGENT
)
WORSE = (
    replace(INDEX, findings=("circulating-blasts", "index-pattern")),
    replace(INDEX, findings=("index-pattern", "data-quality"), data_quality_warning=True),
    replace(INDEX, neutrophils=Grade.MODERATE),
    replace(INDEX, platelets=Grade.SEVERE),
    replace(INDEX, drugs=frozenset({"methotrexate"})),
    replace(INDEX, referral=Priority.STAT),
    replace(INDEX, marrow=Priority.ASAP),
)
NO_WORSE = (
    INDEX,
    replace(INDEX, neutrophils=Grade.NORMAL),
    replace(INDEX, platelets=Grade.MILD),
    replace(INDEX, platelets=None),
    replace(INDEX, marrow=None, referral=None),
    replace(INDEX, referral=Priority.ROUTINE),
    replace(INDEX, findings=("index-pattern", "data-quality")),
)


def at(day: float) -> datetime:
    return DAY_0 + timedelta(days=day)


def shown(
    day: float = 0,
    answered: float | None = None,
    indicator: Indicator = WARNING,
    user: str = "one",
    states: CardStates = INDEX,
    *,
    known: bool = False,
) -> Showing:
    moment = None if answered is None else at(answered)
    return Showing(states, indicator, user, at(day), moment, known)


def call(day: float, *showings: Showing, user: str = "one", periods: Periods | None = None) -> Call:
    return Call(user, at(day), periods or Periods(), by_user(showings))


def why(card: CardStates, indicator: Indicator, asked: Call) -> Why | None:
    reason = reason_to_hold(card, indicator, asked)
    return None if reason is None else reason.why


@pytest.mark.parametrize("indicator", [INFO, WARNING, CRITICAL])
def test_what_nobody_saw_is_shown(indicator: Indicator) -> None:
    assert why(INDEX, indicator, call(0)) is None
    assert why(INDEX, indicator, call(1, shown(0, 0.1), user="two")) is None


def test_a_warning_is_shown_until_it_is_answered() -> None:
    assert why(INDEX, WARNING, call(9, shown(0), shown(1))) is None
    assert why(INDEX, WARNING, call(9, shown(0), shown(1, 1.1))) is Why.ANSWERED


def test_an_info_is_shown_once() -> None:
    once = call(1, shown(0, indicator=INFO))
    assert why(INDEX, INFO, once) is Why.SHOWN_BEFORE
    assert why(INDEX, WARNING, once) is None, "a warning waits for an answer"
    assert why(INDEX, INFO, call(1, shown(0, 0.1, INFO))) is Why.ANSWERED


@pytest.mark.parametrize("card", WORSE)
@pytest.mark.parametrize("indicator", [INFO, WARNING, CRITICAL])
def test_something_worse_is_shown_at_once(card: CardStates, indicator: Indicator) -> None:
    answered = shown(0, 0.1, CRITICAL, known=True)
    assert why(card, indicator, call(0.2, answered)) is None
    assert why(card, indicator, call(0.2, answered, user="two")) is None


@pytest.mark.parametrize("card", NO_WORSE)
@pytest.mark.parametrize("indicator", [INFO, WARNING, CRITICAL])
def test_nothing_worse_rests(card: CardStates, indicator: Indicator) -> None:
    assert why(card, indicator, call(0.2, shown(0, 0.1, CRITICAL))) is Why.ANSWERED


def test_something_worse_is_shown_until_that_is_answered() -> None:
    worse = shown(1, states=WORSE[2])
    assert why(WORSE[2], WARNING, call(2, shown(0, 0.1), worse)) is None
    assert why(WORSE[2], WARNING, call(2, shown(0, 0.1), replace(worse, answered=at(1.1)))) is (
        Why.ANSWERED
    )
    assert why(INDEX, WARNING, call(2, shown(0, 0.1), worse)) is Why.ANSWERED, "better again"


def test_an_answer_to_another_card_is_no_answer_to_this_one() -> None:
    other = CardStates(("data-quality",))
    answered = shown(1, 1.1, INFO, states=other)
    assert why(INDEX, WARNING, call(2, shown(0), answered)) is None
    both = replace(INDEX, findings=("severe-cytopenias", "index-pattern"))
    assert why(INDEX, WARNING, call(2, shown(0), shown(1, 1.1, CRITICAL, states=both))) is (
        Why.ANSWERED
    )


@pytest.mark.parametrize("indicator", QUIET)
def test_after_thirty_days_it_is_shown_again(indicator: Indicator) -> None:
    late = shown(0, 20, indicator)
    assert why(INDEX, indicator, call(49.9, late)) is Why.ANSWERED
    assert why(INDEX, indicator, call(50, late)) is None
    assert why(INDEX, INFO, call(29.9, shown(0, indicator=INFO))) is Why.SHOWN_BEFORE
    assert why(INDEX, INFO, call(30, shown(0, indicator=INFO))) is None


def test_a_critical_card_rests_twenty_four_hours_after_its_answer() -> None:
    answered = shown(0, 0.5, CRITICAL)
    assert why(INDEX, CRITICAL, call(0.4, shown(0, indicator=CRITICAL))) is None
    assert why(INDEX, CRITICAL, call(1.49, answered)) is Why.ANSWERED
    assert why(INDEX, CRITICAL, call(1.5, answered)) is None
    assert why(INDEX, CRITICAL, call(1.49, answered, user="two")) is None
    again = shown(1.6, 1.7, CRITICAL)
    assert why(INDEX, CRITICAL, call(2.6, answered, again)) is Why.ANSWERED


def test_the_answer_to_a_warning_does_not_quiet_the_critical_card() -> None:
    assert why(INDEX, CRITICAL, call(0.2, shown(0, 0.1, WARNING))) is None


def test_neutropenic_fever_is_shown_always() -> None:
    fever = replace(INDEX, findings=("neutropenic-fever", "index-pattern"))
    answered = shown(0, 0.1, CRITICAL, states=fever, known=True)
    assert why(fever, CRITICAL, call(0.2, answered)) is None


@pytest.mark.parametrize("indicator", QUIET)
@pytest.mark.parametrize("card", NO_WORSE)
def test_known_to_one_is_known_to_all_for_seven_days(
    card: CardStates, indicator: Indicator
) -> None:
    known = shown(0, 1, known=True)
    for user in ("one", "two"):
        assert why(card, indicator, call(7.9, known, user=user)) is Why.KNOWN
    assert why(card, indicator, call(8, known, user="two")) is None


def test_known_holds_no_critical_card_and_an_ordinary_answer_holds_nobody_else() -> None:
    known = shown(0, 0.1, known=True)
    assert why(INDEX, CRITICAL, call(0.2, known, user="two")) is None
    assert why(INDEX, WARNING, call(0.2, shown(0, 0.1), user="two")) is None


def test_known_covers_what_was_seen_when_it_was_said() -> None:
    known = shown(0, 0.1, known=True)
    later = shown(1, user="two", states=WORSE[3])
    assert why(WORSE[3], WARNING, call(2, known, later, user="three")) is None


def test_data_quality_alone_is_said_once() -> None:
    quality = CardStates(("data-quality",))
    assert why(quality, INFO, call(1, shown(0, 0.1))) is None
    assert why(quality, INFO, call(1, shown(0, indicator=INFO, states=quality))) is Why.SHOWN_BEFORE
    assert why(quality, INFO, call(1, shown(0, 0.1, known=True), user="two")) is Why.KNOWN
    warning = replace(quality, data_quality_warning=True)
    assert why(warning, WARNING, call(1, shown(0, 0.1, known=True), user="two")) is None


def test_a_card_about_drafts_rests_by_its_own_answer_alone() -> None:
    b12 = CardStates(("b12-order-without-deficiency",))
    about_patient = shown(0, 0.1, known=True)
    finding = b12.findings[0]
    assert reason_to_hold_order_card(finding, call(1, about_patient, shown(0, states=b12))) is None
    reason = reason_to_hold_order_card(finding, call(1, shown(0, 0.1, states=b12)))
    assert reason is not None
    assert reason.why is Why.ANSWERED
    assert reason_to_hold_order_card(finding, call(30.1, shown(0, 0.1, states=b12))) is None
    assert reason_to_hold_order_card("iron", call(1, shown(0, 0.1, states=b12))) is None


def test_the_periods_are_settings() -> None:
    short = Periods(timedelta(days=3), timedelta(hours=1), timedelta(days=1))
    known, answered = shown(0, 0.1, known=True), shown(0, 0.1, CRITICAL)
    assert why(INDEX, WARNING, call(1.2, known, user="two", periods=short)) is None
    assert why(INDEX, CRITICAL, call(0.15, answered, periods=short)) is None
    assert why(INDEX, WARNING, call(3.0, answered, periods=short)) is Why.ANSWERED
    assert why(INDEX, WARNING, call(3.2, answered, periods=short)) is None


@given(
    st.lists(
        st.builds(
            shown,
            st.floats(0, 40),
            st.none(),
            st.sampled_from([INFO, WARNING, CRITICAL]),
            st.sampled_from(["one", "two"]),
            st.sampled_from((*WORSE, *NO_WORSE)),
        ),
        max_size=6,
    ),
    st.sampled_from([WARNING, CRITICAL]),
    st.sampled_from((*WORSE, *NO_WORSE)),
)
def test_without_any_answer_warnings_and_critical_cards_are_never_held(
    showings: list[Showing], indicator: Indicator, card: CardStates
) -> None:
    assert why(card, indicator, call(41, *showings)) is None
