"""A CodeableConcept to what it means (clinical-definition 1.1 A5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from fhir_mappings.r4.decoding import Coding
from fhir_mappings.terminology import CodeKind, Role

if TYPE_CHECKING:
    from fhir_mappings.r4.decoding import CodeableConcept
    from fhir_mappings.terminology import CodeMeaning, Terminology

_SAME_MEASUREMENT = {Role.NONE, Role.DEPRECATED, Role.CALCULATED, Role.POSSIBLE_BLASTS}
_SPECIMEN_ROLES = frozenset(Role) - _SAME_MEASUREMENT
"""Roles that make two codes of one analyte two different measurements."""


class Classified(Struct, frozen=True):
    """What a code means: one meaning, none, or several that contradict each other.

    `without_system`: no meaning, but what LOINC calls this code; its system is not told.
    """

    coding: Coding
    meaning: CodeMeaning | None = None
    contradictory: tuple[CodeMeaning, ...] = ()
    without_system: CodeMeaning | None = None


def classify(code: CodeableConcept, terminology: Terminology) -> Classified:
    """Decide what a CodeableConcept means (A5); a site's own mapping outranks LOINC."""
    if len(code.coding) == 1:
        only = code.coding[0]
        meaning = terminology.meaning_of(only.system, only.code)
        return Classified(only, meaning) if meaning else _without_system(code, terminology)
    known = [
        (coding, meaning)
        for coding in code.coding
        if (meaning := terminology.meaning_of(coding.system, coding.code)) is not None
    ]
    by_site = [
        (coding, meaning)
        for coding, meaning in known
        if (coding.system.strip(), coding.code.strip()) in terminology.site
    ]
    known = by_site or known
    values = [pair for pair in known if pair[1].kind is not CodeKind.PANEL] or known
    if not values:
        return _without_system(code, terminology)
    if len({_identity(meaning) for _, meaning in values}) > 1:
        return Classified(values[0][0], contradictory=tuple(meaning for _, meaning in values))
    best = min(values, key=lambda pair: (pair[1].role is Role.DEPRECATED, pair[1].method_rank))
    return Classified(*best)


def _without_system(code: CodeableConcept, terminology: Terminology) -> Classified:
    for coding in code.coding:
        meaning = terminology.meaning_without_system(coding.system, coding.code)
        if meaning is not None:
            return Classified(coding, without_system=meaning)
    return Classified(code.coding[0] if code.coding else Coding(display=code.text))


def _identity(meaning: CodeMeaning) -> tuple[str, str, str]:
    if meaning.kind in {CodeKind.EXCLUDED, CodeKind.PANEL, CodeKind.NARRATIVE}:
        return meaning.kind, "", ""
    role = meaning.role if meaning.role in _SPECIMEN_ROLES else Role.NONE
    if meaning.kind is CodeKind.SMEAR:
        role = Role.NONE
    return meaning.kind, meaning.target, role
