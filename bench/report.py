"""The figures of a run as Markdown."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from bench.applications import BESIDE
from bench.figures import EXPLAINED, OURS, SIGNED, STORE, Figure, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from bench.applications import Contender
    from bench.figures import Memory
    from bench.hot_calls import Spot
    from bench.targets import Target

MARKS = ("<!-- bench -->", "<!-- /bench -->")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; columns after a head that ends in a colon stand to the right."""
    names = [name.removesuffix(":") for name in head]
    rules = ["---:" if name.endswith(":") else "---" for name in head]
    return [f"| {' | '.join(names)} |", f"|{'|'.join(rules)}|"] + [
        f"| {' | '.join(row)} |" for row in rows
    ]


def middle(values: Sequence[float], digits: int = 2) -> str:
    """Median and spread; of one value, that."""
    median = f"{statistics.median(values):,.{digits}f}"
    return f"{median} ± {spread(values):,.{digits}f}" if len(values) > 1 else median


def cost_table(figures: Sequence[Figure], names: Sequence[str]) -> list[str]:
    """CPU a call: a row a body, a column an application."""

    def cell(figure: Figure, name: str) -> str:
        if name not in figure.spent:
            return "–"
        return f"{middle(figure.spent[name])} ({figure.ratio(name):.2f} x)"

    return _by_body(figures, names, cell)


def rate_table(figures: Sequence[Figure], names: Sequence[str]) -> list[str]:
    """Calls a second: a row a body, a column an application."""

    def cell(figure: Figure, name: str) -> str:
        return middle(figure.rates[name], 0) if name in figure.rates else "–"

    return _by_body(figures, names, cell)


def switch_table(figures: Sequence[Figure]) -> list[str]:
    """What a token costs, and what asking for the reasons costs, in milliseconds more."""
    rows = [
        [
            f"{figure.size:,}",
            figure.patient,
            middle(figure.more(STORE, OURS)),
            middle(figure.more(SIGNED, STORE)),
            middle(figure.more(EXPLAINED, OURS)),
        ]
        for figure in figures
    ]
    return table(("Observations:", "patient", "store:", "token:", "reasons:"), rows)


def server_table(contenders: Sequence[Contender], memory: Mapping[str, Memory]) -> list[str]:
    """Start-up and memory."""
    rows = [
        [
            contender.name,
            f"{contender.server.started:.1f} s",
            f"{memory[contender.name].idle:.0f} MB",
            f"{memory[contender.name].loaded:.0f} MB",
        ]
        for contender in contenders
    ]
    return table(("application", "first answer:", "idle:", "after load:"), rows)


def target_table(targets: Iterable[Target]) -> list[str]:
    """Each target, and whether it is met."""
    rows = [
        [
            target.what,
            f"{target.most:g} {target.unit}" + (f" (aim {target.aim:g})" if target.aim else ""),
            f"{target.measured:.2f} {target.unit}",
            target.verdict,
        ]
        for target in targets
    ]
    return table(("target", "at most:", "measured:", ""), rows)


def profile_table(spots: Iterable[Spot]) -> list[str]:
    """The functions that take most of a call."""
    rows = [
        [f"`{spot.name}`", f"{spot.runs:,.0f}", f"{spot.milliseconds:.3f}", f"{spot.share:.1%}"]
        for spot in spots
    ]
    return table(("function", "runs a call:", "own ms:", "share:"), rows)


def present_names(contenders: Sequence[Contender]) -> list[str]:
    """The applications that are shown side by side and were started."""
    started = {contender.name for contender in contenders}
    return [name for name in BESIDE if name in started]


def write(path: Path, report: Sequence[str]) -> None:
    """Put the report between the marks of a document."""
    text = path.read_text(encoding="utf-8")
    begin, end = (text.index(mark) for mark in MARKS)
    inside = "\n".join([MARKS[0], "", *report, "", ""])
    path.write_text(text[:begin] + inside + text[end:], encoding="utf-8")


def _by_body(
    figures: Sequence[Figure], names: Sequence[str], cell: Callable[[Figure, str], str]
) -> list[str]:
    head = ("Observations:", "patient", "kB:", *(f"{name}:" for name in names))
    return table(
        head,
        [
            [
                f"{figure.size:,}",
                figure.patient,
                f"{figure.length / 1000:.0f}",
                *(cell(figure, name) for name in names),
            ]
            for figure in figures
        ],
    )
