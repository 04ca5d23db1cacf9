"""How the cards did: shown, held back, accepted, overridden and why, unanswered, shadow.

Per finding, client and rule-table version, day by day. Groups smaller than `SMALL_GROUP` patients
are hidden: a count of one can point at a person.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from service.repeats import HELD, SHADOW, SHOWN
from service.storage import feedback, feedback_comment, issued_card

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from service.storage import Storage

SMALL_GROUP = 5


@dataclass(slots=True)
class ReportRow:
    """One topic for one client under one version of the rule table.

    `accepted` and `overridden` count cards by their last outcome; `unanswered` the shown cards
    without one. `small` rows hide their numbers.
    """

    topic: str
    client: str
    rule_table_version: str
    shown: int = 0
    held_back: int = 0
    shadow: int = 0
    accepted: int = 0
    overridden: int = 0
    patients: int = 0
    small: bool = False
    reasons: dict[str, int] = field(default_factory=dict)
    by_day: dict[date, int] = field(default_factory=dict)

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
    unmatched_feedback: int


def feedback_report(
    storage: Storage, since: datetime, until: datetime, *, small_group: int = SMALL_GROUP
) -> Report:
    """Count the cards issued from `since` up to `until`.

    Raises StorageUnavailable.
    """
    with storage.transaction(only_reads=True) as connection:
        cards = connection.execute(
            sa.select(
                issued_card.c.uuid,
                issued_card.c.topic,
                issued_card.c.client,
                issued_card.c.rule_table_version,
                issued_card.c.disposition,
                issued_card.c.issued_at,
                issued_card.c.patient_hash,
            ).where(issued_card.c.issued_at >= since, issued_card.c.issued_at < until)
        ).all()
        outcomes = connection.execute(
            sa.select(feedback.c.card, feedback.c.outcome, feedback.c.reason_code)
            .join(issued_card, issued_card.c.uuid == feedback.c.card)
            .where(issued_card.c.issued_at >= since, issued_card.c.issued_at < until)
            .order_by(feedback.c.outcome_timestamp, feedback.c.id)
        ).all()
        known = sa.exists().where(issued_card.c.uuid == feedback.c.card)
        unmatched = connection.execute(
            sa.select(sa.func.count())
            .select_from(feedback)
            .where(~known, feedback.c.received_at >= since, feedback.c.received_at < until)
        ).scalar_one()
    last = {card: (outcome, reason) for card, outcome, reason in outcomes}
    rows = _count(cards, last)
    for row in rows:
        row.small = row.patients < small_group
    return Report(since, until, tuple(rows), int(unmatched))


def _count(
    cards: Iterable[sa.Row[*tuple[Any, ...]]],
    last: dict[str, tuple[str, str | None]],
) -> list[ReportRow]:
    rows: dict[tuple[str, str, str], ReportRow] = {}
    patients: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for uuid, topic, client, version, disposition, issued_at, patient in cards:
        key = (topic, client, version)
        row = rows.setdefault(key, ReportRow(*key))
        patients[key].add(patient)
        if disposition == HELD:
            row.held_back += 1
        elif disposition == SHADOW:
            row.shadow += 1
        elif disposition == SHOWN:
            row.shown += 1
            _count_outcome(row, *last.get(uuid, ("", None)))
        if disposition != HELD:
            day = issued_at.date()
            row.by_day[day] = row.by_day.get(day, 0) + 1
    for key, row in rows.items():
        row.patients = len(patients[key])
    return [rows[key] for key in sorted(rows)]


def _count_outcome(row: ReportRow, outcome: str, reason: str | None) -> None:
    if outcome == "accepted":
        row.accepted += 1
    elif outcome == "overridden":
        row.overridden += 1
        reasons = Counter(row.reasons)
        reasons[reason or "no reason given"] += 1
        row.reasons = dict(reasons)


COLUMNS = (
    "topic",
    "client",
    "rule table",
    "shown",
    "held back",
    "shadow",
    "accepted",
    "overridden",
    "unanswered",
    "override reasons",
)


def cells(row: ReportRow, small_group: int = SMALL_GROUP) -> tuple[str, ...]:
    """One row as text; the numbers of a small group are hidden."""
    head = (row.topic, row.client, row.rule_table_version)
    if row.small:
        return (*head, *(f"< {small_group} patients",), *("",) * 6)
    numbers = (
        row.shown,
        row.held_back,
        row.shadow,
        row.accepted,
        row.overridden,
        row.unanswered,
    )
    reasons = ", ".join(f"{code} {count}" for code, count in sorted(row.reasons.items()))
    return (*head, *map(str, numbers), reasons)


def as_table(report: Report) -> str:
    """The report as an aligned text table."""
    lines = [COLUMNS, *(cells(row) for row in report.rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(COLUMNS))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    text.append(f"Feedback on unknown cards: {report.unmatched_feedback}")
    return "\n".join(text)


def as_csv(report: Report) -> str:
    """The report as CSV; a leading =, +, - or @ is quoted away from spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in report.rows:
        writer.writerow(["'" + c if c[:1] in "=+-@" and c else c for c in cells(row)])
    return out.getvalue()


def as_json(report: Report) -> str:
    """The report as JSON; the numbers of a small group are left out."""
    rows = [
        {"topic": row.topic, "client": row.client, "ruleTableVersion": row.rule_table_version}
        | (
            {"small": True}
            if row.small
            else {
                "shown": row.shown,
                "heldBack": row.held_back,
                "shadow": row.shadow,
                "accepted": row.accepted,
                "overridden": row.overridden,
                "unanswered": row.unanswered,
                "overrideReasons": row.reasons,
                "byDay": {day.isoformat(): count for day, count in sorted(row.by_day.items())},
            }
        )
        for row in report.rows
    ]
    document = {
        "since": report.since,
        "until": report.until,
        "rows": rows,
        "unmatchedFeedback": report.unmatched_feedback,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def prune(storage: Storage, before: datetime) -> int:
    """Delete comments received before a moment; give their number. Raises StorageUnavailable."""
    with storage.transaction() as connection:
        done = connection.execute(
            sa.delete(feedback_comment).where(feedback_comment.c.received_at < before)
        )
        return done.rowcount
