"""Three low lines without a high B12, and B12 under treatment (clinical-definition 3.1, step 9).

The first row of the table that holds names the cause.
"""

from __future__ import annotations

from fhir_mappings.panel import Analyte
from service.interpreter.rules.criteria.cell_lines import PANCYTOPENIA
from service.interpreter.rules.criteria.chemistry import (
    B12_BETWEEN,
    B12_DEFICIENT_BEFORE,
    B12_LOW,
    B12_MISSING,
    B12_NOT_HIGH,
    B12_NOT_LOW,
    B12_NOT_LOW_NOR_HIGH,
    B12_NOT_MEASURED,
    B12_TREATMENT_NEW,
    FERRITIN_MISSING,
    FOLATE_LOW,
    FOLATE_MISSING,
    IRON_CHRONIC,
    IRON_DEFICIENCY,
    IRON_DOES_NOT_DECIDE,
    IRON_INCOMPLETE,
    IRON_OR_TIBC_MISSING,
    MMA_DOES_NOT_PROVE,
    MMA_EXCLUDES,
    MMA_NOT_RAISED_UNDER_TREATMENT,
    MMA_PROVES_DEFICIENCY,
    MMA_SAYS_NOTHING,
)
from service.interpreter.rules.criteria.criterion import any_criterion
from service.interpreter.rules.criteria.patient import ADULT, NO_CRITICAL_BLASTS
from service.interpreter.rules.order_lists import (
    MARROW,
    REFERRAL,
    REFERRAL_WITH_RED_FLAG,
    SECONDARY_CAUSES,
    SECONDARY_CAUSES_FIRST,
    wanted,
)
from service.interpreter.rules.rule import Rule, Step, WantedOrder
from service.interpreter.rules.texts import missing_results as missing
from service.interpreter.rules.texts import paragraphs as details
from service.interpreter.rules.texts.phrases import (
    AVOID_MARROW_FIRST,
    AVOID_WITH_HIGH_B12,
    INFO_OR_SEVERE,
    MEGALOBLASTIC,
    WHO_DOES_THE_MARROW,
    WITH_OVERLAY,
    WITH_SEVERE,
    WITH_SEVERE_OR_SYMPTOMS,
)

TREATED_B12_DEFICIENCY = Rule(
    id="treated-b12-deficiency",
    title="Pancytopenia soon after B12 treatment began",
    step=Step.PANCYTOPENIA,
    when=(
        ADULT,
        PANCYTOPENIA,
        B12_NOT_LOW,
        B12_TREATMENT_NEW,
        B12_DEFICIENT_BEFORE,
        MMA_NOT_RAISED_UNDER_TREATMENT,
    ),
    indicator=INFO_OR_SEVERE,
    certainty="probably recovering",
    summary=(
        "Pancytopenia soon after B12 therapy for deficiency: check the response before a marrow "
        "work-up."
    ),
    detail=(
        details.prior_deficiency,
        "After injections a high B12 is expected. Reticulocytes should peak around day 5 to 10 and "
        "counts be normal by about 8 weeks; recheck the CBC in one to two weeks.",
        "Without a reticulocyte response by day 10, or with counts not normal at 8 weeks, treat it "
        "as pancytopenia with high B12.",
    ),
    meaning=(
        "High B12 is expected after treatment. Reticulocytes should peak around day 5 to 10 and "
        "counts normalize by 8 weeks; if not, hematology."
    ),
    avoid="a marrow before the response is known; MMA under treatment; stopping B12.",
    cautions=("No marrow now.", "No MMA: under treatment a normal one says nothing."),
    orders=wanted("reticulocytes", "cbc-differential", "peripheral-smear"),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.RETICULOCYTES,
    ),
    waits_for=frozenset({Analyte.RETICULOCYTES}),
    citation=("R7", "OWN"),
    seed_steps=("step 1", "step 3"),
    before_all=True,
)

PANCYTOPENIA_LOW_B12 = Rule(
    id="pancytopenia-low-b12",
    title="Pancytopenia with low B12",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_LOW),
    indicator=WITH_SEVERE,
    certainty=MEGALOBLASTIC,
    summary=(
        "Pancytopenia with low B12 ({b12} pg/mL): megaloblastic cause likely; marrow is not the "
        "first test."
    ),
    detail=(
        "B12 deficiency alone can lower all three lines and, by hemolysis within the marrow, raise "
        "LDH above {ldh_marked} U/L and indirect bilirubin. Treat as B12 deficiency until "
        "excluded; "
        "neurological signs need treatment without delay.",
        "A myelodysplastic neoplasm can look the same: refer when there is no response within one "
        "to two weeks, with dysplasia other than hypersegmentation, or with blasts.",
    ),
    meaning=(
        "B12 deficiency alone can lower all three lines, with very high LDH and indirect "
        "bilirubin. Treat it; refer if counts do not respond in 1 to 2 weeks, or with blasts or "
        "dysplasia."
    ),
    avoid="a marrow first; folate alone; delay when there are neurologic signs.",
    cautions=AVOID_MARROW_FIRST,
    orders=(
        REFERRAL_WITH_RED_FLAG,
        *wanted(
            "methylmalonic-acid",
            "homocysteine",
            "intrinsic-factor-antibody",
            "folate",
            "peripheral-smear",
            "reticulocytes",
            "ldh",
            "bilirubin-total",
            "bilirubin-direct",
        ),
    ),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
        Analyte.HOMOCYSTEINE,
        Analyte.FOLATE,
    ),
    citation=("R1", "R6", "R7"),
    seed_steps=("step 1", "step 2", "step 3"),
)

B12_FUNCTION_UNKNOWN = Rule(
    id="b12-function-unknown",
    title="Pancytopenia, B12 not decisive",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_BETWEEN, MMA_SAYS_NOTHING, IRON_DOES_NOT_DECIDE),
    indicator=WITH_SEVERE_OR_SYMPTOMS,
    certainty="not explained yet",
    summary=(
        "Pancytopenia, B12 {b12} pg/mL not decisive: functional deficiency not excluded; refer to "
        "hematology."
    ),
    detail=(
        "A normal or borderline B12 leaves functional deficiency possible. With normal MMA and "
        "homocysteine, or with a red flag, hematology should consider sampling the marrow.",
    ),
    meaning=(
        "A B12 in this range does not exclude functional deficiency; MMA and homocysteine decide. "
        "If they are normal, or with red flags, hematology should consider a marrow."
    ),
    avoid="B12 as a trial without these tests; closing the case on a normal B12.",
    cautions=("No marrow from this card.",),
    orders=(
        REFERRAL,
        *wanted(
            "methylmalonic-acid",
            "homocysteine",
            "peripheral-smear",
            "reticulocytes",
            "ldh",
            "bilirubin-total",
            "bilirubin-direct",
        ),
        WantedOrder("folate", FOLATE_MISSING),
    ),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
        Analyte.HOMOCYSTEINE,
        Analyte.FERRITIN,
        Analyte.TRANSFERRIN_SATURATION,
    ),
    waits_for=frozenset({Analyte.METHYLMALONATE}),
    meaning_under_b12=(
        "A B12 in this range does not exclude functional deficiency, and a normal MMA under B12 "
        "treatment says nothing. Hematology should consider a marrow."
    ),
    citation=("R6", "R8", "OWN"),
    seed_steps=("step 1", "step 2", "step 3"),
    constitutional=True,
)

FUNCTIONAL_B12_DEFICIENCY = Rule(
    id="functional-b12-deficiency",
    title="Pancytopenia with raised MMA",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_NOT_LOW_NOR_HIGH, MMA_PROVES_DEFICIENCY),
    indicator=WITH_SEVERE,
    certainty="functional B12 deficiency is likely",
    summary=(
        "Pancytopenia with raised MMA ({mma} umol/L): functional B12 deficiency likely; marrow not "
        "first."
    ),
    detail=(
        "B12 deficiency at tissue level can lower all three lines and raise LDH and indirect "
        "bilirubin. Neurological signs need treatment without delay.",
        "Ask about nitrous oxide, metformin and gastric surgery.",
        "A myelodysplastic neoplasm can look the same: refer when there is no response within one "
        "to two weeks, with dysplasia other than hypersegmentation, or with blasts.",
    ),
    meaning=(
        "Raised MMA with adequate kidney function points to B12 deficiency at tissue level "
        "whatever the B12 result. Ask about nitrous oxide, metformin and gastric surgery; treat "
        "and recheck."
    ),
    avoid="a marrow first, unless blasts, dysplasia or no response; folate alone.",
    cautions=AVOID_MARROW_FIRST,
    orders=(
        REFERRAL,
        *wanted("intrinsic-factor-antibody", "peripheral-smear", "reticulocytes"),
        WantedOrder("vitamin-b12", B12_NOT_MEASURED),
    ),
    shows=(
        Analyte.METHYLMALONATE,
        Analyte.VITAMIN_B12,
        Analyte.GLOMERULAR_FILTRATION_RATE,
    ),
    waits_for=frozenset({Analyte.VITAMIN_B12}),
    citation=("R6", "R8", "R9", "R16"),
    seed_steps=("step 3",),
    before=frozenset({"folate-deficiency", "incomplete-workup"}),
)

UNEXPLAINED_PANCYTOPENIA = Rule(
    id="unexplained-pancytopenia",
    title="Pancytopenia without B12, folate or iron cause",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_BETWEEN, MMA_EXCLUDES, IRON_DOES_NOT_DECIDE),
    indicator=WITH_OVERLAY,
    certainty="unexplained",
    summary=(
        "Pancytopenia without B12, folate or iron cause: refer to hematology for marrow evaluation."
    ),
    detail=(
        "A normal MMA speaks against B12 deficiency. Pancytopenia without an explanation belongs "
        "with hematology, and a marrow is usually needed.",
        *WHO_DOES_THE_MARROW,
    ),
    meaning=(
        "B12, folate and iron do not explain the low counts. Hematology usually needs a marrow "
        "with cytogenetics and flow cytometry to exclude a marrow disorder."
    ),
    avoid="B12 or iron as a trial; waiting for symptoms; relying on MCV.",
    cautions=AVOID_WITH_HIGH_B12,
    orders=(
        REFERRAL,
        MARROW,
        *wanted("peripheral-smear", "reticulocytes", "ldh"),
        *SECONDARY_CAUSES,
    ),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
        Analyte.FOLATE,
        Analyte.FERRITIN,
        Analyte.TRANSFERRIN_SATURATION,
    ),
    citation=("R2", "R3", "R9"),
    seed_steps=("step 1", "step 2", "step 4", "step 5"),
    constitutional=True,
)

FOLATE_DEFICIENCY = Rule(
    id="folate-deficiency",
    title="Pancytopenia with low folate",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, FOLATE_LOW, B12_NOT_LOW, B12_NOT_HIGH),
    indicator=WITH_SEVERE,
    certainty="folate deficiency is likely",
    summary=(
        "Pancytopenia with low folate ({fol} ng/mL): exclude B12 deficiency, then treat; marrow "
        "not first."
    ),
    detail=(
        "Ask about alcohol, diet and drugs that act against folate.",
        "Exclude B12 deficiency before folate is given alone: folate by itself can make B12 "
        "neuropathy worse.",
    ),
    meaning=(
        "Folate deficiency can lower all three lines, but B12 deficiency must be excluded first. "
        "Look for alcohol, diet and antifolate drugs; recheck the counts under treatment."
    ),
    avoid="folate alone before B12 deficiency was excluded; a marrow first.",
    cautions=("No folate alone.", "A marrow is not the first test."),
    orders=(
        REFERRAL_WITH_RED_FLAG,
        *wanted("methylmalonic-acid", "homocysteine", "peripheral-smear", "reticulocytes"),
        WantedOrder("vitamin-b12", B12_NOT_MEASURED),
    ),
    shows=(
        Analyte.FOLATE,
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
    ),
    waits_for=frozenset({Analyte.VITAMIN_B12}),
    citation=("OWN",),
    seed_steps=("step 1", "step 3"),
    before=frozenset(
        {
            "incomplete-workup",
            "pancytopenia-iron-deficiency",
            "pancytopenia-chronic-disease-iron",
            "b12-function-unknown",
            "unexplained-pancytopenia",
        }
    ),
)

PANCYTOPENIA_IRON_DEFICIENCY = Rule(
    id="pancytopenia-iron-deficiency",
    title="Pancytopenia with iron deficiency",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_BETWEEN, IRON_DEFICIENCY, MMA_DOES_NOT_PROVE),
    indicator=WITH_OVERLAY,
    certainty="iron deficiency is present but does not explain",
    summary=(
        "Pancytopenia with iron deficiency: iron lack does not explain all lines; look for a "
        "second cause."
    ),
    detail=(
        details.iron_criterion,
        "Find the bleeding or the malabsorption and treat the deficiency; low neutrophils and "
        "platelets still need an explanation.",
    ),
    meaning=(
        "Iron deficiency was found and needs its source, but it does not explain low neutrophils "
        "and platelets: look for a second cause with hematology."
    ),
    avoid="closing the case as iron deficiency; B12 without a proven deficiency.",
    cautions=("Do not close the case as iron deficiency.",),
    orders=(
        REFERRAL,
        *wanted("methylmalonic-acid", "homocysteine", "peripheral-smear", "reticulocytes"),
        *SECONDARY_CAUSES,
    ),
    shows=(
        Analyte.FERRITIN,
        Analyte.IRON,
        Analyte.IRON_BINDING_CAPACITY,
        Analyte.TRANSFERRIN_SATURATION,
        Analyte.VITAMIN_B12,
    ),
    citation=("R1", "R15", "OWN"),
    seed_steps=("step 1", "step 3", "step 5"),
    constitutional=True,
)

PANCYTOPENIA_CHRONIC_DISEASE_IRON = Rule(
    id="pancytopenia-chronic-disease-iron",
    title="Pancytopenia with an iron pattern of chronic disease",
    step=Step.PANCYTOPENIA,
    when=(ADULT, PANCYTOPENIA, B12_BETWEEN, IRON_CHRONIC, MMA_DOES_NOT_PROVE),
    indicator=WITH_OVERLAY,
    certainty="chronic disease pattern; systemic cause possible",
    summary=(
        "Pancytopenia with chronic-disease iron pattern: look for infection, autoimmune, liver or "
        "marrow cause."
    ),
    detail=(
        "Secondary causes come first here: HIV, hepatitis B and C, ANA and anti-dsDNA, imaging of "
        "liver and spleen. Fever with a ferritin of {ferritin_hlh} ng/mL or more has a "
        "finding of its own: "
        "possible-hlh.",
        "Inflammation does not rule out marrow disease.",
    ),
    meaning=(
        "The iron pattern fits inflammation: infection (HIV, hepatitis), autoimmune, liver and "
        "spleen disease come first, but inflammation does not exclude a marrow disorder."
    ),
    avoid=("iron without a proven deficiency; taking inflammation for the whole explanation."),
    cautions=("Do not take inflammation as proof against marrow disease.",),
    orders=(
        REFERRAL,
        *SECONDARY_CAUSES_FIRST,
        *wanted(
            "methylmalonic-acid",
            "homocysteine",
            "peripheral-smear",
            "reticulocytes",
            "metabolic-panel",
            "crp",
        ),
    ),
    shows=(
        Analyte.IRON,
        Analyte.IRON_BINDING_CAPACITY,
        Analyte.TRANSFERRIN_SATURATION,
        Analyte.FERRITIN,
        Analyte.VITAMIN_B12,
    ),
    citation=("R1", "OWN"),
    seed_steps=("step 1", "step 3", "step 5"),
    constitutional=True,
)

INCOMPLETE_WORKUP = Rule(
    id="incomplete-workup",
    title="Pancytopenia, B12 or iron studies not available",
    step=Step.PANCYTOPENIA,
    when=(
        ADULT,
        PANCYTOPENIA,
        NO_CRITICAL_BLASTS,
        B12_NOT_LOW_NOR_HIGH,
        any_criterion(B12_MISSING, IRON_INCOMPLETE, text="vitamin B12 or iron studies missing"),
    ),
    indicator=WITH_OVERLAY,
    certainty="incomplete work-up",
    summary=(
        "Pancytopenia: {missing} not available; complete the work-up and refer to hematology."
    ),
    detail=(
        missing.missing_list,
        missing.not_retrieved,
        "In a stable patient draw the samples before any transfusion or supplement.",
        details.folate_is_low,
    ),
    meaning=(
        "All three lines are low and the cause cannot be judged yet: tests are missing. A marrow "
        "disorder must be excluded; hematology should see the patient while they run."
    ),
    avoid=("B12, iron or transfusion before the samples are drawn, if the patient is stable."),
    cautions=("No marrow yet.",),
    orders=(
        REFERRAL,
        WantedOrder("vitamin-b12", B12_NOT_MEASURED),
        WantedOrder("folate", FOLATE_MISSING),
        WantedOrder("iron-tibc", IRON_OR_TIBC_MISSING),
        WantedOrder("ferritin", FERRITIN_MISSING),
        *wanted(
            "methylmalonic-acid",
            "homocysteine",
            "peripheral-smear",
            "reticulocytes",
            "ldh",
            "bilirubin-total",
            "bilirubin-direct",
            "metabolic-panel",
        ),
    ),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.IRON,
        Analyte.IRON_BINDING_CAPACITY,
        Analyte.FERRITIN,
        Analyte.TRANSFERRIN_SATURATION,
    ),
    waits_for=frozenset(
        {Analyte.VITAMIN_B12, Analyte.IRON, Analyte.IRON_BINDING_CAPACITY, Analyte.FERRITIN}
    ),
    citation=("R1", "OWN"),
    seed_steps=("step 1", "step 2", "step 3"),
    constitutional=True,
)
