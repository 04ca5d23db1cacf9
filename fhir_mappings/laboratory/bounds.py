"""Exact arithmetic on results that may carry a comparator.

Each operation gives a value that is true of every number the operands allow, or None when no
single comparator can say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.panel import Comparator

if TYPE_CHECKING:
    from fhir_mappings.panel import LabResult

_STRICT = frozenset({Comparator.LESS, Comparator.GREATER})
_BELOW = frozenset({Comparator.LESS, Comparator.LESS_OR_EQUAL})
_TURNED = {
    Comparator.LESS: Comparator.GREATER,
    Comparator.LESS_OR_EQUAL: Comparator.GREATER_OR_EQUAL,
    Comparator.GREATER: Comparator.LESS,
    Comparator.GREATER_OR_EQUAL: Comparator.LESS_OR_EQUAL,
    None: None,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A number not below zero, or the bound of one."""

    value: Decimal
    comparator: Comparator | None = None

    @property
    def is_upper(self) -> bool:
        """The true value lies at or below `value`."""
        return self.comparator in _BELOW

    def __add__(self, other: Bound) -> Bound | None:
        """The sum."""
        ok, comparator = _joined(self.comparator, other.comparator)
        return Bound(self.value + other.value, comparator) if ok else None

    def __sub__(self, other: Bound) -> Bound | None:
        """The difference, at least zero."""
        ok, comparator = _joined(self.comparator, _TURNED[other.comparator])
        value = self.value - other.value
        if not ok or (value < 0 and comparator in _BELOW):
            return None
        return Bound(max(value, Decimal(0)), comparator)

    def __mul__(self, other: Bound) -> Bound | None:
        """The product."""
        for exact in (self, other):
            if exact.value == 0 and exact.comparator is None:
                return Bound(Decimal(0))
        ok, comparator = _joined(self.comparator, other.comparator)
        return Bound(self.value * other.value, comparator) if ok else None

    def __truediv__(self, other: Bound) -> Bound | None:
        """The quotient; None for a divisor that may be zero."""
        if other.value == 0 or (other.value > 0 and self._is_zero() and other.is_upper):
            return None
        ok, comparator = _joined(self.comparator, _TURNED[other.comparator])
        return Bound(self.value / other.value, comparator) if ok else None

    def _is_zero(self) -> bool:
        return self.value == 0 and self.comparator is None


def bound_of(result: LabResult) -> Bound:
    """The value of a result with its comparator."""
    return Bound(result.value, result.comparator)


def _joined(left: Comparator | None, right: Comparator | None) -> tuple[bool, Comparator | None]:
    """The comparator of a combination that grows with both, if one comparator can say it."""
    if left is None or right is None:
        return True, left or right
    if (left in _BELOW) != (right in _BELOW):
        return False, None
    return True, left if left in _STRICT else right
