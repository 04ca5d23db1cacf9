"""What an answer of the service says, however its cards are laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

_COMPANIONS = {"marrow-evaluation", "work-up"}


def findings_of(answer: TestResponse) -> frozenset[str]:
    """The findings that the cards of an answer name; `412` for one that is refused for its data."""
    if answer.status_code == 412:
        return frozenset({"412"})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: set[str] = set()
    for card in answer.get_json()["cards"]:
        found.add(card["source"]["topic"]["code"])
        ours: dict[str, Any] = card.get("extension", {}).get("heme-hooks", {})
        found.update(ours.get("findings", ()))
    return frozenset(found - _COMPANIONS)
