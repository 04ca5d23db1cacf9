"""Quiet repeats: asks the store what was shown about the patient, and holds back what is no news.

The rules stand in `showings` and `news` (clinical-knowledge 3.7, architecture 2.8). Without a store
everything is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service.cds_hooks.messages import Indicator
from service.feedback.card_states import ORDER_FINDINGS, from_row, states_of, topic_of
from service.feedback.held_back import Held, ShownAndHeld
from service.feedback.showings import (
    Call,
    Showing,
    reason_to_hold,
    reason_to_hold_order_card,
)
from service.interpreter.interpretation import Overlay
from service.storage.store import Storage, feedback, issued_card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.cds_hooks.messages import Card
    from service.feedback.held_back import Reason
    from service.feedback.showings import Periods
    from service.interpreter.interpretation import Interpretation

KNOWN_REASONS = frozenset({"already-known", "work-up-in-progress"})
"""Override reasons that speak for the whole team."""

MOST_ROWS = 1_000
"""Cards and answers about one patient that are looked at, the newest."""

SHOWN, HELD, SHADOW = "shown", "held back", "shadow"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sees the cards of one call: client, user and patient, by their keyed hashes."""

    client: str
    service: str
    user_hash: str
    patient_hash: str


def hold_back(
    cards: Sequence[Card],
    interpretation: Interpretation,
    storage: Storage,
    viewer: Viewer,
    now: datetime,
    periods: Periods,
    *,
    counted: str = SHOWN,
) -> ShownAndHeld:
    """Split cards into those that this viewer is shown and those that rest.

    `counted`: the disposition of the cards that users have seen, or, in shadow mode, would have
    seen. Raises StorageUnavailable; the caller then shows everything.
    """
    if all(topic_of(card) == Overlay.NEUTROPENIC_FEVER for card in cards):
        return ShownAndHeld(tuple(cards))
    showings = _showings(storage, viewer, now - 2 * periods.repeat, counted)
    call = Call(viewer.user_hash, now, periods, showings)
    about_patient = [card for card in cards if topic_of(card) not in ORDER_FINDINGS]
    reason = _reason(about_patient, interpretation, call)
    reasons = {card.uuid: reason for card in about_patient} | {
        card.uuid: reason_to_hold_order_card(topic_of(card), call)
        for card in cards
        if topic_of(card) in ORDER_FINDINGS
    }
    return ShownAndHeld(
        tuple(card for card in cards if reasons[card.uuid] is None),
        tuple(
            Held(card, why.why, why.text)
            for card in cards
            if (why := reasons[card.uuid]) is not None
        ),
    )


def _reason(cards: Sequence[Card], interpretation: Interpretation, call: Call) -> Reason | None:
    """What is said about the patient is shown or held back as a whole."""
    if not cards:
        return None
    indicator = max((Indicator(card.indicator) for card in cards), key=list(Indicator).index)
    return reason_to_hold(states_of(cards, interpretation), indicator, call)


def _showings(
    storage: Storage, viewer: Viewer, since: datetime, counted: str
) -> tuple[Showing, ...]:
    """Return the cards about this patient that users of the client saw since a moment.

    A late answer may be younger than the period, so `since` lies further back.
    """
    query = (
        sa.select(
            issued_card,
            feedback.c.received_at.label("answered"),
            feedback.c.reason_code,
        )
        .outerjoin(
            feedback,
            sa.and_(
                feedback.c.card == issued_card.c.uuid, feedback.c.client == issued_card.c.client
            ),
        )
        .where(
            issued_card.c.client == viewer.client,
            issued_card.c.patient_hash == viewer.patient_hash,
            issued_card.c.issued_at > since,
            issued_card.c.disposition == counted,
        )
        .order_by(issued_card.c.issued_at.desc(), feedback.c.id.desc())
        .limit(MOST_ROWS)
    )
    with storage.transaction(only_reads=True, hurried=True) as connection:
        # Of several answers to one card the last counts: it comes first.
        rows = {row.uuid: row for row in reversed(connection.execute(query).all())}
    return tuple(_showing(row) for row in rows.values())


def _showing(row: sa.Row[*tuple[Any, ...]]) -> Showing:
    states = from_row(row)
    # Former companion cards (the marrow, the work-up) were no answer to the finding itself.
    answered = row.answered if row.topic in states.findings else None
    is_known = row.reason_code in KNOWN_REASONS and row.topic not in ORDER_FINDINGS
    return Showing(
        states, Indicator(row.indicator), row.user_hash, row.issued_at, answered, is_known
    )
