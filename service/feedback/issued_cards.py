"""Storing the cards that were issued, held back or only counted, so that feedback finds them.

What is kept names nobody: keyed hashes, states, the ids of orders. No value, no text of a card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import sqlalchemy as sa

from fhir_mappings.vocabulary.orders import order_of_draft
from service.feedback.card_states import states_of, to_columns, topic_of
from service.storage.store import issued_card, issued_suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.cds_hooks.messages import Action, Card, Suggestion
    from service.feedback.repeats import Viewer
    from service.interpreter.interpretation import Interpretation
    from service.storage.store import Storage

REMOVED_DRAFT: Final = "remove-draft"
"""Stored among the orders of a suggestion for the removal of a drafted medicine."""


def remember(
    storage: Storage,
    viewer: Viewer,
    dispositions: Sequence[tuple[Card, str]],
    interpretation: Interpretation,
    rule_table_version: str,
    now: datetime,
) -> None:
    """Store each card with its disposition, in one transaction.

    Raises StorageUnavailable; the caller logs it and still answers.
    """
    if not dispositions:
        return
    rows = [
        {
            "client": viewer.client,
            "service": viewer.service,
            "issued_at": now,
            "rule_table_version": rule_table_version,
            "patient_hash": viewer.patient_hash,
            "user_hash": viewer.user_hash,
            "uuid": card.uuid,
            "topic": topic_of(card),
            "indicator": str(card.indicator),
            "disposition": disposition,
            **to_columns(states_of(card, interpretation)),
        }
        for card, disposition in dispositions
    ]
    suggestions = [
        {"uuid": suggestion.uuid, "card": card.uuid, "orders": _orders(suggestion)}
        for card, _disposition in dispositions
        for suggestion in card.suggestions
    ]
    with storage.transaction(hurried=True) as connection:
        connection.execute(sa.insert(issued_card), rows)
        if suggestions:
            connection.execute(sa.insert(issued_suggestion), suggestions)


def _orders(suggestion: Suggestion) -> str:
    """Return what a suggestion would do, as JSON: the ids of its orders, each once."""
    orders = dict.fromkeys(_order(action) for action in suggestion.actions)
    return msgspec.json.encode([order for order in orders if order]).decode()


def _order(action: Action) -> str:
    if action.type == "delete":
        return REMOVED_DRAFT
    return "" if action.resource is msgspec.UNSET else order_of_draft(action.resource)
