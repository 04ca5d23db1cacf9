"""When a card is shown again (architecture 2.8), and the memory of issued cards.

critical: always. warning: until that user has accepted or overridden it, then again when the
evidence changes or after the repeat period. info: once, then again likewise. A companion card
(marrow-evaluation, work-up) follows its finding: answered or shown already, it is held back too.
Without a store everything is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from service.cds_hooks import Indicator
from service.evidence import evidence_states, fingerprint
from service.held_back import Held, Outcome
from service.storage import (
    REMEMBER_SECONDS,
    Storage,
    feedback,
    issued_card,
    issued_suggestion,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from service.cds_hooks import Card
    from service.interpreter.interpretation import Interpretation

COMPANIONS = frozenset({"marrow-evaluation", "work-up"})

SHOWN, HELD, SHADOW = "shown", "held back", "shadow"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who sees the cards of one call: client, user and patient, by their keyed hashes."""

    client: str
    service: str
    user_hash: str
    patient_hash: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """The last time that a card of one topic and one evidence was shown, and whether answered."""

    at: datetime
    answered: bool


def topic_of(card: Card) -> str:
    """The finding, or marrow-evaluation or work-up, that a card is about."""
    topic = card.source.topic
    return "" if topic is msgspec.UNSET else topic.code


def hold_back(
    cards: Sequence[Card],
    evidence: str,
    storage: Storage,
    viewer: Viewer,
    now: datetime,
    period: timedelta,
) -> Outcome:
    """Split cards into those that are news to this viewer and those that are not.

    Raises StorageUnavailable; the caller then shows everything.
    """
    if all(card.indicator is Indicator.CRITICAL for card in cards):
        return Outcome(tuple(cards))
    seen = _seen(storage, viewer, evidence, now - period)
    leading = next((card for card in cards if topic_of(card) not in COMPANIONS), None)
    lead = _reason(leading, seen) if leading else ""
    shown: list[Card] = []
    held: list[Held] = []
    for card in cards:
        reason = _reason(card, seen)
        if not reason and lead and card.indicator is not Indicator.CRITICAL:
            reason = lead if topic_of(card) in COMPANIONS else ""
        if reason:
            held.append(Held(card, reason))
        else:
            shown.append(card)
    return Outcome(tuple(shown), tuple(held))


def _reason(card: Card, seen: dict[str, _Seen]) -> str:
    """Why this card is no news; empty when it is."""
    before = seen.get(topic_of(card))
    if card.indicator is Indicator.CRITICAL or before is None:
        return ""
    if before.answered:
        return f"answered by this user since {before.at:%Y-%m-%d}; nothing has changed"
    if card.indicator is Indicator.INFO:
        return f"shown to this user on {before.at:%Y-%m-%d}; nothing has changed"
    return ""


def _seen(storage: Storage, viewer: Viewer, evidence: str, since: datetime) -> dict[str, _Seen]:
    """Cards of this evidence that this viewer was shown since; `at` is the first showing."""
    answered = sa.exists().where(
        feedback.c.card == issued_card.c.uuid, feedback.c.client == issued_card.c.client
    )
    query = sa.select(issued_card.c.topic, issued_card.c.issued_at, answered).where(
        issued_card.c.client == viewer.client,
        issued_card.c.patient_hash == viewer.patient_hash,
        issued_card.c.user_hash == viewer.user_hash,
        issued_card.c.disposition == SHOWN,
        issued_card.c.issued_at > since,
    )
    latest = query.add_columns(issued_card.c.evidence).order_by(issued_card.c.issued_at)
    seen: dict[str, _Seen] = {}
    with storage.transaction(only_reads=True, busy_seconds=REMEMBER_SECONDS) as connection:
        for topic, at, was_answered, of_evidence in connection.execute(latest):
            if of_evidence != evidence:
                # The evidence changed in between: what was said before it no longer counts.
                seen.pop(topic, None)
                continue
            before = seen.get(topic)
            seen[topic] = _Seen(
                before.at if before else at,
                was_answered or (before is not None and before.answered),
            )
    return seen


def remember(
    storage: Storage,
    viewer: Viewer,
    dispositions: Sequence[tuple[Card, str]],
    interpretation: Interpretation,
    rule_table_version: str,
    now: datetime,
) -> None:
    """Write down what was issued, held back or only counted.

    Raises StorageUnavailable; the caller logs it and answers all the same.
    """
    if not dispositions:
        return
    states = evidence_states(interpretation)
    found = interpretation.finding or interpretation.overlay or interpretation.data_quality
    common = {
        "client": viewer.client,
        "service": viewer.service,
        "finding": found.id if found else "",
        "issued_at": now,
        "rule_table_version": rule_table_version,
        "evidence": fingerprint(states),
        "evidence_states": msgspec.json.encode(states, order="deterministic").decode(),
        "patient_hash": viewer.patient_hash,
        "user_hash": viewer.user_hash,
    }
    rows = [
        common
        | {
            "uuid": card.uuid,
            "topic": topic_of(card),
            "indicator": str(card.indicator),
            "disposition": disposition,
        }
        for card, disposition in dispositions
    ]
    suggestions = [
        {"uuid": suggestion.uuid, "card": card.uuid, "label": suggestion.label[:200]}
        for card, _disposition in dispositions
        for suggestion in card.suggestions
    ]
    with storage.transaction(busy_seconds=REMEMBER_SECONDS) as connection:
        connection.execute(sa.insert(issued_card), rows)
        if suggestions:
            connection.execute(sa.insert(issued_suggestion), suggestions)
