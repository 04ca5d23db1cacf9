"""Conditions written in words only: what they name, and how surely (clinical-definition 5).

Names count as whole words, in any case. A denial, or a sentence about the family, names nothing;
one that doubts is provisional; one about the past is history.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from fhir_mappings.vocabulary.condition_terms import condition_terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.context import ValueSetName

_LONGEST = 1000
"""How many characters of a problem's name are read."""

_SENTENCE_END = re.compile(r"[.;\n\r]+(?=\s|$)|;")
_DASHES = str.maketrans({**dict.fromkeys("‐‑‒–—−", "-"), **dict.fromkeys("’‘`´", "'")})
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
_DENIED = re.compile(
    rf"{_NO_LETTER_BEFORE}(?:no|not|without|denies|denied|negative|ruled out|excluded"
    rf"|family history|family hx|fhx|fh){_NO_LETTER_AFTER}"
)
# Names of disorders that hold a word of denial about something else.
_PART_OF_NAME = re.compile(
    r"not (?:having achieved|in|yet in) remission"
    r"|without (?:mention of )?(?:(?:having achieved )?remission|ascites|(?:hepatic )?coma"
    r"|(?:o?esophageal )?varices|complications?|crisis|behaviou?ral disturbance)"
    r"|not otherwise specified|not elsewhere classified|not specified"
)
_DOUBTED = re.compile(
    rf"{_NO_LETTER_BEFORE}(?:possible|possibly|probable|probably|suspected|suspicion of|likely"
    rf"|rule out|r/o|query){_NO_LETTER_AFTER}|\?"
)
_IN_REMISSION = re.compile(rf"{_NO_LETTER_BEFORE}in (?:complete |partial )?remission")
_HISTORY = re.compile(
    rf"{_NO_LETTER_BEFORE}(?:history of|h/o|hx of|in (?:complete |partial )?remission)"
    rf"{_NO_LETTER_AFTER}"
)
_NOT_THE_DISEASE = re.compile(r"(?:hearing|walking|mobility|visual) aids?")


@dataclass(frozen=True, slots=True)
class Named:
    """What the words of one Condition name. `denied`: they name it and say that it is not there."""

    sets: frozenset[ValueSetName]
    denied: bool = False
    doubted: bool = False
    history: bool = False
    in_remission: bool = False


def named_in(texts: Iterable[str]) -> Named | None:
    """Return what the first text that names anything says; None when none does."""
    for text in texts:
        named = _named(text[:_LONGEST])
        if named is not None:
            return named
    return None


def _named(text: str) -> Named | None:
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES).casefold()
    found = [named for each in _SENTENCE_END.split(plain) if (named := _in_sentence(each))]
    standing = [named for named in found if not named.denied]
    if not standing:
        return found[0] if found else None
    return Named(
        frozenset().union(*(named.sets for named in standing)),
        doubted=all(named.doubted for named in standing),
        history=all(named.history for named in standing),
        in_remission=any(named.in_remission for named in standing),
    )


def _in_sentence(sentence: str) -> Named | None:
    plain = " ".join(_NOT_THE_DISEASE.sub(" ", sentence).split())
    terms, pattern = _terms()
    sets = frozenset().union(*(terms[found[0]] for found in pattern.finditer(plain)))
    if not sets:
        return None
    rest = _PART_OF_NAME.sub(" ", plain)
    return Named(
        sets,
        denied=_DENIED.search(rest) is not None,
        doubted=_DOUBTED.search(rest) is not None,
        history=_HISTORY.search(rest) is not None,
        in_remission=_IN_REMISSION.search(rest) is not None,
    )


@cache
def _terms() -> tuple[dict[str, frozenset[ValueSetName]], re.Pattern[str]]:
    """Return the sets of each name, those of the names within it too, and one pattern for all."""
    own = condition_terms()
    ordered = sorted(own, key=len, reverse=True)
    whole = {term: rf"{_NO_LETTER_BEFORE}{re.escape(term)}{_NO_LETTER_AFTER}" for term in ordered}
    sets = {
        term: frozenset().union(
            *(each for other, each in own.items() if re.search(whole[other], term))
        )
        for term in ordered
    }
    return sets, re.compile("|".join(whole[term] for term in ordered))
