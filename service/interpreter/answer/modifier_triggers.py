"""What triggers a modifier, in words, and what the card then says (clinical-definition 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.context import (
    Condition,
    ExistingOrder,
    Procedure,
    ValueSetName,
)
from fhir_mappings.panel import Analyte, SerologyResult, SerologyTest
from service.interpreter.formatting import day, listed, sentence, with_unit
from service.interpreter.interpretation import (
    CellLine,
    CellLineFact,
    CellLineState,
    IronState,
    Overlay,
    Priority,
)
from service.interpreter.rules.criteria.bicytopenia import FALLING_PLATELETS, in_hospital

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.context import Medication
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

FIRST_DRUGS = (
    "methotrexate",
    "azathioprine",
    "mercaptopurine",
    "clozapine",
    "carbimazole",
    "methimazole",
    "thiamazole",
    "propylthiouracil",
    "linezolid",
    "trimethoprim",
    "sulfamethoxazole",
    "co-trimoxazole",
)
"""Drugs to be named first (M9)."""

SEROLOGY_NAMES = {
    SerologyTest.HIV: "HIV infection",
    SerologyTest.HEPATITIS_B_SURFACE_ANTIGEN: "hepatitis B surface antigen",
    SerologyTest.HEPATITIS_B_CORE_ANTIBODY: "hepatitis B core antibody",
    SerologyTest.HEPATITIS_C_ANTIBODY: "hepatitis C antibody",
    SerologyTest.ANTINUCLEAR_ANTIBODY: "antinuclear antibody",
    SerologyTest.ANTI_DSDNA: "anti-dsDNA",
    SerologyTest.INTRINSIC_FACTOR_ANTIBODY: "intrinsic factor antibody",
}


def joined(names: Iterable[str]) -> str:
    """Join names as a sentence does."""
    return listed(names)


def white_line(situation: Situation) -> CellLineFact | None:
    """Return the white line."""
    return situation.states.lines.get(CellLine.WHITE)


def deferral(situation: Situation, *, with_b12: bool = True) -> str:
    """M1: liver disease with a large spleen, drugs, drug-induced pancytopenia, B12 medicine."""
    reasons = []
    if situation.history.hypersplenism:
        names = listed(each.display for each in situation.history.hypersplenism)
        reasons.append(f"hypersplenism or liver disease ({names})")
    if situation.history.marrow_suppressive:
        reasons.append(f"marrow-suppressive drugs ({drug_names(situation)})")
    if situation.history.drug_induced:
        reasons.append(listed(each.display for each in situation.history.drug_induced))
    if situation.chemistry.b12_medication and with_b12:
        names = listed(each.name for each in situation.chemistry.b12_medication)
        reasons.append(f"B12 medicine ({names}), which can raise the B12 value")
    return "; ".join(reasons)


def red_flag_priority(case: Case) -> Priority | None:
    """M2: stat or asap by red flags; None without one."""
    if case.critical_overlay:
        return Priority.STAT
    return Priority.ASAP if case.situation.red_flags.any else None


def red_flags(case: Case) -> str:
    """M2: name the red flags."""
    flags = case.situation.red_flags
    names = list(case.overlays) if red_flag_priority(case) is Priority.STAT else []
    names += [finding.finding.lower() for finding in flags.smear if finding.finding]
    if flags.nucleated_red_cells:
        names.append("nucleated red cells")
    names += flags.constitutional
    names += [f"history of {each.display}" for each in flags.history_of_malignancy]
    return listed(names)


def constitutional(situation: Situation) -> str:
    """M3: fever, night sweats, weight loss."""
    return listed(situation.red_flags.constitutional)


def says_m3(case: Case, _rule: Rule | None) -> str:
    """Ask for immediate consultation."""
    return (
        f"Constitutional symptoms ({constitutional(case.situation)}): consult hematology "
        "immediately."
    )


def marrow_exists(situation: Situation) -> str:
    """M4: the marrow that was sampled or is ordered."""
    if not situation.history.marrow_exists:
        return ""
    newest = situation.history.marrow_exists[0]
    if isinstance(newest, ExistingOrder):
        return f"marrow ordered on {day(newest.authored)}" if newest.authored else "marrow ordered"
    moment = newest.performed if isinstance(newest, Procedure) else newest.taken
    return f"marrow on {day(moment)}" if moment else "marrow already sampled"


def referral_exists(situation: Situation) -> str:
    """M5: the referral or visit that exists."""
    if not situation.history.referral_exists:
        return ""
    first = situation.history.referral_exists[0]
    if isinstance(first, ExistingOrder):
        return f"referral of {day(first.authored)}" if first.authored else "referral placed"
    kind = "appointment" if first.is_appointment else "hematology visit"
    return f"{kind} on {day(first.start)}" if first.start else kind


def says_m5(case: Case, _rule: Rule | None) -> str:
    """With a critical urgent finding the existing referral must be escalated."""
    text = f"Hematology is involved already ({referral_exists(case.situation)})."
    if case.critical_overlay:
        text += " Escalate the existing referral now."
    return text


def _high_transaminases(situation: Situation) -> str:
    results = [
        f"{analyte.value} {with_unit(result)}"
        for analyte in (Analyte.ALANINE_AMINOTRANSFERASE, Analyte.ASPARTATE_AMINOTRANSFERASE)
        if (result := situation.selected.get(analyte))
    ]
    return listed(results) if situation.chemistry.liver_tests_high else ""


def _kidney(situation: Situation) -> str:
    if situation.history.kidney_disease:
        return listed(each.display for each in situation.history.kidney_disease)
    filtration = situation.selected.get(Analyte.GLOMERULAR_FILTRATION_RATE)
    if situation.chemistry.kidney_function_poor and filtration:
        return f"eGFR {with_unit(filtration)}"
    return "creatinine raised" if situation.chemistry.kidney_function_poor else ""


def liver_or_kidney(situation: Situation) -> str:
    """M8: liver disease, high transaminases, poor kidneys."""
    liver = listed(each.display for each in situation.history.liver_disease)
    return listed([liver, _high_transaminases(situation), _kidney(situation)])


def says_m8(case: Case, _rule: Rule | None) -> str:
    """Liver and kidneys can raise B12."""
    situation = case.situation
    causes = []
    if situation.history.liver_disease or situation.chemistry.liver_tests_high:
        causes.append("liver disease")
    if _kidney(situation):
        causes.append("reduced kidney function")
    return f"{sentence(listed(causes))} can raise B12 ({liver_or_kidney(situation)})."


def _rank(medication: Medication) -> int:
    name = medication.name.lower()
    return next((place for place, drug in enumerate(FIRST_DRUGS) if drug in name), len(FIRST_DRUGS))


def by_danger(situation: Situation) -> list[Medication]:
    """M9: the drugs that suppress the marrow, the most dangerous first."""
    return sorted(situation.history.marrow_suppressive, key=_rank)


def drug_names(situation: Situation) -> str:
    """M9: the drugs with their classes."""
    return listed(
        f"{each.name} ({each.drug_class})" if each.drug_class else each.name
        for each in by_danger(situation)
    )


def says_m9(case: Case, _rule: Rule | None) -> str:
    """Drug review is an instruction, not an order."""
    text = f"Drugs that suppress the marrow: {drug_names(case.situation)}: review or hold today."
    names = " ".join(each.name.lower() for each in case.situation.history.marrow_suppressive)
    if "methotrexate" in names:
        text += " Pancytopenia under low-dose methotrexate is an emergency."
    return text


def secondary_causes(situation: Situation) -> str:
    """M11: known infections and autoimmune disease."""
    return listed(
        f"{SEROLOGY_NAMES[each.test]} positive"
        if isinstance(each, SerologyResult)
        else each.display
        for each in situation.history.secondary_causes
    )


def says_m11(case: Case, _rule: Rule | None) -> str:
    """Name the cause without reassurance."""
    return (
        f"Known possible cause: {secondary_causes(case.situation)}. It does not make the other "
        "causes less urgent."
    )


def known_set(situation: Situation, *sets: ValueSetName) -> str:
    """Return the first known condition of these sets."""
    for each in situation.history.secondary_causes:
        if isinstance(each, Condition) and each.sets & set(sets):
            return each.display
    return ""


def positive(situation: Situation, *tests: SerologyTest) -> str:
    """Return the first positive serology of these tests."""
    for each in situation.history.secondary_causes:
        if isinstance(each, SerologyResult) and each.test in tests:
            return f"{SEROLOGY_NAMES[each.test]} positive"
    return ""


def says_m12(case: Case, _rule: Rule | None) -> str:
    """Growth factors move counts and can bring out immature cells."""
    names = listed(each.name for each in case.situation.history.growth_factors)
    text = (
        f"Given within {case.situation.windows.growth_factor.days} days: {names}. A growth "
        f"factor may raise neutrophils or cause a few "
        "immature cells"
    )
    downgrade = Overlay.CIRCULATING_BLASTS in case.overlays
    return f"{text}; that does not make blasts less urgent." if downgrade else f"{text}."


def zinc_or_copper(situation: Situation) -> str:
    """M13: zinc taken, copper deficiency known, or too little copper taken up."""
    return listed(
        [
            *(each.name for each in situation.history.zinc),
            *(each.display for each in situation.history.copper_deficiency),
            *(each.display for each in situation.history.copper_malabsorption),
        ]
    )


def says_m13(case: Case, _rule: Rule | None) -> str:
    """Lack of copper looks like a marrow disorder."""
    return (
        f"Copper may be lacking ({zinc_or_copper(case.situation)}), which can look like a "
        "myelodysplastic neoplasm: measure copper and zinc."
    )


def alcohol(situation: Situation) -> str:
    """M16: an alcohol use disorder."""
    return listed(each.display for each in situation.history.alcohol)


def falling_platelets(case: Case, rule: Rule | None) -> str:
    """M17: hemoglobin and platelets low, platelets below 50, finding bicytopenia."""
    if rule is None or rule.id != "bicytopenia" or not FALLING_PLATELETS.test(case):
        return ""
    platelets = case.situation.selected.get(Analyte.PLATELETS)
    if platelets is None:
        return f"platelets below {case.situation.limits.plt_falling}"
    return f"platelets {with_unit(platelets)}"


def heparin_names(situation: Situation) -> str:
    """Return the heparins being given or given in the last 30 days."""
    return listed(each.name for each in situation.urgent.heparins)


def says_m17(case: Case, _rule: Rule | None) -> str:
    """What comes before the marrow when platelets fall in hospital."""
    names = heparin_names(case.situation)
    heparin = f" Heparin was given: {names}." if names else ""
    if not in_hospital(case):
        return heparin.strip()
    return (
        "Falling platelets in hospital: DIC, sepsis, heparin (HIT: count the 4Ts), "
        "microangiopathy, bleeding and dilution come before the marrow." + heparin
    )


def transfusions(situation: Situation) -> str:
    """M14: transfusions that mask a line or make iron studies unreliable; also intravenous iron."""
    names = []
    if situation.transfusions.red_cells_transfused:
        names.append("red cells transfused")
    if situation.transfusions.platelets_transfused:
        names.append("platelets transfused")
    if situation.transfusions.intravenous_iron and situation.states.iron is IronState.CONFOUNDED:
        names.append("intravenous iron")
    return listed(names)


def says_m14(case: Case, _rule: Rule | None) -> str:
    """Say which line is masked and whether iron studies are unreliable."""
    situation = case.situation
    masked = [
        {CellLine.HEMOGLOBIN: "anemia", CellLine.PLATELETS: "a low platelet count"}.get(line, "")
        for line, fact in situation.states.lines.items()
        if fact.state is CellLineState.MASKED
    ]
    parts = [f"{sentence(transfusions(situation))} shortly before the sample"]
    if any(masked):
        parts.append(f"{listed(masked)} may be masked")
    if situation.states.iron is IronState.CONFOUNDED:
        parts.append("iron studies are unreliable")
    return f"{', '.join(parts)}."
