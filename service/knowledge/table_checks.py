"""Checks of the decision table itself, each a list of sentences about what is wrong.

An empty list is good. `heme-hooks knowledge check` and the tests run them.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from itertools import product
from typing import TYPE_CHECKING

from fhir_mappings.context import Patient
from fhir_mappings.panel import Panel
from service.interpreter.answer.existing_results import GROUPS_OF_ORDER, SEROLOGY_OF_ORDER
from service.interpreter.answer.orders import KNOWN_DISEASE
from service.interpreter.answer.summaries import MAX_SUMMARY, PLACEHOLDERS
from service.interpreter.assessment.situation import FolateState, Freshness, Situation
from service.interpreter.interpretation import (
    MARROW_BIOPSY,
    B12State,
    CellLine,
    CellLineFact,
    CellLineState,
    Facts,
    FunctionState,
    IronState,
    Overlay,
    Pattern,
    States,
)
from service.interpreter.rules import RULES
from service.interpreter.rules.criteria.criterion import Case, judge
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from service.interpreter.rules.rule import Rule

ENUMERATED = frozenset(
    {
        Overlay.NEUTROPENIC_FEVER,
        Overlay.CIRCULATING_BLASTS,
        Overlay.SEVERE_CYTOPENIAS,
        "index-pattern",
        "pancytopenia-high-b12",
        "pancytopenia-high-b12-iron-deficiency",
        "false-high-b12",
        "treated-b12-deficiency",
        "pancytopenia-low-b12",
        "b12-function-unknown",
        "functional-b12-deficiency",
        "unexplained-pancytopenia",
        "folate-deficiency",
        "pancytopenia-iron-deficiency",
        "pancytopenia-chronic-disease-iron",
        "incomplete-workup",
        "bicytopenia-high-b12",
        "bicytopenia-low-b12",
        "bicytopenia",
        "incomplete-cbc",
        "stale-counts",
        "pediatric",
        "pregnancy",
        "known-hematologic-disorder",
        "known-hematologic-disorder-suppressed",
        "recent-chemotherapy",
        "hospice-suppressed",
        "b12-order-without-deficiency",
        "iron-order-without-deficiency",
        "data-quality",
    }
)
"""Every finding of clinical-knowledge 3.2 and 3.3."""

CITATION = re.compile(r"R([1-9]|1[0-9])|OWN")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"\S*[^\W_]\S*")

FIRST_MATCH = frozenset(
    {
        frozenset({"treated-b12-deficiency", "pancytopenia-high-b12"}),
        frozenset({"functional-b12-deficiency", "folate-deficiency"}),
        frozenset({"functional-b12-deficiency", "incomplete-workup"}),
        frozenset({"folate-deficiency", "incomplete-workup"}),
        frozenset({"folate-deficiency", "pancytopenia-iron-deficiency"}),
        frozenset({"folate-deficiency", "pancytopenia-chronic-disease-iron"}),
        frozenset({"folate-deficiency", "b12-function-unknown"}),
        frozenset({"folate-deficiency", "unexplained-pancytopenia"}),
    }
)
"""Rows that can hold together; their order in the table decides (clinical-knowledge 3.1)."""


def identity_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every id once, every enumerated finding present, none unknown."""
    counts = Counter(rule.id for rule in rules)
    problems = [f"{rule} stands {count} times" for rule, count in counts.items() if count > 1]
    problems += [f"{finding} has no row" for finding in sorted(ENUMERATED - set(counts))]
    return problems + [f"{rule} is no known finding" for rule in sorted(set(counts) - ENUMERATED)]


def citation_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every row rests on a source of clinical-knowledge 9, or says OWN."""
    problems = [f"{rule.id} cites nothing" for rule in rules if not rule.citation]
    return problems + [
        f"{rule.id} cites {citation}, which is no source"
        for rule in rules
        for citation in rule.citation
        if not CITATION.fullmatch(citation)
    ]


def order_problems(orders: Collection[str], rules: Iterable[Rule] = RULES) -> list[str]:
    """Every order that a row or a modifier names exists in `orders`."""
    named = {(rule.id, wish.order) for rule in rules for wish in rule.orders}
    others = {*GROUPS_OF_ORDER, *SEROLOGY_OF_ORDER, *KNOWN_DISEASE, "copper", "zinc"}
    named |= {("a modifier", order) for order in others}
    return sorted(
        f"{who} names {order}, which is no order" for who, order in named if order not in orders
    )


def text_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every card has summary and text, every placeholder is known, the fixed part is short."""
    problems = []
    for rule in rules:
        names = set(_PLACEHOLDER.findall(f"{rule.summary} {rule.meaning} {rule.avoid}"))
        problems += [f"{rule.id}: no placeholder {{{name}}}" for name in names - set(PLACEHOLDERS)]
        if rule.has_card and not (rule.summary and rule.detail and rule.meaning and rule.avoid):
            problems.append(f"{rule.id} has a card without text")
        problems += [
            f"{rule.id}: {part} has {words} words, more than {most}"
            for part, text, most in (("meaning", rule.meaning, 40), ("avoid", rule.avoid, 30))
            if (words := len(_WORD.findall(text))) > most
        ]
        if len(_PLACEHOLDER.sub("", rule.summary)) > MAX_SUMMARY:
            problems.append(f"{rule.id}: the summary is too long")
    return problems


def marrow_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """No row proposes a marrow and advises against it."""
    refusals = ("no marrow", "marrow is not", "push a marrow", "none is proposed")
    return [
        f"{rule.id} proposes a marrow and says: {text}"
        for rule in rules
        if any(wish.order == MARROW_BIOPSY for wish in rule.orders)
        for text in rule.cautions
        if any(refusal in text.lower() for refusal in refusals)
    ]


def overlap_problems(rules: Iterable[Rule] = RULES) -> list[str]:
    """Every state of a patient with low lines has a cause row; two only where order decides."""
    causes = [rule for rule in rules if rule.step in {Step.PANCYTOPENIA, Step.BICYTOPENIA}]
    problems: set[str] = set()
    for case in _cases():
        fired = frozenset(rule.id for rule in causes if judge(rule.when, case) is True)
        states = case.situation.states
        if not fired:
            problems.add(f"no row: {states.pattern} {states.b12} {states.iron} {states.function}")
        problems |= {
            f"{' and '.join(sorted(pair))} hold together"
            for pair in _pairs(fired)
            if pair not in FIRST_MATCH
        }
    return sorted(problems)


def _pairs(fired: frozenset[str]) -> Iterator[frozenset[str]]:
    ordered = sorted(fired)
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            yield frozenset({first, second})


def _cases() -> Iterator[Case]:
    """One case for each combination of pattern, B12, iron, function and folate."""
    patterns = (Pattern.PANCYTOPENIA, Pattern.BICYTOPENIA)
    folates = (FolateState.LOW, FolateState.NORMAL)
    grid = product(patterns, B12State, IronState, FunctionState, folates)
    for pattern, b12, iron, function, folate in grid:
        yield Case(_situation(States(_lines(pattern), pattern, b12, iron, function), folate))


def _lines(pattern: Pattern) -> dict[CellLine, CellLineFact]:
    third = CellLineState.LOW if pattern is Pattern.PANCYTOPENIA else CellLineState.NORMAL
    return {
        CellLine.HEMOGLOBIN: CellLineFact(CellLine.HEMOGLOBIN, third),
        CellLine.WHITE: CellLineFact(CellLine.WHITE, CellLineState.LOW),
        CellLine.PLATELETS: CellLineFact(CellLine.PLATELETS, CellLineState.LOW),
    }


def _situation(states: States, folate: FolateState) -> Situation:
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    facts = Facts(Patient("checked", birth_date=date(1960, 1, 1)), Panel())
    return Situation(
        facts=facts,
        now=now,
        states=states,
        age=66,
        freshness=Freshness.CURRENT,
        anchor=now,
        anchor_age_days=0,
        low_lines=sum(fact.state is CellLineState.LOW for fact in states.lines.values()),
        folate=folate,
    )


def table_problems(orders: Collection[str], rules: Sequence[Rule] = RULES) -> list[str]:
    """Return everything that is wrong with the table; `orders` are the ids that exist."""
    return [
        *identity_problems(rules),
        *citation_problems(rules),
        *order_problems(orders, rules),
        *text_problems(rules),
        *marrow_problems(rules),
        *overlap_problems(rules),
    ]
