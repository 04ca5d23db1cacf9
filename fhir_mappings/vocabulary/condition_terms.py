"""Names of conditions in words, read once from `condition_terms.json` (clinical-definition 5)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir.resources.R4B.conceptmap import ConceptMap

from fhir_mappings.context import ValueSetName

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def condition_terms() -> Mapping[str, frozenset[ValueSetName]]:
    """Return the value sets of each name, the name in small letters.

    Raises ValueError on bad FHIR and for a target that is no value set: a name that is passed over
    would leave a known disease unknown.
    """
    text = resources.files("fhir_mappings").joinpath("condition_terms.json").read_text("utf-8")
    return read_terms(text)


def read_terms(text: str) -> Mapping[str, frozenset[ValueSetName]]:
    """Read a ConceptMap from names to value sets, in the words of `condition_terms`."""
    concept_map = ConceptMap.model_validate_json(text)
    found: dict[str, frozenset[ValueSetName]] = {}
    for group in concept_map.group or ():
        for element in group.element:
            term = str(element.code).casefold()
            sets = frozenset(ValueSetName(str(each.code)) for each in element.target or ())
            if not sets:
                raise ValueError(f"condition_terms.json: {term!r} has no value set")
            found[term] = found.get(term, frozenset()) | sets
    return MappingProxyType(found)
