"""Every finding of clinical-definition 3.2 and 3.3, written down apart from the table."""

from __future__ import annotations

SILENT = frozenset({"known-hematologic-disorder-suppressed", "hospice-suppressed"})
"""Findings without a card."""

WITH_CARD = frozenset(
    {
        "neutropenic-fever",
        "circulating-blasts",
        "severe-cytopenias",
        "thrombotic-microangiopathy",
        "possible-hlh",
        "drug-agranulocytosis",
        "index-pattern",
        "pancytopenia-high-b12",
        "pancytopenia-high-b12-iron-deficiency",
        "false-high-b12",
        "treated-b12-deficiency",
        "pancytopenia-low-b12",
        "b12-function-unknown",
        "functional-b12-deficiency",
        "unexplained-pancytopenia",
        "folate-deficiency",
        "pancytopenia-iron-deficiency",
        "pancytopenia-chronic-disease-iron",
        "incomplete-workup",
        "bicytopenia-high-b12",
        "bicytopenia-low-b12",
        "bicytopenia",
        "incomplete-cbc",
        "stale-counts",
        "pediatric",
        "pregnancy",
        "known-hematologic-disorder",
        "recent-chemotherapy",
        "b12-order-without-deficiency",
        "iron-order-without-deficiency",
        "data-quality",
    }
)

EVERY_FINDING = WITH_CARD | SILENT
