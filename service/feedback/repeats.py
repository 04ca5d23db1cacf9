"""Quiet repeats: looks up what was shown and holds back cards without news.

The rules stand in `showings` and `news` (clinical-definition 3.7). Without a store everything is
shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service.cds_hooks.messages import Indicator
from service.feedback.card_states import (
    ORDER_FINDINGS,
    STATE_COLUMNS,
    from_row,
    states_of,
    topic_of,
)
from service.feedback.held_back import Held, ShownAndHeld
from service.feedback.showings import (
    Call,
    Showing,
    by_user,
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
"""Override reasons that count for the whole team."""

MOST_ROWS = 1_000
"""How many cards and answers about one patient are read, the newest."""

_COLUMNS = tuple(
    issued_card.c[name]
    for name in ("uuid", "topic", "indicator", "user_hash", "issued_at", *STATE_COLUMNS)
)

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
    """Split cards into those that this viewer is shown and those that are held back.

    `counted`: the disposition of the cards that users have seen, or, in shadow mode, would have
    seen. Raises StorageUnavailable; the caller then shows everything.
    """
    if all(topic_of(card) == Overlay.NEUTROPENIC_FEVER for card in cards):
        return ShownAndHeld(tuple(cards))
    showings = _showings(storage, viewer, now, periods, counted)
    call = Call(viewer.user_hash, now, periods, by_user(showings))
    shown: list[Card] = []
    held: list[Held] = []
    for card in cards:
        reason = _reason(card, interpretation, call)
        if reason is None:
            shown.append(card)
        else:
            held.append(Held(card, reason.why, reason.text))
    return ShownAndHeld(tuple(shown), tuple(held))


def _reason(card: Card, interpretation: Interpretation, call: Call) -> Reason | None:
    if topic_of(card) in ORDER_FINDINGS:
        return reason_to_hold_order_card(topic_of(card), call)
    return reason_to_hold(states_of(card, interpretation), Indicator(card.indicator), call)


def _showings(
    storage: Storage, viewer: Viewer, now: datetime, periods: Periods, counted: str
) -> tuple[Showing, ...]:
    """Return the cards about this patient that matter: this user's, and those answered as known.

    A late answer may be younger than the period, so the cards may be older.
    """
    answer = sa.and_(
        feedback.c.card == issued_card.c.uuid, feedback.c.client == issued_card.c.client
    )
    about_patient = sa.and_(
        issued_card.c.client == viewer.client,
        issued_card.c.patient_hash == viewer.patient_hash,
        issued_card.c.issued_at > now - 2 * periods.repeat,
        issued_card.c.disposition == counted,
    )
    who_know = (
        sa.select(issued_card.c.user_hash)
        .join(feedback, answer)
        .where(about_patient, feedback.c.reason_code.in_(KNOWN_REASONS))
        .where(feedback.c.received_at > now - periods.known)
    )
    query = (
        sa.select(*_COLUMNS, feedback.c.received_at.label("answered"), feedback.c.reason_code)
        .outerjoin(feedback, answer)
        .where(about_patient)
        .where(
            sa.or_(
                issued_card.c.user_hash == viewer.user_hash, issued_card.c.user_hash.in_(who_know)
            )
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
    # Former companion cards (the marrow, the work-up) were not answers to the finding itself.
    answered = row.answered if row.topic in states.findings else None
    is_known = row.reason_code in KNOWN_REASONS and row.topic not in ORDER_FINDINGS
    return Showing(
        states, Indicator(row.indicator), row.user_hash, row.issued_at, answered, is_known
    )
