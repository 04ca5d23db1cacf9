"""Cards as a person at a terminal reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.markdown import plain
from service.plain_markdown import to_lines, wrapped

Json = Mapping[str, Any]

BAR = "│ "
NO_CARDS = "No cards: the service has no advice for this patient."


def render_response(response: Json, width: int) -> str:
    """Return every card of a response; `width` is the terminal's, in columns."""
    cards = [card for card in _list(response.get("cards")) if isinstance(card, Mapping)]
    if not cards:
        return NO_CARDS
    return "\n\n".join(
        "\n".join(_card(card, place, len(cards), width)) for place, card in enumerate(cards, 1)
    )


def _card(card: Json, place: int, count: int, width: int) -> Iterator[str]:
    indicator = _text(card.get("indicator")).upper() or "NO INDICATOR"
    title = " · ".join(
        part for part in (f"Card {place} of {count}", indicator, _topic(card)) if part
    )
    yield f"┌─ {title} ".ljust(width, "─")
    for line in _body(card, width - len(BAR)):
        yield f"{BAR}{line}".rstrip()
    yield "└" + "─" * (width - 1)


def _body(card: Json, width: int) -> Iterator[str]:
    yield from wrapped(_text(card.get("summary")), width)
    detail = card.get("detail")
    if isinstance(detail, str) and detail:
        yield ""
        yield from to_lines(detail, width)
    suggestions = [each for each in _list(card.get("suggestions")) if isinstance(each, Mapping)]
    if suggestions:
        yield ""
        yield "SUGGESTIONS (drafts; nothing is ordered until somebody accepts)"
        for suggestion in suggestions:
            yield from wrapped(_suggestion(suggestion), width, "[ ] ", "    ")


def _suggestion(suggestion: Json) -> str:
    words = [_text(suggestion.get("label"))]
    priority = _priority(suggestion)
    marks = [priority] if priority else []
    if suggestion.get("isRecommended") is True:
        marks.append("recommended")
    if marks:
        words.append(f"({', '.join(marks)})")
    return " ".join(words)


def _priority(suggestion: Json) -> str:
    for action in _list(suggestion.get("actions")):
        resource = action.get("resource") if isinstance(action, Mapping) else None
        if isinstance(resource, Mapping) and resource.get("priority"):
            return _text(resource["priority"])
    return ""


def _topic(card: Json) -> str:
    source = card.get("source")
    topic = source.get("topic") if isinstance(source, Mapping) else None
    return _text(topic.get("code")) if isinstance(topic, Mapping) else ""


def _text(value: object) -> str:
    return plain(value, 10_000) if isinstance(value, str) else ""


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
