"""What was measured, as numbers: medians over rounds, and comparisons within a round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BARE = "bare"
OURS = "heme-hooks"
STORE = "with store"
EXPLAINED = "explained"
SIGNED = "signed"


def spread(values: Sequence[float]) -> float:
    """Half the distance between the quartiles."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2


@dataclass(frozen=True, slots=True)
class Figure:
    """One body: CPU milliseconds a call, and calls a second, of each application in each round."""

    size: int
    normal: bool
    length: int
    spent: Mapping[str, Sequence[float]]
    rates: Mapping[str, Sequence[float]]

    @property
    def patient(self) -> str:
        """Which of the two patients it is."""
        return "normal" if self.normal else "index pattern"

    def ratio(self, name: str) -> float:
        """The middle of the ratios to the bare application within each round."""
        pairs = zip(self.spent[name], self.spent[BARE], strict=True)
        return statistics.median(mine / floor for mine, floor in pairs)

    def more(self, name: str, than: str) -> list[float]:
        """How many milliseconds more, round by round: a busy moment slows both alike."""
        pairs = zip(self.spent[name], self.spent[than], strict=True)
        return [mine - other for mine, other in pairs]


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes of a server after its first answer, and at the end."""

    idle: float
    loaded: float
