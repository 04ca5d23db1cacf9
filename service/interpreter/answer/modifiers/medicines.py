"""M9, M12 and M14: drugs, growth factors and transfusions (clinical-definition 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interpreter.answer.modifiers.modifier import (
    Modifier,
    always_says,
    at_most,
    brief,
    names_of,
)
from service.interpreter.formatting import listed, sentence
from service.interpreter.interpretation import (
    CellLine,
    CellLineState,
    IronState,
    Overlay,
    RemarkRank,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.context import Medication
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

# --- M9: drugs that suppress the marrow ----------------------------------------------------------

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
"""Drugs to be named first."""


def by_danger(situation: Situation) -> list[Medication]:
    """Return the drugs that suppress the marrow, the most dangerous first."""
    return sorted(situation.history.marrow_suppressive, key=_rank)


def _rank(medication: Medication) -> int:
    name = medication.name.lower()
    return next((place for place, drug in enumerate(FIRST_DRUGS) if drug in name), len(FIRST_DRUGS))


def drug_names(situation: Situation) -> str:
    """Return the drugs that suppress the marrow, with their classes."""
    return listed(
        f"{each.name} ({each.drug_class})" if each.drug_class else each.name
        for each in by_danger(situation)
    )


def _review(case: Case, _rule: Rule | None) -> str:
    """Drug review is an instruction, not an order."""
    text = f"Drugs that suppress the marrow: {drug_names(case.situation)}: review or hold today."
    names = " ".join(each.name.lower() for each in case.situation.history.marrow_suppressive)
    if "methotrexate" in names:
        text += " Pancytopenia under low-dose methotrexate is an emergency."
    return text


def _stop_or_review(case: Case, _rule: Rule | None) -> str:
    """Name the most dangerous first.

    Those that drug-agranulocytosis is about are to be stopped, not to be reviewed.
    """
    situation = case.situation
    blamed = Overlay.DRUG_AGRANULOCYTOSIS in case.overlays
    stopped = {each.name for each in situation.urgent.agranulocytosis_drugs} if blamed else set()
    medicines = by_danger(situation)
    stop = _with_classes(each for each in medicines if each.name in stopped)
    review = _with_classes(each for each in medicines if each.name not in stopped)
    said = (
        f"Stop today: {stop}." if stop else "",
        f"Review or hold today: {review}." if review else "",
    )
    return " ".join(filter(None, said))


def _with_classes(medicines: Iterable[Medication]) -> str:
    return at_most(
        f"{brief(each.name)} ({each.drug_class})" if each.drug_class else brief(each.name)
        for each in medicines
    )


M9 = Modifier(
    id="M9",
    when="a marrow-suppressive drug",
    then="the text names it and asks to review or hold it",
    trigger=lambda case, _rule: drug_names(case.situation),
    effect=always_says("drug review"),
    says=_review,
    remark=_stop_or_review,
    rank=RemarkRank.DRUG,
)

# --- M12: growth factors -------------------------------------------------------------------------


def _growth_factor(case: Case, _rule: Rule | None) -> str:
    """Growth factors move counts and can bring out immature cells."""
    names = listed(each.name for each in case.situation.history.growth_factors)
    text = (
        f"Given within {case.situation.windows.growth_factor.days} days: {names}. A growth "
        "factor may raise neutrophils or cause a few immature cells"
    )
    blasts = Overlay.CIRCULATING_BLASTS in case.overlays
    return f"{text}; that does not make blasts less urgent." if blasts else f"{text}."


def _growth_factor_in_short(case: Case, _rule: Rule | None) -> str:
    factors = case.situation.history.growth_factors
    names = sentence(names_of((each.name for each in factors), 2))
    return f"{names} may raise neutrophils or cause a few immature cells."


M12 = Modifier(
    id="M12",
    when="G-CSF, erythropoietin or a thrombopoietin agonist in the last 14 days",
    then="the text says what it can do to the counts",
    trigger=lambda case, _rule: listed(each.name for each in case.situation.history.growth_factors),
    effect=always_says("text"),
    says=_growth_factor,
    remark=_growth_factor_in_short,
    everywhere=True,
)

# --- M14: transfusions ---------------------------------------------------------------------------


def _transfusions(situation: Situation) -> str:
    """Transfusions that mask a line or make iron studies unreliable; also intravenous iron."""
    names = []
    if situation.transfusions.red_cells_transfused:
        names.append("red cells transfused")
    if situation.transfusions.platelets_transfused:
        names.append("platelets transfused")
    if situation.transfusions.intravenous_iron and situation.states.iron is IronState.CONFOUNDED:
        names.append("intravenous iron")
    return listed(names)


def _masked(situation: Situation, words: Mapping[CellLine, str]) -> str:
    """Return what may be masked, in these words; empty where no line is."""
    masked = [
        words.get(line, "")
        for line, fact in situation.states.lines.items()
        if fact.state is CellLineState.MASKED
    ]
    return listed(masked) if any(masked) else ""


_LONG_WORDS = {CellLine.HEMOGLOBIN: "anemia", CellLine.PLATELETS: "a low platelet count"}
_SHORT_WORDS = {CellLine.HEMOGLOBIN: "anemia", CellLine.PLATELETS: "low platelets"}


def _transfused(case: Case, _rule: Rule | None) -> str:
    situation = case.situation
    parts = [f"{sentence(_transfusions(situation))} shortly before the sample"]
    if masked := _masked(situation, _LONG_WORDS):
        parts.append(f"{masked} may be masked")
    if situation.states.iron is IronState.CONFOUNDED:
        parts.append("iron studies are unreliable")
    return f"{', '.join(parts)}."


def _transfused_in_short(case: Case, _rule: Rule | None) -> str:
    situation = case.situation
    masked = _masked(situation, _SHORT_WORDS)
    effects = [f"may mask {masked}"] if masked else []
    if situation.states.iron is IronState.CONFOUNDED:
        effects.append("make iron studies unreliable")
    given = sentence(_transfusions(situation))
    return f"{given} before the sample {listed(effects)}." if effects else ""


M14 = Modifier(
    id="M14",
    when="red cells in the 7 days, or platelets in the 3 days, before the sample",
    then="the line is masked, iron studies are not interpreted",
    trigger=lambda case, _rule: _transfusions(case.situation),
    effect=always_says("line masked or iron studies unreliable"),
    says=_transfused,
    remark=_transfused_in_short,
)
