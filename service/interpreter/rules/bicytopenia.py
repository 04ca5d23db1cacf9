"""Two low lines, the third normal or not known (clinical-definition 3.1, steps 10 and 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, FindingIndicator, Priority
from service.interpreter.rules.criteria.bicytopenia import (
    B12_EXPLAINED,
    B12_NOT_EXPLAINED,
    FALLING_PLATELETS,
    IRON_AND_B12_DUE,
    NEUTROPHILS_BELOW_1,
    NEUTROPHILS_BELOW_1_WITH_HIGH_B12,
    PLATELETS_BELOW_50,
    PLATELETS_BELOW_100_WITH_HIGH_B12,
    REFERRAL_DUE,
    WBC_ABOVE_30,
    WORTH_A_CARD,
    in_hospital,
)
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
from service.interpreter.rules.criteria.criterion import all_criteria, any_criterion
from service.interpreter.rules.criteria.patient import ADULT
from service.interpreter.rules.order_lists import REFERRAL, wanted
from service.interpreter.rules.rule import IndicatorRule, PriorityRule, Rule, Step, WantedOrder
from service.interpreter.rules.texts import paragraphs as details
from service.interpreter.rules.texts.phrases import (
    INFO_OR_SEVERE,
    MEGALOBLASTIC,
)

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case, Criterion


def _referral_priority(case: Case) -> Priority:
    return Priority.URGENT if WBC_ABOVE_30.test(case) else Priority.ROUTINE


_REFERRAL_PRIORITY = PriorityRule(
    "urgent with leukocytes above {wbc_bicytopenia}, else routine", _referral_priority
)


def _any(case: Case, *criteria: Criterion) -> bool:
    return any(each.test(case) is True for each in criteria)


def _bicytopenia_indicator(case: Case) -> FindingIndicator:
    if case.severe:
        return FindingIndicator.CRITICAL
    deep = _any(case, NEUTROPHILS_BELOW_1, PLATELETS_BELOW_50)
    return FindingIndicator.WARNING if deep and not in_hospital(case) else FindingIndicator.INFO


def _high_b12_indicator(case: Case) -> FindingIndicator:
    if case.severe:
        return FindingIndicator.CRITICAL
    deep = _any(case, NEUTROPHILS_BELOW_1_WITH_HIGH_B12, PLATELETS_BELOW_100_WITH_HIGH_B12)
    return FindingIndicator.WARNING if deep or in_hospital(case) else FindingIndicator.INFO


def _incomplete_indicator(case: Case) -> FindingIndicator:
    if case.severe:
        return FindingIndicator.CRITICAL
    return (
        FindingIndicator.WARNING if case.situation.states.b12 in HIGH_B12 else FindingIndicator.INFO
    )


def _with_falling_platelets(order: str) -> WantedOrder:
    return WantedOrder(order, FALLING_PLATELETS, because="falling platelets")


def _missing_and_due(order: str, missing: Criterion) -> WantedOrder:
    text = f"{missing.text}, {IRON_AND_B12_DUE.text}"
    return WantedOrder(order, all_criteria(missing, IRON_AND_B12_DUE, text=text))


_B12_NO_SIGN = any_criterion(
    B12_NOT_LOW_NOR_HIGH,
    all_criteria(
        B12_HIGH, B12_EXPLAINED, MMA_DOES_NOT_PROVE, text="vitamin B12 high, and explained"
    ),
    text=(
        "vitamin B12 neither low nor high, or high with portal hypertension or a B12 medicine to "
        "explain it"
    ),
)

BICYTOPENIA_HIGH_B12 = Rule(
    id="bicytopenia-high-b12",
    title="Two low cell lines with high B12",
    step=Step.BICYTOPENIA,
    when=(ADULT, BICYTOPENIA, B12_HIGH, B12_NOT_EXPLAINED, MMA_DOES_NOT_PROVE, WORTH_A_CARD),
    indicator=IndicatorRule(
        "warning; outside a hospital stay info unless platelets are below "
        "{plt_high_b12_warning} or "
        "neutrophils below {anc_high_b12_warning}; critical with constitutional symptoms or "
        "severe-cytopenias",
        FindingIndicator.WARNING,
        special=_high_b12_indicator,
    ),
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
    title="Two low cell lines with low B12",
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
    title="Two low cell lines",
    step=Step.BICYTOPENIA,
    when=(ADULT, BICYTOPENIA, _B12_NO_SIGN, WORTH_A_CARD),
    indicator=IndicatorRule(
        "info; outside a hospital stay warning with neutrophils below {anc_bicytopenia_warning} or "
        "platelets below {plt_bicytopenia_warning}; "
        "critical with severe-cytopenias",
        FindingIndicator.INFO,
        special=_bicytopenia_indicator,
    ),
    certainty="two low lines",
    summary=(
        "Two low cell lines ({lines}): review smear and drugs, repeat CBC, consider hematology "
        "advice."
    ),
    detail=(
        details.third_line,
        details.many_leukocytes,
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
        WantedOrder(HEMATOLOGY_REFERRAL, REFERRAL_DUE, _REFERRAL_PRIORITY),
        *wanted("peripheral-smear", "reticulocytes"),
        _with_falling_platelets("prothrombin-time"),
        _with_falling_platelets("aptt"),
        _with_falling_platelets("fibrinogen"),
        _with_falling_platelets("ldh"),
        _with_falling_platelets("haptoglobin"),
        _with_falling_platelets("bilirubin-total"),
        _with_falling_platelets("bilirubin-direct"),
        _with_falling_platelets("metabolic-panel"),
        _missing_and_due("vitamin-b12", B12_NOT_MEASURED),
        _missing_and_due("iron-tibc", IRON_OR_TIBC_MISSING),
        _missing_and_due("ferritin", FERRITIN_MISSING),
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
    title="Two low cell lines, the third not known",
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
