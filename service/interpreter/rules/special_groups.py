"""Patients for whom the adult table stops early (clinical-definition 3.1, steps 1, 2, 4 to 8)."""

from __future__ import annotations

from fhir_mappings.panel import Analyte, SmearSet
from service.interpreter.interpretation import (
    HEMATOLOGY_REFERRAL,
    FindingIndicator,
    Overlay,
    Priority,
)
from service.interpreter.rules.criteria.bicytopenia import WORTH_A_CARD_WHEN_CURRENT
from service.interpreter.rules.criteria.cell_lines import TWO_LOW_LINES
from service.interpreter.rules.criteria.criterion import Case, any_criterion
from service.interpreter.rules.criteria.patient import (
    ADULT,
    AN_OVERLAY,
    CHILD,
    HOSPICE,
    KNOWN_DISORDER,
    NEW_BLASTS,
    NEW_PANCYTOPENIA,
    NEW_SEVERE,
    PREGNANT,
    RECENT_CHEMOTHERAPY,
    STALE,
    TWO_LINES_IN_PREGNANCY,
)
from service.interpreter.rules.criteria.urgent import (
    CHILD_CONCERN,
    fever_with_low_neutrophils,
    microangiopathy_of_child,
)
from service.interpreter.rules.rule import (
    IndicatorRule,
    PriorityRule,
    Rule,
    Step,
    WantedOrder,
    always,
)
from service.interpreter.rules.texts import paragraphs as details

_NO_CARD = IndicatorRule("no card", FindingIndicator.INFO)
SOMETHING_NEW = any_criterion(NEW_BLASTS, NEW_SEVERE, NEW_PANCYTOPENIA)


def _known_indicator(case: Case) -> FindingIndicator:
    return (
        FindingIndicator.CRITICAL
        if Overlay.NEUTROPENIC_FEVER in case.overlays
        else FindingIndicator.WARNING
    )


def _chemotherapy_indicator(case: Case) -> FindingIndicator:
    if case.critical_overlay:
        return FindingIndicator.CRITICAL
    return (
        FindingIndicator.WARNING if case.situation.severe.present is True else FindingIndicator.INFO
    )


def _child_indicator(case: Case) -> FindingIndicator:
    situation = case.situation
    critical = (
        situation.blasts.present is True
        or situation.severe.present is True
        or fever_with_low_neutrophils(case) is True
        or microangiopathy_of_child(case) is True
    )
    return FindingIndicator.CRITICAL if critical else FindingIndicator.WARNING


def _child_priority(case: Case) -> Priority:
    return Priority.STAT if _child_indicator(case) is FindingIndicator.CRITICAL else Priority.URGENT


def _stale_priority(case: Case) -> Priority:
    severe = case.situation.severe
    return Priority.STAT if severe.present is True or severe.in_conflict else Priority.URGENT


_CHILD_PRIORITY = PriorityRule("stat when the finding is critical, else urgent", _child_priority)
_STALE_PRIORITY = PriorityRule("stat with severe counts, else urgent", _stale_priority)

HOSPICE_SUPPRESSED = Rule(
    id="hospice-suppressed",
    title="Hospice care",
    step=Step.HOSPICE,
    when=(HOSPICE,),
    indicator=_NO_CARD,
    certainty="",
    summary="",
    detail=(),
    meaning="",
    avoid="",
    cautions=("No cards at all, urgent ones included.",),
    orders=(),
    citation=("OWN",),
    has_card=False,
    replaces_overlay_orders=True,
    adds_orders=False,
)

PEDIATRIC = Rule(
    id="pediatric",
    title="Low counts in a child",
    step=Step.CHILD,
    when=(CHILD, CHILD_CONCERN),
    indicator=IndicatorRule(
        "warning; critical for blasts, a severe value with two low lines, neutrophils below "
        "{anc_severe} "
        "with fever, or schistocytes with low platelets as in thrombotic-microangiopathy",
        FindingIndicator.WARNING,
        special=_child_indicator,
    ),
    certainty="adult rules not applied",
    summary=(
        "Patient under 18: adult rules not applied. {child_lines}{child_blasts}: discuss with "
        "pediatric hematology today."
    ),
    detail=(
        details.child_evidence,
        "Only the laboratory's flags and ranges, or fixed floors where there are none, were used. "
        "Leukemia and marrow failure in a child belong in a specialist center.",
    ),
    meaning=(
        "Adult rules were not applied. Low counts in a child raise concern for leukemia or marrow "
        "failure and need a specialist center."
    ),
    avoid="adult thresholds; steroids before leukemia was excluded; a B12 work-up first.",
    cautions=(
        "No B12 and MMA pathway and no adult limits.",
        "The marrow is for the pediatric hematologist to decide.",
    ),
    orders=(
        WantedOrder(HEMATOLOGY_REFERRAL, priority=_CHILD_PRIORITY, note="pediatric hematology"),
    ),
    citation=("OWN",),
    replaces_overlay_orders=True,
)

KNOWN_HEMATOLOGIC_DISORDER = Rule(
    id="known-hematologic-disorder",
    title="Something new in a known hematologic disorder",
    step=Step.KNOWN_DISORDER,
    when=(ADULT, KNOWN_DISORDER, SOMETHING_NEW),
    indicator=IndicatorRule(
        "warning; critical only with neutropenic fever",
        FindingIndicator.WARNING,
        special=_known_indicator,
    ),
    certainty="",
    summary="Known hematologic disorder: new {new}; contact the treating hematology team.",
    detail=(details.known_disorder, details.what_is_new),
    meaning=(
        "Something new was found in a patient with a known hematologic disorder; the treating "
        "team should know it today."
    ),
    avoid="a second work-up beside the treating team.",
    cautions=("No new referral and no marrow from here: the treating team decides.",),
    orders=(),
    citation=("OWN",),
    shows=(Analyte.BLAST_PERCENT,),
    shows_on_film=(SmearSet.BLASTS,),
    replaces_overlay_orders=True,
    adds_orders=False,
)

KNOWN_HEMATOLOGIC_DISORDER_SUPPRESSED = Rule(
    id="known-hematologic-disorder-suppressed",
    title="Known hematologic disorder, nothing new",
    step=Step.KNOWN_DISORDER,
    when=(ADULT, KNOWN_DISORDER),
    indicator=_NO_CARD,
    certainty="",
    summary="",
    detail=(details.known_disorder,),
    meaning="",
    avoid="",
    cautions=("Nothing is new: no card.",),
    orders=(),
    citation=("OWN",),
    has_card=False,
    replaces_overlay_orders=True,
    adds_orders=False,
)

RECENT_CHEMOTHERAPY_RULE = Rule(
    id="recent-chemotherapy",
    title="Low counts after chemotherapy",
    step=Step.CHEMOTHERAPY,
    when=(ADULT, RECENT_CHEMOTHERAPY, any_criterion(TWO_LOW_LINES, AN_OVERLAY)),
    indicator=IndicatorRule(
        "info; warning when a severe limit is crossed; critical with a critical overlay",
        FindingIndicator.INFO,
        special=_chemotherapy_indicator,
    ),
    certainty="treatment nadir is likely",
    summary="Low counts {after_chemotherapy}: treatment nadir likely; contact the oncology team.",
    detail=(
        details.chemotherapy_given,
        details.severe_limits,
        "Counts are usually lowest 7 to 14 days after treatment and recover by about day 28; after "
        "nitrosoureas it can take six weeks. Counts that stay low beyond day 42 are judged like "
        "anyone else's.",
    ),
    meaning=(
        "Counts usually reach their nadir 7 to 14 days after chemotherapy and recover by about "
        "day 28; fever at this time must be treated as neutropenic sepsis."
    ),
    avoid="a marrow or new referral for an expected nadir; growth factor without oncology.",
    cautions=("No marrow and no new referral: the oncology team decides.",),
    orders=(),
    citation=("OWN",),
    replaces_overlay_orders=True,
    adds_orders=False,
)

STALE_COUNTS = Rule(
    id="stale-counts",
    title="Low counts that were never rechecked",
    step=Step.STALE,
    when=(ADULT, STALE, WORTH_A_CARD_WHEN_CURRENT),
    indicator=IndicatorRule(
        "warning; critical only with a critical overlay",
        FindingIndicator.WARNING,
        critical_overlay=True,
    ),
    certainty="older result",
    summary=(
        "Low counts on {date} ({days} days ago) not rechecked: repeat CBC with differential and "
        "smear first."
    ),
    detail=(
        "Counts of this age say nothing about today, so no pattern is read into them.",
        details.stale_history,
    ),
    meaning=(
        "Low counts were never rechecked. They may have recovered or progressed: repeat CBC and "
        "film before anything else."
    ),
    avoid="referral or marrow on old counts alone.",
    cautions=("No referral and no marrow on old counts alone.",),
    orders=(
        WantedOrder("cbc-differential", priority=_STALE_PRIORITY),
        WantedOrder("peripheral-smear"),
    ),
    citation=("OWN",),
    seed_steps=("step 1",),
    adds_orders=False,
)

PREGNANCY = Rule(
    id="pregnancy",
    title="Low counts in pregnancy",
    step=Step.PREGNANCY,
    when=(ADULT, PREGNANT, TWO_LINES_IN_PREGNANCY),
    indicator=IndicatorRule(
        "warning; critical with any overlay", FindingIndicator.WARNING, any_overlay=True
    ),
    certainty="abnormal in pregnancy",
    summary=(
        "Low {lines} in pregnancy: urgent hematology and obstetric review (HELLP, TTP, marrow "
        "causes)."
    ),
    detail=(
        details.pregnancy_lines,
        "Limits in pregnancy: hemoglobin below {hgb_pregnant} g/dL (second trimester "
        "{hgb_second_trimester}), platelets below {plt_pregnant}, neutrophils below {anc} ×10⁹/L.",
        "B12 falls and TIBC rises in a normal pregnancy, so a high B12 is the more unexpected. "
        "Look for schistocytes, and check LDH, liver tests and blood pressure now.",
    ),
    meaning=(
        "Two low lines do not fit pregnancy alone: HELLP, TTP, preeclampsia, infection and marrow "
        "disorders must be excluded. Check blood pressure, film, LDH and liver tests now."
    ),
    avoid="calling it gestational; CT; a marrow without hematology.",
    cautions=("No CT.", "Specialists decide on a marrow; none is proposed here."),
    orders=(
        WantedOrder(HEMATOLOGY_REFERRAL, priority=always(Priority.ASAP)),
        WantedOrder("peripheral-smear"),
        WantedOrder("cbc-differential"),
        WantedOrder("ldh"),
        WantedOrder("metabolic-panel"),
        WantedOrder("prothrombin-time"),
        WantedOrder("fibrinogen"),
    ),
    citation=("R4", "OWN"),
)
