"""The evidence of one call (its explanation), as text for a person at a terminal."""

from __future__ import annotations

from typing import Any

from fhir_mappings.panel import Note
from service.cards.escaping import plain
from service.cards.explanation import EXTENSION_KEY
from service.cards.plain_words import NOTE_WORDS
from service.cds_client.plain_markdown import wrapped

Json = dict[str, Any]

_WITH_CONDITION = {"false": "not met", "undecided": "undecided, open"}
_OUTCOMES = {
    "fired": "applies",
    "false": "does not apply",
    "undecided": "undecided",
    "not reached": "not reached",
    "switched off": "switched off here",
}


def explanation_in(response: Json) -> Json:
    """Return the explanation inside a response, empty when the service gave none."""
    extension = response.get("extension")
    explanation = extension.get(EXTENSION_KEY) if isinstance(extension, dict) else None
    return explanation if isinstance(explanation, dict) else {}


def render(document: Json, width: int) -> str:
    """Return the evidence as text, wrapped to `width` columns."""
    if not document:
        return "The service gave no evidence."
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
    limits, flag = _text(result.get("range")), _text(result.get("flag"))
    parts = [shown, _text(result.get("taken")), _text(result.get("status")), *notes]
    parts += [f"laboratory's range {limits}" if limits else "", f"flagged {flag}" if flag else ""]
    parts += [_text(result.get("source"))]
    return f"{_text(result.get('name'))}: " + ", ".join(part for part in parts if part)


def _set_aside_line(result: Json) -> str:
    named = [_text(result.get(key)) for key in ("name", "reported")]
    when = _text(result.get("taken"))
    return f"{' '.join(named)}{f' ({when})' if when else ''}: {_text(result.get('reason'))}"


def _finding_line(finding: Json) -> str:
    """One paragraph: the finding, its text, its conditions and its sources."""
    parts = [f"{_text(finding.get('id'))} ({_text(finding.get('indicator')) or 'no card'})."]
    parts += map(_text, (finding.get("summary"), finding.get("meaning")))
    parts += map(_text, finding.get("text") or [])
    parts += map(_text, finding.get("cautions") or [])
    for title, key in (("Conditions", "conditions"), ("Seed", "seed")):
        items = "; ".join(map(_text, finding.get(key) or []))
        parts.append(f"{title}: {items}." if items else "")
    sources = "; ".join(_text(each.get("source")) for each in finding.get("sources") or [])
    parts.append(f"Sources: {sources}." if sources else "")
    return " ".join(part for part in parts if part)


def _proposed_line(order: Json) -> str:
    text = f"{_text(order.get('order'))}, {_text(order.get('priority'))}"
    because = _text(order.get("because")) or _text(order.get("note"))
    return f"{text}: {because}" if because else text


def _words_line(entry: Json) -> str:
    line = f"{_text(entry.get('text'))}: {', '.join(map(_text, entry.get('takenFor') or []))}"
    return f"{line} (doubted)" if entry.get("doubted") else line


def _pair_line(item: Json) -> str:
    return f"{_text(item.get('name'))}: {_text(item.get('value'))}"


_SECTIONS: tuple[tuple[str, str, Any], ...] = (
    ("FINDINGS", "findings", _finding_line),
    ("ABOUT THIS PATIENT", "remarks", _text),
    ("VALUES USED", "used", _used_line),
    ("BEFORE", "before", _used_line),
    ("HOW THEY WERE READ", "statesInWords", _pair_line),
    ("NOTES", "notes", _text),
    ("REPORTED BUT NOT USED", "setAside", _set_aside_line),
    ("COULD NOT BE CHECKED", "couldNotCheck", _text),
    ("READ FROM WORDS, NOT FROM A CODE", "readFromWords", _words_line),
    ("PROPOSED", "proposed", _proposed_line),
    (
        "NOT PROPOSED",
        "withheld",
        lambda o: f"{_text(o.get('order'))}: {_text(o.get('reason'))}",
    ),
    (
        "MODIFIERS",
        "modifiers",
        lambda m: f"{_text(m.get('id'))} {_text(m.get('trigger'))}: {_text(m.get('effect'))}",
    ),
    ("RULES IN THE ORDER TRIED", "rules", _rule_line),
    ("DATA", "data", _pair_line),
)
