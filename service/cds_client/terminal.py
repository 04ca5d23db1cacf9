"""Cards as a person at a terminal reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.cards.build import DEFAULT_PUBLIC_URL
from service.cards.escaping import plain
from service.cds_client.plain_markdown import to_lines, wrapped

Json = Mapping[str, Any]

BAR = "│ "
NO_CARDS = "No cards: the service has no advice for this patient."


def render_response(response: Json, width: int, *, rules: str = "") -> str:
    """Return every card of a response, whole; `width` is the terminal's, in columns.

    `rules` is the command that shows a rule by its id; where it is given, it stands in place of the
    address of a rule on this machine, at which nothing listens.
    """
    cards = [card for card in _list(response.get("cards")) if isinstance(card, Mapping)]
    if not cards:
        return NO_CARDS
    return "\n\n".join(
        "\n".join(_card(card, place, len(cards), width, rules))
        for place, card in enumerate(cards, 1)
    )


def _card(card: Json, place: int, count: int, width: int, rules: str) -> Iterator[str]:
    indicator = _text(card.get("indicator")).upper() or "NO INDICATOR"
    title = " · ".join(
        part for part in (f"Card {place} of {count}", indicator, _topic(card)) if part
    )
    yield f"┌─ {title} ".ljust(width, "─")[: max(width, len(title) + 3)]
    for line in _body(card, width - len(BAR), rules):
        yield f"{BAR}{line}".rstrip()
    yield "└" + "─" * (width - 1)


def _body(card: Json, width: int, rules: str) -> Iterator[str]:
    yield from wrapped(_text(card.get("summary")), width)
    detail = card.get("detail")
    if isinstance(detail, str) and detail:
        yield ""
        yield from to_lines(detail, width)
    suggestions = _mappings(card.get("suggestions"))
    if suggestions:
        yield ""
        yield from wrapped("SUGGESTIONS (drafts; nothing is ordered until accepted)", width)
        for suggestion in suggestions:
            yield from wrapped(_suggestion(suggestion), width, "[ ] ", "    ")
            for action in _several(suggestion):
                yield from wrapped(action, width, "    - ", "      ")
    links = _mappings(card.get("links"))
    if links:
        yield ""
        for link in links:
            yield from wrapped(f"{_text(link.get('label'))}: {_target(link, rules)}", width)


def _target(link: Json, rules: str) -> str:
    url = _text(link.get("url"))
    address, _, rule = url.partition("#")
    if rules and rule and address == f"{DEFAULT_PUBLIC_URL}/knowledge":
        return f"{rules} {rule}"
    return url


def _suggestion(suggestion: Json) -> str:
    recommended = suggestion.get("isRecommended") is True
    return _text(suggestion.get("label")) + (" [recommended]" if recommended else "")


def _several(suggestion: Json) -> list[str]:
    """What a suggestion of several actions would do; of one the label says it."""
    actions = [_text(each.get("description")) for each in _mappings(suggestion.get("actions"))]
    return actions if len(actions) > 1 else []


def _topic(card: Json) -> str:
    source = card.get("source")
    topic = source.get("topic") if isinstance(source, Mapping) else None
    return _text(topic.get("code")) if isinstance(topic, Mapping) else ""


def _text(value: object) -> str:
    return plain(value, 10_000) if isinstance(value, str) else ""


def _mappings(value: object) -> list[Json]:
    return [each for each in _list(value) if isinstance(each, Mapping)]


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
