"""Cards as a person at a terminal reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.cards.escaping import plain
from service.cds_client.plain_markdown import sections, to_lines, wrapped

Json = Mapping[str, Any]

BAR = "│ "
AS_BEFORE = "(Values and how they were read: as on the card above.)"
NO_CARDS = "No cards: the service has no advice for this patient."


def render_response(response: Json, width: int) -> str:
    """Return every card of a response; `width` is the terminal's, in columns."""
    cards = [card for card in _list(response.get("cards")) if isinstance(card, Mapping)]
    if not cards:
        return NO_CARDS
    shown: set[str] = set()
    return "\n\n".join(
        "\n".join(_card(card, place, len(cards), width, shown))
        for place, card in enumerate(cards, 1)
    )


def _card(card: Json, place: int, count: int, width: int, shown: set[str]) -> Iterator[str]:
    indicator = _text(card.get("indicator")).upper() or "NO INDICATOR"
    title = " · ".join(
        part for part in (f"Card {place} of {count}", indicator, _topic(card)) if part
    )
    yield f"┌─ {title} ".ljust(width, "─")[: max(width, len(title) + 3)]
    for line in _body(card, width - len(BAR), shown):
        yield f"{BAR}{line}".rstrip()
    yield "└" + "─" * (width - 1)


def _body(card: Json, width: int, shown: set[str]) -> Iterator[str]:
    yield from wrapped(_text(card.get("summary")), width)
    detail = card.get("detail")
    if isinstance(detail, str) and detail:
        yield ""
        yield from to_lines(_not_shown_yet(detail, shown), width)
    suggestions = [each for each in _list(card.get("suggestions")) if isinstance(each, Mapping)]
    if suggestions:
        yield ""
        yield from wrapped("SUGGESTIONS (drafts; nothing is ordered until accepted)", width)
        for suggestion in suggestions:
            yield from wrapped(_suggestion(suggestion), width, "[ ] ", "    ")


def _not_shown_yet(detail: str, shown: set[str]) -> str:
    """Leave out the sections that an earlier card showed word for word: the shared evidence."""
    kept: list[str] = []
    for section in sections(detail):
        if section not in shown:
            kept.append(section)
        elif AS_BEFORE not in kept:
            kept.append(AS_BEFORE)
    shown.update(section for section in kept if section.startswith("**"))
    return "\n\n".join(kept)


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
