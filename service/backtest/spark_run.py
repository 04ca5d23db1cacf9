"""A run on Spark, from the export to the report; the tables and the page are those of any run.

Spark tries failed tasks again by itself, so there is nothing to resume. The rows come to this
machine, where the report is made; they are as many as there are cards and months, not results.
Places with a scheme (hdfs://, s3a://) are read and written through Spark's own file systems.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec

from service.backtest.export import find_files
from service.backtest.report_folder import report_folder
from service.backtest.review import OWN_COLUMNS
from service.backtest.run import Judged, record_end, report_on, room_errors
from service.backtest.scratch import Scratch, decode_counts
from service.backtest.sheets import is_as_written
from service.backtest.spark_engine import (
    counted,
    judged,
    lost_lines,
    session,
    sifted,
    spark_errors,
)
from service.backtest.spark_files import REMOTE, find_remote, is_there, put_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.backtest.progress import Progress
    from service.backtest.run import Job
    from service.backtest.sift import Counts


def run_on_spark(job: Job, progress: Progress) -> bool:
    """Run; whether the report is complete. Raises what `run` raises."""
    began = monotonic()
    scratch = Scratch(job.scratch)
    spark = session(job.workers, job.memory)
    try:
        files = _files(spark, job.sources)
        with room_errors(scratch, ()), spark_errors():
            scratch.open("spark", resume=False)
            is_taken = partial(_is_taken, spark, job)
            with report_folder(scratch.folder / "report" if job.remote_out else job.out) as folder:
                judged = _judge(job, spark, files, scratch, progress)
                complete = report_on(
                    job, folder, judged, scratch, progress, began, len(files), is_taken
                )
                if job.remote_out:
                    put_report(spark, folder, job.remote_out)
    finally:
        scratch.remove()
        spark.stop()
    return complete


def _is_taken(spark: Any, job: Job, name: str) -> bool:  # noqa: ANN401  no stubs
    """A sheet that is elsewhere is not read: any that is there stays."""
    if job.remote_out:
        return is_there(spark, f"{job.remote_out.rstrip('/')}/{name}")
    return not is_as_written(job.out / name, OWN_COLUMNS)


def _files(spark: Any, sources: Sequence[str]) -> tuple[str, ...]:  # noqa: ANN401  no stubs
    remote = [each for each in sources if REMOTE in each]
    local = [Path(each) for each in sources if REMOTE not in each]
    found = [each.path.resolve().as_uri() for each in find_files(local)] if local else []
    return (*found, *(find_remote(spark, remote) if remote else ()))


def _judge(
    job: Job,
    spark: Any,  # noqa: ANN401  no stubs
    files: Sequence[str],
    scratch: Scratch,
    progress: Progress,
) -> Judged:
    progress.stage("reading")
    found = sifted(spark, files, job.load)
    counts = _counts(counted(found))
    plan = msgspec.structs.replace(job.plan, record_end=record_end(counts))
    progress.stage("sorting by patient and judging")
    lost = lost_lines(found)
    key = job.hash_key or scratch.key()
    path = scratch.verdicts / "rows.ndjson"
    with path.open("wb") as file:
        for row in judged(spark, found, plan, job.load, key).toLocalIterator():
            file.write(bytes(row["row"]) + b"\n")
    return Judged((path,), counts, lost, plan, ())


def _counts(rows: list[tuple[str, bytes]]) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for name, packed in rows:
        counts = decode_counts(packed)
        if name in found:
            found[name].add(counts)
        else:
            found[name] = counts
    return found
