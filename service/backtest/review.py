"""The review sheet for two reviewers, and what came back from them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.backtest.scratch import write_whole
from service.backtest.sheets import rows_of
from service.backtest.statistics import Share, kappa

if TYPE_CHECKING:
    from pathlib import Path

    from service.backtest.tables import Tables

WORDS = ("apt", "arguable", "nuisance", "wrong")
SHEET = "review.csv"
OWN_COLUMNS = ("case", "finding", "patient", "moment", "values", "context")
COLUMNS = (*OWN_COLUMNS, "reviewer 1", "reviewer 2", "remarks")


class ReviewRefused(ValueError):
    """The sheet cannot be counted; the message is for a person."""


def write_review(tables: Tables, path: Path, examples: int) -> None:
    """Write so many charts of each finding, drawn at random, the same way in every run.

    The sheet holds patient data; the outcome is not on it.
    """
    rows = tables.rows(
        'SELECT finding, patient_id, "at", "values", context FROM (SELECT *, row_number() OVER '
        '(PARTITION BY finding ORDER BY draw, "at") AS place FROM chart) WHERE place <= ? '
        "ORDER BY md5(draw || 'order'), finding, \"at\"",
        examples,
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for case, row in enumerate(rows, 1):
        writer.writerow((case, *map(_safe, row), "", "", ""))
    write_whole(path, text.getvalue().encode("utf-8-sig"))


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@"} else cell


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What two reviewers said of one finding."""

    finding: str
    charts: int
    apt: Share
    by_word: dict[str, int]
    agreement: float | None


def read_review(path: Path) -> list[Reviewed]:
    """Count a sheet that came back; the first of the list is all of it. Raises ReviewRefused."""
    try:
        header, rows = rows_of(path)
    except (ValueError, csv.Error) as error:
        raise ReviewRefused(f"The sheet is no CSV file: {error}") from None
    if not rows or not {"finding", "reviewer 1", "reviewer 2"} <= set(header):
        raise ReviewRefused("The sheet lacks a column: finding, reviewer 1, reviewer 2.")
    judged = [(row["finding"], _word(row, 1), _word(row, 2)) for row in rows]
    names = ["all", *sorted({finding for finding, _, _ in judged})]
    return [_counted(name, [each for each in judged if name in {"all", each[0]}]) for name in names]


def _word(row: dict[str, str], reviewer: int) -> str:
    said = (row.get(f"reviewer {reviewer}") or "").strip().lower()
    if said and said not in WORDS:
        raise ReviewRefused(
            f"Case {row.get('case', '?')}: reviewer {reviewer} wrote something else than"
            f" {', '.join(WORDS)}."
        )
    return said


def _counted(name: str, judged: list[tuple[str, str, str]]) -> Reviewed:
    words = [word for _, one, two in judged for word in (one, two) if word]
    both = [(one, two) for _, one, two in judged if one and two]
    return Reviewed(
        name,
        len(judged),
        Share(words.count("apt"), len(words)),
        {word: words.count(word) for word in WORDS},
        kappa([one for one, _ in both], [two for _, two in both]),
    )


def as_text(reviewed: list[Reviewed], confirmed: dict[str, str]) -> str:
    """Return the figures beside the confirmed share of the record, as Markdown."""
    lines = [
        "| finding | charts | apt | 95 % interval | arguable | nuisance | wrong | kappa |"
        " confirmed by the record |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in reviewed:
        interval = each.apt.interval
        limits = "" if interval is None else f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f} %"
        agreement = "" if each.agreement is None else f"{each.agreement:.2f}"
        words = " | ".join(str(each.by_word[word]) for word in WORDS[1:])
        beside = confirmed.get("any" if each.finding == "all" else each.finding, "")
        lines.append(
            f"| {each.finding} | {each.charts} | {each.apt.number} of {each.apt.whole} | {limits} |"
            f" {words} | {agreement} | {beside} |"
        )
    lines += ["", "Each judgement counts: a chart that two people judged counts twice."]
    return "\n".join(lines) + "\n"
