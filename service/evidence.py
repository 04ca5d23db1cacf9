"""The evidence of a card: what would have to change for it to be news (architecture 2.8).

States, not raw values, so that the next day's CBC with the same meaning is not news.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from service.interpreter.interpretation import Interpretation


def evidence_states(interpretation: Interpretation) -> dict[str, object]:
    """Finding, grade of each line, B12, iron and FUNC states, overlays, modifiers and orders."""
    states = interpretation.states
    overlays = [interpretation.overlay, *interpretation.lower_overlays]
    return {
        "finding": interpretation.finding.id if interpretation.finding else None,
        "lines": {
            str(line): f"{fact.state}/{fact.grade}" for line, fact in sorted(states.lines.items())
        },
        "b12": str(states.b12),
        "iron": str(states.iron),
        "function": str(states.function),
        "overlays": sorted(overlay.id for overlay in overlays if overlay),
        "modifiers": sorted({modifier.id for modifier in interpretation.modifiers}),
        "orders": sorted(f"{order.order}/{order.priority}" for order in interpretation.orders),
        "order findings": sorted(found.id for found, _draft in interpretation.order_findings),
        "set aside": sorted(
            {f"{item.analyte}/{item.reason}" for item in interpretation.set_aside}
            if interpretation.data_quality
            else ()
        ),
    }


def fingerprint(states: dict[str, object]) -> str:
    """One short text that is equal exactly when the evidence is."""
    return hashlib.sha256(msgspec.json.encode(states, order="deterministic")).hexdigest()
