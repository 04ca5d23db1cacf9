"""The report for the committee: one HTML file that needs no script, JSON and CSV beside it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from service.backtest.plots import draw
from service.backtest.small_groups import FEW, HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.backtest.figures.part import Cell, Plot, Report, Table

_TEMPLATES = Environment(
    loader=PackageLoader("service.backtest", "pages"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


def as_html(report: Report) -> str:
    """Return the page."""
    page = _TEMPLATES.get_template("report.html")
    return page.render(report=report, draw=_drawn, shown=_shown, number_columns=_number_columns)


def as_json(report: Report) -> str:
    """Return the same figures for a program."""
    return json.dumps(asdict(report), indent=1, ensure_ascii=False, default=str) + "\n"


def tables_of(report: Report) -> Iterator[Table]:
    """Yield every table."""
    for part in report.parts:
        yield from part.tables


def as_csv(table: Table) -> str:
    """Return one table as CSV. A text that a spreadsheet would take for a formula is quoted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow(["" if cell is None else _safe(cell) for cell in row])
    return text.getvalue()


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell[:1] in {"=", "@", "\t", "\r"}:
        return f"'{cell}"
    return cell


def _drawn(plot: Plot) -> Markup:
    # matplotlib escapes what it is given, and `draw` the title and the description.
    return Markup(draw(plot))  # noqa: S704


def _shown(cell: Any) -> str:  # noqa: ANN401  a Cell
    if cell is None or cell == "":
        return "–"
    if isinstance(cell, float):
        return f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _number_columns(table: Table) -> frozenset[int]:
    """Return the columns of numbers, some of which may be hidden or absent."""
    columns = enumerate(zip(*table.rows, strict=True))
    return frozenset(
        place
        for place, cells in columns
        if any(isinstance(cell, int | float) for cell in cells)
        and all(isinstance(each, int | float) or each in {None, FEW, HIDDEN} for each in cells)
    )
