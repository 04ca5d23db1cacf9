"""Order hooks and data quality (clinical-definition 3.3, step 13)."""

from __future__ import annotations

from fhir_mappings.panel import Analyte
from service.interpreter.interpretation import FindingIndicator
from service.interpreter.rules.criteria.cell_lines import PANCYTOPENIA, TWO_LOW_LINES
from service.interpreter.rules.criteria.chemistry import (
    B12_HIGH,
    IRON_LACK_NOT_SHOWN,
    MMA_DOES_NOT_PROVE,
)
from service.interpreter.rules.criteria.patient import (
    ADULT,
    B12_DRAFTED,
    IRON_DRAFTED,
    NOT_RECOVERING,
)
from service.interpreter.rules.data_quality import (
    DATA_QUALITY_DUE,
    data_quality_indicator,
    data_quality_paragraphs,
)
from service.interpreter.rules.rule import IndicatorRule, Rule, Step

_WARNING = IndicatorRule("warning", FindingIndicator.WARNING)

B12_ORDER_WITHOUT_DEFICIENCY = Rule(
    id="b12-order-without-deficiency",
    title="B12 drafted although B12 is high",
    step=Step.DATA_AND_ORDERS,
    when=(ADULT, B12_DRAFTED, TWO_LOW_LINES, B12_HIGH, MMA_DOES_NOT_PROVE, NOT_RECOVERING),
    indicator=_WARNING,
    certainty="no proof of deficiency",
    summary=(
        "B12 is already {b12} pg/mL: giving B12 will not correct these counts and may delay "
        "diagnosis; check MMA."
    ),
    detail=(
        "At least two cell lines are low although vitamin B12 is high and functional deficiency is "
        "not shown. Measure MMA and homocysteine before B12 is given: after the first dose a "
        "normal MMA says nothing any more.",
    ),
    meaning=(
        "The B12 level already measured speaks against B12 deficiency as the cause of these low "
        "counts; MMA and homocysteine tell whether the result can be trusted."
    ),
    avoid="B12 as a trial while a marrow disorder has not been excluded.",
    cautions=("No B12 on suspicion, without a proven deficiency.",),
    orders=(),
    shows=(
        Analyte.VITAMIN_B12,
        Analyte.METHYLMALONATE,
    ),
    waits_for=frozenset({Analyte.METHYLMALONATE}),
    summary_under_b12=(
        "B12 is already {b12} pg/mL: giving B12 will not correct these counts and may delay "
        "diagnosis."
    ),
    meaning_under_b12=(
        "The B12 level already measured speaks against B12 deficiency as the cause of these low "
        "counts. A normal MMA under B12 treatment says nothing."
    ),
    citation=("R1", "R10"),
    seed_steps=("pitfalls",),
    adds_orders=False,
)

IRON_ORDER_WITHOUT_DEFICIENCY = Rule(
    id="iron-order-without-deficiency",
    title="Iron drafted although iron deficiency is not proven",
    step=Step.DATA_AND_ORDERS,
    when=(ADULT, IRON_DRAFTED, PANCYTOPENIA, IRON_LACK_NOT_SHOWN),
    indicator=_WARNING,
    certainty="no proof of deficiency",
    summary=(
        "Iron deficiency is not proven (TSAT {tsat}, ferritin {ferr}): iron may delay diagnosis of "
        "pancytopenia."
    ),
    detail=(
        "All three lines are low and the iron studies at hand do not show iron deficiency. Low "
        "iron without a raised TIBC or a low ferritin is non-specific, and iron lack does not "
        "lower neutrophils and platelets.",
    ),
    meaning=(
        "Iron deficiency was not proven by ferritin, iron and TIBC, and iron lack would not "
        "explain low neutrophils and platelets."
    ),
    avoid="iron as a trial while a marrow disorder has not been excluded.",
    cautions=("No iron on suspicion, without a proven deficiency.",),
    orders=(),
    shows=(
        Analyte.IRON,
        Analyte.IRON_BINDING_CAPACITY,
        Analyte.TRANSFERRIN_SATURATION,
        Analyte.FERRITIN,
    ),
    waits_for=frozenset({Analyte.FERRITIN}),
    citation=("R1",),
    seed_steps=("pitfalls",),
    adds_orders=False,
)

DATA_QUALITY = Rule(
    id="data-quality",
    title="Results that could not be used",
    step=Step.DATA_AND_ORDERS,
    when=(DATA_QUALITY_DUE,),
    indicator=IndicatorRule(
        "info; warning when a value not used would cross a severe limit in the unit most likely "
        "meant, or blasts are reported at unknown age",
        FindingIndicator.INFO,
        special=data_quality_indicator,
    ),
    certainty="",
    summary=(
        "{refused_count} result(s) not used: unit or value implausible ({refused}). Verify with "
        "the laboratory before acting."
    ),
    detail=(data_quality_paragraphs,),
    meaning=(
        "These results could not be read safely: unit, range, subject or time does not fit. They "
        "may hide low counts."
    ),
    avoid="reading them as normal or as not measured.",
    cautions=("Do not act on a value that the laboratory has not confirmed.",),
    orders=(),
    lines=(),
    citation=("OWN",),
    adds_orders=False,
)

ORDER_HOOKS = (B12_ORDER_WITHOUT_DEFICIENCY, IRON_ORDER_WITHOUT_DEFICIENCY)
