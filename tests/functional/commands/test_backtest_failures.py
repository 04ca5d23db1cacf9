"""What goes wrong during a backtest: counted, tried again, told; never half a report."""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest import judging
from service.backtest import run as backtest_run
from service.backtest.judging import judge
from service.backtest.local_engine import part
from service.backtest.patient_record import Run
from service.backtest.plan import Plan
from service.backtest.progress import Progress
from service.backtest.report_folder import report_folder
from service.backtest.run import Job, run
from service.backtest.scratch import NoRoom, Scratch
from service.backtest.sheets import is_as_written
from service.backtest.verdicts import Card, Failure
from service.cli import main
from service.storage.pseudonyms import keyed_hash
from tests.support.backtest_faults import MARKED, dying_at, failing
from tests.support.backtests import TERMINOLOGY, count, lines_of, patient, result
from tests.support.deadlines import until

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
KEY = "a key of thirty-two characters or more"
PLAN = Plan(first=date(2026, 1, 1), last=date(2026, 12, 31))
PERIOD = ("--from", "2026-01-01", "--to", "2026-12-31", "--workers", "1")
PEOPLE = [f"p{number:02}" for number in range(12)]
SECONDS = 300


def chart(name: str) -> list[dict[str, Any]]:
    """A record of two years with two counts in the period."""
    at = AT + timedelta(days=PEOPLE.index(name))
    return [
        patient(name),
        *count(at - timedelta(days=500), hgb=14, wbc=7, anc=4, plt=250, patient=name),
        *count(at, patient=name),
        *count(at + timedelta(days=40), hgb=9.9, patient=name),
    ]


def write(folder: Path, **files: list[dict[str, Any]] | bytes) -> Path:
    """An export; the later record of a well person tells that it goes on until 2027."""
    folder.mkdir(parents=True)
    after = [result("2951-2", 140, "mmol/L", AT + timedelta(days=days)) for days in range(400, 450)]
    for name, content in (files | {"after": [patient("p1"), *after]}).items():
        data = content if isinstance(content, bytes) else b"\n".join(lines_of(content)) + b"\n"
        (folder / f"{name}.ndjson").write_bytes(data)
    return folder


def job(folder: Path, export: Path, **changes: Any) -> Job:
    """A run in a folder."""
    fields: dict[str, Any] = {
        "export": (export,),
        "out": folder / "report",
        "plan": PLAN,
        "load": default_terminology,
        "now": lambda: datetime(2027, 9, 1, tzinfo=UTC),
        "workers": 1,
        "memory": "256MB",
        "scratch": folder / "scratch",
        "versions": (),
        "hash_key": KEY,
        "parts": 3,
    }
    return Job(**fields | changes)


def ran(folder: Path, export: Path, **changes: Any) -> bool:
    """Run; whether the report is complete."""
    return run(job(folder, export, **changes), Progress(lambda _: None, terminal=False))


def rows(folder: Path, name: str) -> list[tuple[Any, ...]]:
    """The rows of a kind in a report's folder."""
    return duckdb.read_parquet(str(folder / "report" / "verdicts" / f"{name}.parquet")).fetchall()


def report(folder: Path) -> dict[str, Any]:
    """The figures of a report."""
    found: dict[str, Any] = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    return found


def table(folder: Path, name: str) -> list[list[Any]]:
    """The rows of one table of a report."""
    tables = [table for part in report(folder)["parts"] for table in part["tables"]]
    found: list[list[Any]] = next(each for each in tables if each["name"] == name)["rows"]
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export and the report of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("plain")
    write(folder / "export", all=[each for name in PEOPLE for each in chart(name)])
    ran(folder, folder / "export")
    return folder


def assert_same(folder: Path, plain: Path) -> None:
    """The same files, byte for byte, but for the times of the run."""
    names = [path.relative_to(plain) for path in sorted((plain / "report").rglob("*.*"))]
    assert names == [path.relative_to(folder) for path in sorted((folder / "report").rglob("*.*"))]
    for name in names:
        mine, theirs = (each / name for each in (folder, plain))
        if name.name == "report.html":
            mine_text, their_text = (each.read_text("utf-8") for each in (mine, theirs))
            assert _before_the_run(mine_text) == _before_the_run(their_text)
        elif name.name == "report.json":
            assert _without_run(mine) == _without_run(theirs)
        elif name.suffix in {".csv", ".parquet"}:
            assert mine.read_bytes() == theirs.read_bytes(), name


def _before_the_run(html: str) -> str:
    return html[
        : html.index(">heme-hooks</th>")
        if ">heme-hooks</th>" in html
        else html.index(">files of the export</th>")
    ]


def _without_run(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found | {"run": None}


# Lines, versions, patients


def test_what_is_bad_or_twice_is_counted_and_spoils_nothing_else(
    plain: Path, tmp_path: Path
) -> None:
    good = [each for name in PEOPLE for each in chart(name)]
    older = [
        each | {"meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00Z"}}
        for each in good
        if each["resourceType"] == "Observation"
    ]
    older[0]["valueQuantity"] = {"value": 3, "unit": "g/dL"}
    newer = [
        each | {"meta": {"versionId": "2", "lastUpdated": "2026-06-01T00:00:00Z"}} for each in good
    ]
    line = json.dumps(chart("p00")[1]).encode()
    bad = [
        b"{broken",
        line[:-2] + b'\xff"}',
        line.replace(b'"subject"', b'"nobody"'),
        line.replace(b'"reference": "Patient/p00"', b'"reference": 1e999'),
        b'{"resourceType":"Patient","id":"x","identifier":[{"value":1e999}]}',
        line.replace(b'"Patient/p00"', b"7"),
    ]
    folder = write(
        tmp_path / "export",
        first=older,
        second=newer,
        bad=b"\n".join(bad),
        nobody=count(AT, patient="nobody"),
    )
    (folder / "again.ndjson.gz").write_bytes(gzip.compress(b"\n".join(lines_of(newer))))
    assert ran(tmp_path, folder) is False
    assert rows(tmp_path, "card") == rows(plain, "card")
    reasons = {reason: number for _, reason, number in table(tmp_path, "unreadable")}
    assert reasons == {
        "no JSON object": 1,
        "not UTF-8": 1,
        "names no patient": 2,
        "a part that cannot be read": 2,
    }
    assert table(tmp_path, "failures") == [["patient-unreadable", "Patient", "<5"]]
    said = report(tmp_path)["incomplete"]
    assert any("of the lines could not be read" in each for each in said)
    assert "Patients who could not be judged: <5." in said


def test_a_few_bad_lines_do_not_spoil_the_report(plain: Path) -> None:
    assert not any("could not be read" in each for each in report(plain)["incomplete"])


def test_a_kernel_that_fails_takes_one_patient(plain: Path, tmp_path: Path) -> None:
    assert ran(tmp_path, plain / "export", load=failing) is False
    ((error, place, patients),) = table(tmp_path, "failures")
    assert (error, patients) == ("ArithmeticError", "<5")
    assert place.startswith("backtest_faults.py:")
    lost = keyed_hash(KEY, "patient", MARKED)[:32]
    assert rows(tmp_path, "card") == [row for row in rows(plain, "card") if row[0] != lost]
    texts = b"".join(path.read_bytes() for path in (tmp_path / "report").rglob("*.*"))
    assert b"hemoglobin 8.9 of" not in texts


def test_a_date_ahead_of_the_clock_is_judged_like_any_other() -> None:
    ahead = AT.replace(year=2150)
    plan = Plan(first=date(2150, 1, 1), last=date(2150, 12, 31))
    lines = lines_of([patient(), *count(ahead)])
    cards = [
        row for row in judge(Run(plan, TERMINOLOGY, KEY), "p1", lines) if isinstance(row, Card)
    ]
    assert [card.day for card in cards] == ["2150-03-10"]


def test_a_history_or_a_follow_up_that_is_too_short_is_told(tmp_path: Path) -> None:
    export = write(tmp_path / "export", all=[patient("p00"), *count(AT, patient="p00")])
    for name in ("after",):
        (export / f"{name}.ndjson").unlink()
    assert ran(tmp_path, export) is False
    said = " ".join(report(tmp_path)["incomplete"])
    assert "At 1 of 1 blood counts the record goes back less than" in said
    assert "1 of 1 episodes have less than 180 days of record after them" in said
    windows = {name: number for name, number, _ in table(tmp_path, "windows")}
    assert windows["blood counts with a shorter history than the longest window (240 days)"] == 1


# Workers


def test_a_worker_that_dies_once_changes_nothing(plain: Path, tmp_path: Path) -> None:
    marker = tmp_path / "deaths"
    ran(tmp_path, plain / "export", load=dying_at(marker, once=True))
    assert marker.read_text("ascii") == "died\n"
    assert_same(tmp_path, plain)


def test_a_worker_that_dies_again_costs_its_part(plain: Path, tmp_path: Path) -> None:
    marker = tmp_path / "deaths"
    assert ran(tmp_path, plain / "export", load=dying_at(marker)) is False
    assert marker.read_text("ascii") == "died\ndied\n"
    (said,) = [each for each in report(tmp_path)["incomplete"] if "Parts" in each]
    assert said.startswith("Parts that could not be finished: part=")
    mine, theirs = ({row[0] for row in rows(each, "card")} for each in (tmp_path, plain))
    lost = theirs - mine
    assert keyed_hash(KEY, "patient", MARKED)[:32] in lost
    assert mine


# Disks


def test_a_disk_that_is_too_small_is_told_before_anything_is_read(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        backtest_run.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1)
    )
    with pytest.raises(NoRoom, match=r"scratch may need 0\.1 MB; 0\.0 MB are free") as raised:
        ran(tmp_path, plain / "export")
    assert "--scratch" in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "scratch"])
def test_a_folder_that_cannot_be_made_is_told(plain: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(NoRoom, match=r"Not a directory: scratch may need"):
        ran(tmp_path, plain / "export", **{name: tmp_path / "file" / "x"})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_engine_without_room_is_told(tmp_path: Path) -> None:
    room = Scratch(tmp_path / "scratch")
    room.open("test", resume=False)
    for kind in ("csv", "aliases", "shared"):
        (room.sifted / f"000.{kind}").write_text("")
    room.parts.rmdir()
    room.parts.symlink_to("/dev/full")
    with pytest.raises((NoRoom, OSError)):
        part(room, "256MB", 1)


def arguments(folder: Path, export: Path, *more: str) -> list[str]:
    """Of `heme-hooks backtest`."""
    return [
        *(str(export), *PERIOD),
        *("--out", str(folder / "report"), "--scratch", str(folder / "scratch"), *more),
    ]


def command(folder: Path, export: Path, fault: str = "none") -> list[str]:
    """The command line of a run in a process of its own."""
    module = "tests.support.backtest_faults"
    return [sys.executable, "-m", module, fault, *arguments(folder, export)]


def environment() -> dict[str, str]:
    """With the key of the runs in this process."""
    return os.environ | {"HEME_HOOKS_HASH_KEY": KEY, "COVERAGE_PROCESS_START": ""}


@pytest.mark.parametrize(("most", "left"), [(2_000, "sorting"), (64_000, "report")])
def test_a_full_disk_leaves_no_half_report(
    plain: Path, tmp_path: Path, most: int, left: str
) -> None:
    """Files cannot grow beyond a limit, as on a disk that is full: while reading, while writing."""
    old = tmp_path / "report"
    old.mkdir()
    (old / "report.html").write_text("the report of last month")
    done = subprocess.run(
        command(tmp_path, plain / "export"),
        # What Python compiles would be cut off too, and read by every process after.
        env=environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert done.returncode == 4, done.stderr
    assert "scratch may need" in done.stderr
    assert f"Patient data stays in {tmp_path / 'scratch'}" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in old.iterdir()] == ["report.html"]
    assert not (tmp_path / "report.unfinished").exists()
    assert list((tmp_path / "scratch" / "verdicts").glob("*.ndjson")) != [] or left == "sorting"


def test_a_report_comes_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "report"
    for text in ("one", "two"):
        with report_folder(out) as folder:
            (folder / "tables").mkdir()
            (folder / "tables" / f"{text}.csv").write_text(text)
        (out / "mine.txt").write_text("kept")
    assert sorted(path.name for path in out.rglob("*")) == ["mine.txt", "tables", "two.csv"]
    assert out.stat().st_mode & 0o077 == 0


def test_what_people_wrote_into_a_sheet_outlives_another_run(plain: Path, tmp_path: Path) -> None:
    told: list[str] = []
    changes = {"plan": replace(PLAN, examples=3, worklist=True), "worklist": tmp_path / "loops.csv"}

    def again() -> dict[str, str]:
        told.clear()
        again = job(tmp_path, plain / "export", **changes)
        run(again, Progress(told.append, terminal=False))
        sheets = (*(tmp_path / "report").glob("*.csv"), *tmp_path.glob("*.csv"))
        return {path.name: path.read_text("utf-8-sig") for path in sorted(sheets)}

    first = again()
    assert list(first) == ["loops.csv", "review.csv"]

    header, *cases = first["review.csv"].splitlines()
    filled = "\n".join([header, cases[0].removesuffix(",,") + ",apt,", *cases[1:]])
    (tmp_path / "report" / "review.csv").write_text(filled, "utf-8-sig")
    header, *loops = first["loops.csv"].splitlines()
    noted = "\n".join([f"{header},note", *(f"{loop},seen on Monday" for loop in loops)])
    (tmp_path / "loops.csv").write_text(noted, "utf-8-sig")
    kept = again()
    assert (kept["review.csv"], kept["loops.csv"]) == (filled, noted)
    assert (kept["review-2.csv"], kept["loops-2.csv"]) == (first["review.csv"], first["loops.csv"])
    assert sum("stays as it is; the new one is" in line for line in told) == 2
    assert again() == kept, "the second sheet is still empty, and is replaced"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"case,finding,reviewer 1\n1,x,\n", True),
        (b"case;finding;reviewer 1\r\n1;x; \r\n", True),
        (b"case,finding,reviewer 1\n1,x,apt\n", False),
        (b"case,finding\n1,x,a word beside the last column\n", False),
        (b"case,finding,remarks\n1,x,sch\xf6n\n", False),
        (b"PK\x03\x04 a workbook", False),
        (b"what I noted", False),
    ],
)
def test_a_sheet_is_as_written_only_where_nobody_wrote(
    tmp_path: Path, content: bytes, expected: bool
) -> None:
    sheet = tmp_path / "review.csv"
    assert is_as_written(sheet, ("case", "finding")), "not there"
    sheet.write_bytes(content)
    assert is_as_written(sheet, ("case", "finding")) is expected


# Interruptions


def reading(scratch: Path) -> bool:
    """A file is being read."""
    return any((scratch / "sifted").glob("*.part"))


def judging_one(scratch: Path) -> bool:
    """The first part is being judged."""
    return (scratch / "parts" / "done").exists()


def judged_one(scratch: Path) -> bool:
    """A part was judged, another was not."""
    return any((scratch / "verdicts").glob("*.ndjson"))


def children(pid: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    found = [
        int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    ]
    return [*found, *(other for each in found for other in children(each))]


def interrupted(
    folder: Path, export: Path, fault: str, at: Callable[[Path], bool], number: int
) -> tuple[int, str]:
    """Start a run, send it a signal at a certain point; its exit code and what it said."""
    with subprocess.Popen(
        command(folder, export, fault=fault),
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        until(lambda: at(folder / "scratch") or process.poll() is not None, SECONDS)
        assert process.poll() is None, process.stderr and process.stderr.read()
        others = children(process.pid)
        assert others
        os.kill(process.pid, number)
        process.wait(SECONDS)
        until(lambda: not any(Path(f"/proc/{each}/cmdline").exists() for each in others), SECONDS)
        return process.returncode, process.stderr.read() if process.stderr else ""


@pytest.fixture(scope="module")
def undisturbed(plain: Path) -> Path:
    """The report of the command itself, made once."""
    folder = plain / "command"
    _go_on(folder, plain / "export")
    return folder


def _go_on(folder: Path, export: Path, *more: str) -> None:
    arguments_of_run = ["backtest", *arguments(folder, export, *more)]
    done = CliRunner().invoke(main, arguments_of_run, env={"HEME_HOOKS_HASH_KEY": KEY})
    assert done.exit_code in {0, 1}, done.stderr


@pytest.mark.parametrize(
    ("fault", "at"),
    [("slow-reading", reading), ("slow-judging", judging_one), ("slow-judging", judged_one)],
)
def test_killed_and_taken_up_again_it_says_the_same(
    plain: Path, undisturbed: Path, tmp_path: Path, fault: str, at: Callable[[Path], bool]
) -> None:
    code, _ = interrupted(tmp_path, plain / "export", fault, at, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert not (tmp_path / "report").exists()
    _go_on(tmp_path, plain / "export", "--resume")
    assert_same(tmp_path, undisturbed)
    assert not (tmp_path / "scratch").exists()


def test_ctrl_c_names_the_folder_and_another_run_goes_on(
    plain: Path, undisturbed: Path, tmp_path: Path
) -> None:
    code, said = interrupted(tmp_path, plain / "export", "slow-judging", judged_one, signal.SIGINT)
    assert code == 130
    assert f"Patient data stays in {tmp_path / 'scratch'}" in said
    assert "Traceback" not in said
    assert (tmp_path / "scratch").stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("report*"))
    _go_on(tmp_path, plain / "export", "--resume")
    assert_same(tmp_path, undisturbed)


@pytest.mark.parametrize("at", [reading, judging_one])
def test_a_run_that_is_ended_leaves_no_patient_data(
    plain: Path, tmp_path: Path, at: Callable[[Path], bool]
) -> None:
    fault = "slow-reading" if at is reading else "slow-judging"
    code, said = interrupted(tmp_path, plain / "export", fault, at, signal.SIGTERM)
    assert code == 143
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_the_run_outlives_an_interruption(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "scratch")
    scratch.open("one", resume=False)
    key = scratch.key()
    assert Scratch(tmp_path / "scratch").key() == key
    assert (scratch.folder / "key").stat().st_mode & 0o077 == 0
    scratch.remove()
    assert not scratch.folder.exists()


def test_a_failing_patient_is_one_row_without_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("8.9 g/dL of p1")

    monkeypatch.setattr(judging, "interpret", fail)
    (row,) = judge(Run(PLAN, TERMINOLOGY, KEY), "p1", lines_of([patient(), *count(AT)]))
    assert isinstance(row, Failure)
    assert row.error == "KeyError"
    assert "8.9" not in str(row)
    assert "p1" not in str(row)
