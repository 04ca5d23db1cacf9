"""The explanation of one call as text for a person.

The value is the one that the response's `extension` carries (`service.explanations`): the rules in
the order tried with the first condition that failed, modifiers, states, values, what was set aside
and where the data came from. It may come from a service somewhere else, so nothing in it is trusted
to be there or to be plain text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import Analyte, Note
from service.explanations import EXPLANATION
from service.interpreter.interpretation import B12State, FunctionState, IronState, Outcome, Pattern
from service.markdown import plain
from service.names import analyte_name, order_name
from service.plain_markdown import wrapped
from service.wording import B12_WORDS, FUNCTION_WORDS, IRON_WORDS, NOTE_WORDS, PATTERN_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from enum import StrEnum

Json = dict[str, Any]

NONE_GIVEN = "The service gave no explanation."

_OUTCOMES = {
    Outcome.FIRED: "applies",
    Outcome.FALSE: "does not apply",
    Outcome.UNDECIDED: "undecided",
    Outcome.NOT_REACHED: "not reached",
    Outcome.SWITCHED_OFF: "switched off here",
}
_STATES: tuple[tuple[str, str, type[StrEnum], Mapping[Any, str]], ...] = (
    ("pattern", "Pattern", Pattern, PATTERN_WORDS),
    ("iron", "Iron", IronState, IRON_WORDS),
    ("b12", "Vitamin B12", B12State, B12_WORDS),
    ("function", "Functional B12 status", FunctionState, FUNCTION_WORDS),
)


def explanation_in(response: Json) -> Json:
    """Return the explanation inside a response, empty when the service gave none."""
    extension = response.get("extension")
    explanation = extension.get(EXPLANATION) if isinstance(extension, dict) else None
    return explanation if isinstance(explanation, dict) else {}


def render(explanation: Json, width: int) -> str:
    """Return the explanation as text, wrapped to `width` columns."""
    if not explanation:
        return NONE_GIVEN
    lines = ["WHY", *wrapped(_text(explanation.get("sentence")) or "-", width)]
    for title, items in _sections(explanation):
        shown = [item for item in items if item]
        if shown:
            lines += ["", title]
        for item in shown:
            lines += wrapped(item, width, "- ", "  ")
    return "\n".join(lines)


def _sections(explanation: Json) -> Iterator[tuple[str, Iterator[str]]]:
    def each(key: str) -> list[Json]:
        return [item for item in _list(explanation.get(key)) if isinstance(item, dict)]

    yield "RULES IN THE ORDER TRIED", (_rule(rule) for rule in each("tried"))
    yield "MODIFIERS", (_modifier(modifier) for modifier in each("modifiers"))
    yield "STATES", _states(explanation.get("states"))
    yield "VALUES USED", (_used(result) for result in each("used"))
    yield "REPORTED BUT NOT USED", (_set_aside(result) for result in each("setAside"))
    yield "NOT PROPOSED", (_withheld(order) for order in each("withheld"))
    yield "COULD NOT BE CHECKED", map(_text, _list(explanation.get("couldNotCheck")))
    yield "DATA", (f"{_text(key)}: {_text(value)}" for key, value in _pairs(explanation, "data"))


def _rule(rule: Json) -> str:
    outcome = _text(rule.get("outcome"))
    line = f"{_text(rule.get('id'))}: {_OUTCOMES.get(_member(Outcome, outcome), outcome)}"
    if rule.get("condition"):
        line += f" ({_text(rule['condition'])})"
    settled_by = ", ".join(filter(None, map(_text, _list(rule.get("settled_by")))))
    return f"{line}; would be settled by {settled_by}" if settled_by else line


def _modifier(modifier: Json) -> str:
    return (
        f"{_text(modifier.get('id'))}, {_text(modifier.get('trigger'))}: "
        f"{_text(modifier.get('effect'))}"
    )


def _states(states: object) -> Iterator[str]:
    if not isinstance(states, dict):
        return
    grades = dict(_pairs(states, "grades"))
    for line, state in _pairs(states, "lines"):
        grade = _text(grades.get(line))
        suffix = f", {grade}" if _text(state) == "low" and grade else ""
        yield f"{_text(line)}: {_text(state)}{suffix}"
    for key, title, kind, words in _STATES:
        value = _text(states.get(key))
        yield f"{title}: {words.get(_member(kind, value), value)}"


def _used(result: Json) -> str:
    value = f"{_text(result.get('comparator'))}{_text(result.get('value'))}"
    canonical = f"{value} {_text(result.get('unit'))}".strip()
    reported = f"{_text(result.get('reported_value'))} {_text(result.get('reported_unit'))}".strip()
    shown = canonical if reported in ("", canonical) else f"{reported} = {canonical}"
    notes = [NOTE_WORDS.get(_member(Note, n), n) for n in map(_text, _list(result.get("notes")))]
    parts = [shown, _text(result.get("taken")), _text(result.get("status")), *notes]
    return f"{_analyte(result)}: " + ", ".join(part for part in parts if part)


def _set_aside(result: Json) -> str:
    why = _text(result.get("explanation")) or _text(result.get("reason"))
    return f"{_analyte(result)} {_text(result.get('reported'))}".strip() + f": {why}"


def _withheld(order: Json) -> str:
    return f"{order_name(_text(order.get('order')))}: {_text(order.get('reason'))}"


def _analyte(result: Json) -> str:
    code = _text(result.get("analyte"))
    analyte = _member(Analyte, code)
    return analyte_name(analyte) if isinstance(analyte, Analyte) else code or "A result"


def _member(kind: type[StrEnum], value: str) -> StrEnum | str:
    try:
        return kind(value)
    except ValueError:
        return value


def _pairs(container: Json, key: str) -> list[tuple[str, Any]]:
    value = container.get(key)
    return list(value.items()) if isinstance(value, dict) else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return plain(value, 2000) if isinstance(value, str) else ""
