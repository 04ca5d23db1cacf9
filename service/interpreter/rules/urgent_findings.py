"""The overlays: urgent beside any other finding (clinical-definition 3.2, steps 3 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, SmearSet
from service.interpreter.interpretation import (
    HEMATOLOGY_REFERRAL,
    MARROW_BIOPSY,
    CellLine,
    FindingIndicator,
    Overlay,
    Priority,
)
from service.interpreter.rules.criteria.patient import (
    ADULT,
    BLASTS,
    CRITICAL_BLASTS,
    FEVER,
    NEUTROPHILS_BELOW_HALF,
    SEVERE_LIMIT,
)
from service.interpreter.rules.rule import IndicatorRule, Rule, Step, WantedOrder, always
from service.interpreter.rules.texts.paragraphs import blast_evidence, fever_values, severe_limits
from service.interpreter.rules.texts.urgent_causes import drug_to_stop
from service.interpreter.rules.urgent_causes import (
    DRUG_AGRANULOCYTOSIS,
    POSSIBLE_HLH,
    THROMBOTIC_MICROANGIOPATHY,
)

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case


def _blast_indicator(case: Case) -> FindingIndicator:
    situation = case.situation
    two_lines = situation.counts.low_lines >= 2
    critical = situation.blasts.critical is True or two_lines
    return FindingIndicator.CRITICAL if critical else FindingIndicator.WARNING


NEUTROPENIC_FEVER = Rule(
    id=Overlay.NEUTROPENIC_FEVER,
    title="Fever with severe neutropenia",
    step=Step.OVERLAY,
    when=(ADULT, NEUTROPHILS_BELOW_HALF, FEVER),
    indicator=IndicatorRule("critical", FindingIndicator.CRITICAL),
    certainty="possible neutropenic sepsis",
    summary=(
        "{white} with {fever}: treat as possible neutropenic sepsis now and call "
        "hematology/oncology."
    ),
    detail=(
        fever_values,
        drug_to_stop,
        "Start the hospital's pathway for neutropenic sepsis without delay: cultures, and the "
        "first dose of antibiotics usually within the hour. No other result is worth waiting for.",
    ),
    meaning=(
        "Fever with neutrophils below {anc_severe} can turn into septic shock within hours "
        "and shows few "
        "signs. Cultures and the first antibiotic dose come before any other result."
    ),
    avoid="waiting for more results or a marrow; antipyretics as the only answer.",
    cautions=(
        "No marrow and no B12 or iron work-up for this finding.",
        "Do not wait for further results before treating.",
    ),
    orders=(WantedOrder(HEMATOLOGY_REFERRAL, priority=always(Priority.STAT)),),
    shows=(Analyte.BODY_TEMPERATURE,),
    lines=(CellLine.WHITE,),
    citation=("R1", "R3"),
    seed_steps=("urgent hematology",),
)

CIRCULATING_BLASTS = Rule(
    id=Overlay.CIRCULATING_BLASTS,
    title="Blasts in the blood",
    step=Step.OVERLAY,
    when=(ADULT, BLASTS),
    indicator=IndicatorRule(
        "critical from {blast_percent_critical} % or {blasts_critical} ×10⁹/L, from a film, "
        "Auer rods or a narrative, or with two low "
        "lines; otherwise warning",
        FindingIndicator.WARNING,
        special=_blast_indicator,
    ),
    certainty="acute leukemia must be excluded",
    summary=(
        "Circulating blasts reported ({blasts}, {blast_date}): contact hematology now; acute "
        "leukemia must be excluded."
    ),
    detail=(
        blast_evidence,
        "Healthy adults have no blasts in the blood. A pathologist or hematologist should review "
        "the film urgently, and hematology should be contacted the same day.",
        "A few percent can come from a left shift (infection, growth factor, a stressed marrow): "
        "then the film is read first. With promyelocytes, Auer rods or bleeding take a coagulation "
        "screen at once (acute promyelocytic leukemia).",
        "Hematology decides on the marrow, and does not wait for MMA, iron or serology.",
    ),
    meaning=(
        "Blasts do not belong in adult blood: acute leukemia must be excluded today. A few "
        "percent can be a left shift; the film decides. Bleeding or promyelocytes raise concern "
        "for APL."
    ),
    avoid=(
        "waiting for MMA, iron or serology; B12 or iron as treatment; dismissing them because of "
        "growth factor."
    ),
    cautions=(
        "Do not wait for less invasive tests first.",
        "B12 or iron is no treatment for this finding.",
        "Blasts of a marrow sample are not blasts in the blood.",
    ),
    orders=(
        WantedOrder(HEMATOLOGY_REFERRAL),
        WantedOrder(MARROW_BIOPSY, CRITICAL_BLASTS, note="as hematology decides"),
        WantedOrder("peripheral-smear", priority=always(Priority.STAT), despite_result=True),
        WantedOrder("cbc-differential"),
        WantedOrder("prothrombin-time", CRITICAL_BLASTS, always(Priority.STAT)),
        WantedOrder("aptt", CRITICAL_BLASTS, always(Priority.STAT)),
        WantedOrder("fibrinogen", CRITICAL_BLASTS, always(Priority.STAT)),
        WantedOrder("ldh", CRITICAL_BLASTS),
        WantedOrder("metabolic-panel", CRITICAL_BLASTS),
    ),
    shows=(Analyte.BLAST_PERCENT,),
    shows_on_film=(SmearSet.BLASTS,),
    citation=("R1", "OWN"),
    seed_steps=("urgent hematology", "step 1", "step 4"),
)

SEVERE_CYTOPENIAS = Rule(
    id=Overlay.SEVERE_CYTOPENIAS,
    title="Severe cytopenias",
    step=Step.SEVERE,
    when=(ADULT, SEVERE_LIMIT),
    indicator=IndicatorRule("critical", FindingIndicator.CRITICAL),
    certainty="severe",
    summary="Severe cytopenias ({severe}): immediate hematology consultation advised.",
    detail=(
        severe_limits,
        "Look for bleeding, fever and symptoms of anemia at the bedside now. The cause has a card "
        "of its own: a low B12 or a deficiency under treatment changes the cause, not the urgency.",
    ),
    meaning=(
        "At least two lines are low and one is beyond the severe limit: bleeding, sepsis and "
        "heart strain can come at once. Marrow failure, leukemia and reversible causes need "
        "hematology now."
    ),
    avoid=(
        "an outpatient appointment; transfusing a stable patient before film, B12, folate and "
        "iron samples are drawn."
    ),
    cautions=(
        "Do not leave this to an outpatient appointment.",
        "In a stable patient draw B12, folate, iron and a film before any transfusion.",
    ),
    orders=(WantedOrder(HEMATOLOGY_REFERRAL, priority=always(Priority.STAT)),),
    citation=("R1", "R5", "OWN"),
    seed_steps=("urgent hematology",),
)

OVERLAYS = (
    NEUTROPENIC_FEVER,
    CIRCULATING_BLASTS,
    THROMBOTIC_MICROANGIOPATHY,
    POSSIBLE_HLH,
    SEVERE_CYTOPENIAS,
    DRUG_AGRANULOCYTOSIS,
)
"""Highest first (clinical-definition 3.1)."""
