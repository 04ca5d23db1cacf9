"""ConceptMap rows that a site could add: for codes without a meaning, for units not understood.

A row is proposed only where the name of the code, taken whole, is a name of one measurement and its
unit is one of that measurement; or where only one usual unit puts the values in the usual range.
Each is a question to the laboratory, not an answer. A LOINC code is never given another meaning:
then the row is for the local code beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import Reason
from fhir_mappings.terminology import LOINC, LOINC_SYSTEMS, UCUM
from fhir_mappings.units.grammar import parse
from fhir_mappings.units.units import UnitNotUnderstood, read_unit
from fhir_mappings.vocabulary.analytes import CODE_SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_mappings.panel import Analyte
    from fhir_mappings.terminology import Terminology
    from service.mapping_report.tally import Row, Tally

LOCAL_UNITS = f"{CODE_SYSTEM}local-unit"
_ENOUGH = 0.75
_FEW = 0.5
_WORD = re.compile(r"[a-z]+[0-9]*|[#%]|[0-9]+")
_FILLERS = frozenset(
    re.findall(
        r"\S+",
        "a an and auto automated blood bld by calc calculated conc concentration count in level"
        " lvl manual mass measured moles number of or p plas plasma s ser serum test the total"
        " venous volume wb whole # % abs absolute percent pct",
    )
)
_NAMES: dict[str, tuple[str, ...]] = {
    "718-7": ("hemoglobin", "haemoglobin", "hgb", "hb", "hemoglobin hgb"),
    "26464-8": (
        "wbc",
        "leukocytes",
        "leucocytes",
        "leukocyte",
        "leucocyte",
        "white cells",
        "white cell",
        "wbc white cells",
    ),
    "26499-4": ("neutrophils", "neutrophil", "anc", "neut", "neuts", "neutrophils anc"),
    "26511-6": ("neutrophils", "neutrophil", "neut", "neuts"),
    "30451-9": ("segmented neutrophils", "segs", "neutrophils segmented", "segmented"),
    "26505-8": ("segmented neutrophils", "segs", "neutrophils segmented", "segmented"),
    "26507-4": ("bands", "band neutrophils", "band form neutrophils", "neutrophils band"),
    "26508-2": ("bands", "band neutrophils", "band form neutrophils", "neutrophils band"),
    "26515-7": ("platelets", "platelet", "plt", "thrombocytes", "platelets plt"),
    "30428-7": ("mcv", "mean corpuscular", "mean cell"),
    "20570-8": ("hematocrit", "haematocrit", "hct", "pcv", "hematocrit hct"),
    "4679-7": ("reticulocytes", "reticulocyte", "retic", "retics"),
    "14196-0": ("reticulocytes", "reticulocyte", "retic", "retics"),
    "2498-4": ("iron", "fe", "iron fe"),
    "2500-7": ("tibc", "iron binding capacity", "iron binding capacity tibc"),
    "2501-5": ("uibc", "unsaturated iron binding capacity"),
    "2502-3": ("tsat", "transferrin saturation", "iron saturation", "saturation iron"),
    "3034-6": ("transferrin",),
    "2276-4": ("ferritin",),
    "2132-9": ("vitamin b12", "b12", "cobalamin", "cobalamin vitamin b12", "vit b12"),
    "2284-8": ("folate", "folic acid"),
    "13964-2": ("methylmalonic acid", "methylmalonate", "mma", "methylmalonic acid mma"),
    "13965-9": ("homocysteine", "homocystine"),
    "2532-0": ("ldh", "lactate dehydrogenase", "lactate dehydrogenase ldh", "ld ldh"),
    "1975-2": ("bilirubin", "bili"),
    "1968-7": ("direct bilirubin", "bilirubin direct"),
    "1971-1": ("indirect bilirubin", "bilirubin indirect"),
    "4542-7": ("haptoglobin",),
    "2160-0": ("creatinine", "creat"),
    "69405-9": ("egfr", "estimated gfr", "gfr"),
    "1742-6": ("alt", "alanine aminotransferase", "alanine aminotransferase alt", "alt sgpt"),
    "1920-8": ("ast", "aspartate aminotransferase", "aspartate aminotransferase ast", "ast sgot"),
    "6768-6": ("alp", "alkaline phosphatase", "alk phos"),
    "2324-2": ("ggt", "gamma glutamyl transferase"),
    "1988-5": ("crp", "c reactive protein"),
    "26446-5": ("blasts", "blast", "blast cells"),
    "30376-8": ("blasts", "blast", "blast cells"),
    "30445-1": ("myeloblasts", "myeloblast"),
    "30444-4": ("myeloblasts", "myeloblast"),
    "34922-5": ("lymphoblasts", "lymphoblast"),
    "35050-4": ("lymphoblasts", "lymphoblast"),
    "34923-3": ("monoblasts", "monoblast"),
    "35029-8": ("monoblasts", "monoblast"),
    "19048-8": ("nrbc", "nucleated red cells", "nucleated erythrocytes", "nucleated rbc"),
    "30392-5": ("nrbc", "nucleated red cells", "nucleated erythrocytes", "nucleated rbc"),
    "8310-5": ("body temperature", "temperature"),
}
"""Names under which laboratories report; fillers such as count or serum are left out. Where two
measurements share a name, the unit distinguishes them.
"""


def _words(text: str) -> frozenset[str]:
    joined = text.lower().replace("b-12", "b12").replace("b 12", "b12")
    return frozenset(_WORD.findall(joined)) - _FILLERS


_TARGETS: dict[frozenset[str], list[str]] = {}
for _code, _spellings in _NAMES.items():
    for _spelling in _spellings:
        _TARGETS.setdefault(_words(_spelling), []).append(_code)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One row for the site's ConceptMap, and how many results it would make readable."""

    source: str
    code: str
    display: str
    target_system: str
    target: str
    target_display: str
    comment: str
    count: int


def proposals(tally: Tally) -> tuple[Proposal, ...]:
    """Draft every row, the most useful first; one for each code or unit."""
    best: dict[tuple[str, str], Proposal] = {}
    drafts = list(_drafts(tally))
    for draft in drafts:
        place = (draft.source, draft.code)
        known = best.setdefault(place, draft)
        if known.target != draft.target and draft.count > known.count:
            best[place] = draft
    return tuple(sorted(best.values(), key=lambda p: (-p.count, p.source, p.code)))


def concept_map(drafted: Iterable[Proposal]) -> dict[str, Any]:
    """Return the rows as a ConceptMap for HEME_HOOKS_SITE_MAPPINGS."""
    groups: dict[tuple[str, str], list[Proposal]] = {}
    for each in drafted:
        groups.setdefault((each.source, each.target_system), []).append(each)
    return {
        "resourceType": "ConceptMap",
        "name": "SiteMappings",
        "status": "draft",
        "group": [
            {"source": source, "target": target, "element": [_element(each) for each in rows]}
            for (source, target), rows in groups.items()
        ],
    }


def _element(row: Proposal) -> dict[str, Any]:
    target = {
        "code": row.target,
        "display": row.target_display,
        "equivalence": "equivalent",
        "comment": row.comment,
    }
    element = {"code": row.code, "display": row.display}
    return {**_given(element), "target": [_given(target)]}


def _given(fields: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _drafts(tally: Tally) -> Iterator[Proposal]:
    for row in tally.rows.values():
        refused = sum(n for refusal, n in row.refused.items() if refusal.reason in _ABOUT_UNITS)
        wrong = refused + sum(
            n for refusal, n in row.refused.items() if refusal.reason is Reason.IMPLAUSIBLE
        )
        if row.unmapped and row.laboratory:
            yield from _code_rows(row, row.unmapped, tally.terminology)
        elif wrong and _is_a_unit(row.key.unit):
            yield from _code_rows(row, wrong, tally.terminology)
        elif refused and row.key.unit:
            yield from _unit_rows(row, refused, tally.terminology)


_ABOUT_UNITS = frozenset({Reason.UNIT, Reason.UNIT_CONFLICT})


def _is_a_unit(text: str) -> bool:
    return bool(text) and bool(parse(text).readings)


def _code_rows(row: Row, count: int, terminology: Terminology) -> Iterator[Proposal]:
    """Name and unit are those of a measurement other than the code's own."""
    known = terminology.meaning_of(row.key.system, row.key.code)
    for system, code, display in _local_codings(row):
        names = (display, row.display)
        target = next(filter(None, (_target(name, row, terminology) for name in names)), None)
        if target is None or (known and known.analyte is terminology.loinc[target].analyte):
            continue
        shown = terminology.loinc[target].display
        unit = f" in {row.key.unit}" if row.key.unit else ""
        comment = f"By its name{unit}; the laboratory must confirm."
        yield Proposal(system, code, display or row.display, LOINC, target, shown, comment, count)


def _local_codings(row: Row) -> Iterator[tuple[str, str, str]]:
    codings = {(row.key.system, row.key.code): row.display, **row.other_codings}
    for (system, code), display in codings.items():
        if system.strip() and code.strip() and system.strip() not in LOINC_SYSTEMS:
            yield system.strip(), code.strip(), display


def _target(name: str, row: Row, terminology: Terminology) -> str | None:
    fitting = [
        code
        for code in dict.fromkeys(_TARGETS.get(_words(name), ()))
        if _reads(row.key.unit, terminology.loinc[code].analyte, terminology)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _reads(unit: str, analyte: Analyte | None, terminology: Terminology) -> bool:
    if analyte is None or not unit:
        return False
    try:
        read_unit(unit, terminology.definition(analyte))
    except UnitNotUnderstood:
        return False
    return True


def _unit_rows(row: Row, count: int, terminology: Terminology) -> Iterator[Proposal]:
    """One usual unit puts nearly all values in the usual range, every other at most half."""
    if len(row.analytes) != 1:
        return
    (analyte,) = row.analytes
    definition = terminology.definition(analyte)
    fitting = [unit for unit, number in row.fits.items() if number >= _FEW * count]
    scales = {read_unit(unit, definition).scale for unit in fitting}
    if len(scales) != 1 or row.fits[fitting[0]] < _ENOUGH * count:
        return
    comment = (
        f"{row.fits[fitting[0]]} of {count} values of {definition.name} lie where such results"
        " lie; the laboratory must confirm. Holds for every code with this unit."
    )
    yield Proposal(LOCAL_UNITS, row.key.unit, "", UCUM, fitting[0], "", comment, count)
