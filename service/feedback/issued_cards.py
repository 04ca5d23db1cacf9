"""Writing down the cards that were issued, held back or only counted, so that feedback finds them.

What is kept names nobody: keyed hashes, states, the labels of orders. No value, no text of a card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from service.feedback.card_evidence import group_of
from service.feedback.repeats import topic_of
from service.storage.store import issued_card, issued_suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.cds_hooks.messages import Card
    from service.feedback.card_evidence import CardEvidence
    from service.feedback.repeats import Viewer
    from service.storage.store import Storage


def remember(
    storage: Storage,
    viewer: Viewer,
    dispositions: Sequence[tuple[Card, str]],
    evidence: CardEvidence,
    rule_table_version: str,
    now: datetime,
) -> None:
    """Write down each card with what became of it, in one transaction.

    Raises StorageUnavailable; the caller logs it and answers all the same.
    """
    if not dispositions:
        return
    rows = [
        {
            "client": viewer.client,
            "service": viewer.service,
            "finding": str(evidence.states["finding"] or topic_of(card)),
            "issued_at": now,
            "rule_table_version": rule_table_version,
            "evidence": evidence.fingerprint(group_of(topic_of(card))),
            "evidence_states": evidence.text(group_of(topic_of(card))),
            "patient_hash": viewer.patient_hash,
            "user_hash": viewer.user_hash,
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
    with storage.transaction(hurried=True) as connection:
        connection.execute(sa.insert(issued_card), rows)
        if suggestions:
            connection.execute(sa.insert(issued_suggestion), suggestions)
