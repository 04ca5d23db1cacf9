"""The targets of the project, each against what was measured in one run."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.figures import BARE, OURS, SIGNED, STORE, Figure, Memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_RATIO = {12: 2.0, 1000: 0.75}
AIM = {1000: 0.5}
MOST_GROWTH = 11.0
"""Ten times the Observations, and a tenth for the noise of a run."""

MOST_FOR_A_TOKEN = 2.0
MOST_MEMORY = 80.0


@dataclass(frozen=True, slots=True)
class Target:
    """What was wanted, at most, and what was measured."""

    what: str
    most: float
    measured: float
    unit: str
    aim: float | None = None

    @property
    def verdict(self) -> str:
        """Met or missed; where there is an aim beyond the target, whether that is reached."""
        if self.measured > self.most:
            return "missed"
        if self.aim is None:
            return "met"
        return "met, aim reached" if self.measured <= self.aim else "met, aim not reached"


def targets(figures: Sequence[Figure], memory: Mapping[str, Memory]) -> list[Target]:
    """Every target that these figures can tell about."""
    return [*_ratios(figures), *_linear(figures), *_tokens(figures), *_memory(memory)]


def _ratios(figures: Sequence[Figure]) -> Iterator[Target]:
    for figure in figures:
        if figure.size in MOST_RATIO:
            yield Target(
                f"CPU beside the bare application: {_named(figure)}",
                MOST_RATIO[figure.size],
                figure.ratio(OURS),
                "x",
                AIM.get(figure.size),
            )


def _linear(figures: Sequence[Figure]) -> Iterator[Target]:
    for small in figures:
        for large in figures:
            if large.normal == small.normal and large.size == small.size * 10 == 10_000:
                pairs = zip(large.spent[OURS], small.spent[OURS], strict=True)
                growth = statistics.median(more / less for more, less in pairs)
                what = f"CPU of 10,000 Observations beside 1,000: {large.patient}"
                yield Target(what, MOST_GROWTH, growth, "x")


def _tokens(figures: Sequence[Figure]) -> Iterator[Target]:
    for figure in figures:
        if figure.size == min(each.size for each in figures):
            more = statistics.median(figure.more(SIGNED, STORE))
            what = f"CPU of a signed call beside an unsigned one: {_named(figure)}"
            yield Target(what, MOST_FOR_A_TOKEN, more, "ms more")


def _memory(memory: Mapping[str, Memory]) -> Iterator[Target]:
    ours, floor = memory[OURS], memory[BARE]
    what = "memory beside the bare application"
    yield Target(f"{what}: idle", MOST_MEMORY, ours.idle - floor.idle, "MB more")
    yield Target(f"{what}: after load", MOST_MEMORY, ours.loaded - floor.loaded, "MB more")


def _named(figure: Figure) -> str:
    return f"{figure.size:,} Observations, {figure.patient}"
