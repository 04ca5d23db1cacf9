"""Sentences that go with any adult finding (clinical-knowledge 2.1, 2.3, 2.5, 2.6, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import Sex
from fhir_mappings.panel import Analyte, Flag, Note
from service.interpreter.interpretation import (
    B12State,
    FunctionState,
    Line,
    LineState,
    States,
)
from service.interpreter.logic import above, below
from service.interpreter.rules.details import hlh_warning
from service.interpreter.situation import FolateState, ReticulocyteState
from service.interpreter.words import ANALYTE_NAMES, LINE_NAMES, day, listed, sentence, with_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.rules.conditions import Case

_B12_NOT_LOW = frozenset({B12State.BORDERLINE, B12State.NORMAL, B12State.ELEVATED, B12State.MARKED})
_HIGH = frozenset({B12State.ELEVATED, B12State.MARKED})


def _fact(case: Case, line: Line) -> LineState:
    fact = case.situation.states.lines.get(line)
    return fact.state if fact else LineState.UNKNOWN


def schistocytes(case: Case) -> str:
    """Fragmented red cells need an answer the same day."""
    if not case.situation.schistocytes:
        return ""
    return "Schistocytes: exclude TTP/HUS/DIC today."


def analyser_flag(case: Case) -> str:
    """An analyser flag alone proves nothing."""
    blasts = case.situation.blasts
    if not blasts.analyser_flag or blasts.present:
        return ""
    return "Analyser blast flag, smear needed."


def low_neutrophils_with_fever(case: Case) -> str:
    """0.5 to 1.0 with fever is urgent too."""
    situation = case.situation
    neutrophils = situation.selected.get(Analyte.NEUTROPHILS)
    if neutrophils is None or not (situation.fever.present or situation.febrile_neutropenia):
        return ""
    below_one = below(neutrophils, situation.limits.anc_moderate)
    severe = below(neutrophils, situation.limits.anc_severe)
    if below_one is True and severe is False:
        return "ANC below 1.0 with fever needs assessment the same day."
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
        if case.situation.conflict
        else ""
    )


def preliminary(case: Case) -> str:
    """A count may still change."""
    return (
        "A blood count is preliminary or of unknown status: repeat or confirm it; no marrow is "
        "proposed on it."
        if case.situation.counts_preliminary
        else ""
    )


def preliminary_chemistry(case: Case) -> str:
    """Label other preliminary results."""
    names = [
        ANALYTE_NAMES[analyte]
        for analyte, result in case.situation.selected.items()
        if analyte in ANALYTE_NAMES
        and analyte not in _COUNTS
        and result.notes & {Note.PRELIMINARY, Note.STATUS_UNKNOWN}
    ]
    return f"Preliminary or of unknown status: {listed(names)}." if names else ""


_COUNTS = (Analyte.HEMOGLOBIN, Analyte.LEUKOCYTES, Analyte.NEUTROPHILS, Analyte.PLATELETS)


def bands(case: Case) -> str:
    """Band forms would move the ANC across a limit."""
    return (
        "Adding the band forms of the same specimen would move the neutrophil count across a "
        "limit; the lower reading is used. Repeat the CBC with differential."
        if case.situation.anc_bands_would_cross
        else ""
    )


def preserved(case: Case) -> str:
    """WBC low, ANC not."""
    return "Leukopenia with preserved ANC." if case.situation.preserved_neutrophils else ""


def duffy_null(case: Case) -> str:
    """Benign neutropenia is common in some populations."""
    if not case.situation.duffy_null_possible:
        return ""
    return (
        "An ANC of 1.0 to 1.79 with nothing else abnormal about the neutrophils can be benign: "
        "Duffy-null neutropenia is common in people of African or Middle Eastern descent."
    )


def sex_at_birth(case: Case) -> str:
    """Say when the other sex's hemoglobin limit would decide differently."""
    situation = case.situation
    hemoglobin = situation.states.lines.get(Line.HEMOGLOBIN)
    if hemoglobin is None or hemoglobin.result is None or hemoglobin.limit_is_laboratory:
        return ""
    result, limits = hemoglobin.result, situation.limits
    between = below(result, limits.hgb_other) is False and below(result, limits.hgb_male) is True
    if not between or situation.pregnant:
        return ""
    value = with_unit(result)
    if situation.facts.patient.sex in {Sex.MALE, Sex.FEMALE}:
        return f"Hemoglobin {value} lies between the limits for women and men: sex at birth used."
    return f"Sex is not recorded: the limit 12.0 g/dL was used; hemoglobin {value} is low in a man."


def discordant_flags(case: Case) -> str:
    """The laboratory calls normal what is below the limit, or flags what is not."""
    names = [
        f"{LINE_NAMES[line]} {with_unit(fact.result)}"
        for line, fact in case.situation.states.lines.items()
        if fact.state is LineState.LOW and fact.result and fact.result.flag is Flag.NORMAL
    ]
    if not names:
        return ""
    return f"The laboratory marks as normal what lies below the limit used here: {listed(names)}."


def critical_flag(case: Case) -> str:
    """The laboratory called a count critical."""
    return (
        "The laboratory marks a count as critically low."
        if case.situation.laboratory_critical_low
        else ""
    )


def reticulocytes(case: Case) -> str:
    """Marrow response to anemia."""
    if _fact(case, Line.HEMOGLOBIN) is not LineState.LOW:
        return ""
    return {
        ReticulocyteState.INADEQUATE: "Reticulocytes do not answer the anemia: production failure.",
        ReticulocyteState.ADEQUATE: (
            "Reticulocytes answer the anemia: blood loss or hemolysis is possible."
        ),
        ReticulocyteState.EQUIVOCAL: "The reticulocyte response is equivocal.",
    }.get(case.situation.reticulocytes, "")


def turnover(case: Case) -> str:
    """LDH, indirect bilirubin and haptoglobin."""
    situation = case.situation
    ldh = situation.selected.get(Analyte.LACTATE_DEHYDROGENASE)
    parts = []
    if situation.ldh_high and ldh:
        degree = "markedly raised" if situation.ldh_marked else "raised"
        parts.append(f"LDH {degree} ({with_unit(ldh)}): {_ldh_meaning(situation.states)}.")
    if situation.indirect_bilirubin_high or situation.haptoglobin_low:
        signs = ["indirect bilirubin raised"] if situation.indirect_bilirubin_high else []
        signs += ["haptoglobin low"] if situation.haptoglobin_low else []
        parts.append(
            f"{sentence(listed(signs))}: hemolysis, in the marrow (as in B12 deficiency) or in the "
            "blood."
        )
    return " ".join(parts)


def _ldh_meaning(states: States) -> str:
    if states.b12 is B12State.LOW:
        return "fits megaloblastic anemia"
    if states.b12 in _B12_NOT_LOW:
        return "high cell turnover; malignancy or hemolysis to be excluded"
    return "high cell turnover; B12 tells whether megaloblastic anemia explains it"


def volume(case: Case) -> str:
    """What MCV says, and what it does not."""
    situation = case.situation
    mcv = situation.selected.get(Analyte.MEAN_CORPUSCULAR_VOLUME)
    if mcv is None:
        return ""
    value = f"MCV {with_unit(mcv)}"
    limits = situation.limits
    if above(mcv, limits.mcv_megaloblastic):
        return f"{value} is strongly macrocytic: B12, folate, MDS, alcohol, drugs."
    if above(mcv, limits.mcv_high):
        return f"{value}: B12, folate, MDS, alcohol and drugs raise it."
    if situation.states.b12 in _HIGH:
        return f"{value} does not exclude MDS; normocytosis can be masked."
    if below(mcv, limits.mcv_low):
        return f"{value}: small cells point to iron deficiency or thalassemia as well."
    return ""


def hypersegmentation(case: Case) -> str:
    """Hypersegmented neutrophils fit more than one cause."""
    if not case.situation.hypersegmented:
        return ""
    return (
        "Hypersegmented neutrophils or oval macrocytes fit B12 deficiency and myelodysplasia alike."
    )


def film_red_flags(case: Case) -> str:
    """Name dysplasia, teardrops and nucleated red cells."""
    flags = case.situation.red_flags
    names = [
        {"DYSPLASIA": "dysplasia", "TEARDROP": "teardrop cells", "NRBC": "nucleated red cells"}.get(
            finding.finding.value if finding.finding else "", ""
        )
        for finding in flags.film
    ]
    if flags.nucleated_red_cells:
        names.append("nucleated red cells")
    if not any(names):
        return ""
    return f"Red flag on the blood film: {listed(names)}."


def folate_borderline(case: Case) -> str:
    """Folate between low and normal."""
    folate = case.situation.selected.get(Analyte.FOLATE)
    if folate is None or case.situation.folate is not FolateState.BORDERLINE:
        return ""
    value = with_unit(folate)
    return f"Folate is borderline ({value}): deficiency is neither shown nor excluded."


def renal_mma(case: Case) -> str:
    """A raised MMA that proves nothing yet."""
    return (
        "MMA is raised, but kidney function is poor or not known, so it does not prove B12 "
        "deficiency: measure creatinine."
        if case.situation.mma_renal
        else ""
    )


def homocysteine_alone(case: Case) -> str:
    """Homocysteine high with a normal MMA."""
    situation = case.situation
    if not situation.homocysteine_high:
        return ""
    if situation.states.function is not FunctionState.NOT_DEFICIENT:
        return ""
    return (
        "Homocysteine is raised with a normal MMA: folate deficiency, hypothyroidism or kidney "
        "disease."
    )


def mma_after_treatment(case: Case) -> str:
    """A normal MMA drawn under treatment."""
    situation = case.situation
    mma = situation.selected.get(Analyte.METHYLMALONATE)
    first = situation.b12_first_given
    if mma is None or first is None or situation.mma_renal or mma.taken.date() <= first:
        return ""
    if situation.states.function is not FunctionState.UNKNOWN:
        return ""
    return (
        f"The MMA of {day(mma.taken)} was drawn after B12 was first given ({day(first)}): a normal "
        "one then says nothing."
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
    film_red_flags,
    history,
    hlh_warning,
    bands,
    preserved,
    duffy_null,
    sex_at_birth,
    discordant_flags,
    critical_flag,
    reticulocytes,
    turnover,
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
    """Return the sentences that no card may lack."""
    return tuple(text for each in URGENT_TEXTS if (text := each(case)))


def pattern_texts(case: Case) -> tuple[str, ...]:
    """Return the sentences about the blood picture."""
    return tuple(text for each in PATTERN_TEXTS if (text := each(case)))
