"""What each finding is called where physicians read about it."""

from __future__ import annotations

import re

from fhir_mappings.vocabulary.orders import ORDERS
from service.interpreter.rules import FINDINGS

TITLES: dict[str, str] = {
    "hospice-suppressed": "Hospice care",
    "pediatric": "Low counts in a child",
    "neutropenic-fever": "Fever with severe neutropenia",
    "circulating-blasts": "Blasts in the blood",
    "thrombotic-microangiopathy": "Fragmented red cells with low platelets",
    "possible-hlh": "Very high ferritin with fever and low counts",
    "drug-agranulocytosis": "Severe neutropenia under a drug known for it",
    "known-hematologic-disorder": "Something new in a known hematologic disorder",
    "known-hematologic-disorder-suppressed": "Known hematologic disorder, nothing new",
    "recent-chemotherapy": "Low counts after chemotherapy",
    "stale-counts": "Low counts that were never rechecked",
    "severe-cytopenias": "Severe cytopenias",
    "pregnancy": "Low counts in pregnancy",
    "treated-b12-deficiency": "Pancytopenia soon after B12 treatment began",
    "false-high-b12": "Raised MMA despite a high B12",
    "pancytopenia-low-b12": "Pancytopenia with low B12",
    "functional-b12-deficiency": "Pancytopenia with raised MMA",
    "folate-deficiency": "Pancytopenia with low folate",
    "pancytopenia-high-b12-iron-deficiency": "Pancytopenia with high B12 and iron deficiency",
    "index-pattern": "Pancytopenia with low iron, normal TIBC and high B12",
    "pancytopenia-high-b12": "Pancytopenia with high B12",
    "incomplete-workup": "Pancytopenia, B12 or iron studies not available",
    "pancytopenia-iron-deficiency": "Pancytopenia with iron deficiency",
    "pancytopenia-chronic-disease-iron": "Pancytopenia with an iron pattern of chronic disease",
    "b12-function-unknown": "Pancytopenia, B12 not decisive",
    "unexplained-pancytopenia": "Pancytopenia without B12, folate or iron cause",
    "bicytopenia-high-b12": "Two low cell lines with high B12",
    "bicytopenia-low-b12": "Two low cell lines with low B12",
    "bicytopenia": "Two low cell lines",
    "incomplete-cbc": "Two low cell lines, the third not known",
    "b12-order-without-deficiency": "B12 drafted although B12 is high",
    "iron-order-without-deficiency": "Iron drafted although iron deficiency is not proven",
    "data-quality": "Results that could not be used",
}

_STATES = re.compile(r"\b(LOW|HIGH|NORMAL|ELEVATED|MARKED|BORDERLINE|MISSING)\b")


def title_of(finding: str) -> str:
    """Return the title of a finding; an unknown one is named by its words."""
    return TITLES.get(finding) or finding.replace("-", " ").capitalize()


def readable(text: str) -> str:
    """Return a text of the table without ids and codes: what physicians read."""
    for name in _IDS:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", name.replace("-", " "), text)
    return _STATES.sub(lambda match: match[1].lower(), text)


_IDS = sorted({each for each in (*FINDINGS, *ORDERS) if "-" in each}, key=len, reverse=True)
