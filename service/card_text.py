"""The detail of a Card: every value, every doubt, and where the rule stands (3.4).

All text passes through `service.markdown`; nothing from a record reaches the client unescaped.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, LabResult, Note, Unreadable
from service import markdown
from service.interpreter.interpretation import Line
from service.names import analyte_name, order_name
from service.wording import (
    B12_WORDS,
    COMPUTED_NOTES,
    FUNCTION_WORDS,
    IRON_WORDS,
    NOTE_WORDS,
    PATTERN_WORDS,
    REASON_WORDS,
    line_name,
    line_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fhir_mappings.context import MedicationDraft
    from fhir_mappings.panel import ReferenceInterval
    from service.interpreter.interpretation import FiredFinding, Interpretation, States

DISCLAIMER = "Decision support, not a diagnosis."

MOST_SET_ASIDE = 15
"""How many refused results a Card lists; the rest is counted, and listed in the explanation."""

# Rules whose patients the adult limits and the B12 pathway do not describe (2.5, 3.2).
_WITHOUT_STATES = frozenset({"pediatric"})

_ORDER_OF_ANALYTES = {analyte: place for place, analyte in enumerate(Analyte)}


def shown_number(value: Decimal) -> str:
    """Return a number as a person writes it: no exponent, at most four significant digits."""
    if value == 0:
        return "0"
    digits = max(0, 3 - value.adjusted())
    rounded = round(value, digits) if -value.as_tuple().exponent > digits else value  # type: ignore[operator]
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_time(moment: datetime) -> str:
    """Return date, time and offset as the Observation gave them."""
    return f"{moment:%Y-%m-%d %H:%M} {moment.isoformat()[-6:]}"


def as_reported(result: LabResult) -> str:
    """Return comparator, value and unit as the laboratory wrote them; empty when computed."""
    value = result.reported_value.strip()
    if not value:
        return ""
    if result.comparator and value[0] not in "<>":
        value = f"{result.comparator}{value}"
    return f"{value} {result.reported_unit}".strip()


def canonical(result: LabResult) -> str:
    """Return the value in the analyte's canonical unit."""
    sign = f"{result.comparator}" if result.comparator else ""
    return f"{sign}{shown_number(result.value)} {result.unit}"


def differs(result: LabResult) -> bool:
    """Whether the canonical number is another than the reported one, or its unit was not given."""
    if not result.reported_unit or result.notes & {Note.UNIT_INFERRED}:
        return True
    try:
        return Decimal(result.reported_value.strip().lstrip("<>= ")) != result.value
    except InvalidOperation:
        return True


def values_table(results: Iterable[LabResult]) -> str:
    """Return the table of values used, by analyte and newest first; empty without any."""
    ordered = sorted(
        dict.fromkeys(results),
        key=lambda result: (_ORDER_OF_ANALYTES[result.analyte], -result.taken.timestamp()),
    )
    rows = [
        [
            markdown.prose(analyte_name(result.analyte)),
            _value_cell(result),
            shown_time(result.taken),
            _remarks(result),
        ]
        for result in ordered
    ]
    if not rows:
        return ""
    table = markdown.table(["Result", "As reported", "Taken", "Status and remarks"], rows)
    return markdown.join([markdown.heading("Values used"), table])


def _value_cell(result: LabResult) -> str:
    reported = as_reported(result)
    if not reported:
        return f"{markdown.code(canonical(result))} (computed)"
    cell = markdown.code(reported)
    if result.notes & COMPUTED_NOTES and differs(result):
        return f"{markdown.code(canonical(result))} (computed; reported {cell})"
    return f"{cell} = {markdown.code(canonical(result))}" if differs(result) else cell


def _remarks(result: LabResult) -> str:
    notes = sorted(result.notes)
    if any(note in COMPUTED_NOTES and note is not Note.COMPUTED for note in notes):
        notes = [note for note in notes if note is not Note.COMPUTED]
    parts = [result.status, *(NOTE_WORDS[note] for note in notes)]
    if result.interval is not None:
        parts.append(_interval_words(result.interval, result.unit))
    if result.flag is not None:
        parts.append(f"laboratory flag {result.flag}")
    return "; ".join(markdown.prose(part) for part in parts if part)


def _interval_words(interval: ReferenceInterval, unit: str) -> str:
    low, high = interval.low, interval.high
    if low is not None and high is not None:
        limits = f"{shown_number(low)} to {shown_number(high)}"
    elif low is not None:
        limits = f"from {shown_number(low)}"
    elif high is not None:
        limits = f"up to {shown_number(high)}"
    else:
        return ""
    return f"laboratory's range {limits} {unit}"


def states_list(states: States) -> str:
    """Return the states of lines, B12, iron and functional B12 in plain words."""
    facts = [states.lines[line] for line in Line if line in states.lines]
    items = [f"{line_name(fact)}: {line_words(fact)}" for fact in facts]
    items.append(f"Pattern: {PATTERN_WORDS[states.pattern]}")
    items.append(f"Iron: {IRON_WORDS[states.iron]}")
    items.append(f"Vitamin B12: {B12_WORDS[states.b12]}")
    items.append(f"Functional B12 status: {FUNCTION_WORDS[states.function]}")
    items.extend(states.notes)
    return section("How they were read", items)


def set_aside_list(results: Iterable[Unreadable]) -> str:
    """Return what was reported but not used, each with its reason."""
    items = [_set_aside_item(result) for result in results]
    if len(items) > MOST_SET_ASIDE:
        more = len(items) - MOST_SET_ASIDE
        items = [*items[:MOST_SET_ASIDE], f"and {more} more, the newest stand above"]
    return section("Reported but not used", items, escape=False)


def _set_aside_item(result: Unreadable) -> str:
    name = analyte_name(result.analyte) if result.analyte else "A result"
    parts = [markdown.prose(name)]
    if result.reported:
        parts.append(markdown.code(result.reported))
    if result.taken:
        parts.append(f"({shown_time(result.taken)})")
    why = result.explanation or REASON_WORDS[result.reason]
    return f"{' '.join(parts)}: {markdown.prose(why)}"


def evidence(interpretation: Interpretation, finding: FiredFinding) -> list[str]:
    """Return the blocks that every Card shows: values, states, what was not used or not known."""
    show_states = finding.id not in _WITHOUT_STATES
    return [
        values_table(interpretation.states.used),
        states_list(interpretation.states) if show_states else "",
        set_aside_list(interpretation.set_aside),
        section("Could not be checked", interpretation.could_not_check),
    ]


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
    return section("Cautions", finding.avoid)


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
    interpretation: Interpretation,
    finding: FiredFinding,
    lead: Iterable[str],
    *,
    version: str,
    rule_url: str,
) -> str:
    """Return a whole detail: `lead` blocks, then the evidence, then where the rule stands."""
    blocks = [*lead, *evidence(interpretation, finding)]
    return markdown.join([*blocks, footer(finding, version=version, rule_url=rule_url)])
