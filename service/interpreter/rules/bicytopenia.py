"""Two low lines, the third normal or not known (clinical-knowledge 3.1, steps 10 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, FindingIndicator, Priority
from service.interpreter.rules.criteria.bicytopenia import WHITE_LINE_LOW, WORTH_A_CARD
from service.interpreter.rules.criteria.cell_lines import BICYTOPENIA, THIRD_LINE_UNKNOWN
from service.interpreter.rules.criteria.chemistry import (
    B12_HIGH,
    B12_LOW,
    B12_NOT_LOW_NOR_HIGH,
    B12_NOT_MEASURED,
    FERRITIN_MISSING,
    HIGH_B12,
    IRON_OR_TIBC_MISSING,
    MMA_DOES_NOT_PROVE,
)
from service.interpreter.rules.criteria.patient import ADULT
from service.interpreter.rules.order_lists import REFERRAL, wanted
from service.interpreter.rules.rule import IndicatorRule, Rule, Step, WantedOrder
from service.interpreter.rules.texts import paragraphs as details
from service.interpreter.rules.texts.phrases import (
    INFO_OR_SEVERE,
    MEGALOBLASTIC,
    WITH_SEVERE_OR_SYMPTOMS,
)

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case


def _routine(_case: Case) -> Priority:
    return Priority.ROUTINE


def _incomplete_indicator(case: Case) -> FindingIndicator:
    if case.severe:
        return FindingIndicator.CRITICAL
    return (
        FindingIndicator.WARNING if case.situation.states.b12 in HIGH_B12 else FindingIndicator.INFO
    )


BICYTOPENIA_HIGH_B12 = Rule(
    id="bicytopenia-high-b12",
    step=Step.BICYTOPENIA,
    when=(ADULT, BICYTOPENIA, B12_HIGH, MMA_DOES_NOT_PROVE),
    indicator=WITH_SEVERE_OR_SYMPTOMS,
    certainty="needs explanation",
    summary=(
        "Two low cell lines with high B12 ({b12} pg/mL): smear, MMA and hematology advice needed."
    ),
    detail=(
        details.b12_degree,
        details.third_line,
        "Two low lines are looked into like three: the third often follows. MMA and homocysteine "
        "tell whether the B12 value can be trusted.",
    ),
    meaning=(
        "Two low lines with high B12 are assessed like pancytopenia: supplements, liver and "
        "kidney disease raise B12, but a marrow disorder must be excluded."
    ),
    avoid="calling the high B12 benign; B12 without a proven deficiency.",
    cautions=("No marrow unless blasts circulate.",),
    orders=(
        REFERRAL,
        *wanted(
            "peripheral-smear",
            "reticulocytes",
            "vitamin-b12",
            "methylmalonic-acid",
            "homocysteine",
            "ldh",
        ),
    ),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
    ),
    waits_for=frozenset({Analyte.METHYLMALONATE}),
    summary_under_b12=(
        "Two low cell lines with high B12 ({b12} pg/mL): smear and hematology advice needed."
    ),
    meaning_under_b12=(
        "Two low lines with high B12 are assessed like pancytopenia: supplements, liver and "
        "kidney disease raise B12, but a marrow disorder must be excluded. A normal MMA under B12 "
        "treatment says nothing."
    ),
    citation=("R3", "R10", "R11"),
    seed_steps=("step 1", "step 2", "step 3"),
    constitutional=True,
)

BICYTOPENIA_LOW_B12 = Rule(
    id="bicytopenia-low-b12",
    step=Step.BICYTOPENIA,
    when=(ADULT, BICYTOPENIA, B12_LOW),
    indicator=INFO_OR_SEVERE,
    certainty=MEGALOBLASTIC,
    summary=(
        "Two low cell lines with low B12 ({b12} pg/mL): confirm and treat deficiency, recheck "
        "counts."
    ),
    detail=(
        "B12 deficiency alone can lower several lines and raise LDH and indirect bilirubin. "
        "Neurological signs need treatment without delay.",
        details.third_line,
        "Refer when there is no response within one to two weeks, with dysplasia other than "
        "hypersegmentation, or with blasts.",
    ),
    meaning=(
        "B12 deficiency can lower two lines. Confirm and treat it, and recheck the counts in 1 to "
        "2 weeks; no response needs hematology."
    ),
    avoid="a marrow first; folate alone; delay when there are neurologic signs.",
    cautions=("A marrow is not the first test.",),
    orders=wanted("methylmalonic-acid", "homocysteine", "peripheral-smear", "reticulocytes"),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
    ),
    citation=("R6", "R7"),
    seed_steps=("step 1", "step 3"),
)

BICYTOPENIA_RULE = Rule(
    id="bicytopenia",
    step=Step.BICYTOPENIA,
    when=(ADULT, BICYTOPENIA, B12_NOT_LOW_NOR_HIGH, WORTH_A_CARD),
    indicator=INFO_OR_SEVERE,
    certainty="two low lines",
    summary=(
        "Two low cell lines ({lines}): review smear and drugs, repeat CBC, consider hematology "
        "advice."
    ),
    detail=(
        details.third_line,
        "Causes to think of: drugs, alcohol, liver and spleen, infection, autoimmune disease, the "
        "marrow.",
    ),
    meaning=(
        "Frequent causes are drugs, alcohol, liver or spleen disease, infection, bleeding and "
        "autoimmune disease; persisting low counts raise concern for a marrow disorder."
    ),
    avoid="B12 or iron without a proven deficiency; forgetting the recheck.",
    cautions=(),
    orders=(
        WantedOrder(HEMATOLOGY_REFERRAL, WHITE_LINE_LOW, _routine),
        *wanted("peripheral-smear", "reticulocytes"),
        WantedOrder("vitamin-b12", B12_NOT_MEASURED),
        WantedOrder("iron-tibc", IRON_OR_TIBC_MISSING),
        WantedOrder("ferritin", FERRITIN_MISSING),
    ),
    shows=(
        Analyte.MEAN_CORPUSCULAR_VOLUME,
        Analyte.VITAMIN_B12,
        Analyte.FERRITIN,
    ),
    citation=("R3", "OWN"),
    seed_steps=("step 1",),
)

INCOMPLETE_CBC = Rule(
    id="incomplete-cbc",
    step=Step.THIRD_LINE_UNKNOWN,
    when=(ADULT, THIRD_LINE_UNKNOWN),
    indicator=IndicatorRule(
        "info; warning when vitamin B12 is high; critical with severe-cytopenias",
        FindingIndicator.INFO,
        special=_incomplete_indicator,
    ),
    certainty="possible pancytopenia",
    summary=(
        "Two lines low and {unknown_line} missing or unreliable: repeat CBC with differential to "
        "rule out pancytopenia."
    ),
    detail=(details.unknown_line, details.b12_degree),
    meaning=(
        "Two lines are low and the third cannot be judged: this may be pancytopenia. A repeat CBC "
        "with differential settles it."
    ),
    avoid="deciding on this CBC alone.",
    cautions=(),
    orders=(WantedOrder("cbc-differential"),),
    shows=(Analyte.VITAMIN_B12,),
    citation=("R1", "OWN"),
    seed_steps=("step 1",),
)
