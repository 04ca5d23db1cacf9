"""When a card is shown again (architecture 2.8).

critical: always. warning: until that user has accepted or overridden it, then again when the
evidence changes or when the repeat period has gone by since the answer. info: once, then again
likewise. A companion card (marrow-evaluation, work-up) follows its finding: when the finding is
held back, so is it. Without a store everything is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from service.cds_hooks.messages import Indicator
from service.feedback.card_evidence import group_of, orders_in
from service.feedback.held_back import Held, ShownAndHeld, Why
from service.storage.store import Storage, feedback, issued_card

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from service.cds_hooks.messages import Card
    from service.feedback.card_evidence import CardEvidence

COMPANIONS = frozenset({"marrow-evaluation", "work-up"})
MOST_ROWS = 1_000
"""Cards of one viewer that are looked at, the newest."""

SHOWN, HELD, SHADOW = "shown", "held back", "shadow"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sees the cards of one call: client, user and patient, by their keyed hashes."""

    client: str
    service: str
    user_hash: str
    patient_hash: str


@dataclass(frozen=True, slots=True)
class Window:
    """The moment of a call and how far back a showing or an answer keeps a card quiet."""

    now: datetime
    period: timedelta

    @property
    def since(self) -> datetime:
        """What happened before this moment no longer counts."""
        return self.now - self.period


@dataclass(slots=True)
class _Seen:
    """The first showing within the window of a topic with this evidence, and the last answer."""

    shown: datetime | None = None
    answered: datetime | None = None


def topic_of(card: Card) -> str:
    """The finding, or marrow-evaluation or work-up, that a card is about."""
    topic = card.source.topic
    return "" if topic is msgspec.UNSET else topic.code


def hold_back(
    cards: Sequence[Card],
    evidence: CardEvidence,
    storage: Storage,
    viewer: Viewer,
    window: Window,
    *,
    counted: str = SHOWN,
) -> ShownAndHeld:
    """Split cards into those that are news to this viewer and those that are not.

    `counted`: the disposition of the cards that this viewer has seen, or, in shadow mode, would
    have seen. Raises StorageUnavailable; the caller then shows everything.
    """
    if all(card.indicator is Indicator.CRITICAL for card in cards):
        return ShownAndHeld(tuple(cards))
    seen = _seen(storage, viewer, evidence, window, counted)
    findings = [card for card in cards if _is_finding(card)]
    followed = _held(findings[-1], seen) if findings else None
    shown: list[Card] = []
    held: list[Held] = []
    for card in cards:
        reason = _held(card, seen)
        if reason is None and followed is not None and topic_of(card) in COMPANIONS:
            reason = None if card.indicator is Indicator.CRITICAL else followed
        if reason is None:
            shown.append(card)
        else:
            held.append(Held(card, reason.why, reason.reason))
    return ShownAndHeld(tuple(shown), tuple(held))


def _is_finding(card: Card) -> bool:
    topic = topic_of(card)
    return topic not in COMPANIONS and group_of(topic) == "finding"


def _held(card: Card, seen: dict[str, _Seen]) -> Held | None:
    """The card as held back, with the reason; None when it is news."""
    before = seen.get(topic_of(card))
    if card.indicator is Indicator.CRITICAL or before is None:
        return None
    if before.answered:
        day = f"{before.answered:%Y-%m-%d}"
        return Held(card, Why.ANSWERED, f"answered by this user on {day}; nothing has changed")
    if before.shown and card.indicator is Indicator.INFO:
        day = f"{before.shown:%Y-%m-%d}"
        return Held(card, Why.SHOWN_BEFORE, f"shown to this user on {day}; nothing has changed")
    return None


def _seen(
    storage: Storage, viewer: Viewer, evidence: CardEvidence, window: Window, counted: str
) -> dict[str, _Seen]:
    """What this viewer saw of each topic since its evidence last changed."""
    seen: dict[str, _Seen] = {}
    for row in _rows(storage, viewer, window, counted):
        group = group_of(row.topic)
        same = row.evidence == evidence.fingerprint(group) and evidence.orders_of(
            group
        ) <= orders_in(row.evidence_states)
        if same:
            _add(seen.setdefault(row.topic, _Seen()), row, window)
        elif row.service == viewer.service:
            # The evidence changed in between: what was said before it no longer counts. Other
            # services see other facts (drafts) at the same time: that is no change.
            seen = {topic: one for topic, one in seen.items() if group_of(topic) != group}
    return seen


def _add(
    seen: _Seen, row: sa.Row[tuple[str, str, datetime, str, str, datetime]], w: Window
) -> None:
    if row.issued_at > w.since and seen.shown is None:
        seen.shown = row.issued_at
    if row.answered and row.answered > w.since:
        seen.answered = max(row.answered, seen.answered or row.answered)


def _rows(
    storage: Storage, viewer: Viewer, window: Window, counted: str
) -> Iterable[sa.Row[tuple[str, str, datetime, str, str, datetime]]]:
    """The cards of this viewer, oldest first: a late answer may be younger than the period."""
    answered = (
        sa.select(sa.func.max(feedback.c.received_at))
        .where(feedback.c.card == issued_card.c.uuid, feedback.c.client == issued_card.c.client)
        .scalar_subquery()
    )
    query = (
        sa.select(
            issued_card.c.topic,
            issued_card.c.service,
            issued_card.c.issued_at,
            issued_card.c.evidence,
            issued_card.c.evidence_states,
            answered.label("answered"),
        )
        .where(
            issued_card.c.client == viewer.client,
            issued_card.c.patient_hash == viewer.patient_hash,
            issued_card.c.user_hash == viewer.user_hash,
            issued_card.c.issued_at > window.since - window.period,
            issued_card.c.disposition == counted,
        )
        .order_by(issued_card.c.issued_at.desc())
        .limit(MOST_ROWS)
    )
    with storage.transaction(only_reads=True, hurried=True) as connection:
        return list(reversed(connection.execute(query).all()))
