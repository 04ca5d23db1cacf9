"""Cards shown, held back, accepted, overridden and why, unanswered, in shadow mode.

Per leading finding, client and rule-table version, day by day; beside it how often each order was
proposed and accepted (`report_orders`). Groups smaller than `SMALL_GROUP` patients are hidden: a
count of one can identify a person.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from service.feedback.override_reasons import shown_reason
from service.feedback.repeats import HELD, SHADOW, SHOWN
from service.feedback.report_orders import order_rows
from service.storage.store import feedback, issued_card

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from service.feedback.report_orders import OrderRow
    from service.storage.store import Storage

SMALL_GROUP = 5
_LIST = msgspec.json.Decoder(list[str])


@dataclass(slots=True)
class Day:
    """Cards of one day: shown, or only counted in shadow mode."""

    shown: int = 0
    shadow: int = 0


@dataclass(slots=True)
class ReportRow:
    """One finding for one client under one version of the rule table.

    A card counts for its leading finding; `also` counts the shown cards that another finding leads
    and that name this one. Cards of former versions about the marrow or the work-up keep those
    names. `accepted` and `overridden` count cards by their last outcome; `unanswered` the shown
    cards without one. The numbers of a `small` row must not be shown.
    """

    finding: str
    client: str
    rule_table_version: str
    shown: int = 0
    also: int = 0
    held_back: int = 0
    shadow: int = 0
    accepted: int = 0
    overridden: int = 0
    patients: int = 0
    small: bool = False
    reasons: dict[str, int] = field(default_factory=dict)
    by_day: dict[date, Day] = field(default_factory=dict)

    @property
    def unanswered(self) -> int:
        """Shown cards that nobody accepted or overrode."""
        return self.shown - self.accepted - self.overridden


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of a period, and the feedback that belongs to no known card."""

    since: datetime
    until: datetime
    rows: tuple[ReportRow, ...]
    orders: tuple[OrderRow, ...]
    unmatched_feedback: int


def feedback_report(
    storage: Storage, since: datetime, until: datetime, *, small_group: int = SMALL_GROUP
) -> Report:
    """Count the cards issued from `since` to `until`, both included, and what became of them.

    Raises StorageUnavailable.
    """
    period = (issued_card.c.issued_at >= since, issued_card.c.issued_at <= until)
    # A card uuid in another client's feedback is a coincidence, or worse.
    own = (feedback.c.card == issued_card.c.uuid, feedback.c.client == issued_card.c.client)
    cards = sa.select(
        issued_card.c.uuid,
        issued_card.c.topic,
        issued_card.c.findings,
        issued_card.c.client,
        issued_card.c.rule_table_version,
        issued_card.c.disposition,
        issued_card.c.issued_at,
        issued_card.c.patient_hash,
    ).where(*period)
    outcomes = (
        sa.select(feedback.c.card, feedback.c.outcome, feedback.c.reason_code)
        .join(issued_card, sa.and_(*own))
        .where(*period)
        .order_by(feedback.c.outcome_timestamp, feedback.c.id)
    )
    unmatched = (
        sa.select(sa.func.count())
        .select_from(feedback)
        .where(~sa.exists().where(*own), feedback.c.received_at >= since)
        .where(feedback.c.received_at <= until)
    )
    with storage.transaction(only_reads=True) as connection:
        last = {card: (outcome, code) for card, outcome, code in connection.execute(outcomes)}
        rows = _count(connection.execute(cards), last)
        orders = order_rows(connection, period, own)
        number = int(connection.execute(unmatched).scalar_one())
    for row in rows:
        row.small = row.patients < small_group
    for order in orders:
        order.small = order.patients < small_group
    return Report(since, until, tuple(rows), tuple(orders), number)


def _count(
    cards: Iterable[sa.Row[*tuple[Any, ...]]],
    last: dict[str, tuple[str, str | None]],
) -> list[ReportRow]:
    rows: dict[tuple[str, str, str], ReportRow] = {}
    patients: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for uuid, topic, findings, client, version, disposition, issued_at, patient in cards:
        key = (topic, client, version)
        row = rows.setdefault(key, ReportRow(*key))
        patients[key].add(patient)
        _count_card(row, disposition, issued_at.date())
        if disposition == SHOWN:
            _count_outcome(row, *last.get(uuid, ("", None)))
            for finding in _LIST.decode(findings)[1:]:
                named = (finding, client, version)
                rows.setdefault(named, ReportRow(*named)).also += 1
                patients[named].add(patient)
    for key, row in rows.items():
        row.patients = len(patients[key])
    return [rows[key] for key in sorted(rows)]


def _count_card(row: ReportRow, disposition: str, day: date) -> None:
    if disposition == HELD:
        row.held_back += 1
        return
    of_day = row.by_day.setdefault(day, Day())
    if disposition == SHADOW:
        row.shadow += 1
        of_day.shadow += 1
    else:
        row.shown += 1
        of_day.shown += 1


def _count_outcome(row: ReportRow, outcome: str, code: str | None) -> None:
    if outcome == "accepted":
        row.accepted += 1
    elif outcome == "overridden":
        row.overridden += 1
        reason = shown_reason(code)
        row.reasons[reason] = row.reasons.get(reason, 0) + 1
