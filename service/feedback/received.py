"""Feedback into the store: one transaction for each request, committed before it is acknowledged.

Idempotent by client, card, outcome and timestamp: a repeat changes nothing. Instants are compared
to the microsecond, however they are spelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from service.error_codes import ErrorCode
from service.errors import ClientNotAllowed, InvalidHookCall
from service.storage.store import feedback, feedback_comment, feedback_suggestion, issued_card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from service.feedback.request import FeedbackItem
    from service.storage.store import Storage


def record_feedback(
    storage: Storage,
    items: Sequence[FeedbackItem],
    *,
    client: str,
    service: str,
    now: datetime,
) -> tuple[FeedbackItem, ...]:
    """Store every item in one transaction, or none; return those that were new.

    Feedback on an unknown card is kept: the card may have been issued while the store was
    unavailable. Raises ClientNotAllowed for another client's card, InvalidHookCall for one that
    another service issued, StorageUnavailable when nothing could be stored.
    """
    with storage.transaction() as connection:
        _check_owner(connection, items, client, service)
        # In one order for everybody: two requests with the same items must not deadlock.
        ordered = sorted(items, key=lambda i: (i.card, i.outcome, i.outcome_timestamp))
        return tuple(
            item for item in ordered if _store(connection, storage, item, client, service, now)
        )


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
                code=ErrorCode.CARD_OF_ANOTHER_CLIENT,
            )
        if issuer != service:
            raise InvalidHookCall(
                "A card in this feedback was issued by another service.",
                code=ErrorCode.INVALID_FEEDBACK,
                expression="feedback",
            )


def _store(
    connection: Connection,
    storage: Storage,
    item: FeedbackItem,
    client: str,
    service: str,
    now: datetime,
) -> bool:
    stored = connection.execute(
        storage.insert_once(feedback)
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
        .returning(feedback.c.id)
    ).scalar_one_or_none()
    if stored is None:
        return False
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
    return True
