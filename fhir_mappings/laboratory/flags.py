"""The laboratory's own flag on a result, by its code (clinical-definition 2.6, rule 5).

A code counts whatever the language of its display. Words are read only when no code is known.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_mappings.panel import Flag
from fhir_mappings.r4.code_systems import SNOMED_CT, normal_system

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.r4.decoding import CodeableConcept, Coding

_LETTERS = {
    "LL": Flag.CRITICALLY_LOW,
    "L": Flag.LOW,
    "LU": Flag.LOW,
    "<": Flag.LOW,
    "N": Flag.NORMAL,
    "H": Flag.HIGH,
    "HU": Flag.HIGH,
    ">": Flag.HIGH,
    "HH": Flag.CRITICALLY_HIGH,
    "A": Flag.ABNORMAL,
    "AA": Flag.ABNORMAL,
}
_SNOMED = {
    "281300000": Flag.LOW,  # below reference range
    "62482003": Flag.LOW,  # low
    "281302008": Flag.HIGH,  # above reference range
    "281301001": Flag.NORMAL,  # within reference range
}
_INTERPRETATION = re.compile(
    r"observation-?interpretation|v2[-/]0078|hl70078"
    r"|2\.16\.840\.1\.113883\.(?:5\.83|12\.78|1\.11\.78)(?![.\d])"
)
"""Table 0078 of HL7 v2, ObservationInterpretation of v3, and the value sets that some servers name
in their place, in each spelling of FHIR versions and OIDs."""

_LONGEST = 200

_LOW, _HIGH = (
    r"\b(low|lower|below|decreased)\b",
    r"\b(high|higher|upper|above|elevated|increased)\b",
)
_CRITICAL = r"\b(critical\w*|panic|alert|very|extreme\w*)\b"
_FLAG_WORDS = (
    (r".*\bnot\b.*", None),
    (r"(low|high) normal|within.*", Flag.NORMAL),
    (rf"(?=.*{_LOW})(?=.*{_HIGH}).*", None),
    (rf"(?=.*{_CRITICAL})(?=.*{_LOW}).*", Flag.CRITICALLY_LOW),
    (rf"(?=.*{_CRITICAL})(?=.*{_HIGH}).*", Flag.CRITICALLY_HIGH),
    (rf".*{_LOW}.*", Flag.LOW),
    (rf".*{_HIGH}.*", Flag.HIGH),
    (r".*\babnormal\b.*", Flag.ABNORMAL),
    (r".*\bnormal\b.*", Flag.NORMAL),
)
_DIRECTIONS = (
    frozenset({Flag.CRITICALLY_LOW, Flag.LOW}),
    frozenset({Flag.CRITICALLY_HIGH, Flag.HIGH}),
)


def flag_of(concepts: Iterable[CodeableConcept]) -> Flag | None:
    """Return the laboratory's flag; contradictory flags give None.

    Codes of HL7 and SNOMED CT go first; then the letters of HL7 in a system of the sender's own;
    then words. A code that is not known is no flag.
    """
    concepts = tuple(concepts)
    if not concepts:
        return None
    codings = [coding for concept in concepts for coding in concept.coding]
    for read in (_standard, _letter):
        found = frozenset(flag for flag in map(read, codings) if flag)
        if found:
            return _most_specific(found)
    displays = [coding.display for coding in codings]
    texts = [concept.text for concept in concepts]
    flags = (_flag_of_words(words) for words in (*displays, *texts))
    return _most_specific(frozenset(flag for flag in flags if flag))


def _standard(coding: Coding) -> Flag | None:
    """The flag of a code of HL7 or SNOMED CT; without a system its code tells which it is."""
    kind = _kind(coding.system[:_LONGEST])
    if kind is _System.OWN:
        return None
    number = _SNOMED.get(coding.code.strip()) if kind is not _System.HL7 else None
    return number or _letter(coding)


class _System(Enum):
    """The system of a flag's code. OWN: the sender's own."""

    HL7 = auto()
    SNOMED_CT = auto()
    NONE = auto()
    OWN = auto()


@lru_cache(maxsize=256)
def _kind(system: str) -> _System:
    plain = system.strip().lower()
    if not plain:
        return _System.NONE
    if normal_system(plain) == SNOMED_CT:
        return _System.SNOMED_CT
    return _System.HL7 if _INTERPRETATION.search(plain) else _System.OWN


def _letter(coding: Coding) -> Flag | None:
    """The flag of an HL7 letter, whatever the system but SNOMED CT."""
    if _kind(coding.system[:_LONGEST]) is _System.SNOMED_CT:
        return None
    return _LETTERS.get(coding.code.strip(" *!").upper())


def _flag_of_words(words: str) -> Flag | None:
    plain = words.strip(" *!").lower()
    exact = _LETTERS.get(plain.upper())
    if exact:
        return exact
    return next((flag for pattern, flag in _FLAG_WORDS if re.fullmatch(pattern, plain)), None)


def _most_specific(flags: frozenset[Flag]) -> Flag | None:
    low, high = (flags & direction for direction in _DIRECTIONS)
    if low and high:
        return None
    for flag in (
        Flag.CRITICALLY_LOW,
        Flag.LOW,
        Flag.CRITICALLY_HIGH,
        Flag.HIGH,
        Flag.ABNORMAL,
        Flag.NORMAL,
    ):
        if flag in flags:
            return flag
    return None
