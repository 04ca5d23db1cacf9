"""The targets of the project, each against what was measured in one run."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.figures import BARE, EXPLAINED, OURS, SIGNED, STORE, Figure, Memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NORMAL, INDEX_PATTERN = True, False

MOST_RATIO = {
    (12, NORMAL): 1.6,
    (12, INDEX_PATTERN): 2.5,
    (1000, NORMAL): 0.6,
    (1000, INDEX_PATTERN): 0.8,
}
"""CPU beside the bare application, by Observations and patient."""

AIM = {(12, NORMAL): 1.4}
MOST_EXPLAINED = {1000: 1.5}
"""CPU of a call that asks for its reasons, beside the bare application."""

MOST_GROWTH = 11.0
"""Ten times the Observations, and a tenth for the noise of a run."""

MOST_FOR_A_TOKEN = 2.0
MOST_FOR_A_STORE = 1.0
MOST_MEMORY = {"idle": 80.0, "after load": 60.0}
MOST_FOR_A_START = 4.0
"""The first answer after a start, beside the bare application's."""


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


def targets(
    figures: Sequence[Figure],
    memory: Mapping[str, Memory],
    started: Mapping[str, float] | None = None,
) -> list[Target]:
    """Every target that these figures can answer. `started`: seconds to the first answer."""
    return [
        *_ratios(figures),
        *_explained(figures),
        *_linear(figures),
        *_more(figures, "a signed", "an unsigned", (SIGNED, STORE), MOST_FOR_A_TOKEN),
        *_more(figures, "a stored", "a forgotten", (STORE, OURS), MOST_FOR_A_STORE),
        *_memory(memory),
        *_start(started or {}),
    ]


def _ratios(figures: Sequence[Figure]) -> Iterator[Target]:
    for figure in figures:
        case = (figure.size, figure.normal)
        if case in MOST_RATIO:
            what = f"CPU beside the bare application: {_named(figure)}"
            yield Target(what, MOST_RATIO[case], figure.ratio(OURS), "x", AIM.get(case))


def _explained(figures: Sequence[Figure]) -> Iterator[Target]:
    for figure in figures:
        if figure.size in MOST_EXPLAINED and EXPLAINED in figure.spent:
            what = f"CPU with reasons beside the bare application: {_named(figure)}"
            yield Target(what, MOST_EXPLAINED[figure.size], figure.ratio(EXPLAINED), "x")


def _linear(figures: Sequence[Figure]) -> Iterator[Target]:
    for small in figures:
        for large in figures:
            if large.normal == small.normal and large.size == small.size * 10 == 10_000:
                pairs = zip(large.spent[OURS], small.spent[OURS], strict=True)
                growth = statistics.median(more / less for more, less in pairs)
                what = f"CPU of 10,000 Observations beside 1,000: {large.patient}"
                yield Target(what, MOST_GROWTH, growth, "x")


def _more(
    figures: Sequence[Figure], this: str, other: str, names: tuple[str, str], most: float
) -> Iterator[Target]:
    """What `this` kind of call costs more than the other, at the smallest size."""
    for figure in figures:
        if figure.size == min(each.size for each in figures):
            more = statistics.median(figure.more(*names))
            what = f"CPU of {this} call beside {other} one: {_named(figure)}"
            yield Target(what, most, more, "ms more")


def _memory(memory: Mapping[str, Memory]) -> Iterator[Target]:
    ours, floor = memory[OURS], memory[BARE]
    more = {"idle": ours.idle - floor.idle, "after load": ours.loaded - floor.loaded}
    for when, most in MOST_MEMORY.items():
        yield Target(f"memory beside the bare application: {when}", most, more[when], "MB more")


def _start(started: Mapping[str, float]) -> Iterator[Target]:
    if OURS in started and BARE in started:
        what = "first answer after the start beside the bare application's"
        yield Target(what, MOST_FOR_A_START, started[OURS] / started[BARE], "x")


def _named(figure: Figure) -> str:
    return f"{figure.size:,} Observations, {figure.patient}"
