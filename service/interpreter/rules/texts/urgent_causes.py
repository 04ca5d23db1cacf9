"""Paragraphs of the overlays that name a cause (clinical-definition 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.formatting import day, listed, sentence, with_unit
from service.interpreter.interpretation import CellLine

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case


def microangiopathy_evidence(case: Case) -> str:
    """Say what the film showed, the platelets, and what speaks for hemolysis."""
    situation = case.situation
    films = (
        f"{each.text or 'present'} ({day(each.taken)})" for each in situation.smear.schistocytes
    )
    parts = [f"Schistocytes: {listed(films)}"]
    platelets = situation.states.lines.get(CellLine.PLATELETS)
    if platelets and platelets.result:
        parts.append(f"platelets {with_unit(platelets.result)} ({day(platelets.result.taken)})")
    signs = (
        (situation.chemistry.ldh_high, Analyte.LACTATE_DEHYDROGENASE, "LDH raised"),
        (situation.chemistry.haptoglobin_low, Analyte.HAPTOGLOBIN, "haptoglobin low"),
    )
    for seen, analyte, name in signs:
        result = situation.selected.get(analyte)
        if seen and result:
            parts.append(f"{name} ({with_unit(result)}, {day(result.taken)})")
    return f"{', '.join(parts)}."


def hlh_evidence(case: Case) -> str:
    """Name the ferritin and the fever."""
    situation = case.situation
    ferritin, highest = (
        situation.urgent.recent_ferritin,
        situation.urgent.fever_with_ferritin.highest,
    )
    parts = [f"ferritin {with_unit(ferritin)} ({day(ferritin.taken)})"] if ferritin else []
    if highest:
        parts.append(
            f"temperature {with_unit(highest)} at {highest.taken:%H:%M} {day(highest.taken)}"
        )
    recorded = (*situation.urgent.fever_recorded, *situation.history.febrile_neutropenia)
    parts += [f"{each.display} on the problem list" for each in recorded]
    return f"{sentence(', '.join(parts))}." if parts else ""


def drug_of_agranulocytosis(case: Case) -> str:
    """Return the drug to stop: of several the one that the value set puts first."""
    drugs = case.situation.urgent.agranulocytosis_drugs
    return drugs[0].name if drugs else "the drug"


def agranulocytosis_evidence(case: Case) -> str:
    """Name the count and every drug known for it."""
    neutrophils = case.situation.urgent.neutrophils_under_drug
    names = listed(each.name for each in case.situation.urgent.agranulocytosis_drugs)
    if neutrophils is None:
        return ""
    name = sentence(neutrophils.analyte.words)
    return f"{name} {with_unit(neutrophils)} ({day(neutrophils.taken)}) under {names}."


def clozapine(case: Case) -> str:
    """Clozapine has a monitoring scheme of its own."""
    names = " ".join(each.name.casefold() for each in case.situation.urgent.agranulocytosis_drugs)
    if "clozapine" not in names:
        return ""
    return "Clozapine: follow the national monitoring scheme and tell psychiatry today."


def drug_to_stop(case: Case) -> str:
    """Name what may have caused a neutropenia with fever."""
    names = listed(each.name for each in case.situation.urgent.agranulocytosis_drugs)
    return f"Known to cause agranulocytosis, to be stopped: {names}." if names else ""
