"""A run from the export to the report: read, sift, part, judge, count, write."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from service.backtest.committee_report import as_csv, as_html, as_json, tables_of
from service.backtest.duckdb_connection import duckdb_errors
from service.backtest.export import find_files, pieces
from service.backtest.figures.report import report_of
from service.backtest.local_engine import judge_part, part, part_names
from service.backtest.report_folder import report_folder
from service.backtest.review import OWN_COLUMNS, SHEET, write_review
from service.backtest.scratch import NoRoom, Scratch, fingerprint, write_whole
from service.backtest.sheets import free_name, is_as_written
from service.backtest.sift import Counts
from service.backtest.tables import load
from service.backtest.workers import Setting, Workers, sift_piece
from service.backtest.worklist import COLUMNS as WORKLIST_COLUMNS
from service.backtest.worklist import write_worklist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from fhir_mappings.terminology import Terminology
    from service.backtest.export import ExportFile
    from service.backtest.plan import Plan
    from service.backtest.progress import Progress
    from service.backtest.tables import Tables

_RARE = 1000
"""The last results of a record, one in so many, do not tell where it ends: dates can be wrong."""

_GB = 10**9
_PACKED = 10
"""Scratch needs at most the bytes of an export, and so many times those of its packed files."""


class NothingToJudge(RuntimeError):
    """No moment lies in the period; the message is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run is asked to do. `hash_key` empty: a key is made and goes with the scratch.

    `sources` is the export as named, `remote_out` a URI that the report goes to: for Spark.
    """

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
    sources: tuple[str, ...] = ()
    remote_out: str = ""


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

    Raises ExportNotUsable, ScratchNotUsable, NothingToJudge.
    """
    began = monotonic()
    files = find_files(job.export)
    scratch = Scratch(job.scratch)
    with room_errors(scratch, files), report_folder(job.out) as folder:
        mark = fingerprint(files, job.plan, *(f"{name}={value}" for name, value in job.versions))
        scratch.open(mark, resume=job.resume)
        if not job.resume:
            _check_room(scratch, files)
        workers = Workers(Setting(job.load), job.workers)
        try:
            judged = _judge(job, scratch, workers, files, progress)
        finally:
            workers.stop()
        complete = report_on(
            job,
            folder,
            judged,
            scratch,
            progress,
            began,
            len(files),
            lambda name: not is_as_written(job.out / name, OWN_COLUMNS),
        )
    scratch.remove()
    return complete


@contextmanager
def room_errors(scratch: Scratch, files: Sequence[ExportFile]) -> Iterator[None]:
    """Say what was short, and how much is needed. Raises NoRoom."""
    try:
        yield
    except OSError as error:
        what = error.strerror or "A file cannot be written"
        raise NoRoom(f"{what}: {_room(scratch, files)}") from None
    except NoRoom as error:
        raise NoRoom(f"{error} {_room(scratch, files)}") from None


def _needed(files: Sequence[ExportFile]) -> int:
    return sum(file.size * (_PACKED if file.is_packed else 1) for file in files)


def _room(scratch: Scratch, files: Sequence[ExportFile]) -> str:
    text = f"scratch may need {_size(_needed(files))}"
    place = next(
        (each for each in (scratch.folder, *scratch.folder.parents) if each.exists()), None
    )
    if place is not None:
        text += f"; {_size(shutil.disk_usage(place).free)} are free in {place}"
    return f"{text}. --scratch and --out name other places."


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= _GB / 10 else f"{number / 1e6:.1f} MB"


def _check_room(scratch: Scratch, files: Sequence[ExportFile]) -> None:
    """Raises NoRoom when the disk cannot hold what is written while sorting."""
    if shutil.disk_usage(scratch.folder).free < _needed(files):
        scratch.remove()
        raise NoRoom("The disk of the scratch folder is too small:")


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


def report_on(
    job: Job,
    folder: Path,
    judged: Judged,
    scratch: Scratch,
    progress: Progress,
    began: float,
    files: int,
    is_taken: Callable[[str], bool],
) -> bool:
    """Write everything that is reported into a folder; whether the report is complete.

    `is_taken` tells the names in `out` whose files stay as they are.
    Raises NothingToJudge, ScratchNotUsable, OSError.
    """
    with duckdb_errors("the tables"):
        tables = load(judged.files, job.memory, scratch.temporary)
        with tables.engine:
            if not tables.number("SELECT sum(number) FROM judged"):
                raise NothingToJudge(_what_was_found(tables))
            progress.stage("counting and writing")
            took = timedelta(seconds=round(monotonic() - began))
            complete = _write_report(job, folder, judged, tables, took, files)
            progress.done()
            _write_what_names_patients(job, folder, tables, progress, is_taken)
            return complete


def _write_report(
    job: Job,
    folder: Path,
    judged: Judged,
    tables: Tables,
    took: timedelta,
    files: int,
) -> bool:
    about = (
        *job.versions,
        ("files of the export", str(files)),
        ("settings", msgspec.json.encode(judged.plan).decode()),
        ("time", f"finished {job.now():%Y-%m-%d %H:%M} UTC, took {took}"),
    )
    report = report_of(tables, judged.counts, judged.lost, judged.plan, judged.failed_parts, about)
    for each in (folder / "tables", folder / "verdicts"):
        each.mkdir(mode=0o700)
    _write(folder / "report.html", as_html(report))
    _write(folder / "report.json", as_json(report))
    for table in tables_of(report):
        _write(folder / "tables" / f"{table.name}.csv", as_csv(table))
    tables.export(folder / "verdicts")
    _write(folder / "run.json", json.dumps(dict(about), indent=1) + "\n")
    return not report.incomplete


def _write_what_names_patients(
    job: Job,
    folder: Path,
    tables: Tables,
    progress: Progress,
    is_taken: Callable[[str], bool],
) -> None:
    """Write the review sheet and the worklist, beside those that people wrote into."""
    if job.plan.examples:
        name = free_name(SHEET, is_taken)
        write_review(tables, folder / name, job.plan.examples)
        _tell(progress, f"{job.remote_out.rstrip('/') or job.out}/", SHEET, name)
    if job.worklist is not None:
        place = job.worklist
        name = free_name(
            place.name, lambda each: not is_as_written(place.with_name(each), WORKLIST_COLUMNS)
        )
        write_worklist(tables, place.with_name(name))
        _tell(progress, f"{place.parent}/", place.name, name)


def _tell(progress: Progress, folder: str, wanted: str, name: str) -> None:
    if name != wanted:
        progress.note(
            f"{folder}{wanted} holds what people wrote and stays as it is; the new one is {name}."
        )
    progress.note(f"{folder}{name} names patients.")


def _what_was_found(tables: Tables) -> str:
    ((first, last),) = tables.rows(
        "SELECT min(first_count), max(last_count) FROM person WHERE first_count <> ''"
    )
    found = f"blood counts from {first} to {last}" if first else "no blood count of a known patient"
    return f"No moment lies in the period; the export holds {found}."


def _write(path: Path, text: str) -> None:
    write_whole(path, text.encode())
