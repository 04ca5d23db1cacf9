"""The drafted orders that the page offers: vitamin B12 and iron, as an EHR would send them."""

from __future__ import annotations

from typing import Any

from service.samples.records import prescription

_OFFERED = {
    "b12": ("11248", "vitamin B 12 1000 mcg injection"),
    "iron": ("24947", "ferrous sulfate 325 mg oral tablet"),
}
"""Name to RxNorm code and text, the same as in the sample patients."""


def offered_drafts() -> dict[str, dict[str, Any]]:
    """Return the drafts by name; the page adds the patient."""
    return {name: _draft(name, *medicine) for name, medicine in _OFFERED.items()}


def _draft(name: str, code: str, text: str) -> dict[str, Any]:
    draft = prescription(code, text, status="draft")
    del draft["authoredOn"]  # counted back from a moment; a draft has none yet
    return {**draft, "id": f"draft-{name}"}
