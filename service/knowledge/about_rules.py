"""The rules as on the page "About this rule": for physicians, without ids and codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.interpreter import thresholds
from service.interpreter.formatting import unit_words
from service.interpreter.rules.sources import SOURCES
from service.knowledge.rows import ModifierRow, OrderRow, RuleRow, modifier_rows, rule_rows
from service.knowledge.titles import readable, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class AboutRule:
    """One rule for the page. `avoid` begins with the line of the card; `sources` are whole."""

    id: str
    title: str
    step: int
    step_title: str
    when: tuple[str, ...]
    meaning: str
    detail: tuple[str, ...]
    orders: tuple[OrderRow, ...]
    avoid: tuple[str, ...]
    indicator: str
    sources: tuple[str, ...]
    seed_steps: tuple[str, ...]
    has_card: bool


@dataclass(frozen=True, slots=True)
class AboutLimit:
    """One limit with its unit and the ids of its sources."""

    meaning: str
    value: str
    sources: str


def about_rules() -> tuple[AboutRule, ...]:
    """Return every rule in the order of evaluation."""
    return tuple(map(_about, rule_rows()))


def about_modifiers() -> tuple[ModifierRow, ...]:
    """Return what in the chart changes an answer."""
    return tuple(
        ModifierRow(row.id, readable(row.trigger), readable(row.effect)) for row in modifier_rows()
    )


def about_limits() -> Iterator[AboutLimit]:
    """Yield every limit in the order of the table."""
    for limit in thresholds.table():
        value = f"{limit.value} {unit_words(limit.unit)}".strip()
        yield AboutLimit(readable(limit.meaning), value, ", ".join(limit.citations))


def _about(row: RuleRow) -> AboutRule:
    said = [text for text in row.detail if not text.startswith("(")]
    avoid = (_sentence(row.avoid), *row.cautions) if row.avoid else row.cautions
    return AboutRule(
        id=row.id,
        title=title_of(row.id),
        step=row.step,
        step_title=row.step_title,
        when=tuple(map(readable, row.when)),
        meaning=row.meaning,
        detail=tuple(map(readable, said)),
        orders=tuple(OrderRow(each.id, each.name, readable(each.terms)) for each in row.orders),
        avoid=tuple(map(readable, avoid)),
        indicator=_sentence(readable(row.indicator)),
        sources=tuple(dict.fromkeys(SOURCES[each] for each in row.citations)),
        seed_steps=row.seed_steps,
        has_card=row.has_card,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
