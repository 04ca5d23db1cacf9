"""How often each order was proposed on a card, and accepted with a suggestion that held it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from service.feedback.repeats import SHOWN
from service.storage.store import feedback, feedback_suggestion, issued_card, issued_suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

_LIST = msgspec.json.Decoder(list[str])


@dataclass(slots=True)
class OrderRow:
    """One order for one client under one version of the rule table.

    `proposed` counts the shown cards that proposed it, `accepted` those of them where a suggestion
    that holds it was accepted: accepting a suggestion accepts every order in it. Suggestions of
    former versions keep the name of their one order. The numbers of a `small` row must not be
    shown.
    """

    order: str
    client: str
    rule_table_version: str
    proposed: int = 0
    accepted: int = 0
    patients: int = 0
    small: bool = False


def order_rows(
    connection: Connection,
    period: Sequence[ColumnElement[bool]],
    own: Sequence[ColumnElement[bool]],
) -> list[OrderRow]:
    """Count the orders of the cards shown in a period. Raises what the database raises.

    `period` chooses the cards, `own` the feedback that belongs to each.
    """
    answers = (
        sa.select(feedback.c.card, feedback_suggestion.c.suggestion)
        .join(feedback, feedback.c.id == feedback_suggestion.c.feedback)
        .join(issued_card, sa.and_(*own))
        .where(*period)
    )
    proposals = (
        sa.select(
            issued_suggestion.c.uuid,
            issued_suggestion.c.orders,
            issued_card.c.uuid,
            issued_card.c.client,
            issued_card.c.rule_table_version,
            issued_card.c.patient_hash,
        )
        .join(issued_card, issued_card.c.uuid == issued_suggestion.c.card)
        .where(*period, issued_card.c.disposition == SHOWN)
    )
    # Only what was on the card can be accepted with it.
    accepted = {tuple(answer) for answer in connection.execute(answers)}
    cards: dict[tuple[str, str, str], dict[str, tuple[str, bool]]] = {}
    for suggestion, orders, card, client, version, patient in connection.execute(proposals):
        is_accepted = (card, suggestion) in accepted
        for order in _LIST.decode(orders):
            of_order = cards.setdefault((order, client, version), {})
            of_order[card] = (patient, is_accepted or of_order.get(card, ("", False))[1])
    return [
        OrderRow(
            *key,
            proposed=len(of_order),
            accepted=sum(accepted for _patient, accepted in of_order.values()),
            patients=len({patient for patient, _accepted in of_order.values()}),
        )
        for key, of_order in sorted(cards.items())
    ]
