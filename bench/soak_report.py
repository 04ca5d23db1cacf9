"""What a soak saw: counted during the run, shown as tables, judged at the end."""

from __future__ import annotations

import statistics
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.report import table

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 20
SHORTEST = 10.0
"""Minutes."""

SHARES = (0.5, 0.95, 0.99)


@dataclass
class Tally:
    """The answers so far. `latest` are those since the last look, in seconds from when due."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    cards: int = 0
    seconds: list[float] = field(default_factory=list)
    latest: list[tuple[str, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, answer: str, seconds: float, *, expected: bool) -> None:
        """Count one answer."""
        with self.lock:
            self.answers[kind, answer] += 1
            self.unexpected[f"{kind}: {answer}"] += not expected
            self.seconds.append(seconds)
            self.latest.append((answer, seconds))

    def note_cards(self, number: int) -> None:
        """Count the cards of one answer."""
        with self.lock:
            self.cards += number

    def look(self) -> list[tuple[str, float]]:
        """Take the answers since the last look."""
        with self.lock:
            taken, self.latest = self.latest, []
        return taken

    @property
    def wrong(self) -> Counter[str]:
        """The answers that nobody expected."""
        return +self.unexpected


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment, and the answers since the moment before."""

    minutes: float
    memory: float
    cpu: float
    answers: tuple[tuple[str, float], ...]

    def row(self) -> list[str]:
        """One row of the table."""
        statuses = Counter(status for status, _ in self.answers)
        times = [f"{value * 1000:.0f}" for value in percentiles([s for _, s in self.answers])]
        told = ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items()))
        return [f"{self.minutes:.1f}", f"{self.memory:.1f}", f"{self.cpu:.0%}", *times, told]


def percentiles(seconds: Sequence[float]) -> list[float]:
    """Median, 95th and 99th percentile; zeros where there is nothing."""
    ordered = sorted(seconds) or [0.0]
    return [ordered[int(share * (len(ordered) - 1))] for share in SHARES]


def growth(samples: Sequence[Sample]) -> float | None:
    """Megabytes an hour over the last two thirds: at first, workers still fill their caches.

    None where that is too short a time to tell.
    """
    late = samples[len(samples) // 3 :]
    if len(late) < 2 or late[-1].minutes - late[0].minutes < SHORTEST:
        return None
    slope, _ = statistics.linear_regression([s.minutes for s in late], [s.memory for s in late])
    return slope * 60


def tables(samples: Sequence[Sample], tally: Tally) -> list[str]:
    """Markdown: one row a look, then one row a kind of request."""
    head = ("minutes:", "memory, MB:", "CPU, one core:", "median, ms:", "p95:", "p99:", "answers")
    kinds = [[kind, answer, f"{n:,}"] for (kind, answer), n in sorted(tally.answers.items())]
    return [
        *table(head, [sample.row() for sample in samples]),
        "",
        *table(("request", "answer", "number:"), kinds),
    ]


def verdict(samples: Sequence[Sample], tally: Tally, most_growth: float) -> tuple[bool, list[str]]:
    """Whether all is well, and the sentences that say so."""
    slope, wrong = growth(samples), tally.wrong
    flat = slope is None or slope <= most_growth
    median, p95, p99 = (value * 1000 for value in percentiles(tally.seconds))
    minutes = samples[-1].minutes if samples else 0.0
    lines = [
        f"- {len(tally.seconds):,} answers in {minutes:.0f} minutes, {tally.cards:,} cards; "
        f"median {median:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, counted from when due.",
        f"- Unexpected answers: {sum(wrong.values())}."
        + "".join(f" {what} ({number})." for what, number in wrong.most_common(SHOWN)),
        _told(slope, most_growth),
    ]
    return not wrong and flat, lines


def _told(slope: float | None, most: float) -> str:
    if slope is None:
        return f"- Memory: less than {SHORTEST:g} minutes do not tell whether it grows."
    word = "flat" if slope <= most else "growing"
    return f"- Memory over the last two thirds: {slope:+.1f} MB an hour ({word}; at most {most:g})."
