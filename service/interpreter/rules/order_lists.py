"""Order lists that several rows share (clinical-knowledge 3.2, ids of 4)."""

from __future__ import annotations

from service.interpreter.rules.about_patient import RED_FLAG
from service.interpreter.rules.row import Wanted


def wanted(*orders: str) -> tuple[Wanted, ...]:
    """Return plain wishes for these orders."""
    return tuple(Wanted(order) for order in orders)


REFERRAL = Wanted("hematology-referral")
REFERRAL_WITH_RED_FLAG = Wanted("hematology-referral", RED_FLAG)
MARROW = Wanted("marrow-biopsy")

SECONDARY_CAUSES = wanted(
    "hiv-screen",
    "hepatitis-b-surface-antigen",
    "hepatitis-b-core-antibody",
    "hepatitis-c-antibody",
    "antinuclear-antibody",
    "anti-dsdna",
    "ultrasound-abdomen",
)
"""Infections, autoimmune disease and the spleen: step 5 of the seed."""

HIGH_B12_ORDERS = (
    REFERRAL,
    MARROW,
    *wanted(
        "cbc-differential",
        "peripheral-smear",
        "reticulocytes",
        "ldh",
        "bilirubin-total",
        "bilirubin-direct",
    ),
    Wanted("vitamin-b12", because="repeat, to confirm the high value"),
    *wanted("methylmalonic-acid", "homocysteine"),
    *SECONDARY_CAUSES,
)
"""What index-pattern and its two neighbors ask for."""
