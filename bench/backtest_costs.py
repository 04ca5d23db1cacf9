"""What a backtest costs, as ratios to reading each line and telling whose it is.

    python -m bench backtest [--export FOLDER] [--times 20]

The export is the made-up year, replicated; another can be named. CPU of all processes, one core
for the floor. Ratios count, not seconds.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest.export import find_files, pieces
from service.backtest.local_engine import judge_part, part, part_names
from service.backtest.plan import Plan
from service.backtest.progress import Progress
from service.backtest.run import Job, run
from service.backtest.scratch import Scratch
from service.backtest.sift import lines_of
from service.backtest.workers import Setting, sift_piece, start
from service.samples.bulk_export import write_export
from service.samples.year import FIRST, LAST, persons

if TYPE_CHECKING:
    from collections.abc import Sequence

WORKERS = 2
PARTING_AT_MOST = 8.0
"""CPU a line of sifting and parting, in floors."""


class _Subject(msgspec.Struct):
    reference: str = ""


class _Whose(msgspec.Struct):
    resourceType: str = ""
    id: str = ""
    subject: _Subject | None = None


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench backtest")
    parser.add_argument("--export", type=Path, help="an export of your own")
    parser.add_argument("--times", type=int, default=20, help="how often the year is replicated")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        export = options.export or _replicated(folder / "export", options.times)
        for line in _measured(export, folder):
            print(line, flush=True)


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


def _measured(export: Path, folder: Path) -> list[str]:
    cut = pieces(find_files([export]))
    begun = time.process_time()
    lines = _floor(cut)
    floor = (time.process_time() - begun) / lines
    scratch = Scratch(folder / "scratch")
    scratch.open("bench", resume=False)
    start(Setting(default_terminology))
    begun = time.process_time()
    for number, piece in enumerate(cut):
        sift_piece((piece, scratch.sifted, f"{number:06}"))
    sifting = (time.process_time() - begun) / lines
    begun = time.process_time()
    part(scratch, "1GB", 1)
    parting = (time.process_time() - begun) / lines
    plan = Plan(first=FIRST, last=LAST)
    begun = time.process_time()
    for name in part_names(scratch):
        judge_part((scratch, name, plan, "key of the bench"))
    judging = (time.process_time() - begun) / lines
    whole, memory = _whole(export, folder, plan)
    ratio = (sifting + parting) / floor
    return [
        f"lines                     {lines:,}",
        f"floor                     {1e6 * floor:.1f} us a line",
        f"sifting                   {1e6 * sifting:.1f} us a line, {sifting / floor:.1f} floors",
        f"parting                   {1e6 * parting:.1f} us a line, {parting / floor:.1f} floors",
        f"sifting and parting       {ratio:.1f} floors (at most {PARTING_AT_MOST:.0f})",
        f"judging                   {1e6 * judging:.1f} us a line",
        f"results a minute a core   {60 / (sifting + parting + judging) / 1e6:.2f} M lines",
        f"whole command             {whole:.0f} s with {WORKERS} workers",
        f"largest process           {memory:.0f} MB",
    ]


def _floor(cut: Sequence[Any]) -> int:
    decoder = msgspec.json.Decoder(_Whose)
    number = 0
    for piece in cut:
        for line in lines_of(piece):
            decoder.decode(line)
            number += 1
    return number


def _whole(export: Path, folder: Path, plan: Plan) -> tuple[float, float]:
    job = Job(
        export=(export,),
        out=folder / "report",
        plan=plan,
        load=default_terminology,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        workers=WORKERS,
        memory="1GB",
        scratch=folder / "whole",
        versions=(),
    )
    begun = time.monotonic()
    run(job, Progress(lambda _: None, terminal=False))
    took = time.monotonic() - begun
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return took, max(children, own) / 1024
