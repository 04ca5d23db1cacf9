"""The feedback report as text: aligned tables, CSV, JSON. Numbers of small groups are hidden.

There are two tables: by finding, and by order.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

from service.feedback.report import SMALL_GROUP

if TYPE_CHECKING:
    from service.feedback.report import Report, ReportRow
    from service.feedback.report_orders import OrderRow

COLUMNS = (
    "finding",
    "client",
    "rule table",
    "shown",
    "also on",
    "held back",
    "shadow",
    "accepted",
    "overridden",
    "unanswered",
    "override reasons",
)
ORDER_COLUMNS = ("order", "client", "rule table", "proposed", "accepted")


def cells(row: ReportRow, small_group: int = SMALL_GROUP) -> tuple[str, ...]:
    """One row as text; the numbers of a small group are hidden."""
    head = (row.finding, row.client, row.rule_table_version)
    if row.small:
        return (*head, f"< {small_group} patients", *("",) * 7)
    numbers = (
        row.shown,
        row.also,
        row.held_back,
        row.shadow,
        row.accepted,
        row.overridden,
        row.unanswered,
    )
    reasons = ", ".join(f"{code} {count}" for code, count in sorted(row.reasons.items()))
    return (*head, *map(str, numbers), reasons)


def order_cells(row: OrderRow, small_group: int = SMALL_GROUP) -> tuple[str, ...]:
    """One order as text; the numbers of a small group are hidden."""
    head = (row.order, row.client, row.rule_table_version)
    if row.small:
        return (*head, f"< {small_group} patients", "")
    return (*head, str(row.proposed), str(row.accepted))


def as_table(report: Report) -> str:
    """Both tables as aligned text."""
    return "\n".join(
        [
            _aligned([COLUMNS, *map(cells, report.rows)]),
            f"Feedback on unknown cards: {report.unmatched_feedback}",
            "",
            _aligned([ORDER_COLUMNS, *map(order_cells, report.orders)]),
        ]
    )


def _aligned(lines: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_csv(report: Report) -> str:
    """The findings as CSV."""
    return _csv([COLUMNS, *map(cells, report.rows)])


def orders_as_csv(report: Report) -> str:
    """The orders as CSV."""
    return _csv([ORDER_COLUMNS, *map(order_cells, report.orders)])


def _csv(lines: list[tuple[str, ...]]) -> str:
    """A leading =, +, - or @ is quoted, so that spreadsheets run no formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    for line in lines:
        writer.writerow(["'" + cell if cell[:1] in {*"=+-@"} else cell for cell in line])
    return out.getvalue()


def as_json(report: Report) -> str:
    """The report as JSON; the numbers of a small group are left out."""
    rows = [
        {"finding": row.finding, "client": row.client, "ruleTableVersion": row.rule_table_version}
        | (
            {"small": True}
            if row.small
            else {
                "shown": row.shown,
                "alsoOn": row.also,
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
    orders = [
        {"order": row.order, "client": row.client, "ruleTableVersion": row.rule_table_version}
        | ({"small": True} if row.small else {"proposed": row.proposed, "accepted": row.accepted})
        for row in report.orders
    ]
    document = {
        "since": report.since,
        "until": report.until,
        "rows": rows,
        "orders": orders,
        "unmatchedFeedback": report.unmatched_feedback,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
