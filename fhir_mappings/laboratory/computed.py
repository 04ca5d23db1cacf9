"""A LabResult that is computed from others: exact, with the doubts and the names of its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import LabResult, Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from fhir_mappings.laboratory.bounds import Bound
    from fhir_mappings.panel import Analyte
    from fhir_mappings.terminology import Terminology

COMPUTED_RANK = 1000
"""A computed value never displaces a direct one of the same specimen."""

_DOUBTS = frozenset({Note.PRELIMINARY, Note.STATUS_UNKNOWN, Note.CONFLICT, Note.UNIT_INFERRED})


def computed_result(
    analyte: Analyte,
    bound: Bound,
    sources: Sequence[LabResult],
    notes: Iterable[Note],
    terminology: Terminology,
) -> LabResult:
    """A LabResult computed from others. It is as new as its newest source."""
    definition = terminology.definition(analyte)
    doubts = {note for source in sources for note in source.notes} & _DOUBTS
    newest = max(sources, key=lambda source: source.taken)
    statuses = {source.status for source in sources}
    sign = bound.comparator.value if bound.comparator else ""
    return LabResult(
        analyte=analyte,
        value=bound.value,
        taken=newest.taken,
        unit=definition.canonical_unit,
        reported_value=sign + _shown(bound.value, definition.precision + 1),
        reported_unit=definition.canonical_unit,
        status=next((s for s in ("preliminary", "unknown") if s in statuses), "final"),
        comparator=bound.comparator,
        issued=max((s.issued for s in sources if s.issued), default=None),
        method_rank=COMPUTED_RANK,
        notes=frozenset(notes) | doubts,
        has_time=newest.has_time,
        derived_from=tuple(dict.fromkeys(s.source for s in sources if s.source)),
    )


def _shown(value: Decimal, decimals: int) -> str:
    """One decimal more than is usual, so that 0.48 does not read as 0.5; no trailing zeros."""
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
