"""The detail of a Card: every value, every doubt, and where the rule stands (3.4).

All text passes through `service.cards.escaping`; nothing from a record reaches the client
unescaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.cards import escaping as markdown
from service.cards.names import analyte_name, order_name
from service.cards.plain_words import (
    B12_WORDS,
    FUNCTION_WORDS,
    IRON_WORDS,
    PATTERN_WORDS,
    REASON_WORDS,
    line_name,
    line_words,
)
from service.cards.values import shown_time, values_table
from service.interpreter.interpretation import CellLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.context import MedicationDraft
    from fhir_mappings.panel import Unreadable
    from service.interpreter.interpretation import FiredFinding, Interpretation, States

DISCLAIMER = "Decision support, not a diagnosis."

MOST_SET_ASIDE = 15
"""How many refused results a Card lists; the rest is counted, and listed in the explanation."""

# Rules whose patients the adult limits and the B12 pathway do not describe (2.5, 3.2).
_WITHOUT_STATES = frozenset({"pediatric"})


def states_list(states: States) -> str:
    """Return the states of lines, B12, iron and functional B12 in plain words."""
    facts = [states.lines[line] for line in CellLine if line in states.lines]
    items = [f"{line_name(fact)}: {line_words(fact)}" for fact in facts]
    items.append(f"Pattern: {PATTERN_WORDS[states.pattern]}")
    items.append(f"Iron: {IRON_WORDS[states.iron]}")
    items.append(f"Vitamin B12: {B12_WORDS[states.b12]}")
    items.append(f"Functional B12 status: {FUNCTION_WORDS[states.function]}")
    items.extend(states.notes)
    return section("How they were read", items)


def set_aside_list(results: Iterable[Unreadable]) -> str:
    """Return what was reported but not used, each with its reason; the newest of what recurs."""
    alike: dict[tuple[object, ...], list[Unreadable]] = {}
    for result in results:
        key = (result.analyte, result.reported, result.reason, result.explanation)
        alike.setdefault(key, []).append(result)
    items = [_set_aside_item(several[0], len(several) - 1) for several in alike.values()]
    if len(items) > MOST_SET_ASIDE:
        more = len(items) - MOST_SET_ASIDE
        items = [*items[:MOST_SET_ASIDE], f"and {more} more, the newest stand above"]
    return section("Reported but not used", items, escape=False)


def _set_aside_item(result: Unreadable, earlier: int) -> str:
    name = analyte_name(result.analyte) if result.analyte else "A result"
    parts = [markdown.prose(name)]
    if result.reported:
        parts.append(markdown.code(result.reported))
    if result.taken:
        more = f", and {earlier} more like it" if earlier else ""
        parts.append(f"({shown_time(result.taken)}{more})")
    why = result.explanation or REASON_WORDS[result.reason]
    return f"{' '.join(parts)}: {markdown.prose(why)}"


@dataclass(frozen=True, slots=True)
class EvidenceBlocks:
    """The blocks that every Card of one call shows, rendered once."""

    values: str
    states: str
    set_aside: str
    unchecked: str

    def blocks(self, finding: FiredFinding) -> tuple[str, ...]:
        """Return the blocks for one finding; a child is not read by the limits of adults."""
        states = "" if finding.id in _WITHOUT_STATES else self.states
        return self.values, states, self.set_aside, self.unchecked


def evidence(interpretation: Interpretation) -> EvidenceBlocks:
    """Return values, states, what was not used and what could not be checked."""
    return EvidenceBlocks(
        values_table(interpretation.states.used),
        states_list(interpretation.states),
        set_aside_list(interpretation.set_aside),
        section("What could not be checked", interpretation.could_not_check),
    )


def withheld_list(interpretation: Interpretation) -> str:
    """Return the orders that the finding names but that are not proposed, with the reason."""
    items = [f"{order_name(order.order)}: {order.reason}" for order in interpretation.withheld]
    return section("Not proposed", items)


def also_found(interpretation: Interpretation) -> str:
    """Name the overlays that have no card of their own."""
    items = [lower.summary for lower in interpretation.lower_overlays]
    return section("Also found", items)


def avoid_list(finding: FiredFinding) -> str:
    """Return what not to do."""
    return section("Cautions", finding.cautions)


def footer(finding: FiredFinding, *, version: str, rule_url: str) -> str:
    """Return rule, table version, seed step, sources and link, and what this is not."""
    parts = [f"Rule {markdown.code(finding.id)}, rule table {markdown.code(version)}"]
    if finding.seed_steps:
        parts.append("seed " + markdown.prose(", ".join(finding.seed_steps)))
    if finding.citation:
        parts.append("sources " + markdown.prose(", ".join(finding.citation)))
    rule = "; ".join(parts) + ". " + markdown.link("What this rule says", rule_url) + "."
    return f"{rule}\n\n*{DISCLAIMER}*"


def paragraphs(texts: Iterable[str]) -> list[str]:
    """Return one escaped paragraph for each text."""
    return [markdown.prose(text) for text in texts]


def section(title: str, items: Iterable[str], *, escape: bool = True) -> str:
    """Return a heading with a list under it; empty without items."""
    rendered = [markdown.prose(item) if escape else item for item in items]
    if not rendered:
        return ""
    return markdown.join([markdown.heading(title), markdown.bullets(rendered)])


def drafts_line(drafts: Iterable[MedicationDraft]) -> str:
    """Name the drafts that an order-hook Card is about, as the record names them."""
    names = dict.fromkeys(draft.name or draft.id for draft in drafts)
    return "Drafted order: " + ", ".join(markdown.code(name) for name in names if name)


def detail(
    shown: EvidenceBlocks,
    finding: FiredFinding,
    lead: Iterable[str],
    *,
    version: str,
    rule_url: str,
) -> str:
    """Return a whole detail: `lead` blocks, then the evidence, then where the rule stands."""
    end = footer(finding, version=version, rule_url=rule_url)
    return markdown.join([*lead, *shown.blocks(finding), end])
