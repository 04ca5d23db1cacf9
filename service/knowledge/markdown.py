"""The knowledge as Markdown for clinicians: rules, limits, orders, value sets, sources."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from fhir_mappings.vocabulary.orders import ORDERS
from fhir_mappings.vocabulary.value_sets import value_sets
from service.cards.escaping import bullets, code, join, prose, table
from service.interpreter import thresholds, windows
from service.interpreter.answer.orders import usual_priority_words
from service.interpreter.rules import RULE_TABLE_VERSION
from service.interpreter.rules.sources import SOURCES
from service.knowledge import laboratory
from service.knowledge.rows import RuleRow, modifier_rows, rule_rows
from service.knowledge.titles import title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_mappings.vocabulary.value_sets import ValueSetDefinition
    from service.interpreter.thresholds import LimitRow

INTRODUCTION = (
    "Decision support, not a diagnosis. Adults, unless a rule says otherwise. Rules are tried in "
    "the order given; within one step the first that applies is taken. A condition that cannot be "
    "decided, because a result is missing from the record, unreadable or not available, is not "
    "true: only what is true fires. A local clinical safety officer signs the limits off before "
    "live use."
)


def knowledge_markdown() -> str:
    """Return the whole knowledge as one Markdown document."""
    parts = [
        "# heme-hooks: what it knows",
        prose(f"Rule table {RULE_TABLE_VERSION}."),
        INTRODUCTION,
        "## Findings",
        *findings_of(rule_rows()),
        "## Modifiers",
        modifiers_table(),
        "## Limits",
        limits_table(thresholds.table()),
        "## Windows",
        windows_table(),
        "## Laboratory results",
        laboratory.analytes(),
        laboratory.loinc_codes(),
        laboratory.film_codes(),
        laboratory.narrative_codes(),
        laboratory.panel_codes(),
        laboratory.other_codes(),
        "## Orders",
        orders_table(),
        "## Value sets",
        _value_sets(),
        "## Sources",
        bullets(f"{code(name)} {prose(text)}" for name, text in SOURCES.items()),
    ]
    return join(parts) + "\n"


def rule_markdown(rule_id: str) -> str:
    """Return one rule as Markdown. Raises KeyError for an unknown id."""
    row = {each.id: each for each in rule_rows()}[rule_id]
    named = {name: SOURCES[name] for name in row.citations}
    parts = [
        f"# {row.id}: {prose(title_of(row.id))}",
        prose(f"Step {row.step}, {row.step_title}. Rule table {RULE_TABLE_VERSION}."),
        bullets(_facts(row)),
        bullets(f"{code(name)} {prose(text)}" for name, text in named.items()),
        "Decision support, not a diagnosis.",
    ]
    return join(parts) + "\n"


def findings_of(rows: Iterable[RuleRow]) -> Iterator[str]:
    """Yield the rules as Markdown blocks, with a heading for each step and each rule."""
    step = 0
    for row in rows:
        if row.step != step:
            step = row.step
            yield f"### Step {row.step}: {prose(row.step_title)}"
        yield f"#### {row.id}"
        yield bullets(_facts(row))


def _facts(row: RuleRow) -> Iterator[str]:
    yield "When: " + prose("; and ".join(row.when))
    yield "Indicator: " + prose(row.indicator if row.has_card else "no card")
    if row.certainty:
        yield "Wording: " + prose(row.certainty)
    if row.has_card:
        yield "Summary: " + code(row.summary, 300)
        yield "Meaning: " + prose(row.meaning)
        yield "Avoid: " + prose(row.avoid)
    for text in row.detail:
        yield "Detail: " + prose(text)
    yield "Orders: " + (_order_list(row) or "none")
    for text in row.cautions:
        yield "Caution: " + prose(text)
    if row.seed_steps:
        yield "Seed: " + prose(", ".join(row.seed_steps))
    yield "Sources: " + prose(", ".join(row.citations))


def _order_list(row: RuleRow) -> str:
    return ", ".join(
        prose(f"{order.id} ({order.terms})" if order.terms else order.id) for order in row.orders
    )


def modifiers_table() -> str:
    """Return the modifiers with their triggers and effects."""
    return table(
        ["Modifier", "When", "Effect"],
        ([row.id, prose(row.trigger), prose(row.effect)] for row in modifier_rows()),
    )


def limits_table(limits: Iterable[LimitRow]) -> str:
    """Return limits with their values, units and sources."""
    rows = [
        [
            prose(limit.meaning),
            code(f"{limit.value} {limit.unit}"),
            prose(", ".join(limit.citations)),
        ]
        for limit in limits
    ]
    return table(["Limit", "Value", "Sources"], rows)


def windows_table() -> str:
    """Return every window with its length."""
    rows = [[prose(window.meaning), code(_length(window.length))] for window in windows.table()]
    return table(["Window", "Length"], rows)


def _length(window: timedelta) -> str:
    if window.seconds == 0:
        return f"{window.days} days"
    hours, rest = divmod(window, timedelta(hours=1))
    return f"{window // timedelta(minutes=1)} minutes" if rest else f"{hours} hours"


def orders_table() -> str:
    """Return every order with its codes and usual priority."""
    rows = [
        [
            code(order.id),
            prose(order.name),
            code(order.loinc) or "-",
            code(order.snomed) or "-",
            prose(usual_priority_words(order.id)),
        ]
        for order in ORDERS.values()
    ]
    heads = ["Order", "Name", "LOINC", "SNOMED CT", "Priority unless a rule says otherwise"]
    return table(heads, rows)


def _value_sets() -> str:
    return join(_value_set_blocks())


def _value_set_blocks() -> Iterator[str]:
    for definition in value_sets().values():
        yield f"### {definition.name}"
        yield bullets(_value_set_facts(definition))


def _value_set_facts(definition: ValueSetDefinition) -> Iterator[str]:
    yield prose(definition.description)
    by_system: dict[str, list[str]] = {}
    for concept in definition.concepts.values():
        by_system.setdefault(concept.system, []).append(f"{concept.code} {concept.display}".strip())
    for system, names in by_system.items():
        yield f"{code(system)}: " + prose("; ".join(names))
    for pattern in definition.patterns:
        yield f"{code(pattern.system)}: codes like {code(pattern.text, 400)}"
    if definition.includes:
        yield "Includes: " + prose(", ".join(definition.includes))
    if definition.excludes:
        yield "Excludes: " + prose(", ".join(definition.excludes))
