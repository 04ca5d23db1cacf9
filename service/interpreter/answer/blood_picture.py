"""Sentences about reticulocytes, cell turnover, volume, film, folate and MMA (3.5, 2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.assessment.situation import FolateState, ReticulocyteState
from service.interpreter.formatting import day, listed, sentence, with_unit
from service.interpreter.interpretation import (
    B12State,
    CellLine,
    CellLineState,
    FunctionState,
    States,
)
from service.interpreter.logic import above, below

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case

_B12_NOT_LOW = frozenset({B12State.BORDERLINE, B12State.NORMAL, B12State.ELEVATED, B12State.MARKED})
_HIGH = frozenset({B12State.ELEVATED, B12State.MARKED})


def _fact(case: Case, line: CellLine) -> CellLineState:
    fact = case.situation.states.lines.get(line)
    return fact.state if fact else CellLineState.UNKNOWN


def reticulocytes(case: Case) -> str:
    """Marrow response to anemia."""
    if _fact(case, CellLine.HEMOGLOBIN) is not CellLineState.LOW:
        return ""
    return {
        ReticulocyteState.INADEQUATE: "Reticulocytes do not answer the anemia: production failure.",
        ReticulocyteState.ADEQUATE: (
            "Reticulocytes answer the anemia: blood loss or hemolysis is possible."
        ),
        ReticulocyteState.EQUIVOCAL: "The reticulocyte response is equivocal.",
    }.get(case.situation.chemistry.reticulocytes, "")


def cell_turnover(case: Case) -> str:
    """LDH, indirect bilirubin and haptoglobin."""
    situation = case.situation
    ldh = situation.selected.get(Analyte.LACTATE_DEHYDROGENASE)
    parts = []
    if situation.chemistry.ldh_high and ldh:
        degree = "markedly raised" if situation.chemistry.ldh_marked else "raised"
        parts.append(f"LDH {degree} ({with_unit(ldh)}): {_ldh_meaning(situation.states)}.")
    if situation.chemistry.indirect_bilirubin_high or situation.chemistry.haptoglobin_low:
        signs = ["indirect bilirubin raised"] if situation.chemistry.indirect_bilirubin_high else []
        signs += ["haptoglobin low"] if situation.chemistry.haptoglobin_low else []
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
    if not case.situation.smear.hypersegmented:
        return ""
    return (
        "Hypersegmented neutrophils or oval macrocytes fit B12 deficiency and myelodysplasia alike."
    )


def smear_red_flags(case: Case) -> str:
    """Name dysplasia, teardrops and nucleated red cells."""
    flags = case.situation.red_flags
    names = [
        {"DYSPLASIA": "dysplasia", "TEARDROP": "teardrop cells", "NRBC": "nucleated red cells"}.get(
            finding.finding.value if finding.finding else "", ""
        )
        for finding in flags.smear
    ]
    if flags.nucleated_red_cells:
        names.append("nucleated red cells")
    if not any(names):
        return ""
    return f"Red flag on the blood film: {listed(names)}."


def folate_borderline(case: Case) -> str:
    """Folate between low and normal."""
    folate = case.situation.selected.get(Analyte.FOLATE)
    if folate is None or case.situation.chemistry.folate is not FolateState.BORDERLINE:
        return ""
    value = with_unit(folate)
    return f"Folate is borderline ({value}): deficiency is neither shown nor excluded."


def renal_mma(case: Case) -> str:
    """A raised MMA that does not prove deficiency yet."""
    return (
        "MMA is raised, but kidney function is poor or not known, so it does not prove B12 "
        "deficiency: measure creatinine."
        if case.situation.chemistry.mma_renal
        else ""
    )


def homocysteine_alone(case: Case) -> str:
    """Homocysteine high with a normal MMA."""
    situation = case.situation
    if not situation.chemistry.homocysteine_high:
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
    first = situation.chemistry.b12_first_given
    if mma is None or first is None or situation.chemistry.mma_renal or mma.taken.date() <= first:
        return ""
    if situation.states.function is not FunctionState.UNKNOWN:
        return ""
    return (
        f"The MMA of {day(mma.taken)} was drawn after B12 was first given ({day(first)}): a normal "
        "one then says nothing."
    )
