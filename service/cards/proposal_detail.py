"""What the marrow Card and the work-up Card say (clinical-knowledge 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cards import detail as card_text
from service.cards import escaping as markdown
from service.cds_hooks.messages import MAX_SUMMARY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.interpreter.interpretation import Interpretation, ProposedOrder

MARROW_TEXT = (
    "Bone marrow aspirate and biopsy with cytogenetics and flow cytometry can be prepared as a "
    "draft. Hematology decides whether and when it is done, performs it and interprets it. Check "
    "platelets and anticoagulants before the biopsy."
)
WORK_UP_TEXT = (
    "Tests that bear on this finding and have no recent result or open order. Each can be prepared "
    "as a draft; none is placed by itself."
)


def marrow_summary(order: ProposedOrder) -> str:
    """Return the summary of the marrow Card."""
    return f"Marrow evaluation ({order.priority}): aspirate and biopsy, for hematology to decide."


def marrow_lead(order: ProposedOrder, interpretation: Interpretation) -> list[str]:
    """Return the opening of the marrow Card's detail."""
    because = markdown.prose(order.because) if order.because else ""
    return [MARROW_TEXT, because, _about(interpretation)]


def work_up_summary(labels: Sequence[str]) -> str:
    """Return as many test names as fit the summary, and how many more there are."""
    start = "Work-up proposed: "
    for shown in range(len(labels), 0, -1):
        rest = len(labels) - shown
        text = start + ", ".join(labels[:shown]) + (f" and {rest} more." if rest else ".")
        if len(text) <= MAX_SUMMARY:
            return text
    return f"Work-up proposed: {len(labels)} tests."


def work_up_lead(
    orders: Sequence[ProposedOrder], labels: Sequence[str], interpretation: Interpretation
) -> list[str]:
    """Return the opening of the work-up Card's detail: the orders by priority, and reasons."""
    named = list(zip(orders, labels, strict=True))
    by_priority: dict[str, list[str]] = {}
    for order, label in named:
        by_priority.setdefault(str(order.priority), []).append(label)
    lists = [f"{priority}: {'; '.join(names)}" for priority, names in by_priority.items()]
    reasons = [f"{label}: {order.because}" for order, label in named if order.because]
    return [
        WORK_UP_TEXT,
        markdown.bullets(map(markdown.prose, lists)),
        card_text.section("Why", reasons),
        card_text.withheld_list(interpretation),
        _about(interpretation),
    ]


def _about(interpretation: Interpretation) -> str:
    found = [each for each in (interpretation.overlay, interpretation.finding) if each]
    summaries = [each.summary for each in found if each.has_card]
    return markdown.prose("For: " + " ".join(summaries)) if summaries else ""
