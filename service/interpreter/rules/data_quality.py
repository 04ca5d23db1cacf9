"""When results that could not be used get a card (clinical-definition 3.3, data-quality)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import UNSURE, Analyte, Reason
from service.interpreter.assessment.unusable import due_results
from service.interpreter.formatting import day, listed, sentence
from service.interpreter.interpretation import CellLine, CellLineState, FindingIndicator
from service.interpreter.rules.criteria.criterion import Criterion

if TYPE_CHECKING:
    from decimal import Decimal

    from fhir_mappings.panel import Unreadable
    from service.interpreter.assessment.situation import Opening, Situation
    from service.interpreter.rules.criteria.criterion import Case

AGE_UNKNOWN_SUMMARY = (
    "Age unknown: blood counts could not be judged. Check the patient's date of birth."
)


def judged_at_unknown_age(situation: Opening) -> bool:
    """Whether a date of birth would decide: low counts or blasts in a patient of unknown age."""
    if situation.age is not None:
        return False
    return situation.counts.age_unknown_and_low or situation.blasts.present is True


def data_quality_due(situation: Opening) -> bool:
    """Whether results that could not be used, or an unknown age, keep counts from being judged."""
    return judged_at_unknown_age(situation) or bool(due_results(situation))


DATA_QUALITY_DUE = Criterion(
    "a blood count of the last {stale:days} days was sent and is not usable, and no other replaces "
    "it; or iron, TIBC, saturation or B12 with two low lines; or the age is unknown and a "
    "count would be "
    "low",
    lambda case: data_quality_due(case.situation),
)


def _severe_if_meant(item: Unreadable, situation: Situation) -> Decimal | None:
    """Return the value in the unit most likely meant when it would cross a severe limit."""
    limits = situation.limits
    limit = (
        {
            Analyte.HEMOGLOBIN: limits.hgb_severe,
            Analyte.LEUKOCYTES: limits.wbc_severe,
            Analyte.NEUTROPHILS: limits.anc_severe,
            Analyte.PLATELETS: limits.plt_severe,
        }.get(item.analyte)
        if item.analyte
        else None
    )
    if limit is None or not item.candidates:
        return None
    return item.candidates[0] if item.candidates[0] < limit else None


def data_quality_indicator(case: Case) -> FindingIndicator:
    """Return warning when a refused value may be severe, or blasts wait for an age; else info."""
    situation = case.situation
    severe = any(_severe_if_meant(item, situation) for item in due_results(situation))
    blasts = situation.age is None and situation.blasts.present is True
    return FindingIndicator.WARNING if severe or blasts else FindingIndicator.INFO


def _refused_sentence(item: Unreadable, situation: Situation) -> str:
    name = f"A result for {item.analyte.words}" if item.analyte else "A result"
    when = f" of {day(item.taken)}" if item.taken else ""
    reported = f" ({item.reported})" if item.reported else ""
    text = f"{name}{when}{reported} was not used: {item.explanation.rstrip('.')}."
    meant = _severe_if_meant(item, situation)
    if meant is not None:
        which = _what_would_hold(item, meant)
        text += f" If {which}, this is a severe value: ask the laboratory at once."
    return text


def _what_would_hold(item: Unreadable, meant: Decimal) -> str:
    if item.reason is Reason.CODE:
        return "it is what its name says"
    if item.reason in UNSURE:
        return "it is this patient's and current"
    return f"{meant.normalize():f} in the usual unit was meant"


def data_quality_paragraphs(case: Case) -> str:
    """Say what was not used and why, and what the missing age hides."""
    situation = case.situation
    parts = [_refused_sentence(item, situation) for item in due_results(situation)]
    if judged_at_unknown_age(situation):
        parts.insert(0, _age_sentence(situation))
    return " ".join(parts)


def _age_sentence(situation: Situation) -> str:
    low = [fact.line for fact in situation.states.lines.values() if fact.state is CellLineState.LOW]
    names = {
        CellLine.HEMOGLOBIN: "hemoglobin",
        CellLine.WHITE: "white cells",
        CellLine.PLATELETS: "platelets",
    }
    text = (
        "The record has no date of birth, and limits differ between children and adults: no rule "
        "was applied."
    )
    if low:
        text += f" By adult limits low: {listed(names[line] for line in low)}."
    if situation.blasts.present is True:
        text += " Blasts are reported in the blood: contact hematology now, whatever the age."
    return text


def age_meaning(situation: Situation) -> str:
    """Say on a card what a missing age hides."""
    text = (
        "Limits differ between children and adults: without a date of birth no rule was applied, "
        "and low counts may be missed."
    )
    if situation.blasts.present is True:
        text += " Blasts are reported in the blood: contact hematology now, whatever the age."
    return text


def severe_if_meant(case: Case) -> str:
    """Name the first refused count that is severe in the unit most likely meant; else empty."""
    for item in due_results(case.situation):
        meant = _severe_if_meant(item, case.situation)
        if meant is not None and item.analyte:
            name = sentence(item.analyte.words)
            return (
                f"{name} may be {meant.normalize():f}, a severe value: ask the laboratory at once."
            )
    return ""


def refused_names(case: Case) -> list[str]:
    """Name the analytes whose results were not used, each once."""
    return list(
        dict.fromkeys(
            item.analyte.words if item.analyte else "a result"
            for item in due_results(case.situation)
        )
    )
