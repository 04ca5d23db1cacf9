"""When a child's line is low (clinical-definition 2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.assessment.timeline import LOW_FLAGS
from service.interpreter.logic import any_of, below

if TYPE_CHECKING:
    from decimal import Decimal

    from fhir_mappings.panel import LabResult
    from service.interpreter.logic import Truth
    from service.interpreter.thresholds import Thresholds


def child_limit(result: LabResult, limits: Thresholds) -> tuple[Decimal, bool]:
    """Return the limit for a child's result and whether it is the laboratory's own.

    Any laboratory lower limit above zero counts: laboratories give them by age.
    """
    low = None if result.interval is None else result.interval.low
    if low is not None and low > 0:
        return low, True
    floors = {
        Analyte.HEMOGLOBIN: limits.child_hgb,
        Analyte.NEUTROPHILS: limits.child_anc,
        Analyte.LEUKOCYTES: limits.child_wbc,
        Analyte.PLATELETS: limits.child_plt,
    }
    return floors[result.analyte], False


def low_in_child(result: LabResult, limits: Thresholds) -> Truth:
    """Whether the laboratory flags the result low, or it is below the limit."""
    limit, _ = child_limit(result, limits)
    return any_of(result.flag in LOW_FLAGS, below(result, limit))
