"""What incomplete-workup lacks, and why (clinical-definition 3.2).

Not measured, reported but unreadable, and not available are three different things.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.formatting import day, listed, sentence
from service.interpreter.interpretation import B12State, IronState

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case


def _why_missing(case: Case, analyte: Analyte) -> str:
    situation = case.situation
    if analyte in situation.unknown:
        return "could not be retrieved"
    refused = situation.unreadable.get(analyte)
    if refused:
        when = f" of {day(refused[0].taken)}" if refused[0].taken else ""
        return f"a result{when} exists but could not be read: ask the laboratory"
    if analyte in situation.selected:
        return "reported only as a bound that does not decide"
    return "not measured in the time window"


def missing_parts(case: Case) -> tuple[Analyte, ...]:
    """Return the analytes that incomplete-workup lacks."""
    states = case.situation.states
    missing: list[Analyte] = []
    if states.b12 is B12State.MISSING:
        missing.append(Analyte.VITAMIN_B12)
    if states.iron in {IronState.MISSING, IronState.PARTIAL}:
        missing.extend(
            analyte
            for analyte in (Analyte.IRON, Analyte.IRON_BINDING_CAPACITY, Analyte.FERRITIN)
            if analyte not in case.situation.selected
        )
    return tuple(missing)


def missing_names(case: Case) -> list[str]:
    """Name what is missing, iron studies as one."""
    parts = missing_parts(case)
    iron = {Analyte.IRON, Analyte.IRON_BINDING_CAPACITY, Analyte.FERRITIN}
    names = [analyte.words for analyte in parts]
    if iron <= set(parts):
        names = [a.words for a in parts if a not in iron] + ["iron studies"]
    if not names and case.situation.states.iron in {IronState.PARTIAL, IronState.MISSING}:
        names = ["conclusive iron studies"]
    return names or ["vitamin B12"]


def missing_list(case: Case) -> str:
    """List what is missing and for each why: not measured, not readable, not available."""
    reasons: dict[str, list[str]] = {}
    for analyte in missing_parts(case):
        reasons.setdefault(_why_missing(case, analyte), []).append(analyte.words)
    if not reasons:
        return "The iron results at hand do not settle the iron state."
    items = [f"{listed(names)}: {reason}" for reason, names in reasons.items()]
    return f"Missing: {'; '.join(items)}."


def not_retrieved(case: Case) -> str:
    """Say that results may exist unseen, so that nobody repeats the tests needlessly."""
    missing = [a for a in missing_parts(case) if a in case.situation.unknown]
    if not missing:
        return ""
    names = listed(analyte.words for analyte in missing)
    return (
        f"{sentence(names)} could not be retrieved: results may exist that this card has not seen. "
        "Look them up before ordering."
    )
