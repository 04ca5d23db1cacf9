"""What laboratory codes mean and how each analyte is measured: the types, without any FHIR.

`analytes.py` builds the project's own Terminology from `analytes.json`; `site_mappings.py` lays a
site's ConceptMaps over it (clinical-definition 1.1 A5, 1.2, 1.5 to 1.7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, DataGroup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

LOINC = "http://loinc.org"
LOINC_SYSTEMS = frozenset({LOINC, "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"})
"""The three spellings of the LOINC code system that are read (A5)."""

_NO_ADDRESS = frozenset({"", "loinc", "ln", "lnc", "loinc.org", "www.loinc.org"})
"""What stands for the system where a sender gives none, or a name for it (HL7 v2 table 0396)."""

UCUM = "http://unitsofmeasure.org"
UCUM_SYSTEMS = frozenset(
    {
        UCUM,
        "https://unitsofmeasure.org",
        "http://unitsofmeasure.org/",
        "urn:oid:2.16.840.1.113883.6.8",
    }
)


class CodeKind(StrEnum):
    """What sort of result a code stands for."""

    ANALYTE = "analyte"
    SMEAR = "smear"
    NARRATIVE = "narrative"
    PANEL = "panel"
    SEROLOGY = "serology"
    PREGNANCY = "pregnancy"
    MARROW = "marrow"
    EXCLUDED = "excluded"


class Use(StrEnum):
    """Whether a code is read: `ok`, `cond` (in its role only), `exclude` (never)."""

    OK = "ok"
    COND = "cond"
    EXCLUDE = "exclude"


class Role(StrEnum):
    """How a code that is read only in a role is used (notes of clinical-definition 1.2 and 1.5)."""

    NONE = ""
    SEGMENTED = "segmented"
    BAND = "band"
    TOTAL_PERCENT = "total-percent"
    SEGMENTED_PERCENT = "segmented-percent"
    BAND_PERCENT = "band-percent"
    DEPRECATED = "deprecated"
    POSSIBLE_BLASTS = "possible-blasts"
    CORRECTED_RETICULOCYTES = "corrected-reticulocytes"
    CALCULATED = "calculated"
    PYRUVATE_TO_LACTATE = "pyruvate-to-lactate"
    CONJUGATED = "conjugated"
    RACE_PAIR = "race-pair"
    AUER_RODS = "auer-rods"
    BLOOD_ONLY = "blood-only"
    PANEL = "panel"


@lru_cache(maxsize=512)
def _is_loinc(system: str) -> bool:
    """Whether a system is one of LOINC's but for letter case, blanks, a slash or `urn:oid:`."""
    plain = system.strip().lower().rstrip("/").replace("//www.", "//")
    return plain in LOINC_SYSTEMS or f"urn:oid:{plain}" in LOINC_SYSTEMS


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """What one LOINC or local code means.

    `target` is the id in the target CodeSystem: an `Analyte`, `SmearSet` or `SerologyTest` value,
    `status` / `test` / `gestational-age` / `delivery-date` for pregnancy, the first data group for
    a panel. `analyte` is also set for an excluded code: the one that it looks like. `property` is
    LOINC's (MCnc, SCnc ...), empty for local codes. `method_rank` orders methods of one analyte,
    the lower the better (A7). `smear` tells a finding made by a person from an analyzer's flag;
    `present_from_percent` is the percentage from which a counted cell is present. `code` is the
    LOINC code, also behind a local code that is mapped to one, else empty.
    """

    kind: CodeKind
    target: str
    use: Use = Use.OK
    analyte: Analyte | None = None
    property: str = ""
    method_rank: int = 0
    display: str = ""
    role: Role = Role.NONE
    smear: bool = True
    present_from_percent: int | None = None
    code: str = ""
    groups: frozenset[DataGroup] = frozenset()


@dataclass(frozen=True, slots=True)
class AcceptedUnit:
    """`factor` x a value in `unit` is in canonical unit; its whole dimension is accepted."""

    unit: str
    factor: Decimal


@dataclass(frozen=True, slots=True)
class RangeLimits:
    """Between which values the lower and the upper limit of a laboratory's range can lie (U14).

    In canonical unit, wide on purpose, children included; None: that side says nothing.
    """

    low: tuple[Decimal, Decimal] | None = None
    high: tuple[Decimal, Decimal] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AnalyteDefinition:
    """How one analyte is measured (clinical-definition 1.2). Compared and hashed by identity.

    `plausible_low` and `plausible_high` are in `canonical_unit`; outside them a value is an error
    (U6). `precision` is the number of decimals to show. `accepted` are the dimensions beside the
    canonical one (molar for mass, fraction for percent) with their exact factors. `usual_units` are
    those that laboratories use, for inference and for telling what may have been meant.
    `rare_units` are read too, and are among what a mislabeled result may have been meant in (U14).
    `largest_unit` bounds the power of ten of a count; `refused_units` are never read.
    `reference_low` and `reference_high` are a rough adult range, only to recognize the unit of a
    laboratory's own range; `range_limits` is where the limits of such a range can lie at all.
    `unit_aliases` are the site's unit strings with their UCUM unit.
    """

    analyte: Analyte
    name: str
    canonical_unit: str
    plausible_low: Decimal
    plausible_high: Decimal
    precision: int
    accepted: tuple[AcceptedUnit, ...] = ()
    usual_units: tuple[str, ...] = ()
    rare_units: tuple[str, ...] = ()
    largest_unit: str = ""
    refused_units: tuple[str, ...] = ()
    reference_low: Decimal | None = None
    reference_high: Decimal | None = None
    range_limits: RangeLimits | None = None
    unit_aliases: Mapping[str, str] = field(default_factory=dict)

    def is_plausible(self, value: Decimal) -> bool:
        """Return whether a value in canonical unit can be a result at all (U6)."""
        return self.plausible_low <= value <= self.plausible_high


@dataclass(frozen=True, slots=True)
class LocalCoding:
    """A coding of the site's own, such as an orderable."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Terminology:
    """All that codes and units mean at one site.

    `loinc` maps LOINC codes, `site` maps (system, code) of the site's ConceptMaps and is asked
    first, for LOINC codes too. `orderables` maps our order ids to what the site can order;
    `context` maps the site's codes of conditions, medicines, procedures and encounters to known
    ones (none: never read).
    """

    definitions: Mapping[Analyte, AnalyteDefinition]
    loinc: Mapping[str, CodeMeaning]
    site: Mapping[tuple[str, str], CodeMeaning] = field(default_factory=dict)
    orderables: Mapping[str, LocalCoding] = field(default_factory=dict)
    context: Mapping[tuple[str, str], tuple[LocalCoding, ...]] = field(default_factory=dict)

    def meaning_of(self, system: str, code: str) -> CodeMeaning | None:
        """Return what a coding means: the site's mapping first, then LOINC; None if unknown."""
        if self.site:
            meaning = self.site.get((system.strip(), code.strip()))
            if meaning is not None:
                return meaning
        if system in LOINC_SYSTEMS or _is_loinc(system):
            return self.loinc.get(code) or self.loinc.get(code.strip())
        return None

    def meaning_without_system(self, system: str, code: str) -> CodeMeaning | None:
        """Return what LOINC calls a code whose system is missing, or a name and no address."""
        return self.loinc.get(code.strip()) if system.strip().lower() in _NO_ADDRESS else None

    def definition(self, analyte: Analyte) -> AnalyteDefinition:
        """Return how an analyte is measured."""
        return self.definitions[analyte]

    def codes_of(self, group: DataGroup) -> tuple[str, ...]:
        """Return the LOINC codes to search for one data group, excluded codes left out."""
        return tuple(code for code, meaning in self.loinc.items() if _usable_in(meaning, group))

    def local_codes_of(self, group: DataGroup) -> tuple[LocalCoding, ...]:
        """Return the site's own codes of one data group, LOINC codes left out."""
        return tuple(self._local_codes(group))

    def _local_codes(self, group: DataGroup) -> Iterator[LocalCoding]:
        for (system, code), meaning in self.site.items():
            if system not in LOINC_SYSTEMS and _usable_in(meaning, group):
                yield LocalCoding(system, code, meaning.display)

    def orderable(self, order_id: str) -> LocalCoding | None:
        """Return what the site orders for one of our order ids; None if it names nothing."""
        return self.orderables.get(order_id)


GROUP_OF_KIND: dict[CodeKind, DataGroup] = {
    CodeKind.SMEAR: DataGroup.SMEAR,
    CodeKind.NARRATIVE: DataGroup.SMEAR,
    CodeKind.SEROLOGY: DataGroup.SEROLOGY,
    CodeKind.PREGNANCY: DataGroup.PREGNANCY,
    CodeKind.MARROW: DataGroup.MARROW_RESULTS,
}


def groups_of(kind: CodeKind, analyte: Analyte | None) -> frozenset[DataGroup]:
    """Return the data groups of a code that is not a panel."""
    if kind is CodeKind.ANALYTE and analyte is not None:
        return frozenset({analyte.group})
    group = GROUP_OF_KIND.get(kind)
    return frozenset() if group is None else frozenset({group})


def _usable_in(meaning: CodeMeaning, group: DataGroup) -> bool:
    return meaning.kind is not CodeKind.EXCLUDED and group in meaning.groups
