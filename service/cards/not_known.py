"""What a Card could not check, and did not use: a line each (clinical-definition 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.cards.escaping import plain
from service.cards.words import cut_words, words
from service.interpreter.formatting import listed, readable_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_mappings.panel import Analyte, Reason, Unreadable

_MOST_WORDS = 15
"""Of each of the two lines."""
_MOST_NAME = 60
_MOST_REPORTED = 24


def could_not_check(names: Sequence[str]) -> str:
    """Name what was not available, as many as fit, and how many more; empty without any."""
    return _line("Could not check: ", list(names))


def not_used(
    results: Iterable[Unreadable], reasons: dict[Reason, str], first: Iterable[Analyte] = ()
) -> str:
    """Name each analyte whose results were set aside once, with value and reason.

    Those of `first` are named before the others. `reasons` are the words for each reason.
    """
    of_analyte: dict[object, Unreadable] = {}
    for result in results:
        of_analyte.setdefault(result.analyte or result.reported, result)
    order = {analyte: place for place, analyte in enumerate(first)}
    ranked = sorted(
        of_analyte.values(),
        key=lambda each: order.get(each.analyte, len(order)) if each.analyte else len(order) + 1,
    )
    return _line("Not used: ", [_set_aside(each, reasons) for each in ranked])


def _set_aside(result: Unreadable, reasons: dict[Reason, str]) -> str:
    name = (result.analyte.words or result.analyte.value) if result.analyte else "a result"
    reported = readable_units(plain(result.reported, _MOST_REPORTED))
    reason = reasons.get(result.reason, "not readable")
    return f"{name} {reported} ({reason})".replace("  ", " ")


def _line(start: str, items: list[str]) -> str:
    if not items:
        return ""
    shown = [plain(item, _MOST_NAME) for item in items]
    for most in range(len(shown), 0, -1):
        rest = len(shown) - most
        names = listed(shown[:most]) if not rest else f"{', '.join(shown[:most])} and {rest} more"
        line = f"{start}{names}."
        if words(line) <= _MOST_WORDS:
            return line
    rest = len(shown) - 1
    more = f" and {rest} more" if rest else ""
    return cut_words(f"{start}{shown[0]}", _MOST_WORDS - words(more)) + f"{more}."
