"""Blood film findings that are not refuted (clinical-definition 1.5 and 2.4)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, DataGroup, SmearMethod, SmearSet
from service.interpreter.interpretation import CellLine, CellLineState
from service.interpreter.logic import above, all_of, at_least, below
from service.interpreter.windows import Span, newest_first

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fhir_mappings.panel import LabResult, SmearFinding
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import CellLineFact
    from service.interpreter.logic import Truth

NONE_AT_ALL = Decimal(0)

_LITTLE = re.compile(r"\b(?:occasional|rare|few|slight)(?:ly)?\b", re.IGNORECASE)

RED_FLAG_SETS = (SmearSet.DYSPLASIA, SmearSet.TEARDROP, SmearSet.NUCLEATED_RED_CELLS)

_SPEAKS_FOR_ITSELF = frozenset(
    {
        "11281-3",
        *("60526-1", "18311-1", "40654-6", "33215-5", "71369-3"),
        *("765-8", "34199-0", "30450-1", "767-4", "10376-2"),
    }
)
"""LOINC codes of one sign among several of their set: their "absent" refutes only themselves.

No Auer rods does not mean no blasts, and no Pelger-Huet cells does not mean no dysplasia.
"""


def findings_of(chart: Timeline, target: SmearSet, span: Span) -> tuple[SmearFinding, ...]:
    """Return all findings of one set in the span, newest first, whatever they say."""
    if not chart.facts.panel.smear:
        return ()
    return newest_first(
        finding
        for finding in chart.facts.panel.smear
        if finding.finding is target and span.holds(finding.taken)
    )


def standing(chart: Timeline, target: SmearSet, span: Span) -> tuple[SmearFinding, ...]:
    """Return the positive findings of one set that nothing later refutes, newest of each code."""
    findings = findings_of(chart, target, span)
    if not findings:
        return ()
    negatives = [finding for finding in findings if finding.present is False]
    newest_by_code: dict[str, SmearFinding] = {}
    for finding in findings:
        if finding.present and not any(_refutes(other, finding) for other in negatives):
            newest_by_code.setdefault(finding.loinc, finding)
    return tuple(newest_by_code.values())


def _refutes(negative: SmearFinding, positive: SmearFinding) -> bool:
    if negative.taken <= positive.taken:
        return False
    if negative.loinc and negative.loinc == positive.loinc:
        return True
    return negative.method is not SmearMethod.ANALYSER and (
        negative.loinc not in _SPEAKS_FOR_ITSELF
    )


def is_little(finding: SmearFinding) -> bool:
    """Whether a positive finding says occasional, rare, few or slight; all else is more (1.5)."""
    return bool(little_word(finding))


def little_word(finding: SmearFinding) -> str:
    """Return the word that says how little was seen, in lower case; empty when it was more."""
    found = _LITTLE.search(finding.text)
    return found[0].lower() if found else ""


def schistocytes_with_low_platelets(
    chart: Timeline, lines: Mapping[CellLine, CellLineFact]
) -> Truth:
    """Whether schistocytes of the last 3 d stand beside low platelets below 100 (3.2)."""
    platelets = lines[CellLine.PLATELETS]
    low: Truth = {CellLineState.LOW: True, CellLineState.UNKNOWN: None}.get(platelets.state, False)
    seen = bool(standing(chart, SmearSet.SCHISTOCYTES, chart.schistocytes_span))
    hidden = DataGroup.SMEAR in chart.unavailable
    return all_of(
        low,
        below(platelets.result, chart.limits.plt_microangiopathy),
        None if hidden and not seen else seen,
    )


def standing_clumps(chart: Timeline, drawn: datetime) -> tuple[SmearFinding, ...]:
    """Return platelet clumps seen within 72 h of a platelet specimen.

    A film without clumps up to that specimen refutes an earlier one; a later film says nothing
    about the specimen.
    """
    apart = chart.windows.clumps
    same = drawn + chart.windows.same_specimen
    before = standing(chart, SmearSet.PLATELET_CLUMP, Span(drawn - apart, same))
    later = findings_of(chart, SmearSet.PLATELET_CLUMP, Span(same, drawn + apart))
    return before + tuple(clump for clump in later if clump.present and clump not in before)


def nucleated_red_cells(chart: Timeline) -> tuple[LabResult, ...]:
    """Return the newest counts of nucleated red cells of the last 30 d that are a red flag."""
    ratio = chart.newest(Analyte.NUCLEATED_RED_CELL_RATIO, chart.smear_span)
    number = chart.newest(Analyte.NUCLEATED_RED_CELLS, chart.smear_span)
    found = []
    if ratio is not None and at_least(ratio, chart.limits.nrbc_ratio):
        found.append(ratio)
    if number is not None and above(number, NONE_AT_ALL):
        found.append(number)
    return tuple(found)
