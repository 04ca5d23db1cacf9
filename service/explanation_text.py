"""The explanation of one call: as plain JSON for `extension`, and as text for a person.

One value, made from the interpretation and from what was gathered (architecture 2.7): values used
and set aside, states, rules in the order tried with the first condition that failed, what would
settle an undecided one, modifiers, and where each group of data came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import Note
from service.interpreter.interpretation import Line
from service.markdown import plain
from service.names import analyte_name, order_name
from service.plain_markdown import wrapped
from service.values_text import as_reported, canonical, differs, shown_time
from service.wording import (
    B12_WORDS,
    FUNCTION_WORDS,
    IRON_WORDS,
    NOTE_WORDS,
    PATTERN_WORDS,
    REASON_WORDS,
    line_name,
    line_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_mappings.panel import LabResult, Unreadable
    from service.interpreter.interpretation import Interpretation, States

Json = dict[str, Any]

EXTENSION_KEY = "heme-hooks"
"""The member of `extension` that holds the explanation."""

_WITH_CONDITION = {"false": "not met", "undecided": "undecided, open"}
_OUTCOMES = {
    "fired": "applies",
    "false": "does not apply",
    "undecided": "undecided",
    "not reached": "not reached",
    "switched off": "switched off here",
}


def explanation_document(interpretation: Interpretation, sources: Mapping[str, str]) -> Json:
    """Return the explanation as plain JSON types, empty parts left out.

    `sources` maps each data group to where its data came from ("prefetch", "unavailable", ...).
    """
    explanation = interpretation.explanation
    document: Json = {
        "sentence": explanation.sentence,
        "states": _state_codes(interpretation.states),
        "statesInWords": _states_in_words(interpretation.states),
        "used": [_used(result) for result in interpretation.states.used],
        "setAside": [_set_aside(result) for result in interpretation.set_aside],
        "rules": [
            _without_empty(
                {
                    "id": rule.id,
                    "outcome": str(rule.outcome),
                    "condition": rule.condition,
                    "settledBy": list(rule.settled_by),
                }
            )
            for rule in explanation.tried
        ],
        "modifiers": [
            {"id": modifier.id, "trigger": modifier.trigger, "effect": modifier.effect}
            for modifier in (explanation.modifiers or interpretation.modifiers)
        ],
        "proposed": [
            {"order": order_name(order.order), "priority": str(order.priority)}
            for order in interpretation.orders
        ],
        "withheld": [
            {"order": order_name(order.order), "reason": order.reason}
            for order in interpretation.withheld
        ],
        "couldNotCheck": list(interpretation.could_not_check),
        "data": dict(sources),
    }
    return _without_empty(document)


def explanation_in(response: Json) -> Json:
    """Return the explanation inside a response, empty when the service gave none."""
    extension = response.get("extension")
    explanation = extension.get(EXTENSION_KEY) if isinstance(extension, dict) else None
    return explanation if isinstance(explanation, dict) else {}


def render(document: Json, width: int) -> str:
    """Return the explanation as text, wrapped to `width` columns."""
    if not document:
        return "The service gave no explanation."
    lines = ["WHY", *wrapped(_text(document.get("sentence")) or "-", width)]
    for title, key, line_of in _SECTIONS:
        kind: type = str if line_of is _text else dict
        items: list[Any] = [i for i in _items(document.get(key)) if isinstance(i, kind)]
        if items:
            lines += ["", title]
        for item in _grouped(items) if key == "rules" else items:
            lines += wrapped(line_of(item), width, "- ", "  ")
    return "\n".join(lines)


def sentence_of(explanation: Json, width: int) -> str:
    """Return the one sentence for a clinician, wrapped."""
    return "\n".join(wrapped(_text(explanation.get("sentence")), width))


def _items(entries: object) -> list[Any]:
    if isinstance(entries, dict):
        return [{"name": name, "value": value} for name, value in entries.items()]
    return entries if isinstance(entries, list) else []


def _text(value: object) -> str:
    return plain(value, 2000) if isinstance(value, str) else ""


def _grouped(rules: list[Json]) -> list[Json]:
    """Join rules that follow each other and end at the same condition: it is said once."""
    grouped: list[Json] = []
    for rule in rules:
        last = grouped[-1] if grouped else {}
        same = all(rule.get(key) == last.get(key) for key in ("outcome", "condition", "settledBy"))
        if grouped and same:
            grouped[-1] = {**last, "id": f"{_text(last.get('id'))}, {_text(rule.get('id'))}"}
        else:
            grouped.append(rule)
    return grouped


def _rule_line(rule: Json) -> str:
    outcome, condition = _text(rule.get("outcome")), _text(rule.get("condition"))
    words = _OUTCOMES.get(outcome, outcome)
    if condition:
        words = f"{_WITH_CONDITION.get(outcome, words)}: {condition}"
    line = f"{_text(rule.get('id'))}: {words}"
    if rule.get("settledBy"):
        line += "; would be settled by " + ", ".join(map(_text, rule["settledBy"]))
    return line


def _used_line(result: Json) -> str:
    reported, value = _text(result.get("reported")), _text(result.get("value"))
    shown = f"{reported} = {value}" if reported and result.get("differs") else reported or value
    notes = [NOTE_WORDS[note] for note in Note if note.value in (result.get("notes") or [])]
    parts = [shown, _text(result.get("taken")), _text(result.get("status")), *notes]
    return f"{_text(result.get('name'))}: " + ", ".join(part for part in parts if part)


def _pair_line(item: Json) -> str:
    return f"{_text(item.get('name'))}: {_text(item.get('value'))}"


_SECTIONS: tuple[tuple[str, str, Any], ...] = (
    ("RULES IN THE ORDER TRIED", "rules", _rule_line),
    (
        "MODIFIERS",
        "modifiers",
        lambda m: f"{_text(m.get('id'))} {_text(m.get('trigger'))}: {_text(m.get('effect'))}",
    ),
    ("STATES", "statesInWords", _pair_line),
    ("VALUES USED", "used", _used_line),
    (
        "REPORTED BUT NOT USED",
        "setAside",
        lambda r: f"{_text(r.get('name'))} {_text(r.get('reported'))}: {_text(r.get('reason'))}",
    ),
    (
        "NOT PROPOSED",
        "withheld",
        lambda o: f"{_text(o.get('order'))}: {_text(o.get('reason'))}",
    ),
    ("COULD NOT BE CHECKED", "couldNotCheck", _text),
    ("DATA", "data", _pair_line),
)


def _state_codes(states: States) -> Json:
    facts = {line.value: states.lines[line] for line in Line if line in states.lines}
    return {
        "lines": {name: fact.state.value for name, fact in facts.items()},
        "grades": {name: fact.grade.value for name, fact in facts.items()},
        "pattern": states.pattern.value,
        "b12": states.b12.value,
        "iron": states.iron.value,
        "function": states.function.value,
    }


def _states_in_words(states: States) -> Json:
    facts = (states.lines[line] for line in Line if line in states.lines)
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
            "taken": shown_time(result.taken) if result.taken else "",
            "source": result.source,
        }
    )


def _without_empty(document: Json) -> Json:
    return {key: value for key, value in document.items() if value not in ("", [], {}, None, False)}
