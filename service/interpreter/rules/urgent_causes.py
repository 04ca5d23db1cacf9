"""Overlays that name a cause: microangiopathy, HLH, a drug (clinical-definition 3.2, step 3)."""

from __future__ import annotations

from fhir_mappings.panel import Analyte, SmearSet
from service.interpreter.interpretation import (
    HEMATOLOGY_REFERRAL,
    CellLine,
    FindingIndicator,
    Overlay,
    Priority,
)
from service.interpreter.rules.criteria.cell_lines import TWO_LOW_LINES
from service.interpreter.rules.criteria.patient import (
    ADULT,
    COUNTS_CURRENT,
    NO_CHEMOTHERAPY,
    NO_KNOWN_DISORDER,
)
from service.interpreter.rules.criteria.urgent import (
    AGRANULOCYTOSIS_DRUG,
    FERRITIN_OF_HLH,
    FEVER_OF_HLH,
    MICROANGIOPATHY,
    NEUTROPHILS_SEVERE,
)
from service.interpreter.rules.rule import IndicatorRule, Rule, Step, WantedOrder, always
from service.interpreter.rules.texts import urgent_causes as details

_CRITICAL = IndicatorRule("critical", FindingIndicator.CRITICAL)
_REFERRAL = WantedOrder(HEMATOLOGY_REFERRAL, priority=always(Priority.STAT))

THROMBOTIC_MICROANGIOPATHY = Rule(
    id=Overlay.THROMBOTIC_MICROANGIOPATHY,
    title="Fragmented red cells with low platelets",
    step=Step.OVERLAY,
    when=(ADULT, *MICROANGIOPATHY, NO_KNOWN_DISORDER, NO_CHEMOTHERAPY),
    indicator=_CRITICAL,
    certainty="must be excluded today",
    summary=(
        "Schistocytes with platelets {plt}: exclude TTP, HUS or DIC today; call hematology now."
    ),
    detail=(
        details.microangiopathy_evidence,
        "Every hour counts in TTP: hematology decides on plasma exchange by film, LDH, "
        "haptoglobin, creatinine and coagulation, without ADAMTS13 at hand. Look for fever, "
        "confusion, kidney failure, bloody diarrhea, pregnancy, sepsis, cancer and mechanical "
        "heart valves.",
        "B12 deficiency can look alike: few reticulocytes and a very high LDH.",
    ),
    meaning=(
        "Fragmented red cells with low platelets raise concern for TTP, HUS or DIC. In TTP delay "
        "kills; ADAMTS13, coagulation, creatinine and the film tell them apart."
    ),
    avoid=(
        "platelet transfusion unless bleeding; plasma before the ADAMTS13 sample; a B12 or iron "
        "work-up first."
    ),
    cautions=(
        "Platelets only for bleeding.",
        "The sample for ADAMTS13 is drawn before plasma is given.",
        "No B12 or iron work-up first.",
    ),
    orders=(
        _REFERRAL,
        WantedOrder("peripheral-smear", despite_result=True),
        WantedOrder("cbc-differential"),
        WantedOrder("reticulocytes"),
        WantedOrder("ldh"),
        WantedOrder("haptoglobin"),
        WantedOrder("bilirubin-total"),
        WantedOrder("bilirubin-direct"),
        WantedOrder("metabolic-panel"),
        WantedOrder("prothrombin-time", priority=always(Priority.STAT)),
        WantedOrder("aptt", priority=always(Priority.STAT)),
        WantedOrder("fibrinogen", priority=always(Priority.STAT)),
    ),
    citation=("R1", "OWN"),
    seed_steps=("urgent hematology", "step 1", "step 2"),
    shows=(Analyte.LACTATE_DEHYDROGENASE, Analyte.HAPTOGLOBIN, Analyte.CREATININE),
    shows_on_film=(SmearSet.SCHISTOCYTES,),
    lines=(CellLine.PLATELETS,),
)

POSSIBLE_HLH = Rule(
    id=Overlay.POSSIBLE_HLH,
    title="Very high ferritin with fever and low counts",
    step=Step.OVERLAY,
    when=(ADULT, COUNTS_CURRENT, TWO_LOW_LINES, FERRITIN_OF_HLH, FEVER_OF_HLH),
    indicator=_CRITICAL,
    certainty="must be considered today",
    summary=(
        "Ferritin {ferr} ng/mL with fever and low counts: HLH must be considered; hematology today."
    ),
    detail=(
        details.hlh_evidence,
        "For hemophagocytic lymphohistiocytosis add fibrinogen, triglycerides, liver tests and "
        "LDH. Look for a large spleen, lymphoma, infection (EBV) and autoimmune disease.",
        "Liver failure, sepsis, adult Still disease and transfusions also raise ferritin this far.",
    ),
    meaning=(
        "Ferritin this high with fever and low counts raises concern for hemophagocytic "
        "lymphohistiocytosis. Infection, lymphoma, liver failure and adult Still disease can look "
        "alike; fibrinogen, triglycerides and liver tests help."
    ),
    avoid=(
        "waiting for a marrow before calling; reading the ferritin as iron overload or plain "
        "inflammation."
    ),
    cautions=(
        "Neither the marrow nor every criterion is worth waiting for.",
        "Ferritin this high is neither iron overload nor plain inflammation.",
    ),
    orders=(
        _REFERRAL,
        WantedOrder("fibrinogen", priority=always(Priority.STAT)),
        WantedOrder("ldh"),
        WantedOrder("metabolic-panel"),
        WantedOrder("triglycerides"),
        WantedOrder("cbc-differential"),
    ),
    citation=("OWN",),
    seed_steps=("urgent hematology", "step 2"),
    shows=(Analyte.FERRITIN, Analyte.BODY_TEMPERATURE),
)

DRUG_AGRANULOCYTOSIS = Rule(
    id=Overlay.DRUG_AGRANULOCYTOSIS,
    title="Severe neutropenia under a drug known for it",
    step=Step.OVERLAY,
    when=(ADULT, NEUTROPHILS_SEVERE, AGRANULOCYTOSIS_DRUG, NO_KNOWN_DISORDER, NO_CHEMOTHERAPY),
    indicator=_CRITICAL,
    certainty="possible drug-induced agranulocytosis",
    summary="ANC {anc} under {drug}: stop it now, watch for fever, call hematology.",
    detail=(
        details.agranulocytosis_evidence,
        "The drug is stopped: that is the treatment. Neutrophils usually return within one to two "
        "weeks; until then fever is neutropenic sepsis until shown otherwise.",
        details.clozapine,
    ),
    meaning=(
        "Severe neutropenia under a drug known for agranulocytosis. Stopping it is the treatment; "
        "recovery usually starts within two weeks. Until then any fever must be treated as "
        "neutropenic sepsis."
    ),
    avoid=(
        "continuing or restarting the drug; waiting for fever; a marrow before the drug was "
        "stopped."
    ),
    cautions=(
        "Do not wait for fever, nor for a marrow.",
        "The drug is not started again.",
    ),
    orders=(_REFERRAL, WantedOrder("cbc-differential"), WantedOrder("peripheral-smear")),
    citation=("R1", "OWN"),
    seed_steps=("urgent hematology", "step 5"),
    lines=(CellLine.WHITE,),
)
