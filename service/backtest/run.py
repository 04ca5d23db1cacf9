"""A run from the export to the report: read, sift, part, judge, count, write."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from service.backtest.committee_report import as_csv, as_html, as_json, tables_of
from service.backtest.export import find_files, pieces
from service.backtest.figures.report import report_of
from service.backtest.local_engine import judge_part, part, part_names
from service.backtest.review import write_review
from service.backtest.scratch import Scratch, ScratchNotUsable, fingerprint, write_whole
from service.backtest.sift import Counts
from service.backtest.tables import load
from service.backtest.workers import Setting, Workers, sift_piece
from service.backtest.worklist import write_worklist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from fhir_mappings.terminology import Terminology
    from service.backtest.export import ExportFile
    from service.backtest.plan import Plan
    from service.backtest.progress import Progress
    from service.backtest.tables import Tables

_RARE = 1000
"""The last results of a record, one in so many, do not tell where it ends: dates can be wrong."""

_PACKED = 10
"""Scratch needs at most the bytes of an export, and so many times those of its packed files."""


class NothingToJudge(RuntimeError):
    """No moment lies in the period; the message is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run is asked to do. `hash_key` empty: a key is made and goes with the scratch."""

    export: tuple[Path, ...]
    out: Path
    plan: Plan
    load: Callable[[], Terminology]
    now: Callable[[], datetime]
    workers: int
    memory: str
    scratch: Path
    versions: tuple[tuple[str, str], ...]
    hash_key: str = ""
    resume: bool = False
    worklist: Path | None = None
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What an engine leaves behind for the report."""

    files: tuple[Path, ...]
    counts: Mapping[str, Counts]
    lost: Mapping[str, int]
    plan: Plan
    failed_parts: tuple[str, ...]


def run(job: Job, progress: Progress) -> bool:
    """Run on this machine; whether the report is complete.

    Raises ExportNotUsable, ScratchNotUsable, NothingToJudge, OSError.
    """
    began = monotonic()
    files = find_files(job.export)
    scratch = Scratch(job.scratch)
    mark = fingerprint(files, job.plan, *(f"{name}={value}" for name, value in job.versions))
    scratch.open(mark, resume=job.resume)
    _check_room(scratch, files)
    workers = Workers(Setting(job.load), job.workers)
    try:
        judged = _judge(job, scratch, workers, files, progress)
    finally:
        workers.stop()
    tables = load(judged.files, job.memory, scratch.temporary)
    complete = write_report(job, judged, tables, progress, began, len(files))
    tables.engine.close()
    scratch.remove()
    return complete


def _check_room(scratch: Scratch, files: Sequence[ExportFile]) -> None:
    """Raises ScratchNotUsable when the disk cannot hold what is written while sorting."""
    need = sum(file.size * (_PACKED if file.is_packed else 1) for file in files)
    free = shutil.disk_usage(scratch.folder).free
    if free < need:
        raise ScratchNotUsable(
            f"The scratch folder has {free / 1e9:.1f} GB free and may need {need / 1e9:.1f} GB;"
            " name another one with --scratch."
        )


def _judge(
    job: Job,
    scratch: Scratch,
    workers: Workers,
    files: Sequence[ExportFile],
    progress: Progress,
) -> Judged:
    progress.stage("reading")
    tasks = [(piece, scratch.sifted, f"{n:06}") for n, piece in enumerate(pieces(files))]
    whole = sum(piece.end - piece.start for piece, _, _ in tasks)
    read = 0
    failed: list[str] = []
    for (piece, _, _), done in workers.each(sift_piece, tasks):
        read += piece.end - piece.start
        progress.at(read, whole)
        if not done:
            failed.append(f"reading {piece.file.name}")
    counts = scratch.counts()
    plan = msgspec.structs.replace(job.plan, record_end=record_end(counts))
    progress.stage("sorting by patient")
    lost = part(scratch, job.memory, job.workers, job.parts)
    progress.stage("judging")
    key = job.hash_key or scratch.key()
    names = part_names(scratch)
    for place, (task, done) in enumerate(
        workers.each(judge_part, [(scratch, name, plan, key) for name in names]), 1
    ):
        progress.at(place, len(names))
        if not done:
            failed.append(task[1])
    rows = tuple(sorted(scratch.verdicts.glob("*.ndjson")))
    return Judged(rows, counts, lost, plan, tuple(failed))


def record_end(counts: Mapping[str, Counts]) -> datetime | None:
    """Return where the record of the export ends: when all but very few results are behind it."""
    days = sum((each.days for each in counts.values()), start=Counts().days)
    left = days.total() // _RARE
    for day, number in sorted(days.items(), reverse=True):
        left -= number
        if left < 0:
            try:
                return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
            except ValueError:
                continue
    return None


def write_report(
    job: Job, judged: Judged, tables: Tables, progress: Progress, began: float, files: int
) -> bool:
    """Write everything into the folder of the report; whether it is complete."""
    if not tables.number("SELECT sum(number) FROM judged"):
        raise NothingToJudge(_what_was_found(judged))
    progress.stage("counting and writing")
    took = timedelta(seconds=round(monotonic() - began))
    about = (
        *job.versions,
        ("files of the export", str(files)),
        ("settings", msgspec.json.encode(judged.plan).decode()),
        ("time", f"finished {job.now():%Y-%m-%d %H:%M} UTC, took {took}"),
    )
    report = report_of(tables, judged.counts, judged.lost, judged.plan, judged.failed_parts, about)
    for folder in (job.out, job.out / "tables", job.out / "verdicts"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(job.out / "report.html", as_html(report))
    _write(job.out / "report.json", as_json(report))
    for table in tables_of(report):
        _write(job.out / "tables" / f"{table.name}.csv", as_csv(table))
    tables.export(job.out / "verdicts")
    _write(job.out / "run.json", json.dumps(dict(about), indent=1) + "\n")
    if judged.plan.examples:
        write_review(tables, job.out, judged.plan.examples)
    if job.worklist is not None:
        write_worklist(tables, job.worklist)
    progress.done()
    return not report.incomplete


def _what_was_found(judged: Judged) -> str:
    days = sorted(day for each in judged.counts.values() for day in each.days)
    found = f"results from {days[0]} to {days[-1]}" if days else "no result"
    return f"No moment lies in the period; the export holds {found}."


def _write(path: Path, text: str) -> None:
    write_whole(path, text.encode())


def remove(scratch: Path) -> None:
    """Remove a scratch folder when it is one."""
    if (scratch / "run").exists():
        shutil.rmtree(scratch, ignore_errors=True)
