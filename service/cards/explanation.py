"""The explanation of one call as plain JSON for `extension`.

Readers know it as the evidence: everything that a Card leaves out. Values used and set aside with
unit, day, converted value, status, range and source; how they were read; what each finding says at
length, its sources, its conditions and their values; the rules in the order tried; what was not
proposed and why; where each group of data came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import changed
from service.cards.escaping import plain
from service.cards.plain_words import (
    FLAG_WORDS,
    PATTERN_WORDS,
    REASON_WORDS,
    analyte_name,
    line_name,
    line_words,
    order_name,
)
from service.cards.values import as_reported, canonical, differs, interval_words, shown_time
from service.interpreter.formatting import B12_WORDS, FUNCTION_WORDS, IRON_WORDS
from service.interpreter.interpretation import CellLine
from service.interpreter.rules import RULE_TABLE_VERSION
from service.interpreter.rules.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.context import Condition
    from fhir_mappings.panel import LabResult, Unreadable
    from service.interpreter.interpretation import FiredFinding, Interpretation, States
    from service.interpreter.nearest_changes import NearestChange

Json = dict[str, Any]

EXTENSION_KEY = "heme-hooks"
"""The member of `extension` that holds the explanation."""

_LONGEST_ENTRY = 200
"""Characters of an entry of the problem list."""


def explanation_document(
    interpretation: Interpretation,
    sources: Mapping[str, str],
    changes: Iterable[NearestChange] = (),
) -> Json:
    """Return the explanation as plain JSON types, empty parts left out.

    `sources` maps each data group to where its data came from ("prefetch", "unavailable", ...);
    `changes` are the single values that would have changed the answer.
    """
    explanation = interpretation.explanation
    conditions = {rule.id: rule.conditions for rule in explanation.tried}
    document: Json = {
        "ruleTable": RULE_TABLE_VERSION,
        "sentence": explanation.sentence,
        "states": _state_codes(interpretation.states),
        "statesInWords": _states_in_words(interpretation.states),
        "notes": list(interpretation.states.notes),
        "before": [_used(result) for result in interpretation.states.before.values()],
        "findings": [_finding(each, conditions) for each in _findings(interpretation)],
        "remarks": [remark.text for remark in interpretation.remarks],
        "used": [_used(result) for result in interpretation.states.used],
        "setAside": [
            _set_aside(result) for result in (*interpretation.set_aside, *explanation.left_out)
        ],
        "rules": [
            _without_empty(
                {
                    "id": rule.id,
                    "outcome": str(rule.outcome),
                    "condition": rule.condition,
                    "settledBy": list(rule.decided_by),
                    "conditions": list(rule.conditions),
                }
            )
            for rule in explanation.tried
        ],
        "modifiers": [
            {"id": modifier.id, "trigger": modifier.trigger, "effect": modifier.effect}
            for modifier in (explanation.modifiers or interpretation.modifiers)
        ],
        "proposed": [
            _without_empty(
                {
                    "order": order_name(order.order),
                    "priority": str(order.priority),
                    "because": order.because,
                    "note": order.note,
                }
            )
            for order in interpretation.orders
        ],
        "withheld": [
            {"order": order_name(order.order), "reason": order.reason}
            for order in interpretation.withheld
        ],
        "couldNotCheck": list(interpretation.could_not_check),
        "readFromWords": [_read_from_words(each) for each in interpretation.read_from_words],
        "whatWouldChange": [_change(each) for each in changes],
        "data": dict(sources),
    }
    return _without_empty(document)


def _read_from_words(condition: Condition) -> Json:
    """An entry of the problem list without a code, and what its words were taken for."""
    return {
        "text": plain(condition.display, _LONGEST_ENTRY),
        "takenFor": sorted(condition.sets),
        **({"doubted": True} if condition.doubted else {}),
    }


def _change(change: NearestChange) -> Json:
    """One value that would change the answer; `findings` empty: there would be no card."""
    return {
        "name": analyte_name(change.result.analyte),
        "from": canonical(change.result),
        "to": canonical(changed(change.result, value=change.value, comparator=None)),
        "findings": list(change.findings),
        **({"indicator": change.indicator} if change.indicator else {}),
    }


def _findings(interpretation: Interpretation) -> tuple[FiredFinding, ...]:
    """Return every finding of the call once, in the order in which cards name them."""
    given = interpretation
    found = (
        given.overlay,
        *given.lower_overlays,
        given.finding,
        *(finding for finding, _draft in given.order_findings),
        given.data_quality,
    )
    return tuple({each.id: each for each in found if each is not None}.values())


def _finding(finding: FiredFinding, conditions: Mapping[str, tuple[str, ...]]) -> Json:
    return _without_empty(
        {
            "id": finding.id,
            "indicator": str(finding.indicator) if finding.has_card else "",
            "certainty": finding.certainty,
            "summary": finding.summary,
            "meaning": finding.meaning,
            "avoid": finding.avoid,
            "conditions": list(conditions.get(finding.id, ())),
            "text": list(finding.paragraphs),
            "cautions": list(finding.cautions),
            "seed": list(finding.seed_steps),
            "sources": [{"id": each, "source": SOURCES.get(each, "")} for each in finding.citation],
        }
    )


def _state_codes(states: States) -> Json:
    facts = {line.value: states.lines[line] for line in CellLine if line in states.lines}
    return {
        "lines": {name: fact.state.value for name, fact in facts.items()},
        "grades": {name: fact.grade.value for name, fact in facts.items()},
        "pattern": states.pattern.value,
        "b12": states.b12.value,
        "iron": states.iron.value,
        "function": states.function.value,
    }


def _states_in_words(states: States) -> Json:
    facts = (states.lines[line] for line in CellLine if line in states.lines)
    return {
        **{line_name(fact): line_words(fact) for fact in facts},
        "Pattern": PATTERN_WORDS[states.pattern],
        "Iron": IRON_WORDS[states.iron],
        "Vitamin B12": B12_WORDS[states.b12],
        "Functional B12 status": FUNCTION_WORDS[states.function],
    }


def _used(result: LabResult) -> Json:
    return _without_empty(
        {
            "name": analyte_name(result.analyte),
            "loinc": result.loinc,
            "reported": as_reported(result),
            "value": canonical(result),
            "differs": differs(result),
            "taken": shown_time(result.taken),
            "status": result.status,
            "notes": sorted(str(note) for note in result.notes),
            "range": interval_words(result),
            "flag": FLAG_WORDS[result.flag] if result.flag else "",
            "derivedFrom": list(result.derived_from),
            "source": result.source,
        }
    )


def _set_aside(result: Unreadable) -> Json:
    return _without_empty(
        {
            "name": analyte_name(result.analyte) if result.analyte else "result",
            "loinc": result.loinc,
            "reported": result.reported,
            "reason": result.explanation or REASON_WORDS[result.reason],
            "candidates": [f"{each:f}" for each in result.candidates],
            "taken": shown_time(result.taken) if result.taken else "",
            "source": result.source,
        }
    )


def _without_empty(document: Json) -> Json:
    return {key: value for key, value in document.items() if value not in ("", [], {}, None, False)}
