"""The review sheet for two reviewers, and what came back from them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.backtest.scratch import write_whole
from service.backtest.statistics import Share, kappa

if TYPE_CHECKING:
    from pathlib import Path

    from service.backtest.tables import Tables

WORDS = ("apt", "arguable", "nuisance", "wrong")
COLUMNS = (
    *("case", "finding", "patient", "moment", "values", "context"),
    *("reviewer 1", "reviewer 2", "remarks"),
)
MISSED = "missed"
_LONGEST_FILE = 64 * 1024 * 1024


class ReviewRefused(ValueError):
    """The sheet cannot be counted; the message is for a person."""


def write_review(tables: Tables, out: Path, examples: int) -> None:
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
    write_whole(out / "review.csv", text.getvalue().encode("utf-8-sig"))


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
    if path.stat().st_size > _LONGEST_FILE:
        raise ReviewRefused("The sheet is too large.")
    try:
        text = path.read_text("utf-8-sig")
        dialect = csv.Sniffer().sniff(text.splitlines()[0], ",;\t") if text else csv.excel
        rows = list(csv.DictReader(io.StringIO(text), dialect=dialect))
    except (ValueError, csv.Error, IndexError) as error:
        raise ReviewRefused(f"The sheet is no CSV file: {error}") from None
    if not rows or not {"finding", "reviewer 1", "reviewer 2"} <= rows[0].keys():
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
        told = "" if interval is None else f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f} %"
        agreement = "" if each.agreement is None else f"{each.agreement:.2f}"
        words = " | ".join(str(each.by_word[word]) for word in WORDS[1:])
        beside = confirmed.get("any" if each.finding == "all" else each.finding, "")
        lines.append(
            f"| {each.finding} | {each.charts} | {each.apt.number} of {each.apt.whole} | {told} |"
            f" {words} | {agreement} | {beside} |"
        )
    lines += ["", "Each judgement counts: a chart that two people judged counts twice."]
    return "\n".join(lines) + "\n"
