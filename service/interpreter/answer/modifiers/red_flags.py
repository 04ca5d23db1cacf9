"""M2, M3, M15 and M17: what makes it more urgent or less sure (clinical-definition 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte
from service.interpreter.answer.modifiers.modifier import (
    Modifier,
    active_conditions,
    always_says,
    names_of,
)
from service.interpreter.formatting import listed, sentence, with_unit
from service.interpreter.interpretation import CellLine, CellLineState, Priority, RemarkRank
from service.interpreter.rules.criteria.bicytopenia import FALLING_PLATELETS, in_hospital

if TYPE_CHECKING:
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

# --- M2: red flags -------------------------------------------------------------------------------


def red_flag_priority(case: Case) -> Priority | None:
    """Return stat or asap by red flags; None without one."""
    if case.critical_overlay:
        return Priority.STAT
    return Priority.ASAP if case.situation.red_flags.any else None


def _red_flags(case: Case, _rule: Rule | None) -> str:
    flags = case.situation.red_flags
    names = list(case.overlays) if red_flag_priority(case) is Priority.STAT else []
    names += [finding.finding.lower() for finding in flags.smear if finding.finding]
    if flags.nucleated_red_cells:
        names.append("nucleated red cells")
    names += flags.constitutional
    names += [f"history of {each.display}" for each in flags.history_of_malignancy]
    return listed(names)


def _smear_and_history(case: Case, _rule: Rule | None) -> str:
    """Red flags of the smear, and a malignancy in the history."""
    flags = case.situation.red_flags
    words = {"DYSPLASIA": "dysplasia", "TEARDROP": "teardrop cells", "NRBC": "nucleated red cells"}
    smear = [
        words.get(finding.finding.value, "")
        for finding in flags.smear
        if finding.finding is not None
    ]
    if flags.nucleated_red_cells:
        smear.append("nucleated red cells")
    history = names_of((each.display for each in flags.history_of_malignancy), 1)
    parts = [f"{sentence(listed(smear))} on the smear"] if any(smear) else []
    if history:
        parts.append(f"history of {history}: think of relapse or a therapy-related neoplasm")
    return f"{sentence('; '.join(parts))}." if parts else ""


M2 = Modifier(
    id="M2",
    when="a critical urgent finding; dysplasia, teardrop cells, nucleated red cells, "
    "constitutional symptoms or an earlier hematologic disorder",
    then="priority of referral and marrow: stat, asap, else urgent (two low lines: routine, "
    "urgent with leukocytes above 30)",
    trigger=_red_flags,
    effect=lambda case, _rule: f"referral and marrow {red_flag_priority(case)}",
    remark=_smear_and_history,
    rank=RemarkRank.RED_FLAG,
    conditions=lambda situation: situation.red_flags.history_of_malignancy,
)

# --- M3: constitutional symptoms -----------------------------------------------------------------


def _symptoms(situation: Situation) -> str:
    """Fever, night sweats, weight loss."""
    return listed(situation.red_flags.constitutional)


def _consult(case: Case, _rule: Rule | None) -> str:
    symptoms = _symptoms(case.situation)
    return f"Constitutional symptoms ({symptoms}): consult hematology immediately."


M3 = Modifier(
    id="M3",
    when="active night sweats or weight loss; active fever, or a temperature of at least "
    "38.0 Cel in the last 24 hours, in a hospital stay only with neutrophils below 1.0",
    then="indicator critical for the findings that say so",
    trigger=lambda case, rule: _symptoms(case.situation) if rule and rule.constitutional else "",
    effect=always_says("indicator critical"),
    says=_consult,
    remark=lambda case, _rule: (
        f"{sentence(_symptoms(case.situation))}: consult hematology immediately."
    ),
    rank=RemarkRank.RED_FLAG,
    conditions=lambda situation: active_conditions(
        situation, ValueSetName.NIGHT_SWEATS, ValueSetName.WEIGHT_LOSS, ValueSetName.FEVER
    ),
)

# --- M15: leukocytes without a neutrophil count --------------------------------------------------


def _no_neutrophils(case: Case, _rule: Rule | None) -> str:
    alone = case.situation.quality.white_by_leukocytes_alone
    return "leukocytes without a neutrophil count" if alone else ""


def _by_leukocytes(case: Case, _rule: Rule | None) -> str:
    fact = case.situation.states.lines.get(CellLine.WHITE)
    name = "Leukopenia" if fact and fact.state is CellLineState.LOW else "The white line"
    return (
        f"{name}, ANC not available: the white line is judged by leukocytes alone, the neutrophil "
        "count is not known. Get the differential first."
    )


M15 = Modifier(
    id="M15",
    when="the white line is judged by leukocytes alone",
    then="cbc-differential first; no marrow-biopsy unless blasts are critical or counts severe",
    trigger=_no_neutrophils,
    effect=always_says("cbc-differential first, no marrow-biopsy"),
    says=_by_leukocytes,
    remark=always_says("The neutrophil count is not known: get the differential first."),
)

# --- M17: falling platelets ----------------------------------------------------------------------


def _falling_platelets(case: Case, rule: Rule | None) -> str:
    """Hemoglobin and platelets low, platelets below 50, finding bicytopenia."""
    if rule is None or rule.id != "bicytopenia" or not FALLING_PLATELETS.test(case):
        return ""
    platelets = case.situation.selected.get(Analyte.PLATELETS)
    if platelets is None:
        return f"platelets below {case.situation.limits.plt_falling}"
    return f"platelets {with_unit(platelets)}"


def _before_the_marrow(case: Case, _rule: Rule | None) -> str:
    """What comes before the marrow when platelets fall in hospital."""
    names = listed(each.name for each in case.situation.urgent.heparins)
    heparin = f" Heparin was given: {names}." if names else ""
    if not in_hospital(case):
        return heparin.strip()
    return (
        "Falling platelets in hospital: DIC, sepsis, heparin (HIT: count the 4Ts), "
        "microangiopathy, bleeding and dilution come before the marrow." + heparin
    )


def _before_the_marrow_in_short(case: Case, _rule: Rule | None) -> str:
    heparins = names_of((each.name for each in case.situation.urgent.heparins), 1)
    if not in_hospital(case):
        return f"{sentence(heparins)} was given: consider HIT." if heparins else ""
    heparin = f"heparin ({heparins}; 4Ts for HIT)" if heparins else "heparin (HIT)"
    return (
        f"Falling platelets in hospital: DIC, sepsis, {heparin}, TMA, bleeding, dilution before "
        "the marrow."
    )


M17 = Modifier(
    id="M17",
    when="hemoglobin and platelets low, platelets below 50, nothing else",
    then="coagulation, hemolysis and metabolic panel are proposed and heparin is named; in a "
    "hospital stay B12 and iron only with MCV above 100 or below 80 fL",
    trigger=_falling_platelets,
    effect=always_says("coagulation, hemolysis and metabolic panel; heparin is named"),
    says=_before_the_marrow,
    remark=_before_the_marrow_in_short,
    rank=RemarkRank.DRUG,
)
