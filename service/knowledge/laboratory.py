"""What the laboratory vocabulary reads, as Markdown tables: analytes, LOINC codes, ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, SerologyTest, SmearSet
from fhir_mappings.terminology import CodeKind, Use
from fhir_mappings.vocabulary.analytes import default_terminology
from service.cards.escaping import code, prose, table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from fhir_mappings.terminology import AnalyteDefinition, CodeMeaning


def analytes() -> str:
    """Return every analyte with its canonical unit and the values that a living person can have."""
    rows = (
        [
            code(each.analyte.value),
            prose(each.name),
            code(each.canonical_unit),
            f"{_number(each.plausible_low)} to {_number(each.plausible_high)}",
            ", ".join(code(f"{unit.unit} ×{_number(unit.factor)}") for unit in each.accepted),
        ]
        for each in _definitions()
    )
    return table(["Analyte", "Name", "Canonical unit", "Possible values", "Also read as"], rows)


def loinc_codes() -> str:
    """Return the LOINC codes of every analyte: read, read in a role only, never read."""
    rows = (
        [
            code(each.analyte.value),
            *(_codes(_of_analyte(each.analyte, use)) or "-" for use in (Use.OK, Use.COND)),
            _codes(_of_analyte(each.analyte, Use.EXCLUDE)) or "-",
        ]
        for each in _definitions()
    )
    return table(["Analyte", "Read", "Read in a role", "Never read, although alike"], rows)


def range_limits() -> str:
    """Return between which values the limits of a laboratory's own range can lie (U14)."""
    rows = (
        [
            code(each.analyte.value),
            code(each.canonical_unit),
            _interval(each.range_limits.low),
            _interval(each.range_limits.high),
        ]
        for each in _definitions()
        if each.range_limits
    )
    return table(["Analyte", "Unit", "Lower limit", "Upper limit"], rows)


def film_codes() -> str:
    """Return the LOINC codes of findings on the blood film, those of an analyzer marked."""
    return _named(CodeKind.SMEAR, [each.value for each in SmearSet])


def narrative_codes() -> str:
    """Return the LOINC codes that carry words about a blood film."""
    return _named(CodeKind.NARRATIVE, ["blood-film"])


def panel_codes() -> str:
    """Return the LOINC codes of panels, which never carry a value of their own."""
    groups: dict[str, None] = dict.fromkeys(
        meaning.target for meaning in _meanings() if meaning.kind is CodeKind.PANEL
    )
    return _named(CodeKind.PANEL, groups)


def other_codes() -> str:
    """Return the LOINC codes of serology, pregnancy and marrow results."""
    rows = [
        *_rows(CodeKind.SEROLOGY, [each.value for each in SerologyTest]),
        *_rows(CodeKind.PREGNANCY, ["status", "test", "delivery-date", "gestational-age"]),
        *_rows(CodeKind.MARROW, ["result"]),
    ]
    return table(["What", "LOINC"], rows)


def _definitions() -> Iterable[AnalyteDefinition]:
    definitions = default_terminology().definitions
    return (definitions[analyte] for analyte in Analyte)


def _meanings() -> Iterable[CodeMeaning]:
    return default_terminology().loinc.values()


def _of_analyte(analyte: Analyte, use: Use) -> Iterable[CodeMeaning]:
    return (each for each in _meanings() if each.analyte is analyte and each.use is use)


def _named(kind: CodeKind, targets: Iterable[str]) -> str:
    return table(["What", "LOINC"], _rows(kind, targets))


def _rows(kind: CodeKind, targets: Iterable[str]) -> Iterable[list[str]]:
    for target in targets:
        found = [each for each in _meanings() if each.kind is kind and each.target == target]
        yield [code(target), _codes(found, named=True)]


def _codes(meanings: Iterable[CodeMeaning], *, named: bool = False) -> str:
    return "; ".join(_code(each, named=named) for each in meanings)


def _code(meaning: CodeMeaning, *, named: bool) -> str:
    parts = [meaning.code]
    if named:
        parts.append(prose(meaning.display))
    if meaning.role:
        parts.append(f"({meaning.role.value})")
    if not meaning.smear:
        parts.append("(analyzer)")
    if meaning.present_from_percent is not None:
        parts.append(f"(present from {meaning.present_from_percent} %)")
    return " ".join(parts)


def _interval(limits: tuple[Decimal, Decimal] | None) -> str:
    return "-" if limits is None else f"{_number(limits[0])} to {_number(limits[1])}"


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
