"""The feedback report as text: an aligned table, CSV, JSON. Numbers of small groups are hidden."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

from service.feedback.report import SMALL_GROUP

if TYPE_CHECKING:
    from service.feedback.report import Report, ReportRow

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
                "byDay": {
                    day.isoformat(): {"shown": cards.shown, "shadow": cards.shadow}
                    for day, cards in sorted(row.by_day.items())
                },
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
