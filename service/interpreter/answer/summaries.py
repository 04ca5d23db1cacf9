"""Placeholders of the summary templates, and fitting a summary into a Card.

A Card's summary has fewer than 140 characters (CDS Hooks 2.0, Card attributes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, SmearMethod
from service.interpreter.assessment.unusable import due_results
from service.interpreter.formatting import (
    bare_number,
    counted,
    day,
    listed,
    sentence,
    with_unit,
)
from service.interpreter.interpretation import CellLine, CellLineState, Grade
from service.interpreter.rules.data_quality import refused_names
from service.interpreter.rules.rule import Step
from service.interpreter.rules.texts.missing_results import missing_names
from service.interpreter.rules.texts.urgent_causes import drug_of_agranulocytosis
from service.interpreter.thresholds import table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fhir_mappings.panel import LabResult
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

MAX_SUMMARY = 139
_PLACEHOLDER = re.compile(r"\{(\w+)\}( [A-Za-z]+/[A-Za-z]+\b)?")

_ABOUT_LINES = frozenset(
    {Step.SEVERE, Step.STALE, Step.PREGNANCY, Step.PANCYTOPENIA, Step.BICYTOPENIA}
    | {Step.THIRD_LINE_UNKNOWN}
)

Named = tuple[str, str]
"""A name and its value, which may be empty."""


def _value(case: Case, analyte: Analyte) -> str:
    result = case.situation.selected.get(analyte)
    if result is not None:
        return bare_number(result)
    if analyte in case.situation.unknown:
        return "not available"
    if case.situation.unreadable.get(analyte):
        return "not readable"
    return "not measured"


def _percent(value: str) -> str:
    return f"{value} %" if value[-1].isdigit() else value


def _white(case: Case) -> str:
    fact = case.situation.states.lines.get(CellLine.WHITE)
    return _joined([_named(fact.result)]) if fact and fact.result else "ANC"


def _named(result: LabResult) -> Named:
    return result.analyte.short, bare_number(result)


def _joined(parts: Sequence[Named]) -> str:
    return listed(f"{name} {value}".strip() for name, value in parts)


def _low_lines(case: Case) -> list[Named]:
    facts = case.situation.states.lines
    lines = [facts[line] for line in CellLine if line in facts]
    return [_named(f.result) for f in lines if f.state is CellLineState.LOW and f.result]


def _severe_lines(case: Case) -> list[Named]:
    return [_named(result) for result in case.situation.severe.results]


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


def _unknown_line(case: Case) -> list[Named]:
    facts = case.situation.states.lines
    unknown = [facts[line] for line in CellLine if facts[line].state is CellLineState.UNKNOWN]
    return [(counted(fact), "") for fact in unknown] or [("the third line", "")]


def _child_lines(case: Case) -> str:
    count = len(case.situation.counts.pediatric_low)
    return f"{count or 'No'} low line{'' if count == 1 else 's'}"


def _child_blasts(case: Case) -> str:
    situation = case.situation
    text = ", blasts" if situation.blasts.present else ""
    if situation.counts.neutrophils_below_half_with_age and (
        situation.fever.present or situation.history.febrile_neutropenia
    ):
        text += ", ANC < 0.5 with fever"
    return text


def _new_things(case: Case) -> str:
    news = case.situation.disorder_news
    names = ["blasts"] if news.blasts else []
    names += ["severe counts"] if news.severe else []
    return listed([*names, "pancytopenia"] if news.pancytopenia else names)


def _after_chemotherapy(case: Case) -> str:
    days = case.situation.history.chemotherapy_days
    ago = "" if days is None else f"{days} day{'' if days == 1 else 's'} "
    return f"{ago}after chemotherapy"


VALUES: Mapping[str, Analyte] = {analyte.value.lower(): analyte for analyte in Analyte}
"""Placeholders of one measurement, by the analyte's code: `{ferr}`.

A unit written after one is replaced by the laboratory's.
"""

LISTS: Mapping[str, Callable[[Case], Sequence[Named]]] = {
    "lines": _low_lines,
    "severe": _severe_lines,
    "missing": lambda case: [(name, "") for name in missing_names(case)],
    "unknown_line": _unknown_line,
    "refused": lambda case: [(name, "") for name in refused_names(case)],
}
"""Placeholders that are shortened in a long summary: first their values, then their tail."""

TEXTS: Mapping[str, Callable[[Case], str]] = {
    "white": _white,
    "fever": _fever,
    "blasts": _blast_value,
    "blast_date": _blast_date,
    "date": lambda case: day(case.situation.anchor) if case.situation.anchor else "an earlier day",
    "days": lambda case: str(case.situation.anchor_age_days),
    "child_lines": _child_lines,
    "child_blasts": _child_blasts,
    "new": _new_things,
    "drug": drug_of_agranulocytosis,
    "after_chemotherapy": _after_chemotherapy,
    "refused_count": lambda case: str(len(due_results(case.situation))),
}

LIMIT_NAMES = frozenset(row.name for row in table()) - {*VALUES, *LISTS, *TEXTS}
PLACEHOLDERS = frozenset({*VALUES, *LISTS, *TEXTS, *LIMIT_NAMES})
"""What may be in braces in a summary, a meaning or a caution: limits are those used."""


def summary_of(rule: Rule, case: Case) -> str:
    """Return the rule's summary for this patient, at most 139 characters."""
    treated = rule.summary_under_b12 and case.situation.chemistry.b12_medication
    return render(rule.summary_under_b12 if treated else rule.summary, case)


def meaning_of(rule: Rule, case: Case) -> str:
    """Return what the rule says it means, for this patient."""
    treated = rule.meaning_under_b12 and case.situation.chemistry.b12_medication
    meaning = fill(rule.meaning_under_b12 if treated else rule.meaning, case)
    conflict = severe_conflict(case) if rule.step in _ABOUT_LINES else ""
    return f"{conflict} {meaning}".strip()


def severe_conflict(case: Case) -> str:
    """Say that a severe value of a line rests on results that contradict each other."""
    for fact in case.situation.states.lines.values():
        if fact.result is None or not fact.result.others or fact.grade is not Grade.SEVERE:
            continue
        name = sentence(fact.result.analyte.short)
        values = listed([bare_number(fact.result), *(f"{each:f}" for each in fact.result.others)])
        return f"{name} reported as {values} at the same time: repeat the CBC now."
    return ""


def render(template: str, case: Case) -> str:
    """Return the summary for this patient, at most 139 characters.

    Raises KeyError for a placeholder that is not in `PLACEHOLDERS`.
    """
    text = fill(template, case)
    if len(text) <= MAX_SUMMARY:
        return text
    for most in (None, 4, 3, 2, 1):
        shorter = fill(template, case, values=False, most=most)
        if len(shorter) <= MAX_SUMMARY:
            return shorter
    return fitted(shorter)


def fill(template: str, case: Case, *, values: bool = True, most: int | None = None) -> str:
    """Return the text with its placeholders filled. Raises KeyError for an unknown one.

    Lists show no values without `values`, and at most `most` names.
    """
    return _PLACEHOLDER.sub(
        lambda match: _filled(match[1], match[2] or "", case, values=values, most=most), template
    )


def _filled(name: str, unit: str, case: Case, *, values: bool, most: int | None) -> str:
    if name in VALUES:
        text = _value(case, VALUES[name])
        if name == "tsat":
            return _percent(text)
        return f"{text}{unit}" if text[-1:].isdigit() else text
    if name in LIMIT_NAMES:
        return f"{getattr(case.situation.limits, name)}{unit}"
    if name not in LISTS:
        return f"{TEXTS[name](case)}{unit}"
    parts = list(LISTS[name](case))
    shown = parts if values else [(each, "") for each, _value_of in parts]
    if most is None or len(shown) <= most:
        return _joined(shown)
    names = ", ".join(each for each, _value_of in shown[:most])
    return f"{names} and {len(shown) - most} more"


def fitted(text: str) -> str:
    """Shorten to 139 characters: first drop what is in parentheses, then cut at a word's end."""
    if len(text) > MAX_SUMMARY:
        text = re.sub(r"\s*\([^()]*\)", "", text)
    if len(text) > MAX_SUMMARY:
        text = text[: MAX_SUMMARY - 1].rsplit(" ", 1)[0].rstrip(" ,;:(") + "…"
    return text
