"""One number written as text: `>2000`, `GREATER THAN 2,000 pg/mL` (clinical-definition 1.1, A4).

The text must be one number and nothing else: a comparator in signs or English words, digits with
thousands commas in groups of three and a decimal point, a unit. Whether the unit is one is not
asked here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from fhir_mappings.panel import Comparator

LONGEST = 120
"""Longer text is prose, and is not looked at."""

_GREATER = ("greater than", "more than", "higher than", "over", "above", "gt")
_LESS = ("less than", "lower than", "fewer than", "under", "below", "lt")
_OR_EQUAL = (" or equal to", " or equal", " or =")


def _wordings() -> dict[str, Comparator | None]:
    found: dict[str, Comparator | None] = {
        "": None,
        "=": None,
        **dict.fromkeys(
            ("<=", "=<", "≤", "< or =", "at most", "le", "lte"), Comparator.LESS_OR_EQUAL
        ),
        **dict.fromkeys(
            (">=", "=>", "≥", "> or =", "at least", "ge", "gte"), Comparator.GREATER_OR_EQUAL
        ),
    }
    for words, bare, equal in (
        ((*_GREATER, ">"), Comparator.GREATER, Comparator.GREATER_OR_EQUAL),
        ((*_LESS, "<"), Comparator.LESS, Comparator.LESS_OR_EQUAL),
    ):
        for word in words:
            found[word] = bare
            found |= {word + ending: equal for ending in _OR_EQUAL}
    found["greater or equal to"] = Comparator.GREATER_OR_EQUAL
    found["less or equal to"] = Comparator.LESS_OR_EQUAL
    return found


_COMPARATORS = _wordings()
_WITHOUT_BLANKS = {spelling.replace(" ", ""): each for spelling, each in _COMPARATORS.items()}
_COMPARATOR = "|".join(
    re.escape(each).replace(r"\ ", r"\s?") for each in sorted(_COMPARATORS, key=len, reverse=True)
)
_GROUPED = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?![\d,])"
_PLAIN = r"\d+(?:\.\d+)?(?![\d,.])"
# A unit that begins like a number or a range stands apart from it: `84 10*3/uL`, not `3-5`.
_UNIT = r"(?:\s(?P<apart>[^\s<>=-][^<>=]*)|(?P<joined>[^\s\d.,:;+<>=\u2013\u2014-][^<>=]*))?"
_TEXT = re.compile(
    rf"(?P<comparator>(?>{_COMPARATOR}))\s?(?P<number>{_GROUPED}|{_PLAIN}){_UNIT}",
    re.ASCII | re.IGNORECASE,
)
_DECIMAL_COMMA = re.compile(rf"(?>{_COMPARATOR})\s?\d+,\d+(?:\s.*)?", re.ASCII | re.IGNORECASE)


class TextNumber(NamedTuple):
    """What stands in one text; `digits` without commas, `unit` as written."""

    comparator: Comparator | None
    digits: str
    unit: str


def number_in(text: str) -> TextNumber | None:
    """Return the one number of a text, None when it says something else or more."""
    plain = _plain(text)
    found = _TEXT.fullmatch(plain) if plain else None
    if found is None:
        return None
    comparator = comparator_of(found["comparator"])
    unit = (found["apart"] or found["joined"] or "").strip()
    return TextNumber(comparator, found["number"].replace(",", ""), unit)


def has_decimal_comma(text: str) -> bool:
    """Whether a text is a number whose comma may stand for a decimal point or for thousands."""
    return _DECIMAL_COMMA.fullmatch(_plain(text)) is not None


def comparator_of(text: str) -> Comparator | None:
    """Return the comparator that signs or words say. Raises KeyError when they say none."""
    return _WITHOUT_BLANKS["".join(text.lower().split())]


def _plain(text: str) -> str:
    """Return the text with single blanks; nothing when it is too long to be a number."""
    return " ".join(text.split()) if len(text) <= LONGEST else ""
