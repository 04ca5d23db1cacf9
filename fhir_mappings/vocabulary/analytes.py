"""The project's own laboratory vocabulary, read once from `analytes.json`.

The file is a FHIR R4 Bundle: one ObservationDefinition per analyte (unit, precision, plausible
range, conversion factors) and ConceptMaps from LOINC (clinical-definition 1.2, 1.5 to 1.7). It is
validated with `fhir.resources.R4B` when loaded.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.conceptmap import ConceptMap
from fhir.resources.R4B.observationdefinition import ObservationDefinition

from fhir_mappings.panel import Analyte, DataGroup
from fhir_mappings.terminology import (
    LOINC,
    LOINC_SYSTEMS,
    UCUM,
    UCUM_SYSTEMS,
    AcceptedUnit,
    AnalyteDefinition,
    CodeKind,
    CodeMeaning,
    LocalCoding,
    RangeLimits,
    Role,
    Terminology,
    Use,
    groups_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "BASE",
    "LOINC",
    "LOINC_SYSTEMS",
    "UCUM",
    "UCUM_SYSTEMS",
    "AcceptedUnit",
    "AnalyteDefinition",
    "CodeKind",
    "CodeMeaning",
    "LocalCoding",
    "Role",
    "Terminology",
    "Use",
    "default_terminology",
    "kind_of_system",
    "knowledge_resources",
    "meaning_from_target",
]

BASE = "https://heme-hooks.org/fhir"
CODE_SYSTEM = f"{BASE}/CodeSystem/"
_EXTENSION = f"{BASE}/StructureDefinition/"
_PROPERTY = f"{BASE}/ConceptMap/property/"

_KINDS: dict[str, CodeKind] = {
    f"{CODE_SYSTEM}analyte": CodeKind.ANALYTE,
    f"{CODE_SYSTEM}smear-finding": CodeKind.SMEAR,
    f"{CODE_SYSTEM}narrative": CodeKind.NARRATIVE,
    f"{CODE_SYSTEM}data-group": CodeKind.PANEL,
    f"{CODE_SYSTEM}serology-test": CodeKind.SEROLOGY,
    f"{CODE_SYSTEM}pregnancy": CodeKind.PREGNANCY,
    f"{CODE_SYSTEM}marrow": CodeKind.MARROW,
}
_USES = {"equivalent": Use.OK, "equal": Use.OK, "relatedto": Use.COND, "disjoint": Use.EXCLUDE}


@cache
def knowledge_resources() -> tuple[Any, ...]:
    """Return the shipped resources, validated as FHIR R4. Raises when the file is broken."""
    text = files("fhir_mappings").joinpath("analytes.json").read_text(encoding="utf-8")
    bundle = Bundle.model_validate_json(text)
    return tuple(entry.resource for entry in bundle.entry or ())


@cache
def default_terminology() -> Terminology:
    """Return the project's own Terminology, without any site's ConceptMaps."""
    resources = knowledge_resources()
    definitions = [
        _definition(resource)
        for resource in resources
        if isinstance(resource, ObservationDefinition)
    ]
    return Terminology(
        definitions={definition.analyte: definition for definition in definitions},
        loinc=dict(_loinc_meanings(r for r in resources if isinstance(r, ConceptMap))),
    )


def kind_of_system(system: str) -> CodeKind | None:
    """Return what the codes of one of our CodeSystems mean; None for any other system."""
    return _KINDS.get(system)


def _loinc_meanings(maps: Iterable[ConceptMap]) -> Iterator[tuple[str, CodeMeaning]]:
    """Later maps win: marrow blasts look like blood blasts, and are a marrow result."""
    for concept_map in maps:
        for group in concept_map.group or ():
            kind = _KINDS[str(group.target)]
            for element in group.element:
                code = str(element.code)
                yield code, meaning_from_target(kind, element, code)


def meaning_from_target(kind: CodeKind, element: Any, code: str) -> CodeMeaning:  # noqa: ANN401
    """Return the meaning that one ConceptMap element gives its code."""
    target = element.target[0]
    use = _USES[str(target.equivalence)]
    analyte = Analyte(target.code) if kind is CodeKind.ANALYTE else None
    products = {str(p.property).removeprefix(_PROPERTY): str(p.value) for p in target.product or ()}
    present_from = products.get("present-from-percent")
    if use is Use.EXCLUDE:
        kind = CodeKind.EXCLUDED
    groups = groups_of(kind, analyte)
    if kind is CodeKind.PANEL:
        groups = frozenset(DataGroup(item.code) for item in element.target)
    return CodeMeaning(
        kind=kind,
        target=str(target.code),
        use=use,
        analyte=analyte,
        property=products.get("loinc-property", ""),
        method_rank=int(products.get("method-rank", "0")),
        display=str(element.display or ""),
        role=Role(products.get("role", "")),
        smear=products.get("method") != "analyser",
        present_from_percent=None if present_from is None else int(present_from),
        code=code,
        groups=groups,
    )


def _definition(resource: Any) -> AnalyteDefinition:  # noqa: ANN401
    details = resource.quantitativeDetails
    plausible = _interval(resource, "absolute")
    reference = _interval(resource, "reference")
    if plausible[0] is None or plausible[1] is None:
        message = f"ObservationDefinition {resource.id} has no plausible range"
        raise ValueError(message)
    return AnalyteDefinition(
        analyte=Analyte(resource.identifier[0].value),
        name=str(resource.code.text),
        canonical_unit=str(details.customaryUnit.coding[0].code),
        plausible_low=plausible[0],
        plausible_high=plausible[1],
        precision=int(details.decimalPrecision),
        accepted=tuple(_accepted_units(resource)),
        usual_units=_codes(resource, "usual-unit"),
        rare_units=_codes(resource, "rare-unit"),
        largest_unit="".join(_codes(resource, "largest-unit")),
        refused_units=_codes(resource, "refused-unit"),
        reference_low=reference[0],
        reference_high=reference[1],
        range_limits=_range_limits(resource),
    )


def _range_limits(resource: Any) -> RangeLimits | None:  # noqa: ANN401
    found = next(_extensions(resource, "range-limits"), None)
    if found is None:
        return None
    parts = {part.url: Decimal(str(part.valueDecimal)) for part in found.extension}
    low, high = (
        (parts[f"{side}-from"], parts[f"{side}-to"]) if f"{side}-from" in parts else None
        for side in ("low", "high")
    )
    return RangeLimits(low, high)


def _interval(
    resource: Any,  # noqa: ANN401
    category: str,
) -> tuple[Decimal | None, Decimal | None]:
    for interval in resource.qualifiedInterval or ():
        if interval.category == category:
            bounds = (interval.range.low, interval.range.high)
            low, high = (None if b is None else Decimal(str(b.value)) for b in bounds)
            return low, high
    return None, None


def _extensions(resource: Any, name: str) -> Iterator[Any]:  # noqa: ANN401
    return (e for e in resource.extension or () if e.url == _EXTENSION + name)


def _codes(resource: Any, name: str) -> tuple[str, ...]:  # noqa: ANN401
    return tuple(str(extension.valueCode) for extension in _extensions(resource, name))


def _accepted_units(resource: Any) -> Iterator[AcceptedUnit]:  # noqa: ANN401
    for extension in _extensions(resource, "accepted-unit"):
        parts = {part.url: part for part in extension.extension}
        factor = Decimal(str(parts["factor"].valueDecimal))
        yield AcceptedUnit(str(parts["unit"].valueCode), factor)
