"""Sentences that go with any adult finding (clinical-definition 2.1, 2.3, 2.5, 2.6, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Sex
from fhir_mappings.panel import BLOOD_COUNTS, Analyte, Flag, Note
from service.interpreter.answer.blood_picture import (
    cell_turnover,
    folate_borderline,
    homocysteine_alone,
    hypersegmentation,
    mma_after_treatment,
    renal_mma,
    reticulocytes,
    smear_red_flags,
    volume,
)
from service.interpreter.formatting import (
    counted,
    listed,
    with_unit,
)
from service.interpreter.interpretation import (
    CellLine,
    CellLineState,
)
from service.interpreter.logic import below

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.rules.criteria.criterion import Case


def schistocytes(case: Case) -> str:
    """Fragmented red cells need an answer the same day."""
    if not case.situation.smear.schistocytes:
        return ""
    return "Schistocytes: exclude TTP/HUS/DIC today."


def analyser_flag(case: Case) -> str:
    """An analyzer flag alone proves nothing."""
    blasts = case.situation.blasts
    if not blasts.analyser_flag or blasts.present:
        return ""
    return "Analyser blast flag, smear needed."


def low_neutrophils_with_fever(case: Case) -> str:
    """0.5 to 1.0 with fever is urgent too."""
    situation = case.situation
    neutrophils = situation.selected.get(Analyte.NEUTROPHILS)
    if neutrophils is None or not (
        situation.fever.present or situation.history.febrile_neutropenia
    ):
        return ""
    below_one = below(neutrophils, situation.limits.anc_moderate)
    severe = below(neutrophils, situation.limits.anc_severe)
    if below_one is True and severe is False:
        limit = situation.limits.anc_moderate
        return f"ANC below {limit} with fever needs assessment the same day."
    return ""


def history(case: Case) -> str:
    """A past malignancy or its treatment."""
    if not case.situation.red_flags.history_of_malignancy:
        return ""
    names = listed(each.display for each in case.situation.red_flags.history_of_malignancy)
    return (
        f"History of hematologic malignancy or chemotherapy ({names}): think of relapse or a "
        "therapy-related neoplasm."
    )


def conflict(case: Case) -> str:
    """Two results of one specimen contradict each other."""
    return (
        "Two results of the same time contradict each other; the lower is used. Repeat the CBC "
        "before acting on it."
        if case.situation.quality.conflict
        else ""
    )


def preliminary(case: Case) -> str:
    """A count may still change."""
    return (
        "A blood count is preliminary or of unknown status: repeat or confirm it; no marrow is "
        "proposed on it."
        if case.situation.quality.counts_preliminary
        else ""
    )


def preliminary_chemistry(case: Case) -> str:
    """Label other preliminary results."""
    names = [
        analyte.words
        for analyte, result in case.situation.selected.items()
        if analyte.words
        and analyte not in BLOOD_COUNTS
        and result.notes & {Note.PRELIMINARY, Note.STATUS_UNKNOWN}
    ]
    return f"Preliminary or of unknown status: {listed(names)}." if names else ""


def bands(case: Case) -> str:
    """Band forms would move the ANC across a limit."""
    return (
        "Adding the band forms of the same specimen would move the neutrophil count across a "
        "limit; the lower reading is used. Repeat the CBC with differential."
        if case.situation.quality.anc_bands_would_cross
        else ""
    )


def preserved(case: Case) -> str:
    """WBC low, ANC not."""
    return "Leukopenia with preserved ANC." if case.situation.quality.preserved_neutrophils else ""


def duffy_null(case: Case) -> str:
    """Benign neutropenia is common in some populations."""
    if not case.situation.quality.duffy_null_possible or case.situation.blasts.present:
        return ""
    limits = case.situation.limits
    return (
        f"An ANC of {limits.anc_moderate} or more, but below {limits.anc}, with nothing else "
        f"abnormal about the neutrophils can be benign: "
        "Duffy-null neutropenia is common in people of African or Middle Eastern descent."
    )


def sex_at_birth(case: Case) -> str:
    """Say when the other sex's hemoglobin limit would decide differently."""
    situation = case.situation
    hemoglobin = situation.states.lines.get(CellLine.HEMOGLOBIN)
    if hemoglobin is None or hemoglobin.result is None or hemoglobin.limit_is_laboratory:
        return ""
    result, limits = hemoglobin.result, situation.limits
    between = below(result, limits.hgb_other) is False and below(result, limits.hgb_male) is True
    if not between or situation.pregnant:
        return ""
    value = with_unit(result)
    if situation.facts.patient.sex in {Sex.MALE, Sex.FEMALE}:
        return f"Hemoglobin {value} lies between the limits for women and men: sex at birth used."
    return (
        f"Sex is not recorded: the limit {limits.hgb_other} g/dL was used; hemoglobin {value} "
        f"is low "
        "in a man."
    )


def discordant_flags(case: Case) -> str:
    """The laboratory calls normal what is below the limit, or flags what is not."""
    names = [
        f"{counted(fact)} {with_unit(fact.result)}"
        for fact in case.situation.states.lines.values()
        if fact.state is CellLineState.LOW and fact.result and fact.result.flag is Flag.NORMAL
    ]
    if not names:
        return ""
    return f"The laboratory marks as normal what lies below the limit used here: {listed(names)}."


def critical_flag(case: Case) -> str:
    """The laboratory called a count critical."""
    return (
        "The laboratory marks a count as critically low."
        if case.situation.quality.laboratory_critical_low
        else ""
    )


URGENT_TEXTS: tuple[Callable[[Case], str], ...] = (
    schistocytes,
    analyser_flag,
    conflict,
    preliminary,
)
"""For every card, whoever the patient is."""

PATTERN_TEXTS: tuple[Callable[[Case], str], ...] = (
    low_neutrophils_with_fever,
    smear_red_flags,
    history,
    bands,
    preserved,
    duffy_null,
    sex_at_birth,
    discordant_flags,
    critical_flag,
    reticulocytes,
    cell_turnover,
    volume,
    hypersegmentation,
    folate_borderline,
    renal_mma,
    homocysteine_alone,
    mma_after_treatment,
    preliminary_chemistry,
)
"""For cards whose counts were read as a pattern."""


def urgent_texts(case: Case) -> tuple[str, ...]:
    """Return the sentences that must be on every card."""
    return tuple(text for each in URGENT_TEXTS if (text := each(case)))


def pattern_texts(case: Case) -> tuple[str, ...]:
    """Return the sentences about the blood picture."""
    return tuple(text for each in PATTERN_TEXTS if (text := each(case)))
