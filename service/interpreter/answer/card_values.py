"""The values that a finding rests on, as its card shows them (clinical-definition 3.4).

Each is a result with the side on which it lies beyond the limit that was used, or a word for why
there is none: not measured, not readable and not available are three different things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, SmearMethod, SmearSet
from service.interpreter.answer.deviations import deviation_of
from service.interpreter.assessment.cell_lines import CLUMPED, NOT_RETRIEVED
from service.interpreter.assessment.smear import little_word
from service.interpreter.interpretation import (
    CellLine,
    CellLineState,
    Deviation,
    Grade,
    ShownValue,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.panel import SmearFinding
    from service.interpreter.interpretation import CellLineFact
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

ANALYTE_OF_LINE = {
    CellLine.HEMOGLOBIN: Analyte.HEMOGLOBIN,
    CellLine.WHITE: Analyte.NEUTROPHILS,
    CellLine.PLATELETS: Analyte.PLATELETS,
}
_EITHER = {Analyte.RETICULOCYTES: Analyte.RETICULOCYTE_PERCENT}
"""Measured either way: the second is shown where the first was not measured."""

_REMARKS = {CLUMPED: "clumped"}
_MASKED = "after transfusion"
_LONGEST_ANSWER = 20


def values_of(rule: Rule, case: Case) -> tuple[ShownValue, ...]:
    """Return the cell lines, then what the rule shows and what it waits for, each once."""
    found: dict[Analyte | SmearSet, ShownValue] = {}
    for value in (*_lines(rule, case), *_others(rule, case)):
        found.setdefault(value.what, value)
    return tuple(found.values())


def _lines(rule: Rule, case: Case) -> Iterator[ShownValue]:
    for line, fact in case.situation.states.lines.items():
        decides = line in rule.lines
        if fact.result is None:
            if decides:
                yield ShownValue(ANALYTE_OF_LINE[line], missing=_why_missing(fact))
            continue
        yield ShownValue(
            fact.result.analyte,
            fact.result,
            _deviation_of_line(fact),
            remark=_MASKED if fact.state is CellLineState.MASKED else _REMARKS.get(fact.why, ""),
            decides=decides,
        )


def _deviation_of_line(fact: CellLineFact) -> Deviation:
    if fact.state is not CellLineState.LOW:
        return Deviation.NONE
    return Deviation.VERY_LOW if fact.grade is Grade.SEVERE else Deviation.LOW


def _why_missing(fact: CellLineFact) -> str:
    if fact.why == NOT_RETRIEVED:
        return "not available"
    if "read" in fact.why:
        return "not readable"
    return "not measured" if fact.why in {"", "not measured"} else "not of these days"


def _others(rule: Rule, case: Case) -> Iterator[ShownValue]:
    situation = case.situation
    yield from _numbers(rule, case)
    yield from _films(rule, case)
    for analyte in rule.shows:
        result = situation.selected.get(analyte)
        if result is None and analyte in _EITHER:
            result = situation.selected.get(_EITHER[analyte])
        if result is not None:
            yield ShownValue(result.analyte, result, deviation_of(result, situation))
        elif analyte in rule.waits_for and not _pointless(analyte, case):
            yield ShownValue(analyte, missing=_word_for_missing(analyte, case))


def _numbers(rule: Rule, case: Case) -> Iterator[ShownValue]:
    """Values that are no selected result of an analyte: temperatures, blasts of one specimen."""
    situation = case.situation
    highest = situation.fever.highest
    if Analyte.BODY_TEMPERATURE in rule.shows and highest is not None:
        yield ShownValue(highest.analyte, highest, Deviation.HIGH)
    if Analyte.BLAST_PERCENT in rule.shows:
        for result in situation.blasts.number:
            yield ShownValue(result.analyte, result, Deviation.HIGH)


def _films(rule: Rule, case: Case) -> Iterator[ShownValue]:
    """What was seen on the film; blasts only where none were counted."""
    situation = case.situation
    blasts = () if situation.blasts.number else situation.blasts.findings
    seen = {SmearSet.SCHISTOCYTES: situation.smear.schistocytes, SmearSet.BLASTS: blasts}
    for finding, films in seen.items():
        if finding in rule.shows_on_film and films:
            yield ShownValue(finding, films[0], seen=_how_much(films[0]))


def _how_much(film: SmearFinding) -> str:
    """Return a coded answer; of a sentence, only the word for little."""
    text = " ".join(film.text.split()).lower()
    if film.method is SmearMethod.NARRATIVE or len(text) > _LONGEST_ANSWER:
        return little_word(film) or "reported"
    return text or "present"


def _pointless(analyte: Analyte, case: Case) -> bool:
    """Under B12 treatment a normal MMA says nothing: the card does not miss it."""
    return analyte is Analyte.METHYLMALONATE and bool(case.situation.chemistry.b12_medication)


def _word_for_missing(analyte: Analyte, case: Case) -> str:
    if analyte in case.situation.unknown:
        return "not available"
    if case.situation.unreadable.get(analyte):
        return "not readable"
    return "not measured"
