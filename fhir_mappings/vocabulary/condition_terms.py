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

_NAMES = frozenset(ValueSetName)


@cache
def condition_terms() -> Mapping[str, frozenset[ValueSetName]]:
    """Return the value sets of each name, the name in small letters.

    Raises pydantic.ValidationError on bad FHIR.
    """
    text = resources.files("fhir_mappings").joinpath("condition_terms.json").read_text("utf-8")
    concept_map = ConceptMap.model_validate_json(text)
    found = {
        str(element.code).casefold(): frozenset(
            ValueSetName(str(target.code))
            for target in element.target or ()
            if target.code in _NAMES
        )
        for group in concept_map.group or ()
        for element in group.element
    }
    return MappingProxyType({term: sets for term, sets in found.items() if sets})
