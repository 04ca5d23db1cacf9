"""The value sets of clinical-definition 5: FHIR ValueSets read once, then queried code by code.

SNOMED CT, RxNorm and LOINC codes match exactly. ICD and ATC codes match the regular expression of
the include's filter, in upper case and with dots removed on both sides. The international ICD-10
and its national editions, except ICD-10-CM, have includes of their own by three or four characters,
because they differ where it matters (D61.9 is unexplained pancytopenia there).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.valueset import ValueSet

from fhir_mappings.context import ValueSetName
from fhir_mappings.r4.code_systems import (
    ATC,
    ICD_9_CM,
    ICD_10,
    ICD_10_CM,
    normal_code,
    normal_system,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.r4.decoding import Coding

CANONICAL_BASE = "https://heme-hooks.org/fhir"
CONTEXT = f"{CANONICAL_BASE}/CodeSystem/context"
"""The names of the value sets as codes, for a site's own mappings."""

MEDICATION_TERM = f"{CANONICAL_BASE}/CodeSystem/medication-term"
DRUG_CLASS = f"{CANONICAL_BASE}/StructureDefinition/drug-class"

_BY_PATTERN = frozenset({ICD_10_CM, ICD_10, ICD_9_CM, ATC})


@dataclass(frozen=True, slots=True)
class Concept:
    """One code of a value set. `drug_class` is empty unless it is a medicine with a class."""

    system: str
    code: str
    display: str
    drug_class: str = ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """The codes of one system whose text matches: `text` as shipped, `compiled` without dots."""

    system: str
    text: str
    compiled: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class ValueSetDefinition:
    """One value set. `includes` and `excludes` name other value sets, as ValueSet.compose does."""

    name: ValueSetName
    url: str
    title: str
    description: str
    concepts: Mapping[tuple[str, str], Concept]
    patterns: tuple[Pattern, ...]
    includes: tuple[ValueSetName, ...] = ()
    excludes: tuple[ValueSetName, ...] = ()

    def has(self, system: str, code: str) -> bool:
        """Whether the code is in this set; system and code already in normal form."""
        if any(value_sets()[name].has(system, code) for name in self.excludes):
            return False
        if (system, code) in self.concepts:
            return True
        bare = code.replace(".", "")
        if any(p.system == system and p.compiled.fullmatch(bare) for p in self.patterns):
            return True
        return any(value_sets()[name].has(system, code) for name in self.includes)


@cache
def value_sets() -> Mapping[ValueSetName, ValueSetDefinition]:
    """Read and validate `value_sets.json`, once.

    Raises pydantic.ValidationError on bad FHIR, ValueError when a set is missing or unknown.
    """
    text = resources.files("fhir_mappings").joinpath("value_sets.json").read_text("utf-8")
    bundle = Bundle.model_validate_json(text)
    found = (entry.resource for entry in bundle.entry or ())
    definitions = [_definition(each) for each in found if isinstance(each, ValueSet)]
    by_name = {definition.name: definition for definition in definitions}
    missing = set(ValueSetName) - set(by_name)
    if missing:
        raise ValueError(f"value_sets.json lacks {', '.join(sorted(missing))}")
    return MappingProxyType(by_name)


@lru_cache(maxsize=4096)
def value_sets_of(system: str, code: str) -> frozenset[ValueSetName]:
    """Return the value sets that hold this code, the system in any of its spellings."""
    system, code = normal_system(system), normal_code(code)
    if not system or not code or system == MEDICATION_TERM:
        return frozenset()
    if system == CONTEXT:
        return frozenset({name for name in ValueSetName if name == code.lower()})
    return frozenset(
        name for name, definition in value_sets().items() if definition.has(system, code)
    )


def sets_of(codings: Iterable[Coding]) -> frozenset[ValueSetName]:
    """Return the value sets that hold at least one of the codings."""
    return frozenset().union(*(value_sets_of(coding.system, coding.code) for coding in codings))


def in_value_set(name: ValueSetName, codings: Iterable[Coding]) -> bool:
    """Whether at least one of the codings is in the value set."""
    return any(name in value_sets_of(coding.system, coding.code) for coding in codings)


def display_of(codings: Iterable[Coding]) -> str:
    """Return a name for what is coded: the code's own in a value set, else the set's title."""
    codings = tuple(codings)
    for coding in codings:
        key = (normal_system(coding.system), normal_code(coding.code))
        for definition in value_sets().values():
            concept = definition.concepts.get(key)
            if concept and concept.display:
                return concept.display
    found = sets_of(codings)
    return next((each.title for name, each in value_sets().items() if name in found), "")


def _definition(resource: ValueSet) -> ValueSetDefinition:
    concepts: dict[tuple[str, str], Concept] = {}
    patterns: list[Pattern] = []
    includes: list[ValueSetName] = []
    for include in _elements(resource, "include"):
        system = str(include.system or "")
        for concept in include.concept or ():
            read = _concept(system, concept)
            concepts[system, normal_code(read.code)] = read
        patterns.extend(_pattern(system, each) for each in include.filter or ())
        includes.extend(_name_in(url) for url in include.valueSet or ())
    excludes = (_name_in(u) for each in _elements(resource, "exclude") for u in each.valueSet or ())
    return ValueSetDefinition(
        name=ValueSetName(str(resource.id)),
        url=str(resource.url),
        title=str(resource.title),
        description=str(resource.description),
        concepts=MappingProxyType(concepts),
        patterns=tuple(patterns),
        includes=tuple(includes),
        excludes=tuple(excludes),
    )


def _elements(resource: ValueSet, kind: str) -> Iterable[Any]:
    return getattr(resource.compose, kind, None) or ()


def _concept(system: str, concept: Any) -> Concept:  # noqa: ANN401 - R4B names no nested types
    classes = [e.valueString for e in concept.extension or () if e.url == DRUG_CLASS]
    return Concept(system, concept.code, concept.display or "", classes[0] if classes else "")


def _pattern(system: str, part: Any) -> Pattern:  # noqa: ANN401 - R4B names no nested types
    if (part.property, part.op) != ("code", "regex") or system not in _BY_PATTERN:
        raise ValueError(f"Only a regex on the code of ICD or ATC is understood, not {part.op}")
    return Pattern(system, part.value, re.compile(part.value.replace(r"\.", "")))


def _name_in(url: object) -> ValueSetName:
    return ValueSetName(str(url).rsplit("/", 1)[-1])
