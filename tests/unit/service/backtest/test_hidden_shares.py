"""A confirmed share that would tell of few patients is hidden wherever it stands, else nowhere."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from service.backtest.figures.groups import groups
from service.backtest.figures.outcomes import right
from service.backtest.figures.part import Measures
from service.backtest.figures.variants import variants
from service.backtest.outcomes import TOO_LITTLE_FOLLOW_UP
from service.backtest.plan import Plan, Variant
from service.backtest.tables import Tables, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from service.backtest.figures.part import Part

STRICTER = "stricter"


def rows(outcomes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """One patient with one episode for each, women and men in turn."""
    listed = [outcome for outcome, number in outcomes.items() for _ in range(number)]
    for number, outcome in enumerate(listed):
        of = {"patient": f"p{number}"}
        yield {"row": "person", **of, "sex": ("female", "male")[number % 2], "judged": True}
        for variant in ("", STRICTER):
            moment = {**of, "variant": variant, "kind": "count", "month": "2025-03", "age": "60"}
            yield {"row": "judged", **moment, "number": 4, "short_history": 0}
            yield {"row": "card", **moment, "findings": ["pancytopenia"], "news": "new"}
            for finding in ("any", "pancytopenia"):
                yield {
                    "row": "episode",
                    **of,
                    "variant": variant,
                    "finding": finding,
                    "first_day": "2025-03-01",
                    "outcome": outcome,
                    "open_loop": False,
                    "full": outcome != TOO_LITTLE_FOLLOW_UP,
                }


def tables_of(folder: Path, outcomes: Mapping[str, int]) -> Tables:
    path = folder / "rows.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(outcomes)))
    return load([path], "500MB", folder)


def column(part: Part | None, table: str, name: str) -> list[Any]:
    assert part is not None
    (found,) = (each for each in part.tables if each.name == table)
    return [row[found.columns.index(name)] for row in found.rows]


def shares(tables: Tables) -> list[str]:
    """The confirmed share as R5, R8 and R9 tell it."""
    measures = Measures()
    plan = Plan(
        first=date(2025, 1, 1),
        last=date(2025, 12, 31),
        variants=(Variant(), Variant(name=STRICTER)),
    )
    told = column(right(tables, "", measures), "confirmed", "confirmed of")
    told += column(groups(tables, "", measures), "groups-sex", "confirmed")
    told += column(variants(tables, plan, measures), "what-if", "confirmed")
    return [str(each) for each in told]


@pytest.mark.parametrize(
    "outcomes",
    [
        {"marrow disease": 3, "deficiency proven": 30, "recovered": 8, "nothing followed": 20},
        {"marrow disease": 3, "recovered": 30},
        {"marrow disease": 30, "nothing followed": 2},
    ],
    ids=["one of two that make it up", "few", "nearly all"],
)
def test_what_tells_of_few_is_hidden_everywhere(tmp_path: Path, outcomes: dict[str, int]) -> None:
    told = shares(tables_of(tmp_path, outcomes))
    assert told
    for each in told:
        assert each.startswith(("hidden of ", "<5 of ", "nearly all of ")), told


def test_a_few_records_that_end_early_hide_no_share(tmp_path: Path) -> None:
    tables = tables_of(tmp_path, {"marrow disease": 12, "recovered": 49, TOO_LITTLE_FOLLOW_UP: 1})
    assert all(each.partition(" of ")[0].isdigit() for each in shares(tables))
    left = column(right(tables, "", Measures()), "outcomes", TOO_LITTLE_FOLLOW_UP)
    assert left == [1, 1]
