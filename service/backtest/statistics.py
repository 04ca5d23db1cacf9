"""The few statistics of the report: intervals of shares, differences, agreement of reviewers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_Z = 1.959963984540054
"""The normal quantile of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """`number` of `whole`, with the 95 % interval of Wilson; None for the share of nothing."""

    number: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share."""
        return self.number / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval (Wilson 1927)."""
        if not self.whole:
            return None
        n, share = self.whole, self.number / self.whole
        center = share + _Z * _Z / (2 * n)
        spread = _Z * sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
        scale = 1 + _Z * _Z / n
        return max((center - spread) / scale, 0.0), min((center + spread) / scale, 1.0)


def difference(one: Share, other: Share) -> tuple[float, float, float] | None:
    """Return the difference of two shares with Newcombe's 95 % interval (his method 10)."""
    if not one.whole or not other.whole:
        return None
    p, q = one.number / one.whole, other.number / other.whole
    (low_p, high_p), (low_q, high_q) = _of(one), _of(other)
    gap = p - q
    below = sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    above = sqrt((high_p - p) ** 2 + (q - low_q) ** 2)
    return gap, gap - below, gap + above


def _of(share: Share) -> tuple[float, float]:
    return share.interval or (0.0, 1.0)


def kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Return Cohen's kappa of two reviewers; None when chance alone would always agree."""
    if not first or len(first) != len(second):
        return None
    whole = len(first)
    agreed = sum(one == other for one, other in zip(first, second, strict=True)) / whole
    ones, others = Counter(first), Counter(second)
    by_chance = sum(ones[word] * others[word] for word in ones) / (whole * whole)
    return None if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)
