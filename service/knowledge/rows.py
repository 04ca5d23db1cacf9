"""The decision table as rows that people and other systems read.

One reading of `RULES`, for the Markdown, the page at `/knowledge` and the PlanDefinition.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.cards.plain_words import order_name
from service.interpreter.answer.modifiers.table import MODIFIERS, number
from service.interpreter.rules import RULES
from service.interpreter.rules.rule import Step
from service.interpreter.stated_limits import stated, with_standing_limits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.interpreter.rules.rule import Paragraph, Rule, WantedOrder

STEP_TITLES: dict[Step, str] = {
    Step.HOSPICE: "Hospice",
    Step.CHILD: "Patients under 18",
    Step.OVERLAY: "Urgent findings",
    Step.KNOWN_DISORDER: "Known hematologic disorder",
    Step.CHEMOTHERAPY: "Recent chemotherapy",
    Step.STALE: "Older counts",
    Step.SEVERE: "Severe counts",
    Step.PREGNANCY: "Pregnancy",
    Step.PANCYTOPENIA: "Three low lines, first match",
    Step.BICYTOPENIA: "Two low lines, first match",
    Step.THIRD_LINE_UNKNOWN: "Two low lines, the third not known",
    Step.DATA_AND_ORDERS: "Data quality and drafted medicines",
}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of a rule: its id, its name, and what limits it, in words."""

    id: str
    name: str
    terms: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule in words. What depends on the patient stands in parentheses in `detail`."""

    id: str
    step: int
    step_title: str
    when: tuple[str, ...]
    indicator: str
    certainty: str
    summary: str
    meaning: str
    avoid: str
    detail: tuple[str, ...]
    cautions: tuple[str, ...]
    orders: tuple[OrderRow, ...]
    citations: tuple[str, ...]
    seed_steps: tuple[str, ...]
    has_card: bool


@dataclass(frozen=True, slots=True)
class ModifierRow:
    """One modifier in words: its trigger and its effect."""

    id: str
    trigger: str
    effect: str


def modifier_rows() -> tuple[ModifierRow, ...]:
    """Return M1 to M17 in the order of their numbers."""
    return tuple(
        ModifierRow(each.id, each.when, each.then) for each in sorted(MODIFIERS, key=number)
    )


def rule_rows(rules: Iterable[Rule] = RULES) -> tuple[RuleRow, ...]:
    """Return every rule in the order of evaluation."""
    return tuple(_row(rule) for rule in rules)


def _row(rule: Rule) -> RuleRow:
    return RuleRow(
        id=rule.id,
        step=int(rule.step),
        step_title=STEP_TITLES[rule.step],
        when=tuple(stated(condition.text) for condition in rule.when),
        indicator=stated(rule.indicator.text),
        certainty=rule.certainty,
        summary=rule.summary,
        detail=tuple(text for text in map(_paragraph, rule.detail) if text),
        meaning=with_standing_limits(rule.meaning),
        avoid=with_standing_limits(rule.avoid),
        cautions=rule.cautions,
        orders=tuple(_order(wanted) for wanted in rule.orders),
        citations=rule.citation,
        seed_steps=rule.seed_steps,
        has_card=rule.has_card,
    )


def _paragraph(paragraph: Paragraph) -> str:
    if isinstance(paragraph, str):
        return stated(paragraph)
    purpose = (inspect.getdoc(paragraph) or "").split("\n", 1)[0]
    if not purpose:
        return "(A sentence that depends on the patient.)"
    return f"(Depends on the patient: {purpose[0].lower()}{purpose[1:]})"


def _order(wanted: WantedOrder) -> OrderRow:
    terms = []
    if wanted.when is not None:
        terms.append(f"if {stated(wanted.when.text)}")
    if wanted.priority is not None:
        terms.append(stated(wanted.priority.text))
    if wanted.despite_result:
        terms.append("even when a result exists")
    if wanted.note:
        terms.append(wanted.note)
    if wanted.because:
        terms.append(wanted.because)
    return OrderRow(wanted.order, order_name(wanted.order), "; ".join(terms))
