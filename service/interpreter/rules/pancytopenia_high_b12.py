"""Three low lines with a high B12 (clinical-definition 3.1, step 9)."""

from __future__ import annotations

from fhir_mappings.panel import Analyte
from service.interpreter.rules.criteria.cell_lines import PANCYTOPENIA, PANCYTOPENIA_OR_BICYTOPENIA
from service.interpreter.rules.criteria.chemistry import (
    B12_HIGH,
    FERRITIN_NEEDED,
    HOMOCYSTEINE_MISSING,
    IRON_DEFICIENCY,
    IRON_INCOMPLETE,
    IRON_INDEX,
    IRON_NOT_INDEX_NOR_DEFICIENT,
    MMA_DOES_NOT_PROVE,
    MMA_PROVES_DEFICIENCY,
)
from service.interpreter.rules.criteria.patient import ADULT
from service.interpreter.rules.order_lists import (
    HIGH_B12_ORDERS,
    REFERRAL,
    wanted,
)
from service.interpreter.rules.rule import Rule, Step, WantedOrder
from service.interpreter.rules.texts import paragraphs as details
from service.interpreter.rules.texts.phrases import (
    AVOID_WITH_HIGH_B12,
    CONCERN,
    HIGH_B12_REASONING,
    WHETHER_B12_IS_TRUE,
    WHO_DOES_THE_MARROW,
    WITH_OVERLAY,
    WITH_SEVERE,
)

INDEX_PATTERN = Rule(
    id="index-pattern",
    title="Pancytopenia with low iron, normal TIBC and high B12",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_HIGH, MMA_DOES_NOT_PROVE, IRON_INDEX),
    indicator=WITH_OVERLAY,
    certainty=CONCERN,
    summary=(
        "Pancytopenia, low iron, normal TIBC, B12 {b12} pg/mL: exclude a marrow disorder; "
        "hematology referral."
    ),
    detail=(
        *HIGH_B12_REASONING,
        "Iron is low without a raised TIBC, which is unusual for plain iron deficiency but "
        "non-specific: it neither reassures nor proves anything on its own.",
        *WHETHER_B12_IS_TRUE,
        *WHO_DOES_THE_MARROW,
    ),
    meaning=(
        "High B12 does not fit B12 deficiency: a primary marrow disorder (myelodysplastic "
        "neoplasm, acute leukemia or another) must be excluded. Normal TIBC with low iron does "
        "not reassure."
    ),
    avoid=("B12 or iron without a proven deficiency; calling the high B12 benign; relying on MCV."),
    cautions=AVOID_WITH_HIGH_B12,
    orders=HIGH_B12_ORDERS,
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.IRON,
        Analyte.IRON_BINDING_CAPACITY,
        Analyte.TRANSFERRIN_SATURATION,
        Analyte.FERRITIN,
        Analyte.METHYLMALONATE,
    ),
    waits_for=frozenset({Analyte.METHYLMALONATE}),
    citation=("R1", "R10", "R11", "R13"),
    seed_steps=("step 1", "step 2", "step 3", "step 4", "step 5"),
    constitutional=True,
)

PANCYTOPENIA_HIGH_B12 = Rule(
    id="pancytopenia-high-b12",
    title="Pancytopenia with high B12",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_HIGH, MMA_DOES_NOT_PROVE, IRON_NOT_INDEX_NOR_DEFICIENT),
    indicator=WITH_OVERLAY,
    certainty=CONCERN,
    summary=(
        "Pancytopenia with high B12 ({b12} pg/mL): exclude a marrow disorder; refer to hematology."
    ),
    detail=(
        *HIGH_B12_REASONING,
        details.iron_sentence,
        *WHETHER_B12_IS_TRUE,
        *WHO_DOES_THE_MARROW,
    ),
    meaning=(
        "High B12 does not fit B12 deficiency: a primary marrow disorder must be excluded. "
        "Hematology does the marrow; MMA and homocysteine must not delay it with blasts, severe "
        "counts or symptoms."
    ),
    avoid=("B12 or iron without a proven deficiency; calling the high B12 benign; relying on MCV."),
    cautions=AVOID_WITH_HIGH_B12,
    orders=(
        *HIGH_B12_ORDERS,
        WantedOrder("iron-tibc", IRON_INCOMPLETE),
        WantedOrder("ferritin", FERRITIN_NEEDED),
    ),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
        Analyte.HOMOCYSTEINE,
        Analyte.TRANSFERRIN_SATURATION,
        Analyte.FERRITIN,
    ),
    waits_for=frozenset({Analyte.METHYLMALONATE}),
    meaning_under_b12=(
        "High B12 does not fit B12 deficiency: a primary marrow disorder must be excluded. "
        "Hematology does the marrow. A normal MMA under B12 treatment says nothing."
    ),
    citation=("R1", "R10", "R11", "R13"),
    seed_steps=("step 1", "step 2", "step 3", "step 4", "step 5"),
    constitutional=True,
)

PANCYTOPENIA_HIGH_B12_IRON_DEFICIENCY = Rule(
    id="pancytopenia-high-b12-iron-deficiency",
    title="Pancytopenia with high B12 and iron deficiency",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_HIGH, MMA_DOES_NOT_PROVE, IRON_DEFICIENCY),
    indicator=WITH_OVERLAY,
    certainty=CONCERN,
    summary=(
        "Pancytopenia with high B12 and iron deficiency: iron lack does not explain it; refer to "
        "hematology."
    ),
    detail=(
        *HIGH_B12_REASONING,
        details.iron_criterion,
        "Iron deficiency needs a search for blood loss of its own, but explains neither low "
        "neutrophils and platelets nor a high B12.",
        *WHETHER_B12_IS_TRUE,
        *WHO_DOES_THE_MARROW,
    ),
    meaning=(
        "Iron deficiency explains neither low neutrophils and platelets nor a high B12: a primary "
        "marrow disorder must be excluded, and the source of iron loss found."
    ),
    avoid=(
        "stopping at iron deficiency; delaying referral while iron is given; B12 without a proven "
        "deficiency."
    ),
    cautions=(
        "Do not stop at iron deficiency.",
        "Proven iron deficiency may be treated, but must not delay the referral.",
        *AVOID_WITH_HIGH_B12[:1],
        *AVOID_WITH_HIGH_B12[3:],
    ),
    orders=HIGH_B12_ORDERS,
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.FERRITIN,
        Analyte.IRON,
        Analyte.IRON_BINDING_CAPACITY,
        Analyte.TRANSFERRIN_SATURATION,
        Analyte.METHYLMALONATE,
    ),
    waits_for=frozenset({Analyte.METHYLMALONATE}),
    citation=("R1", "R10", "R11", "R13"),
    seed_steps=("step 1", "step 2", "step 3", "step 4", "step 5"),
    constitutional=True,
)

FALSE_HIGH_B12 = Rule(
    id="false-high-b12",
    title="Raised MMA despite a high B12",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA_OR_BICYTOPENIA, B12_HIGH, MMA_PROVES_DEFICIENCY),
    indicator=WITH_SEVERE,
    certainty="functional B12 deficiency is likely despite the high result",
    summary=(
        "MMA is raised although B12 is {b12}: functional B12 deficiency likely; check IF antibody "
        "before marrow."
    ),
    detail=(
        "Antibodies to intrinsic factor can make competitive-binding B12 assays read normal or "
        "high (Yang and Cook 2012; Wainwright 2015). Ask the laboratory to repeat B12 on another "
        "platform or after removing antibodies, test for the antibody, and look for "
        "hypersegmented neutrophils.",
        "Proven deficiency is treated without waiting; counts should begin to recover within one "
        "to two weeks. A marrow is needed only without response, with dysplasia or with blasts.",
        details.third_line,
    ),
    meaning=(
        "Raised MMA despite high B12 points to functional B12 deficiency: intrinsic-factor "
        "antibodies can falsely raise the assay. Repeat B12 by another method, test the antibody, "
        "treat a proven deficiency."
    ),
    avoid=(
        "trusting the high B12; a marrow first, unless blasts, dysplasia or no response in two "
        "weeks."
    ),
    cautions=(
        "A marrow is not the first test here.",
        "Do not take the high B12 as proof against deficiency.",
    ),
    orders=(
        REFERRAL,
        *wanted("intrinsic-factor-antibody"),
        WantedOrder(
            "vitamin-b12",
            despite_result=True,
            note="repeat by a different method, or after antibody removal",
        ),
        *wanted("peripheral-smear", "reticulocytes"),
        WantedOrder("homocysteine", HOMOCYSTEINE_MISSING),
    ),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
        Analyte.HOMOCYSTEINE,
        Analyte.GLOMERULAR_FILTRATION_RATE,
    ),
    citation=("R13", "R8", "R9"),
    seed_steps=("step 3",),
)
