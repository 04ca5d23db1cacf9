"""Which orders are one decision, and what they are called on a button (clinical-definition 3.4)."""

from __future__ import annotations

from enum import IntEnum

from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY
from service.interpreter.rules.order_lists import SECONDARY_CAUSE_ORDERS


class OrderGroup(IntEnum):
    """The groups in the order of their suggestions."""

    REFERRAL = 1
    MARROW = 2
    FIRST_TESTS = 3
    SECONDARY_CAUSES = 4


RECOMMENDED = frozenset({OrderGroup.REFERRAL, OrderGroup.FIRST_TESTS})
"""The groups whose suggestions are marked `isRecommended`; never the marrow."""

_FIRST_NAMED = (
    "cbc-differential",
    "peripheral-smear",
    "prothrombin-time",
    "aptt",
    "fibrinogen",
)
"""What a label names first; the rest follows in the order given."""

SHORT_NAMES = {
    "cbc-differential": "CBC",
    "peripheral-smear": "smear",
    "prothrombin-time": "PT",
    "aptt": "aPTT",
    "fibrinogen": "fibrinogen",
    "reticulocytes": "reticulocytes",
    "ldh": "LDH",
    "bilirubin-total": "bilirubin",
    "bilirubin-direct": "bilirubin",
    "haptoglobin": "haptoglobin",
    "vitamin-b12": "repeat B12",
    "folate": "folate",
    "methylmalonic-acid": "MMA",
    "homocysteine": "homocysteine",
    "intrinsic-factor-antibody": "IF antibody",
    "iron-tibc": "iron and TIBC",
    "ferritin": "ferritin",
    "metabolic-panel": "metabolic panel",
    "crp": "CRP",
    "triglycerides": "triglycerides",
    "hiv-screen": "HIV",
    "hepatitis-b-surface-antigen": "hepatitis B",
    "hepatitis-b-core-antibody": "hepatitis B",
    "hepatitis-c-antibody": "hepatitis C",
    "antinuclear-antibody": "ANA",
    "anti-dsdna": "anti-dsDNA",
    "ultrasound-abdomen": "abdominal ultrasound",
    "ct-abdomen-pelvis": "CT abdomen and pelvis",
    "copper": "copper",
    "zinc": "zinc",
}
_TOGETHER = ("hepatitis B", "hepatitis C"), "hepatitis B and C"


def group_of(order: str) -> OrderGroup:
    """Return the group of an order; anything not listed is a first test."""
    if order == HEMATOLOGY_REFERRAL:
        return OrderGroup.REFERRAL
    if order == MARROW_BIOPSY:
        return OrderGroup.MARROW
    return (
        OrderGroup.SECONDARY_CAUSES if order in SECONDARY_CAUSE_ORDERS else OrderGroup.FIRST_TESTS
    )


def naming_order(orders: list[str]) -> list[str]:
    """Return the orders as a label names them: CBC, smear and coagulation first."""
    first = [order for order in _FIRST_NAMED if order in orders]
    return [*first, *(order for order in orders if order not in first)]


def joined_names(names: list[str]) -> list[str]:
    """Return each name once, both hepatitis tests as one."""
    unique = list(dict.fromkeys(names))
    pair, together = _TOGETHER
    if not set(pair) <= set(unique):
        return unique
    return [together if name == pair[0] else name for name in unique if name != pair[1]]
