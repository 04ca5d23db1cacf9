"""What would have to be different for another answer: one value, changed as little as possible.

Found by assessing the chart again with the value at the nearest limits, never from text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.panel import changed
from service.interpreter.answer.explanation import nobody
from service.interpreter.answer.indicators import indicator_of
from service.interpreter.assessment.assess import assess
from service.interpreter.evaluation import evaluate_rules
from service.interpreter.interpret import may_still_fire
from service.interpreter.rules.criteria.criterion import Case
from service.interpreter.rules.order_hooks import DATA_QUALITY
from service.interpreter.thresholds import LIMITS, NAME_OF_LIMITS, Thresholds, limits_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from fhir_mappings.panel import Analyte, LabResult
    from service.interpreter.interpretation import Facts, FindingIndicator, Interpretation

Answer = tuple[tuple[str, ...], str]
"""The findings that have a card, the leading one first, and the highest of their indicators."""

_NO_CARD: Answer = ((), "")
_INDICATORS = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class NearestChange:
    """One result, the nearest value (canonical unit) that changes the answer, and that answer.

    `findings` are the findings that would then have a card, the leading one first; empty: no card.
    """

    result: LabResult
    value: Decimal
    findings: tuple[str, ...]
    indicator: str


def nearest_changes(
    facts: Facts,
    now: datetime,
    interpretation: Interpretation,
    findings_off: frozenset[str] = frozenset(),
) -> tuple[NearestChange, ...]:
    """Return, for each result that was used, the nearest value that changes card or indicator.

    A result for which no single value would change the answer is left out, and so is one from which
    another used result was computed.
    """
    today = answer_of(interpretation)
    derived_from = {source for each in interpretation.states.used for source in each.derived_from}
    found = []
    for result in _newest(interpretation):
        if result.source and result.source in derived_from:
            continue
        for value in _candidates(result):
            changed_facts = _with(facts, result, value)
            # Most charts are closed; that they stay so is told without the rules.
            if today == _NO_CARD and not may_still_fire(changed_facts, now, findings_off):
                continue
            then = verdict(changed_facts, now, findings_off)
            if then != today:
                found.append(NearestChange(result, value, *then))
                break
    return tuple(found)


def _newest(interpretation: Interpretation) -> tuple[LabResult, ...]:
    newest: dict[Analyte, LabResult] = {}
    for result in interpretation.states.used:
        known = newest.get(result.analyte)
        if result.analyte in NAME_OF_LIMITS and (known is None or result.taken > known.taken):
            newest[result.analyte] = result
    return tuple(newest.values())


def _candidates(result: LabResult, limits: Thresholds = LIMITS) -> Iterator[Decimal]:
    """The values at each limit and one step below and above it, the nearest first."""
    at = set(limits_of(result.analyte, limits).values())
    if result.interval:
        at |= {limit for limit in (result.interval.low, result.interval.high) if limit is not None}
    values = {limit + step * _step(limit) for limit in at for step in (-1, 0, 1)}
    return iter(
        sorted(
            (value for value in values if value >= 0 and value != result.value),
            key=lambda value: (abs(value - result.value), value),
        )
    )


def _step(limit: Decimal) -> Decimal:
    return Decimal(1).scaleb(int(limit.as_tuple().exponent))


def _with(facts: Facts, result: LabResult, value: Decimal) -> Facts:
    """The same chart with this one result changed."""
    panel = facts.panel
    results = tuple(
        changed(each, value=value, comparator=None) if each is result else each
        for each in panel.results[result.analyte]
    )
    return replace(facts, panel=replace(panel, results={**panel.results, result.analyte: results}))


def verdict(facts: Facts, now: datetime, findings_off: frozenset[str]) -> Answer:
    """Return what `answer_of` says of the interpretation of these facts, without its words."""
    if nobody(facts):
        return _NO_CARD
    situation = assess(facts, now)
    walk = evaluate_rules(situation, findings_off)
    case = Case(situation, walk.overlay_indicators)
    shown = walk.shown_finding
    rules = [rule for rule in (*walk.overlays, *([shown] if shown else [])) if rule.has_card]
    cards = {rule.id: indicator_of(rule, case) for rule in rules}
    if not cards and walk.data_quality:
        cards = {DATA_QUALITY.id: DATA_QUALITY.indicator.of(case)}
    return tuple(cards), _highest(cards.values())


def answer_of(interpretation: Interpretation) -> Answer:
    """Return the findings that have a card and the highest of their indicators."""
    cards = [
        each
        for each in (
            interpretation.overlay,
            *interpretation.lower_overlays,
            interpretation.finding,
        )
        if each is not None and each.has_card
    ]
    if not cards and interpretation.data_quality is not None:
        cards = [interpretation.data_quality]
    return tuple(each.id for each in cards), _highest(each.indicator for each in cards)


def _highest(indicators: Iterable[FindingIndicator]) -> str:
    return max((str(each) for each in indicators), key=_INDICATORS.index, default="")
