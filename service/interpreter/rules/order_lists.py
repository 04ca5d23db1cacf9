"""Order lists that several rows share (clinical-definition 3.2, ids of 4)."""

from __future__ import annotations

from dataclasses import replace

from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY, Priority
from service.interpreter.rules.criteria.patient import RED_FLAG
from service.interpreter.rules.rule import WantedOrder, always


def wanted(*orders: str) -> tuple[WantedOrder, ...]:
    """Return these orders without conditions."""
    return tuple(WantedOrder(order) for order in orders)


REFERRAL = WantedOrder(HEMATOLOGY_REFERRAL)
REFERRAL_WITH_RED_FLAG = WantedOrder(HEMATOLOGY_REFERRAL, RED_FLAG)
MARROW = WantedOrder(MARROW_BIOPSY)

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

SECONDARY_CAUSE_ORDERS = frozenset(
    {*(each.order for each in SECONDARY_CAUSES), "ct-abdomen-pelvis", "copper", "zinc"}
)
"""The group of secondary causes (clinical-definition 3.4): routine unless a row says otherwise."""

SECONDARY_CAUSES_FIRST = tuple(
    replace(each, priority=always(Priority.URGENT)) for each in SECONDARY_CAUSES
)
"""The same where they come before everything else."""

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
    WantedOrder("vitamin-b12", because="repeat, to confirm the high value"),
    *wanted("methylmalonic-acid", "homocysteine"),
    *SECONDARY_CAUSES,
)
"""What index-pattern and its two neighbors ask for."""
