"""Indicators and sentences that several rows share."""

from __future__ import annotations

from service.interpreter.interpretation import FindingIndicator
from service.interpreter.rules.rule import IndicatorRule
from service.interpreter.rules.texts import paragraphs as details

CONCERN = "raises concern for"
MEGALOBLASTIC = "consistent with megaloblastic anemia; treat as B12 deficiency until excluded"

WITH_OVERLAY = IndicatorRule(
    "warning; critical with an urgent finding or constitutional symptoms",
    FindingIndicator.WARNING,
    critical_overlay=True,
)
WITH_SEVERE = IndicatorRule(
    "warning; critical with severe-cytopenias", FindingIndicator.WARNING, severe=True
)
WITH_SEVERE_OR_SYMPTOMS = IndicatorRule(
    "warning; critical with constitutional symptoms or severe-cytopenias",
    FindingIndicator.WARNING,
    severe=True,
)
INFO_OR_SEVERE = IndicatorRule(
    "info; critical with severe-cytopenias", FindingIndicator.INFO, severe=True
)

HIGH_B12_REASONING = (
    "All three lines are low while vitamin B12 is high: simple B12 deficiency does not look like "
    "this. The picture raises concern for a primary marrow disorder (myelodysplastic neoplasm, "
    "acute leukemia or another), which must be excluded.",
    details.b12_degree,
)
WHETHER_B12_IS_TRUE = (
    "MMA and homocysteine tell whether the B12 value can be trusted, because antibodies to "
    "intrinsic factor can raise it falsely. Supplements, liver disease, renal failure, solid "
    "tumors and myeloproliferative disease also raise B12.",
)
WHO_DOES_THE_MARROW = (
    "Marrow aspirate and biopsy with cytogenetics and flow cytometry are hematology's work; with "
    "blasts, severe counts, dysplasia or constitutional symptoms they must not be put off.",
)
AVOID_WITH_HIGH_B12 = (
    'Do not call a high B12 benign or "just supplements".',
    "No B12 or iron on suspicion, without a proven deficiency.",
    "A normal TIBC does not reassure.",
    "Do not rely on MCV alone.",
)
AVOID_MARROW_FIRST = (
    "Do not push a marrow first.",
    "Do not give folate alone.",
)
