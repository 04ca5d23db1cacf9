"""Plots as inline SVG, drawn by matplotlib: the same bytes for the same figures.

Ids come from a fixed salt, there is no date in the file, and text stays text, so that it can be
read aloud, searched and printed.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from service.backtest.figures.part import Bar, Plot

COLORS = ("#1b5e8a", "#c7651a", "#5b7d2b", "#7a4a8c")
"""Told apart in gray and by people who do not see red or green."""

_WIDTH = 7.2
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "heme-hooks",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}


def draw(plot: Plot) -> str:
    """Return the plot as one <svg> element with a title and a description."""
    with mpl.rc_context(_SETTINGS):
        columns = plot.name == "months"
        height = 2.6 if columns else max(1.2, 0.3 * len(plot.bars) + 0.8)
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        if columns:
            _lines(axes, plot)
        else:
            _bars(axes, plot.bars, is_share=plot.is_share)
            axes.set_xlabel(plot.axis)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return _accessible(text.getvalue(), plot)


def _lines(axes: Axes, plot: Plot) -> None:
    """One line for each kind of moment, month by month."""
    months = sorted({bar.label for bar in plot.bars})
    groups = list(dict.fromkeys(bar.group for bar in plot.bars))
    markers = ("o", "s", "^", "D")
    for place, group in enumerate(groups):
        values = {bar.label: bar.value for bar in plot.bars if bar.group == group}
        axes.plot(
            [months.index(month) for month in sorted(values)],
            [values[month] for month in sorted(values)],
            color=COLORS[place % len(COLORS)],
            marker=markers[place % len(markers)],
            markersize=4,
            linewidth=1.5,
            label=group,
        )
    step = max(1, len(months) // 14 + 1)
    axes.set_xticks(range(0, len(months), step), months[::step], rotation=30, ha="right")
    axes.set_ylim(bottom=0)
    axes.set_ylabel(plot.axis)
    if len(groups) > 1:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.18), ncols=2)


def _bars(axes: Axes, bars: Sequence[Bar], *, is_share: bool) -> None:
    places = list(range(len(bars)))[::-1]
    intervals = [bar for bar in bars if bar.low is not None and bar.high is not None]
    if len(intervals) == len(bars) and bars:
        below = [max(bar.value - (bar.low or 0), 0) for bar in bars]
        above = [max((bar.high or 0) - bar.value, 0) for bar in bars]
        axes.errorbar(
            [bar.value for bar in bars],
            places,
            xerr=[below, above],
            fmt="o",
            color=COLORS[0],
            capsize=3,
            markersize=5,
        )
    else:
        axes.barh(places, [bar.value for bar in bars], color=COLORS[0], height=0.65)
        for place, bar in zip(places, bars, strict=True):
            axes.annotate(
                f"{bar.value:.1f}",
                (bar.value, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
            )
    axes.set_yticks(places, [_short(bar.label) for bar in bars])
    axes.set_ylim(-0.7, max(len(bars), 1) - 0.3)
    axes.set_xlim(left=0, right=100 if is_share else None)
    axes.grid(visible=False, axis="y")


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"


_LONGEST = 45


def _accessible(text: str, plot: Plot) -> str:
    """The svg alone, named and described, as wide as the page; ids are the plot's own."""
    start = text.index("<svg")
    svg = text[start:].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[^"]*"', "", svg, count=2)
    svg = re.sub(r'(?<= id=")([^"]+)', rf"{plot.name}-\1", svg)
    svg = re.sub(r'(url\(#|href="#)([^")]+)', rf"\1{plot.name}-\2", svg)
    named = (
        f'<svg role="img" aria-labelledby="{plot.name}-title {plot.name}-text"',
        f'<title id="{plot.name}-title">{escape(plot.title)}</title>'
        f'<desc id="{plot.name}-text">{escape(plot.text)}</desc>',
    )
    svg = svg.replace("<svg", named[0], 1)
    end = svg.index(">") + 1
    return svg[:end] + named[1] + svg[end:]
