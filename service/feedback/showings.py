"""When a card is held back (clinical-definition 3.7, B2 and B3).

What was shown about the patient and how it was answered goes in; the reason to hold a card back,
or none, comes out. No Card, no store, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from service.cds_hooks.messages import Indicator
from service.feedback.held_back import Reason, Why
from service.feedback.news import news
from service.interpreter.interpretation import Overlay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from service.feedback.news import CardStates


@dataclass(frozen=True, slots=True)
class Periods:
    """How long what was shown or answered keeps a card quiet.

    `repeat`: a card without news, since it was last shown or answered. `critical`: a critical card
    that this user answered. `known`: every info and warning card about a patient, for all users of
    the client, once one of them said that it is known or in progress.
    """

    repeat: timedelta = timedelta(days=30)
    critical: timedelta = timedelta(hours=24)
    known: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Showing:
    """One card about the patient that one user saw.

    `answered`: when its last answer came. `is_known`: the answer was "already known" or "work-up
    in progress".
    """

    states: CardStates
    indicator: Indicator
    user: str
    issued: datetime
    answered: datetime | None = None
    is_known: bool = False

    @property
    def seen(self) -> datetime:
        """Return when this user last saw it: whoever answers has seen it."""
        return max(self.issued, self.answered or self.issued)


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, when, and what was shown about the patient to each user of the client."""

    user: str
    now: datetime
    periods: Periods
    showings: Mapping[str, Sequence[Showing]]

    @property
    def own(self) -> list[Showing]:
        """Return what this user saw within the repeat period."""
        return self._seen_by(self.user, self.now)

    def states_seen_by(self, user: str, until: datetime) -> list[CardStates]:
        """Return what a user saw within the repeat period, of cards issued until a moment."""
        return [each.states for each in self._seen_by(user, until)]

    def _seen_by(self, user: str, until: datetime) -> list[Showing]:
        since = self.now - self.periods.repeat
        return [
            each
            for each in self.showings.get(user, ())
            if each.seen > since and each.issued <= until
        ]


def by_user(showings: Iterable[Showing]) -> dict[str, list[Showing]]:
    """Return what was shown to each user."""
    users: dict[str, list[Showing]] = {}
    for each in showings:
        users.setdefault(each.user, []).append(each)
    return users


def reason_to_hold(card: CardStates, indicator: Indicator, call: Call) -> Reason | None:
    """Return why a card about the patient is not shown to this user now; None when it is shown."""
    if indicator is Indicator.CRITICAL:
        return _critical(card, call)
    known = _known(card, call)
    if known is not None:
        return known
    about_it = [each for each in call.own if card.findings[0] in each.states.findings]
    answered = _last_answer(about_it)
    if answered is not None and not news(card, call.states_seen_by(call.user, answered)):
        return _answered(answered)
    if (
        indicator is Indicator.INFO
        and about_it
        and not news(card, [each.states for each in call.own])
    ):
        first = min(each.issued for each in about_it)
        return Reason(Why.SHOWN_BEFORE, f"shown to this user on {first:%Y-%m-%d}; nothing is worse")
    return None


def reason_to_hold_order_card(finding: str, call: Call) -> Reason | None:
    """Return why a card about drafted orders is not shown; None when it is shown.

    It says the same of every draft: only its own answer holds it back, nothing about the counts.
    """
    answered = _last_answer(each for each in call.own if finding in each.states.findings)
    return None if answered is None else _answered(answered)


def _critical(card: CardStates, call: Call) -> Reason | None:
    if Overlay.NEUTROPENIC_FEVER in card.findings:
        return None
    answered = _last_answer(
        each
        for each in call.own
        if each.indicator is Indicator.CRITICAL and card.findings[0] in each.states.findings
    )
    if answered is None or answered <= call.now - call.periods.critical:
        return None
    return None if news(card, call.states_seen_by(call.user, answered)) else _answered(answered)


def _known(card: CardStates, call: Call) -> Reason | None:
    since = call.now - call.periods.known
    for user, showings in call.showings.items():
        answered = _last_answer(each for each in showings if each.is_known)
        if answered is None or answered <= since:
            continue
        if not news(card, call.states_seen_by(user, answered)):
            return Reason(Why.KNOWN, f"known or in progress, as a user said on {answered:%Y-%m-%d}")
    return None


def _last_answer(showings: Iterable[Showing]) -> datetime | None:
    return max((each.answered for each in showings if each.answered), default=None)


def _answered(moment: datetime) -> Reason:
    return Reason(Why.ANSWERED, f"answered by this user on {moment:%Y-%m-%d}; nothing is worse")
