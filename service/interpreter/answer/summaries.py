"""Placeholders of the summary templates, and fitting a summary into a Card.

A Card's summary has fewer than 140 characters (CDS Hooks 2.0, Card attributes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, SmearMethod
from service.interpreter.formatting import counted, day, listed, shown, with_unit
from service.interpreter.interpretation import CellLine, CellLineState, Pattern
from service.interpreter.rules.data_quality import refused_names, refused_results
from service.interpreter.rules.texts.missing_results import missing_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.interpreter.rules.criteria.criterion import Case

MAX_SUMMARY = 139
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _value(case: Case, analyte: Analyte) -> str:
    result = case.situation.selected.get(analyte)
    if result is not None:
        return shown(result)
    if analyte in case.situation.unknown:
        return "not available"
    if case.situation.unreadable.get(analyte):
        return "not readable"
    return "not measured"


def _percent(value: str) -> str:
    return f"{value} %" if value[-1].isdigit() else value


def _line(case: Case, line: CellLine) -> str:
    fact = case.situation.states.lines.get(line)
    return shown(fact.result) if fact and fact.result else ""


def _white_name(case: Case) -> str:
    fact = case.situation.states.lines.get(CellLine.WHITE)
    by_leukocytes = fact and fact.result and fact.result.analyte is Analyte.LEUKOCYTES
    return "WBC" if by_leukocytes else "ANC"


def _counts(case: Case) -> str:
    named = {
        CellLine.HEMOGLOBIN: "Hgb",
        CellLine.WHITE: _white_name(case),
        CellLine.PLATELETS: "Plt",
    }
    return ", ".join(f"{name} {_line(case, line) or 'not known'}" for line, name in named.items())


def _white(case: Case) -> str:
    return f"{_white_name(case)} {_line(case, CellLine.WHITE)}".strip()


def _fever(case: Case) -> str:
    highest = case.situation.fever.highest
    return with_unit(highest) if highest else "febrile neutropenia recorded"


def _blast_value(case: Case) -> str:
    blasts = case.situation.blasts
    if blasts.number:
        return with_unit(blasts.number[0])
    if any(finding.method is SmearMethod.FILM for finding in blasts.findings):
        return "blood film"
    return "film report"


def _blast_date(case: Case) -> str:
    blasts = case.situation.blasts
    if blasts.number:
        return day(blasts.number[0].taken)
    if blasts.findings:
        return day(blasts.findings[0].taken)
    return day(blasts.newest) if blasts.newest else "date not known"


def _low_lines(case: Case) -> str:
    lines = case.situation.states.lines
    return listed(
        counted(lines[line]) for line in CellLine if lines[line].state is CellLineState.LOW
    )


def _unknown_line(case: Case) -> str:
    lines = case.situation.states.lines
    names = [
        counted(lines[line]) for line in CellLine if lines[line].state is CellLineState.UNKNOWN
    ]
    return listed(names) or "the third line"


def _child_lines(case: Case) -> str:
    count = len(case.situation.pediatric_low)
    return f"{count or 'No'} low line{'' if count == 1 else 's'}"


def _child_blasts(case: Case) -> str:
    situation = case.situation
    text = ", blasts" if situation.blasts.present else ""
    if situation.neutrophils_below_half_with_age and (
        situation.fever.present or situation.febrile_neutropenia
    ):
        text += ", ANC < 0.5 with fever"
    return text


def _new_things(case: Case) -> str:
    situation = case.situation
    severe = situation.severe.present is True and situation.severe.new_since_previous is True
    names = ["blasts"] if situation.blasts.new_within_3_days else []
    return listed([*names, "severe counts"] if severe or not names else names)


def _in_pregnancy(case: Case) -> str:
    both = case.situation.states.pattern is Pattern.BICYTOPENIA
    return "Two low cell lines" if both else "Pancytopenia"


def _after_chemotherapy(case: Case) -> str:
    days = case.situation.chemotherapy_days
    ago = "" if days is None else f"{days} day{'' if days == 1 else 's'} "
    return f"{ago}after chemotherapy"


PLACEHOLDERS: Mapping[str, Callable[[Case], str]] = {
    "b12": lambda case: _value(case, Analyte.VITAMIN_B12),
    "mma": lambda case: _value(case, Analyte.METHYLMALONATE),
    "fol": lambda case: _value(case, Analyte.FOLATE),
    "tsat": lambda case: _percent(_value(case, Analyte.TRANSFERRIN_SATURATION)),
    "ferr": lambda case: _value(case, Analyte.FERRITIN),
    "counts": _counts,
    "white": _white,
    "fever": _fever,
    "blasts": _blast_value,
    "blast_date": _blast_date,
    "low_lines": _low_lines,
    "unknown_line": _unknown_line,
    "missing": missing_named,
    "date": lambda case: day(case.situation.anchor) if case.situation.anchor else "an earlier day",
    "days": lambda case: str(case.situation.anchor_age_days),
    "child_lines": _child_lines,
    "child_blasts": _child_blasts,
    "new": _new_things,
    "cytopenia": _in_pregnancy,
    "after_chemotherapy": _after_chemotherapy,
    "refused_count": lambda case: str(len(refused_results(case.situation))),
    "refused": refused_names,
}
"""What each placeholder of a summary template becomes for one patient."""


def render(template: str, case: Case) -> str:
    """Return the summary for this patient, at most 139 characters.

    Raises KeyError for a placeholder that is not in `PLACEHOLDERS`.
    """
    return fitted(_PLACEHOLDER.sub(lambda match: PLACEHOLDERS[match[1]](case), template))


def fitted(text: str) -> str:
    """Shorten to 139 characters: first what stands in parentheses, then at a word's end."""
    if len(text) > MAX_SUMMARY:
        text = re.sub(r"\s*\([^()]*\)", "", text)
    if len(text) > MAX_SUMMARY:
        text = text[: MAX_SUMMARY - 1].rsplit(" ", 1)[0].rstrip(" ,;:(") + "…"
    return text
