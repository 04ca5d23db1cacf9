"""Why no card came before a new marrow disease, in the interpreter's own words, without a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import BLOOD_COUNTS
from service.interpreter.assessment.assess import assess
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import CellLineState, RuleOutcome
from service.interpreter.rules import RULES
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.backtest.patient_record import Record, Verdict
    from service.backtest.plan import Variant
    from service.interpreter.interpretation import Interpretation
    from service.interpreter.thresholds import Thresholds

_COUNTED_LINES = frozenset(BLOOD_COUNTS)
_CAUSES = {Step.PANCYTOPENIA, Step.BICYTOPENIA, Step.THIRD_LINE_UNKNOWN}
_NEAREST = tuple(rule.id for rule in RULES if rule.step in _CAUSES)
_SILENCING = {Step.HOSPICE, Step.CHILD, Step.KNOWN_DISORDER, Step.CHEMOTHERAPY, Step.STALE}
_SILENCED_BY = {rule.id for rule in RULES if rule.step in _SILENCING}


def reason_of(
    record: Record, variant: Variant, lately: Sequence[Verdict], limits: Thresholds
) -> str:
    """Return why the last moment before the diagnosis had no card about the marrow."""
    if not lately:
        return "no count in the time before was judged"
    verdict = lately[-1]
    if verdict.not_answered:
        return f"not answered: {verdict.not_answered}"
    at = verdict.moment.at
    known = record.facts_of_results(at)
    facts = record.facts(at, known)
    off = frozenset(variant.findings_off)
    made = interpret(facts, at, off, limits=limits)
    if silenced := _silenced(made):
        return silenced
    refused = sorted(
        {str(each.reason) for each in known.panel.unreadable if each.analyte in _COUNTED_LINES}
    )
    lines = assess(facts, at, limits).states.lines.values()
    low = sum(fact.state is CellLineState.LOW for fact in lines)
    unknown = sum(fact.state in {CellLineState.UNKNOWN, CellLineState.MASKED} for fact in lines)
    if unknown and refused:
        return f"a count was reported and not read ({', '.join(refused)})"
    if low < 2:
        rest = f", {unknown} not known" if unknown else ""
        return f"{('no line', 'one line')[low]} low at the last count{rest}"
    return _first_failed(made)


def _silenced(made: Interpretation) -> str:
    for tried in made.explanation.tried:
        if tried.outcome is RuleOutcome.SWITCHED_OFF:
            return f"switched off: {tried.id}"
        if tried.outcome is RuleOutcome.FIRED and tried.id in _SILENCED_BY:
            return f"another finding or none was shown instead: {tried.id}"
    return made.explanation.sentence if "deceased" in made.explanation.sentence else ""


def _first_failed(made: Interpretation) -> str:
    """The first condition that failed of the row tried last: of all rows it came furthest."""
    for tried in reversed(made.explanation.tried):
        if tried.id in _NEAREST and tried.condition:
            return f"{tried.id}: {tried.condition.split(':')[0]}"
    return "no row of the table held"
