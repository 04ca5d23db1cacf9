"""The printed parts of docs/clinical-definition.md, by document and block name."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from fhir_mappings.vocabulary.value_sets import value_sets
from service.cards.escaping import bullets, code, join, prose, table
from service.interpreter import thresholds
from service.interpreter.rules.rule import Step
from service.interpreter.rules.sources import SOURCES
from service.knowledge import laboratory
from service.knowledge.markdown import (
    findings_of,
    limits_table,
    modifiers_table,
    orders_table,
    windows_table,
)
from service.knowledge.rows import rule_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.vocabulary.value_sets import ValueSetDefinition
    from service.interpreter.thresholds import LimitRow
    from service.knowledge.rows import RuleRow

_FIRST_LIMIT = {
    "hgb_male": "limits of the lines",
    "hgb_severe": "limits of severity",
    "iron_low": "limits of chemistry",
    "blast_percent_critical": "limits of urgent findings",
    "child_hgb": "limits of children",
    "flag_factor": "limits of laboratory ranges",
    "hgb_bicytopenia": "limits of two low lines",
}
"""The limit with which each block begins; the table of limits is in the order of sections 2, 3."""

_DOCUMENT_OF = {"limits of two low lines": "clinical/rules"}


def definition_blocks() -> dict[tuple[str, str], str]:
    """Return the Markdown of every generated block, by document (under docs/) and name."""
    rules = rule_rows()
    last = int(Step.DATA_AND_ORDERS)
    return {
        ("clinical-definition", "sources"): _sources(),
        ("clinical/results", "analytes"): laboratory.analytes() + "\n",
        ("clinical/results", "codes"): laboratory.loinc_codes() + "\n",
        ("clinical/results", "range limits"): laboratory.range_limits() + "\n",
        ("clinical/results", "film codes"): laboratory.film_codes() + "\n",
        ("clinical/results", "narrative codes"): laboratory.narrative_codes() + "\n",
        ("clinical/results", "panel codes"): laboratory.panel_codes() + "\n",
        ("clinical/results", "other codes"): laboratory.other_codes() + "\n",
        **{
            (_DOCUMENT_OF.get(name, "clinical/limits"), name): block
            for name, block in _limit_blocks()
        },
        ("clinical/limits", "windows"): windows_table() + "\n",
        ("clinical/rules", "findings"): _rules(row for row in rules if row.step < last),
        ("clinical/rules", "hook-specific"): _rules(row for row in rules if row.step == last),
        ("clinical/rules", "modifiers"): modifiers_table() + "\n",
        ("clinical/orders", "orders"): orders_table() + "\n",
        ("clinical/value-sets", "value sets"): _value_sets(),
    }


def _limit_blocks() -> Iterator[tuple[str, str]]:
    block = ""

    def block_of(limit: LimitRow) -> str:
        nonlocal block
        block = _FIRST_LIMIT.get(limit.name, block)
        return block

    for name, limits in groupby(thresholds.table(), block_of):
        yield name, limits_table(limits) + "\n"


def _rules(rows: Iterator[RuleRow]) -> str:
    return join(findings_of(rows)) + "\n"


def _sources() -> str:
    return bullets(f"**{name}** {prose(text)}" for name, text in SOURCES.items()) + "\n"


def _value_sets() -> str:
    rows = [
        [code(each.name.value), prose(each.description), _contents(each)]
        for each in value_sets().values()
    ]
    return table(["Set", "What is in it", "Codes and patterns"], rows) + "\n"


def _contents(definition: ValueSetDefinition) -> str:
    counts = Counter(each.system for each in definition.concepts.values())
    parts = [f"{code(system)} {count}" for system, count in counts.items()]
    parts += [f"{code(each.system)} {code(each.text, 400)}" for each in definition.patterns]
    parts += [f"includes {code(each.value)}" for each in definition.includes]
    parts += [f"without {code(each.value)}" for each in definition.excludes]
    return "; ".join(parts)
