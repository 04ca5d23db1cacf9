"""A run on Spark, from the export to the report; the tables and the page are those of any run.

Spark tries failed tasks again by itself, so there is nothing to resume. The rows come to this
machine, where the report is made; they are as many as there are cards and months, not results.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from service.backtest.run import Judged, record_end, write_report
from service.backtest.scratch import Scratch, decode_counts
from service.backtest.spark_engine import counted, judged, lost_lines, session, sifted
from service.backtest.tables import load

if TYPE_CHECKING:
    from service.backtest.progress import Progress
    from service.backtest.run import Job
    from service.backtest.sift import Counts


def run_on_spark(job: Job, progress: Progress) -> bool:
    """Run; whether the report is complete. Raises what `run` raises."""
    began = monotonic()
    scratch = Scratch(job.scratch)
    scratch.open("spark", resume=False)
    spark = session(job.workers, job.memory)
    try:
        progress.stage("reading")
        found = sifted(spark, [str(path) for path in job.export], job.load)
        counts = _counts(counted(found))
        plan = msgspec.structs.replace(job.plan, record_end=record_end(counts))
        progress.stage("sorting by patient and judging")
        lost = lost_lines(found)
        key = job.hash_key or scratch.key()
        path = scratch.verdicts / "rows.ndjson"
        with path.open("wb") as file:
            for row in judged(spark, found, plan, job.load, key).toLocalIterator():
                file.write(bytes(row["row"]) + b"\n")
    finally:
        spark.stop()
    tables = load((path,), job.memory, scratch.temporary)
    left = Judged((path,), counts, lost, plan, ())
    complete = write_report(job, left, tables, progress, began, len(counts))
    tables.engine.close()
    scratch.remove()
    return complete


def _counts(rows: list[tuple[str, bytes]]) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for name, packed in rows:
        counts = decode_counts(packed)
        if name in found:
            found[name].add(counts)
        else:
            found[name] = counts
    return found
