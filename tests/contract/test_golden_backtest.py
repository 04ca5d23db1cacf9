"""The report on a made-up year: every table as a golden file, and what was planted found again.

The stories of `service.samples.year` say how many persons have which course; each number that is
asserted here was worked out from them by hand.
"""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest.export import ExportFile, Piece
from service.backtest.plan import Limit, Plan, Variant
from service.backtest.progress import Progress
from service.backtest.run import Job, run
from service.backtest.sift import lines_of
from service.samples.bulk_export import write_export
from service.samples.year import FIRST, LAST, STORIES, persons

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

MADE_UP = sum(number for number, _ in STORIES.values())
PLAN = Plan(
    first=FIRST,
    last=LAST,
    variants=(
        Variant(),
        Variant(name="platelets below 100", thresholds={"plt": "100"}),
        Variant(name="without bicytopenia", findings_off=("bicytopenia",)),
    ),
    limits=(
        Limit(measure="missed_acute_leukemia", at_most=0),
        Limit(measure="new_cards_per_100_counts", at_most=20),
        Limit(measure="sensitivity", at_least=90),
    ),
    examples=2,
    worklist=True,
)


def now() -> datetime:
    """When the run ended."""
    return datetime(2026, 8, 1, tzinfo=UTC)


def job(folder: Path, **changes: Any) -> Job:
    """A run on the export in a folder."""
    fields: dict[str, Any] = {
        "export": (folder / "export",),
        "out": folder / "report",
        "plan": PLAN,
        "load": default_terminology,
        "now": now,
        "workers": 2,
        "memory": "512MB",
        "scratch": folder / "scratch",
        "versions": (("rule table", "of the test"),),
        "hash_key": "a key of thirty-two characters or more",
        "worklist": folder / "worklist.csv",
    }
    return Job(**fields | changes)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on the made-up persons, the sample patients left out."""
    folder = tmp_path_factory.mktemp("year")
    resources = [each for person in persons()[:MADE_UP] for each in person]
    write_export(resources, folder / "export")
    told: list[str] = []
    run(job(folder), Progress(told.append, terminal=False))
    assert "judging: 100 %\n" in told
    return folder


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """One table, a dict a row."""
    text = (folder / "report" / "tables" / f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def row(folder: Path, name: str, first: str) -> dict[str, str]:
    """The row of a table that begins with a word."""
    return next(each for each in table(folder, name) if first in each.values())


def test_every_table(year: Path, snapshot: SnapshotAssertion) -> None:
    files = sorted((year / "report" / "tables").glob("*.csv"))
    assert {path.stem: path.read_text("utf-8") for path in files} == snapshot


def test_what_was_planted_is_found_again(year: Path) -> None:
    planted = {story: number for story, (number, _) in STORIES.items()}
    leukemia, dysplasia = planted["acute leukemia"], planted["myelodysplastic syndrome"]
    low_b12 = row(year, "outcomes", "pancytopenia-low-b12")
    assert int(low_b12["episodes"]) == planted["B12 deficiency"]
    assert int(low_b12["deficiency proven"]) == planted["B12 deficiency"]
    index = row(year, "outcomes", "index-pattern")
    assert int(index["marrow disease"]) == dysplasia
    assert row(year, "findings", "index-pattern")["patients"] == str(dysplasia)
    missed = row(year, "missed", "acute leukemia")
    assert missed["with a card before of"] == f"{leukemia} of {leukemia}"
    assert row(year, "missed", "plasma cell neoplasm")["with a card before of"] == (
        f"0 of {planted['myeloma']}"
    )
    assert row(year, "missed", "all")["without a count in the 90 days before"] == str(
        planted["diagnosed without a count"]
    )
    (reason,) = table(year, "missed-reasons")
    assert reason == {
        "reason": "one line low at the last count",
        "patients": str(planted["myeloma"]),
    }
    assert row(year, "confirmed", "index-pattern")["median"] == "20.0"


def test_the_burden_by_hand(year: Path) -> None:
    """Counts: two for `well`, and so on; the record of two years before is not in the period."""
    by_story = {
        "well": 2,
        "anemia": 1,
        "acute leukemia": 3,
        "myelodysplastic syndrome": 3,
        "B12 deficiency": 2,
        "B12 begun although it was high": 2,
        "nothing followed": 1,
        "chemotherapy": 2,
        "cirrhosis": 8,
        "infection": 2,
        "death": 2,
        "myeloma": 1,
        "diagnosed without a count": 0,
        "wrong unit": 1,
    }
    most = sum(by_story[story] * number for story, (number, _) in STORIES.items())
    burden = row(year, "burden", "blood count known")
    # Courses that begin late in the year go on after it, and those early began before.
    assert 0.8 * most < int(burden["moments"]) <= most
    assert int(burden["new"]) + int(burden["changed"]) + int(burden["repeated"]) == int(
        burden["cards"]
    )


def test_the_first_page(year: Path) -> None:
    report = json.loads((year / "report" / "report.json").read_text("utf-8"))
    met = {each["measure"]: each["met"] for each in report["box"]}
    assert met == {
        "missed acute leukemia": True,
        "new cards per 100 counts": False,
        "sensitivity": False,
    }
    html = (year / "report" / "report.html").read_text("utf-8")
    assert "<script" not in html
    assert html.count('role="img"') == html.count("<svg")
    for question in (
        "How often would it have fired?",
        "Was it right?",
        "Whom would it have missed?",
    ):
        assert question in html


def test_nobody_is_named(year: Path) -> None:
    """No id, date of birth or value in the report; the two files that name patients are closed."""
    people = persons()[:MADE_UP]
    texts = [
        path.read_bytes()
        for path in sorted((year / "report").rglob("*"))
        if path.is_file() and path.name != "review.csv"
    ]
    secrets = [
        secret.encode() for person in people for secret in (person[0]["id"], person[0]["birthDate"])
    ]
    assert not [secret for secret in secrets if any(secret in text for text in texts)]
    for path in (year / "report" / "review.csv", year / "worklist.csv"):
        assert path.stat().st_mode & 0o077 == 0
        assert b"made-up-" in path.read_bytes()
    assert not (year / "scratch").exists()


def test_the_worklist_names_those_whom_nothing_followed(year: Path) -> None:
    with (year / "worklist.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lost = {each["patient"] for each in rows}
    stories = [story for story, (number, _) in STORIES.items() for _ in range(number)]
    expected = {
        f"made-up-{number:03}"
        for number, story in enumerate(stories)
        if story == "nothing followed"
    }
    assert expected <= lost
    urgency = [("critical", "warning", "info").index(each["indicator"]) for each in rows]
    assert urgency == sorted(urgency)


@pytest.mark.parametrize(("workers", "parts"), [(1, 7), (3, 1)])
def test_the_same_bytes_whatever_the_workers_and_parts(
    year: Path, tmp_path: Path, workers: int, parts: int
) -> None:
    """In whatever order the lines and files come, too."""
    (tmp_path / "export").mkdir()
    lines = [
        line
        for file in (year / "export").glob("*.ndjson*")
        for line in lines_of(Piece(ExportFile(file, file.name, 0, 0), 0, file.stat().st_size))
    ]
    random.Random(workers).shuffle(lines)
    for number in range(3):
        several = lines[number::3]
        (tmp_path / "export" / f"{number}.ndjson").write_bytes(b"".join(several))
    run(job(tmp_path, workers=workers, parts=parts), Progress(lambda _: None, terminal=False))
    for name in ("card", "episode", "disease", "judged", "person"):
        path = Path("report") / "verdicts" / f"{name}.parquet"
        assert (tmp_path / path).read_bytes() == (year / path).read_bytes()
    for mine in (tmp_path / "report" / "tables").glob("*.csv"):
        if mine.stem != "types":  # it tells in how many files each type stands
            assert mine.read_bytes() == (year / "report" / "tables" / mine.name).read_bytes()
