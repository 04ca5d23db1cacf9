"""The evidence of a card: what would have to change for it to be news (architecture 2.8).

States, not raw values, so that the next day's CBC with the same meaning is not news. Neither is
that a proposed order was placed, nor that a result has become too old to stand for a new one: the
orders of the work-up count as long as the finding wants them, proposed or not. Marrow and referral
count when they are proposed, so that the moment when they are is news.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from service.interpreter.interpretation import HEMATOLOGY_REFERRAL, MARROW_BIOPSY
from service.interpreter.rules import RULES
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from service.interpreter.interpretation import Interpretation

DONE_ABOUT_IT = frozenset({"M4", "M5", "M6"})
"""Modifiers that say that the marrow or the referral is under way (clinical-knowledge 3.5)."""

_ACTIONS = frozenset({HEMATOLOGY_REFERRAL, MARROW_BIOPSY})

DATA_QUALITY = "data-quality"
_ALONE = frozenset(rule.id for rule in RULES if rule.step is Step.DATA_AND_ORDERS)


def group_of(topic: str) -> str:
    """Cards that change together: the findings and their companions; each other card alone."""
    return topic if topic in _ALONE else "finding"


@dataclass(frozen=True, slots=True)
class CardEvidence:
    """The evidence of the cards of one call."""

    states: dict[str, object]
    orders: frozenset[str]
    set_aside: tuple[str, ...] = ()

    def fingerprint(self, group: str) -> str:
        """One short text that is equal exactly when the states behind a group of cards are."""
        return hashlib.sha256(_encode(self._states_of(group))).hexdigest()

    def text(self, group: str) -> str:
        """The states as JSON, with the orders proposed, for the store."""
        states = self._states_of(group)
        return _encode(states | {"orders": sorted(self.orders_of(group))}).decode()

    def orders_of(self, group: str) -> frozenset[str]:
        """The orders proposed on a group of cards."""
        return self.orders if group == "finding" else frozenset()

    def _states_of(self, group: str) -> dict[str, object]:
        if group == DATA_QUALITY:
            return self.states | {"set aside": self.set_aside}
        return self.states


def evidence_of(interpretation: Interpretation) -> CardEvidence:
    """Finding, grade of each line, B12, iron and FUNC states, overlays, modifiers and orders."""
    states = interpretation.states
    overlays = [interpretation.overlay, *interpretation.lower_overlays]
    modifiers = {modifier.id for modifier in interpretation.modifiers} - DONE_ABOUT_IT
    return CardEvidence(
        {
            "finding": interpretation.finding.id if interpretation.finding else None,
            "lines": {
                str(line): f"{fact.state}/{fact.grade}"
                for line, fact in sorted(states.lines.items())
            },
            "b12": str(states.b12),
            "iron": str(states.iron),
            "function": str(states.function),
            "overlays": sorted(overlay.id for overlay in overlays if overlay),
            "modifiers": sorted(modifiers),
        },
        _orders(interpretation),
        tuple(sorted({f"{item.analyte}/{item.reason}" for item in interpretation.set_aside})),
    )


def _orders(interpretation: Interpretation) -> frozenset[str]:
    actions = {
        f"{order.order}/{order.priority}"
        for order in interpretation.orders
        if order.order in _ACTIONS
    }
    wanted = {order.order for order in interpretation.orders}
    wanted |= {order.order for order in interpretation.withheld}
    return frozenset(actions | (wanted - _ACTIONS))


def orders_in(text: str) -> frozenset[str]:
    """The orders proposed, from the stored text of an evidence."""
    return frozenset(_ORDERS.decode(text).orders)


class _Orders(msgspec.Struct):
    orders: list[str] = []


_ORDERS = msgspec.json.Decoder(_Orders)


def _encode(states: dict[str, object]) -> bytes:
    return msgspec.json.encode(states, order="deterministic")
