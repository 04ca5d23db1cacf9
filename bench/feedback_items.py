"""What a clinician does with the cards of an answer, as CDS Hooks feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_ALREADY_KNOWN = {"reason": {"code": "already-known", "system": "urn:bench"}}


def feedback_on(cards: Iterable[dict[str, Any]], moment: datetime) -> dict[str, Any]:
    """One feedback request on all cards: what is suggested is accepted, the rest is overridden."""
    return {"feedback": [_item(card, moment.isoformat()) for card in cards]}


def _item(card: dict[str, Any], moment: str) -> dict[str, Any]:
    item: dict[str, Any] = {"card": card["uuid"], "outcomeTimestamp": moment}
    suggestions = card.get("suggestions")
    if suggestions:
        accepted = [{"id": suggestions[0]["uuid"]}]
        return item | {"outcome": "accepted", "acceptedSuggestions": accepted}
    return item | {"outcome": "overridden", "overrideReason": _ALREADY_KNOWN}
