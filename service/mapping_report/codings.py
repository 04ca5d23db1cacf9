"""Which codes occur together, and in Observations of which category."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.mapping_report.inputs import resources_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LABORATORY = (b"laboratory", b'"lab"')
_LONGEST_TEXT = 80


def short(text: str) -> str:
    """Return a name or unit in one line of limited length."""
    return " ".join(text.split())[:_LONGEST_TEXT]


class _Named(Struct, frozen=True):
    """What a code, and the category of its Observation, look like from outside."""

    code: Any = None
    category: msgspec.Raw = msgspec.Raw(b"")
    component: Any = None


@dataclass(slots=True)
class Codings:
    """Which codes occur together, and in Observations of which category."""

    laboratory: set[tuple[str, str]] = field(default_factory=set)
    elsewhere: set[tuple[str, str]] = field(default_factory=set)
    beside: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)
    displays: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, documents: Iterable[bytes]) -> Codings:
        codings = cls()
        for document in documents:
            for found in resources_of(document):
                codings._look_at(found.raw)
        return codings

    def _look_at(self, raw: bytes) -> None:
        try:
            named = msgspec.json.decode(raw, type=_Named)
        except DECODE_ERRORS:
            return
        category = bytes(named.category).lower()
        laboratory = not category or any(word in category for word in _LABORATORY)
        components = named.component if isinstance(named.component, list) else []
        concepts = [named.code, *(c.get("code") for c in components if isinstance(c, dict))]
        for concept in concepts:
            codings = concept.get("coding") if isinstance(concept, dict) else None
            places = [self._place(coding) for coding in codings or () if isinstance(coding, dict)]
            (self.laboratory if laboratory else self.elsewhere).update(places)
            for place in places:
                self.beside.setdefault(place, set()).update(set(places) - {place})

    def _place(self, coding: Mapping[str, Any]) -> tuple[str, str]:
        place = (str(coding.get("system") or ""), str(coding.get("code") or ""))
        self.displays.setdefault(place, short(str(coding.get("display") or "")))
        return place
