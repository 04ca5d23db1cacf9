"""Results in words: present or absent.

The words and codes are those of clinical-definition 1.5; anything else stays None, unknown. The
words of a coding's display and of free text are read by the same rule.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_mappings.r4.long_texts import single_blanks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.r4.decoding import CodeableConcept

_POSITIVE_CODES = frozenset(
    {"10828004", "52101004", "260373001", "11214006", "LA6576-8", "LA9633-4"}
)
_NEGATIVE_CODES = frozenset({"260385009", "2667000", "260415000", "131194007", "LA9634-2"})
_POSITIVE_WORDS = frozenset(
    {
        *("present", "positive", "pos", "detected", "seen", "reactive"),
        *("few", "some", "rare", "occasional", "moderate", "many", "slight", "marked"),
        *("numerous", "frequent", "abundant"),
        *("1+", "2+", "3+", "4+", "+1", "+2", "+3", "+4", "+", "++", "+++", "++++"),
    }
)
_NEGATIVE_WORDS = frozenset({"none", "negative", "neg", "absent", "nil", "nonreactive"})
_SEEN_WORDS = r"(detected|seen|present|observed|identified|found|reactive)"
_NOTHING_SAID = (
    r"(?!data|result|specimen|sample|report|value|information|record|smear|film|slide|test)"
)
_NEGATIVE_PHRASE = re.compile(
    rf"not? (\w+ ){{0,4}}{_SEEN_WORDS}|non reactive|(none|nil|negative)( \w+){{0,4}}"
    rf"|no( {_NOTHING_SAID}\w+){{1,3}}|no"
    rf"|(\w+ ){{1,4}}(not {_SEEN_WORDS}|negative|absent|non ?reactive|none)"
)
_UNSETTLED = re.compile(
    r"\b(possible|possibly|probable|suspect\w*|suspicious|equivocal|indeterminate|borderline|unknown"
    r"|done|performed|reported|pending|available|comment|note|invalid|insufficient|but|however"
    r"|except|cannot|exclude\w*|repeat|unable|tested|ordered|required)\b|\?"
)
_GRADES = _POSITIVE_WORDS - frozenset(
    {"present", "positive", "pos", "detected", "seen", "reactive"}
)
_GLOSS = re.compile(r"\((qualifier value|finding|qualifier)\)")
_TOKEN = re.compile(r"\++\d?|\d\+|\d+(?:\.\d+)?|[a-z]+")
_NUMBER = re.compile(r"(?P<comparator>[<>]=?)?\s*=?\s*(?P<number>\d+(\.\d+)?)\s*%?", re.ASCII)
_LONGEST = 8

LONGEST_PHRASE = 200
"""Characters; eight words are shorter."""


def presence_of_text(text: str) -> bool | None:
    """Read one phrase as present, absent or unknown (None); prose is unknown."""
    phrase = single_blanks(text, LONGEST_PHRASE)
    if phrase is None:
        return None
    plain = _GLOSS.sub("", phrase.lower()).strip(" .!;:")
    number = _NUMBER.fullmatch(plain)
    if number:
        return presence_of_number(number["comparator"] or "", float(number["number"]))
    tokens = _TOKEN.findall(plain)
    if not tokens or _UNSETTLED.search(plain) or len(tokens) > _LONGEST:
        return None
    if _says_negative(tokens):
        return False
    if {"no", "not", "non", "without", "never"} & set(tokens) or _NEGATIVE_WORDS & set(tokens):
        return None
    return True if _POSITIVE_WORDS & set(tokens) else None


def presence_of_number(comparator: str, number: float) -> bool | None:
    """A count above zero is present; `<x` never counts as more than zero (A9)."""
    if comparator.startswith("<"):
        return None
    if comparator == ">":
        return True
    return number > 0


def presence_of_concept(concept: CodeableConcept) -> bool | None:
    """Codes first, then the displays, then the text; contradictory codes decide nothing."""
    codes = {coding.code.strip() for coding in concept.coding}
    positive, negative = bool(codes & _POSITIVE_CODES), bool(codes & _NEGATIVE_CODES)
    if positive or negative:
        return None if positive and negative else positive
    for words in (*(coding.display for coding in concept.coding), concept.text):
        answer = presence_of_text(words)
        if answer is not None:
            return answer
    return None


def presence_of_interpretation(concepts: Iterable[CodeableConcept]) -> bool | None:
    """POS, NEG and the like in Observation.interpretation."""
    codes = {c.code.strip().upper() for concept in concepts for c in concept.coding}
    positive = bool(codes & {"POS", "DET", "RR", "WR", "R"})
    negative = bool(codes & {"NEG", "ND", "NR"})
    return None if positive == negative else positive


def _says_negative(tokens: list[str]) -> bool:
    words = " ".join(tokens)
    if _GRADES & set(tokens):
        return False
    return words in _NEGATIVE_WORDS or bool(_NEGATIVE_PHRASE.fullmatch(words))
