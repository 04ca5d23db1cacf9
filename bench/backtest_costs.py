"""What a backtest costs, as ratios to reading each line and telling whose it is.

    python -m bench backtest [--export FOLDER] [--times 20] [--spark]

The export is the made-up year, replicated; another can be named. CPU of all processes, one core
for the floor. Ratios count, not seconds.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.backtest_mixes import AMBULATORY, HOSPITAL, Mix, write
from bench.backtest_respond import beside_respond
from bench.servers import family_memory
from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest.export import find_files, pieces
from service.backtest.local_engine import judge_part, part, part_names
from service.backtest.patient_record import Run
from service.backtest.plan import Plan
from service.backtest.scratch import Scratch
from service.backtest.sift import lines_of
from service.backtest.workers import Setting, sift_piece, start
from service.samples.bulk_export import write_export
from service.samples.year import FIRST, LAST, persons

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WORKERS = 2
_PEOPLE = 60
_PR_SET_CHILD_SUBREAPER = 36
_KEY = "key of the bench"
_PLAN = Plan(first=FIRST, last=LAST)


class _Subject(msgspec.Struct):
    reference: str = ""


class _Whose(msgspec.Struct):
    resourceType: str = ""
    id: str = ""
    subject: _Subject | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One target: what was measured, what it may be, and whether it is met."""

    what: str
    measured: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    def line(self) -> str:
        """Return it for a reader."""
        if self.at_most is not None:
            bound, met = f"at most {self.at_most:g}", self.measured <= self.at_most
        elif self.at_least is not None:
            bound, met = f"at least {self.at_least:g}", self.measured >= self.at_least
        else:
            return f"{self.what:<52} {self.measured:>9.2f} {self.unit}"
        verdict = "met" if met else "MISSED"
        return f"{self.what:<52} {self.measured:>9.2f} {self.unit:<12} {bound:<14} {verdict}"


@dataclass(frozen=True, slots=True)
class _Costs:
    """CPU seconds a line."""

    lines: int
    floor: float
    sifting: float
    parting: float
    judging: float


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench backtest")
    parser.add_argument("--export", type=Path, help="an export of your own")
    parser.add_argument("--from", dest="first", default=FIRST.isoformat(), help="of that export")
    parser.add_argument("--to", dest="last", default=LAST.isoformat(), help="of that export")
    parser.add_argument("--times", type=int, default=20, help="how often the year is replicated")
    parser.add_argument("--spark", action="store_true", help="Spark beside the local engine")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        export = options.export or _replicated(folder / "export", options.times)
        start(Setting(default_terminology))
        for row in _measured(export, folder, (options.first, options.last), spark=options.spark):
            print(row.line(), flush=True)


def _replicated(folder: Path, times: int) -> Path:
    people = persons()
    for number in range(times):
        copies: list[dict[str, Any]] = []
        for person in people:
            name = person[0]["id"]
            text = msgspec.json.encode(person).decode().replace(name, f"{name}-{number}")
            copies += msgspec.json.decode(text)
        write_export(copies, folder / f"{number:04}")
    return folder


def _measured(export: Path, folder: Path, period: tuple[str, str], *, spark: bool) -> Iterator[Row]:
    scratch = Scratch(folder / "scratch")
    costs = _stages(export, scratch)
    yield Row("lines", costs.lines / 1e6, "M")
    yield Row("floor: read a line and tell whose it is", 1e6 * costs.floor, "us")
    yield Row("sifting, a line", costs.sifting / costs.floor, "floors")
    parting = (costs.sifting + costs.parting) / costs.floor
    yield Row("sifting and parting, a line", parting, "floors", at_most=8)
    moments, kernel, answer = beside_respond(
        Run(_PLAN, default_terminology(), _KEY), scratch, _PEOPLE
    )
    scratch.remove()
    yield Row(f"judging a moment ({moments} moments)", 1e3 * kernel, "ms")
    yield Row("one `respond` beside judging one moment", answer / kernel, "times", at_least=8)
    for mix in (HOSPITAL, AMBULATORY):
        yield _of_a_mix(mix, folder)
    local = _whole(export, folder / "local", "local", period)
    yield Row("whole command, CPU", local.cpu, "s")
    yield Row("peak memory of all its processes", local.memory / 1024, "GB", at_most=1.4)
    yield Row("tables and report, of the whole", 100 * local.report / local.cpu, "%", at_most=5)
    if spark and find_spec("pyspark") is not None:
        _adopt_orphans()
        other = _whole(export, folder / "spark", "spark", period)
        yield Row("Spark beside the local engine, CPU", other.cpu / local.cpu, "times", at_most=2)


def _stages(export: Path, scratch: Scratch) -> _Costs:
    cut = pieces(find_files([export]))
    begun = time.process_time()
    lines = _floor(cut)
    floor = time.process_time() - begun
    scratch.open("bench", resume=False)
    begun = time.process_time()
    for number, piece in enumerate(cut):
        sift_piece((piece, scratch.sifted, f"{number:06}"))
    sifting = time.process_time() - begun
    begun = time.process_time()
    part(scratch, "1GB", 1)
    parting = time.process_time() - begun
    begun = time.process_time()
    for name in part_names(scratch):
        judge_part((scratch, name, _PLAN, _KEY))
    judging = time.process_time() - begun
    return _Costs(lines, *(each / lines for each in (floor, sifting, parting, judging)))


def _floor(cut: Sequence[Any]) -> int:
    decoder = msgspec.json.Decoder(_Whose)
    number = 0
    for piece in cut:
        for line in lines_of(piece):
            decoder.decode(line)
            number += 1
    return number


def _of_a_mix(mix: Mix, folder: Path) -> Row:
    results = write(mix, folder / mix.name)
    scratch = Scratch(folder / f"{mix.name}-scratch")
    costs = _stages(folder / mix.name, scratch)
    scratch.remove()
    spent = (costs.sifting + costs.parting + costs.judging) * costs.lines
    return Row(
        f"Observations a minute a core, {mix.name} (aim {mix.aim:g})",
        60 * results / spent / 1e6,
        "M",
        at_least=mix.target,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """CPU seconds and peak memory (MB) of a whole command; CPU after the last judged part."""

    cpu: float
    memory: float
    report: float


def _whole(export: Path, folder: Path, engine: str, period: tuple[str, str]) -> _Run:
    folder.mkdir()
    command = [sys.executable, "-c", "from service.cli import main; main()", "backtest"]
    command += [str(export), "--from", period[0], "--to", period[1]]
    command += ["--out", str(folder / "report"), "--engine", engine, "--workers", str(WORKERS)]
    command += ["--memory", "1GB"]
    before = os.times()
    peak = 0.0
    reporting = cpu = 0.0
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        while process.poll() is None:
            peak = max(peak, family_memory(process.pid))
            cpu = _cpu(process.pid) or cpu
            if not reporting and b"counting and writing" in (folder / "log").read_bytes():
                reporting = cpu
            time.sleep(0.1)
    if process.returncode not in {0, 1}:
        raise SystemExit((folder / "log").read_text("utf-8", "replace")[-2000:])
    _wait_for_orphans()
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return _Run(spent, peak, max(cpu - reporting, 0.0) if reporting else 0.0)


def _adopt_orphans() -> None:
    """Become the parent of what a command leaves behind: the JVM of Spark outlives it (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait_for_orphans() -> None:
    """Wait for them, so that their CPU is counted."""
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _cpu(pid: int) -> float:
    """CPU seconds of the command's own process, which makes the report."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
