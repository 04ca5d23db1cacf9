"""A site's own ConceptMaps: local codes, local unit strings, orderables (HEME_HOOKS_SITE_MAPPINGS).

Each group of a ConceptMap maps one local system (`group.source`) to one of

- LOINC, or one of our CodeSystems (analyte, smear-finding, serology-test ...): a local code;
- SNOMED CT, an ICD, RxNorm, ATC, v3 ActCode, or our CodeSystems `context` and `medication-term`: a
  local code of a condition, medicine, procedure or encounter;
- http://unitsofmeasure.org: a local unit string, read everywhere as that UCUM unit;
- or, from our CodeSystem `order`, to the site's own system: what the site orders for an order id.

`unmatched` or `disjoint` says that a local code must not be read. A site's mapping goes before the
project's own ConceptMaps (clinical-definition 1.1, A5).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, DataGroup, SerologyTest, SmearSet
from fhir_mappings.r4.code_systems import (
    ACT_CODE,
    ICD_9_CM,
    ICD_10,
    ICD_10_CM,
    RXNORM,
    SNOMED_CT,
    normal_code,
    normal_system,
)
from fhir_mappings.terminology import (
    LOINC_SYSTEMS,
    UCUM_SYSTEMS,
    CodeKind,
    CodeMeaning,
    LocalCoding,
    Terminology,
    Use,
    groups_of,
)
from fhir_mappings.units.grammar import parse
from fhir_mappings.vocabulary.analytes import CODE_SYSTEM, default_terminology, kind_of_system
from fhir_mappings.vocabulary.site_rows import Row, mapping_files, mapping_rows
from fhir_mappings.vocabulary.value_sets import CONTEXT, MEDICATION_TERM, value_sets, value_sets_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

ORDER_SYSTEM = f"{CODE_SYSTEM}order"
ENCOUNTER_CLASSES = frozenset(
    {"IMP", "ACUTE", "NONAC", "EMER", "OBSENC", "AMB", "VR", "HH", "FLD", "SS", "PRENC"}
)
_CONTEXT_SYSTEMS = frozenset(
    {SNOMED_CT, ICD_10_CM, ICD_10, ICD_9_CM, RXNORM, ACT_CODE, CONTEXT, MEDICATION_TERM}
)
_NOT_READ = frozenset({"unmatched", "disjoint"})
_PREGNANCY = frozenset({"status", "test", "delivery-date", "gestational-age"})
_TARGETS: dict[CodeKind, frozenset[str]] = {
    CodeKind.ANALYTE: frozenset(Analyte),
    CodeKind.SMEAR: frozenset(SmearSet),
    CodeKind.SEROLOGY: frozenset(SerologyTest),
    CodeKind.PANEL: frozenset(DataGroup),
    CodeKind.PREGNANCY: _PREGNANCY,
    CodeKind.NARRATIVE: frozenset({"blood-film"}),
    CodeKind.MARROW: frozenset({"result"}),
}


class SiteMappingError(ValueError):
    """The site's ConceptMaps cannot be used. `problems` names file, row and code, line by line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(slots=True)
class _Loaded:
    base: Terminology
    order_ids: Collection[str] | None
    codes: dict[tuple[str, str], CodeMeaning] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    orderables: dict[str, LocalCoding] = field(default_factory=dict)
    context: dict[tuple[str, str], tuple[LocalCoding, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def load_terminology(
    paths: Iterable[str | Path], order_ids: Collection[str] | None = None
) -> Terminology:
    """Return the project's Terminology with the site's ConceptMaps before it.

    `paths` are files or folders (their `*.json`) of R4 ConceptMaps, or Bundles of them.
    `order_ids`, when given, are the order ids that an orderable may be mapped from.
    Raises SiteMappingError with every problem of every file at once.
    """
    loaded = _Loaded(default_terminology(), order_ids)
    for path in mapping_files(paths, loaded.problems):
        for row in mapping_rows(path, loaded.problems):
            _load(row, loaded)
    if loaded.problems:
        raise SiteMappingError(loaded.problems)
    return _laid_over(loaded)


def _laid_over(loaded: _Loaded) -> Terminology:
    base = loaded.base
    if not (loaded.codes or loaded.units or loaded.orderables or loaded.context):
        return base
    definitions = {
        analyte: replace(definition, unit_aliases=loaded.units)
        for analyte, definition in base.definitions.items()
    }
    return Terminology(definitions, base.loinc, loaded.codes, loaded.orderables, loaded.context)


def _load(row: Row, loaded: _Loaded) -> None:
    problem = _problem_or_load(row, loaded)
    if problem:
        loaded.problems.append(f"{row.place}: {problem}")


def _problem_or_load(row: Row, loaded: _Loaded) -> str | None:
    if row.source == ORDER_SYSTEM:
        return _load_orderable(row, loaded)
    if row.equivalence in _NOT_READ:
        if loaded.context.setdefault((row.source, row.code), ()):
            return "the code is mapped twice, to different meanings"
        excluded = CodeMeaning(CodeKind.EXCLUDED, row.target, Use.EXCLUDE, display=row.display)
        return _load_code(row, excluded, loaded)
    if row.equivalence == "inexact":
        return "an inexact target is not read; say unmatched, or map it to what it is"
    if row.target_system in UCUM_SYSTEMS:
        return _load_unit(row, loaded)
    if row.target_system in LOINC_SYSTEMS:
        return _load_loinc(row, loaded)
    of_context = normal_system(row.target_system) in _CONTEXT_SYSTEMS
    if of_context or value_sets_of(row.target_system, row.target):
        return _load_context(row, loaded)
    return _load_own(row, loaded)


def _load_orderable(row: Row, loaded: _Loaded) -> str | None:
    if loaded.order_ids is not None and row.code not in loaded.order_ids:
        return "there is no order of that id"
    if not row.target or not row.target_system:
        return "the orderable needs group.target and a target code"
    coding = LocalCoding(row.target_system, row.target, row.target_display)
    if loaded.orderables.setdefault(row.code, coding) != coding:
        return "the order is mapped twice, to different orderables"
    return None


def _load_unit(row: Row, loaded: _Loaded) -> str | None:
    if not parse(row.target).readings:
        return f"the target unit {row.target!r} is not understood"
    if loaded.units.setdefault(row.code, row.target) != row.target:
        return "the unit is mapped twice, to different units"
    return None


def _load_loinc(row: Row, loaded: _Loaded) -> str | None:
    meaning = loaded.base.loinc.get(row.target)
    if meaning is None:
        return f"the LOINC code {row.target!r} is not one that this service reads"
    if meaning.kind is CodeKind.EXCLUDED:
        return f"the LOINC code {row.target!r} is one that is never read"
    return _load_code(row, replace(meaning, display=row.display or meaning.display), loaded)


def _load_context(row: Row, loaded: _Loaded) -> str | None:
    """A code of a condition, medicine, procedure or encounter, to one that is known."""
    system = normal_system(row.target_system)
    if system == ACT_CODE:
        known = row.target.upper() in ENCOUNTER_CLASSES
    elif system == MEDICATION_TERM:
        terms = (each.concepts for each in value_sets().values())
        known = any((system, normal_code(row.target)) in concepts for concepts in terms)
    else:
        known = bool(value_sets_of(system, row.target))
    if not known:
        return f"{row.target!r} is not a code of {row.target_system} that this service knows"
    if (row.source, row.code) in loaded.context and not loaded.context[row.source, row.code]:
        return "the code is mapped twice, to different meanings"
    target = LocalCoding(system, row.target, row.display or row.target_display)
    known_targets = loaded.context.get((row.source, row.code), ())
    if target not in known_targets:
        loaded.context[row.source, row.code] = (*known_targets, target)
    return None


def _load_own(row: Row, loaded: _Loaded) -> str | None:
    kind = kind_of_system(row.target_system)
    if kind is None:
        return f"the target system {row.target_system!r} is none of LOINC, UCUM and ours"
    if row.target not in _TARGETS[kind]:
        return f"{row.target!r} is not a code of {row.target_system}"
    analyte = Analyte(row.target) if kind is CodeKind.ANALYTE else None
    groups = groups_of(kind, analyte)
    if kind is CodeKind.PANEL:
        groups = frozenset({DataGroup(row.target)})
    meaning = CodeMeaning(kind, row.target, analyte=analyte, display=row.display, groups=groups)
    return _load_code(row, meaning, loaded)


def _load_code(row: Row, meaning: CodeMeaning, loaded: _Loaded) -> str | None:
    """A panel may stand in several groups of data; any other code means one thing."""
    systems = LOINC_SYSTEMS if row.source in LOINC_SYSTEMS else {row.source}
    for system in systems:
        known = loaded.codes.setdefault((system, row.code), meaning)
        if known.kind is meaning.kind is CodeKind.PANEL:
            both = replace(known, groups=known.groups | meaning.groups)
            loaded.codes[system, row.code] = both
        elif known != meaning:
            return "the code is mapped twice, to different meanings"
    return None
