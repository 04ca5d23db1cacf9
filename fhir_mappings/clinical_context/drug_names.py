"""Which medicines a record names: by RxNorm or ATC code, or by whole words in its text.

Each drug of a combination is found separately. Of terms that overlap in the text the longest wins
("ferric carboxymaltose" is not also "ferric"), and belongs to the value sets of both.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.r4.code_systems import ATC, RXNORM, normal_code, normal_system
from fhir_mappings.vocabulary.value_sets import (
    MEDICATION_TERM,
    display_of,
    value_sets,
    value_sets_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_mappings.r4.decoding import Coding

_MANY_DRUGS = frozenset(
    {ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY, ValueSetName.MARROW_SUPPRESSIVE_DRUGS}
)
"""Sets in which it matters which drug it is; in the others one name for a record is enough."""

_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W_])", r"(?![^\W_])"
_WORD = re.compile(r"[^\W_]+")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))


@dataclass(frozen=True, slots=True)
class Drug:
    """One medicine by the name and class that the value set gives it."""

    name: str
    sets: frozenset[ValueSetName]
    drug_class: str = ""


def drugs_in(codings: Iterable[Coding], texts: Iterable[str]) -> tuple[Drug, ...]:
    """Return the medicines of the value sets, those found by code first, each once."""
    found: dict[str, Drug] = {}
    covered: set[ValueSetName] = set()
    codings = tuple(codings)
    named = chain(_by_code(codings), _by_text(texts), _by_class(codings, covered))
    for drug in named:
        is_news = drug.sets & _MANY_DRUGS or not drug.sets <= covered
        if drug.name not in found and is_news:
            found[drug.name] = drug
            covered |= drug.sets
    return tuple(found.values())


def _by_code(codings: Iterable[Coding]) -> Iterator[Drug]:
    for coding in codings:
        if normal_system(coding.system) == RXNORM:
            drug = _coded().get(normal_code(coding.code))
            if drug:
                yield drug


def _by_class(codings: Iterable[Coding], covered: set[ValueSetName]) -> Iterator[Drug]:
    """Yield what an ATC code adds to the sets that RxNorm codes and words gave, `covered`."""
    for coding in codings:
        if normal_system(coding.system) != ATC:
            continue
        sets = value_sets_of(coding.system, coding.code)
        if sets and not sets <= covered:
            known = _drugs().get((ATC, normal_code(coding.code)))
            name = known.name if known else coding.display or display_of((coding,))
            yield Drug(name, sets, known.drug_class if known else "")


def _by_text(texts: Iterable[str]) -> Iterator[Drug]:
    for text in texts:
        plain = unicodedata.normalize("NFKC", text).translate(_DASHES).casefold()
        end = 0
        for word in _WORD.finditer(plain):
            terms = _worded().get(word[0][0])
            if terms is None or word.start() < end:
                continue
            if match := terms.pattern.match(plain, word.start()):
                yield terms.drugs[match.lastgroup or ""]
                end = match.end()


@cache
def _coded() -> dict[str, Drug]:
    return {code: drug for (system, code), drug in _drugs().items() if system == RXNORM}


@dataclass(frozen=True, slots=True)
class _Terms:
    """The drugs of some terms by group name, and one pattern that matches the longest term."""

    drugs: dict[str, Drug]
    pattern: re.Pattern[str]


@cache
def _worded() -> dict[str, _Terms]:
    """Return the terms by their first character: trying them all costs 14 us a letter."""
    terms = {
        code.casefold(): drug
        for (system, code), drug in _drugs().items()
        if system == MEDICATION_TERM
    }
    by_first: dict[str, list[str]] = {}
    for term in sorted(terms, key=len, reverse=True):
        by_first.setdefault(term[0], []).append(term)
    return {first: _terms(each, terms) for first, each in by_first.items()}


def _terms(ordered: list[str], terms: dict[str, Drug]) -> _Terms:
    groups = {f"t{number}": _with_shorter_terms(term, terms) for number, term in enumerate(ordered)}
    pieces = (f"(?P<t{number}>{_flexible(term)})" for number, term in enumerate(ordered))
    return _Terms(groups, re.compile(f"(?:{'|'.join(pieces)}){_NO_LETTER_AFTER}"))


def _with_shorter_terms(term: str, terms: dict[str, Drug]) -> Drug:
    inside = (
        drug.sets
        for other, drug in terms.items()
        if re.search(f"{_NO_LETTER_BEFORE}{re.escape(other)}{_NO_LETTER_AFTER}", term)
    )
    return Drug(terms[term].name, frozenset().union(*inside), terms[term].drug_class)


def _flexible(term: str) -> str:
    """Return the pattern of a term: a blank may be a hyphen, a hyphen may be a blank or missing."""
    return "".join(
        r"[\s-]+" if letter == " " else r"[\s-]*" if letter == "-" else re.escape(letter)
        for letter in term
    )


@cache
def _drugs() -> dict[tuple[str, str], Drug]:
    """Return every medicine of the value sets by system and code, its sets put together."""
    drugs: dict[tuple[str, str], Drug] = {}
    for name, definition in value_sets().items():
        for key, concept in definition.concepts.items():
            if concept.system in {RXNORM, MEDICATION_TERM, ATC}:
                sets = drugs[key].sets if key in drugs else frozenset()
                drugs[key] = Drug(concept.display, sets | {name}, concept.drug_class)
    return drugs
