"""What a modifier says on the card, in one sentence (clinical-definition 3.4, 3.5).

Names come from the patient's record; their number and length are bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interpreter.answer import modifier_triggers as triggers
from service.interpreter.formatting import listed, sentence
from service.interpreter.interpretation import CellLine, CellLineState, IronState, Overlay
from service.interpreter.rules.criteria.bicytopenia import in_hospital
from service.interpreter.rules.criteria.chemistry import HIGH_B12

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_mappings.context import Medication
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case

MOST_NAMES = 3
_MOST_WORDS = 6
_LONGEST = 60


def brief(name: str) -> str:
    """Return the name of a record, cut at six words or 60 characters."""
    words = name.split()
    text = " ".join(words[:_MOST_WORDS])[:_LONGEST].rstrip(" ,;(")
    return text if len(words) <= _MOST_WORDS and len(name) <= _LONGEST else f"{text}…"


def names_of(names: Iterable[str], most: int = MOST_NAMES) -> str:
    """List names once each, at most `most`, then how many more there are."""
    unique = list(dict.fromkeys(brief(name) for name in names if name))
    if len(unique) > most:
        return f"{', '.join(unique[:most])} and {len(unique) - most} more"
    return listed(unique)


def goals_of_care() -> str:
    """M7: palliative care."""
    return "Palliative care is recorded: align with goals of care."


def deferral(case: Case, *, deferred: bool) -> str:
    """M1: what to look into first; the drugs themselves are named by M9."""
    situation = case.situation
    recorded = (*situation.history.hypersplenism, *situation.history.drug_induced)
    if recorded:
        words = " (in words, without a code)" if any(each.in_words for each in recorded) else ""
        names = sentence(names_of((each.display for each in recorded), 2)) + words
        if deferred:
            return f"{names}: look into this first; no marrow is proposed until then."
        return f"{names}: a possible explanation, not to be assumed benign."
    medicine = names_of((each.name for each in situation.chemistry.b12_medication), 1)
    if medicine and (deferred or situation.states.b12 in HIGH_B12):
        text = f"{sentence(medicine)} can raise B12"
        return f"{text}: no marrow is proposed until this is clear." if deferred else f"{text}."
    drug = names_of((each.name for each in situation.history.marrow_suppressive), 1)
    return f"No marrow is proposed until {drug} is reviewed." if deferred and drug else ""


def red_flags(case: Case) -> str:
    """M2: red flags of the smear, and a malignancy in the history."""
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


def constitutional(case: Case) -> str:
    """M3: fever, night sweats, weight loss."""
    return f"{sentence(triggers.constitutional(case.situation))}: consult hematology immediately."


def marrow_exists(case: Case) -> str:
    """M4: the marrow that was sampled or is ordered."""
    return f"{sentence(triggers.marrow_exists(case.situation))}: review the result."


def referral_exists(case: Case) -> str:
    """M5: the referral or visit that exists; an urgent finding asks to escalate it."""
    exists = triggers.referral_exists(case.situation)
    if case.critical_overlay:
        return f"Hematology is involved ({exists}): escalate the existing referral now."
    return f"Hematology is involved ({exists})."


def liver_or_kidney(case: Case) -> str:
    """M8: liver and kidneys can raise B12; of no use to the reader when B12 is not high."""
    situation = case.situation
    if situation.states.b12 not in HIGH_B12:
        return ""
    causes = (
        ["liver disease"]
        if situation.history.liver_disease or situation.chemistry.liver_tests_high
        else []
    )
    if situation.history.kidney_disease or situation.chemistry.kidney_function_poor:
        causes.append("reduced kidney function")
    return f"{sentence(listed(causes))} can raise B12."


def drugs(case: Case) -> str:
    """M9: the drugs with their classes, the most dangerous first.

    Those that drug-agranulocytosis is about are to be stopped, not to be reviewed.
    """
    situation = case.situation
    blamed = Overlay.DRUG_AGRANULOCYTOSIS in case.overlays
    stopped = {each.name for each in situation.urgent.agranulocytosis_drugs} if blamed else set()
    medicines = triggers.by_danger(situation)
    stop = _with_classes(each for each in medicines if each.name in stopped)
    review = _with_classes(each for each in medicines if each.name not in stopped)
    said = (
        f"Stop today: {stop}." if stop else "",
        f"Review or hold today: {review}." if review else "",
    )
    return " ".join(filter(None, said))


def _with_classes(medicines: Iterable[Medication]) -> str:
    named = (
        f"{brief(each.name)} ({each.drug_class})" if each.drug_class else brief(each.name)
        for each in medicines
    )
    unique = list(dict.fromkeys(named))
    more = len(unique) - MOST_NAMES
    return f"{', '.join(unique[:MOST_NAMES])} and {more} more" if more > 0 else listed(unique)


def spleen(situation: Situation) -> str:
    """M10: an enlarged spleen, unless M1 names it already."""
    if situation.history.hypersplenism:
        return ""
    return "Enlarged spleen: hypersplenism is possible."


def known_cause(situation: Situation) -> str:
    """M11: a known infection or autoimmune disease."""
    found = (
        f"{triggers.SEROLOGY_NAMES[each.test]} positive" if hasattr(each, "test") else each.display
        for each in situation.history.secondary_causes
    )
    return f"Known possible cause: {names_of(found, 2)}."


def growth_factor(situation: Situation) -> str:
    """M12: a growth factor of the last 14 days."""
    names = sentence(names_of((each.name for each in situation.history.growth_factors), 2))
    return f"{names} may raise neutrophils or cause a few immature cells."


def copper(situation: Situation) -> str:
    """M13: zinc taken, copper deficiency known, or too little copper taken up."""
    reasons = (
        *(each.name for each in situation.history.zinc),
        *(
            each.display
            for each in (
                *situation.history.copper_deficiency,
                *situation.history.copper_malabsorption,
            )
        ),
    )
    name = sentence(names_of(reasons, 1))
    return f"{name}: lack of copper can look like a myelodysplastic neoplasm; measure copper, zinc."


def falling_platelets(case: Case) -> str:
    """M17: what comes before the marrow in hospital, and a heparin."""
    heparins = names_of((each.name for each in case.situation.urgent.heparins), 1)
    if not in_hospital(case):
        return f"{sentence(heparins)} was given: consider HIT." if heparins else ""
    heparin = f"heparin ({heparins}; 4Ts for HIT)" if heparins else "heparin (HIT)"
    return (
        f"Falling platelets in hospital: DIC, sepsis, {heparin}, TMA, bleeding, dilution before "
        "the marrow."
    )


def transfusions(situation: Situation) -> str:
    """M14: which line is masked, and whether iron studies are unreliable."""
    words = {CellLine.HEMOGLOBIN: "anemia", CellLine.PLATELETS: "low platelets"}
    masked = [
        words.get(line, "")
        for line, fact in situation.states.lines.items()
        if fact.state is CellLineState.MASKED
    ]
    effects = [f"may mask {listed(masked)}"] if any(masked) else []
    if situation.states.iron is IronState.CONFOUNDED:
        effects.append("make iron studies unreliable")
    given = sentence(triggers.transfusions(situation))
    return f"{given} before the sample {listed(effects)}." if effects else ""


def no_neutrophil_count() -> str:
    """M15: leukocytes without a neutrophil count."""
    return "The neutrophil count is not known: get the differential first."
