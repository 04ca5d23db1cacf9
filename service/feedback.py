"""Feedback: what became of issued cards (CDS Hooks 2.0, 'Feedback').

Parsed and checked as a whole first; then stored in one transaction before it is acknowledged.
Idempotent by client, card, outcome and timestamp: a repeat changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from fhir_mappings.decoding import DECODE_ERRORS
from service.errors import ClientNotAllowed, InvalidHookCall
from service.storage import feedback as feedback_table
from service.storage import feedback_comment, feedback_suggestion, issued_card
from service.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from service.storage import Storage

MAX_COMMENT = 10_000
MAX_ITEMS = 1_000
MAX_ID = 64
OUTCOMES = frozenset({"accepted", "overridden"})


class _Reason(Struct, frozen=True):
    code: str | None = None
    system: str | None = None


class _OverrideReason(Struct, frozen=True):
    reason: _Reason | None = None
    userComment: str | None = None


class _AcceptedSuggestion(Struct, frozen=True):
    id: str


class _Item(Struct, frozen=True):
    card: str
    outcome: str
    outcomeTimestamp: str
    acceptedSuggestions: list[_AcceptedSuggestion] | None = None
    overrideReason: _OverrideReason | None = None


class _Body(Struct, frozen=True):
    feedback: list[_Item]


@dataclass(frozen=True, slots=True)
class FeedbackItem:
    """One outcome of one card, checked. `comment` may hold anything and is never logged."""

    card: str
    outcome: str
    outcome_timestamp: datetime
    accepted_suggestions: tuple[str, ...] = ()
    reason_system: str | None = None
    reason_code: str | None = None
    comment: str | None = None


def parse_feedback(body: bytes) -> tuple[FeedbackItem, ...]:
    """Read a feedback request.

    Raises InvalidHookCall, naming the field, for anything that the specification forbids: no list,
    an empty list, an unknown outcome, an accepted card without suggestions, a bad timestamp.
    """
    try:
        decoded = msgspec.json.decode(body, type=_Body)
    except DECODE_ERRORS as error:
        raise InvalidHookCall(
            "The body is not a feedback request: an object with the array 'feedback', each entry "
            "with 'card', 'outcome' and 'outcomeTimestamp'.",
            code="invalid-feedback",
            expression="feedback",
        ) from error
    if not decoded.feedback:
        raise _invalid("'feedback' is empty", "feedback")
    if len(decoded.feedback) > MAX_ITEMS:
        raise _invalid(f"'feedback' has more than {MAX_ITEMS} entries", "feedback")
    return tuple(_read_item(item, f"feedback[{n}]") for n, item in enumerate(decoded.feedback))


def _invalid(message: str, expression: str) -> InvalidHookCall:
    return InvalidHookCall(f"{message}.", code="invalid-feedback", expression=expression)


def _read_item(item: _Item, where: str) -> FeedbackItem:
    if not 0 < len(item.card) <= MAX_ID:
        raise _invalid("'card' is not the uuid of a card", f"{where}.card")
    if item.outcome not in OUTCOMES:
        raise _invalid("'outcome' is neither accepted nor overridden", f"{where}.outcome")
    moment = parse_timestamp(item.outcomeTimestamp)
    if moment is None:
        raise _invalid(
            "'outcomeTimestamp' is not an RFC 3339 date-time", f"{where}.outcomeTimestamp"
        )
    reason, comment = _read_reason(item, where)
    return FeedbackItem(
        item.card,
        item.outcome,
        moment,
        _read_suggestions(item, where),
        reason.system if reason else None,
        reason.code if reason else None,
        comment,
    )


def _read_suggestions(item: _Item, where: str) -> tuple[str, ...]:
    if item.outcome != "accepted":
        return ()
    accepted = item.acceptedSuggestions
    if not accepted:
        raise _invalid(
            "an accepted card needs 'acceptedSuggestions'", f"{where}.acceptedSuggestions"
        )
    if any(not 0 < len(suggestion.id) <= MAX_ID for suggestion in accepted):
        raise _invalid("a suggestion's 'id' is not a uuid", f"{where}.acceptedSuggestions")
    return tuple(dict.fromkeys(suggestion.id for suggestion in accepted))


def _read_reason(item: _Item, where: str) -> tuple[_Reason | None, str | None]:
    given = item.overrideReason
    if item.outcome != "overridden" or given is None:
        return None, None
    reason = given.reason
    if reason is not None and not (reason.code and len(reason.code) <= 100):
        raise _invalid("the override reason has no code", f"{where}.overrideReason.reason.code")
    if reason is not None and len(reason.system or "") > 200:
        raise _invalid("the reason's system is too long", f"{where}.overrideReason.reason.system")
    if reason is None and not given.userComment:
        raise _invalid("'overrideReason' is hollow", f"{where}.overrideReason")
    comment = given.userComment
    if comment is not None and (len(comment) > MAX_COMMENT or "\x00" in comment):
        raise _invalid("the comment is too long or unreadable", f"{where}.overrideReason")
    return reason, comment or None


def record_feedback(
    storage: Storage,
    items: Sequence[FeedbackItem],
    *,
    client: str,
    service: str,
    now: datetime,
) -> None:
    """Store every item in one transaction, or none.

    Feedback on an unknown card is kept: the card may have been issued while the store was away.
    Raises ClientNotAllowed for another client's card, InvalidHookCall for one that another service
    issued, StorageUnavailable when nothing could be stored.
    """
    with storage.transaction() as connection:
        _check_owner(connection, items, client, service)
        for item in items:
            _store(connection, storage, item, client, service, now)


def _check_owner(
    connection: Connection, items: Sequence[FeedbackItem], client: str, service: str
) -> None:
    cards = {item.card for item in items}
    query = sa.select(issued_card.c.client, issued_card.c.service).where(
        issued_card.c.uuid.in_(cards)
    )
    for owner, issuer in connection.execute(query.distinct()):
        if owner != client:
            raise ClientNotAllowed(
                "A card in this feedback was issued to another CDS Client.",
                code="card-of-another-client",
            )
        if issuer != service:
            raise _invalid("a card in this feedback was issued by another service", "feedback")


def _store(
    connection: Connection,
    storage: Storage,
    item: FeedbackItem,
    client: str,
    service: str,
    now: datetime,
) -> None:
    stored = connection.execute(
        storage.insert_once(feedback_table)
        .values(
            client=client,
            service=service,
            card=item.card,
            outcome=item.outcome,
            outcome_timestamp=item.outcome_timestamp,
            received_at=now,
            reason_system=item.reason_system,
            reason_code=item.reason_code,
        )
        .returning(feedback_table.c.id)
    ).scalar_one_or_none()
    if stored is None:
        return
    if item.accepted_suggestions:
        connection.execute(
            sa.insert(feedback_suggestion),
            [{"feedback": stored, "suggestion": s} for s in item.accepted_suggestions],
        )
    if item.comment:
        connection.execute(
            sa.insert(feedback_comment).values(
                feedback=stored, received_at=now, comment=item.comment
            )
        )
