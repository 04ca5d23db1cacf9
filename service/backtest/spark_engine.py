"""A cluster: Spark brings all lines of a patient together, its executors judge.

The kernel, the lines and the rows are those of the local engine. Lines are grouped, never trusted
to come in an order; they travel as bytes.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from service.backtest import verdicts
from service.backtest.judging import judge
from service.backtest.merged_records import merged
from service.backtest.patient_record import Run
from service.backtest.scratch import ScratchNotUsable
from service.backtest.sift import Sifter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyspark.sql import DataFrame

    from fhir_mappings.terminology import Terminology
    from service.backtest.plan import Plan

_SIFTED = "kind string, who string, refers string, line binary, file string"
_ROWS = "row binary"
_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("who", pa.string()),
        ("refers", pa.string()),
        ("line", pa.binary()),
        ("file", pa.string()),
    ]
)
_LONGEST_LINE = 256 * 1024 * 1024


def session(workers: int, memory: str) -> SparkSession:
    """Return a session: that of the cluster when one is set up, else one on this machine."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("heme-hooks backtest")
    if "SPARK_MASTER" not in os.environ and not os.environ.get("MASTER"):
        builder = builder.master(f"local[{workers}]")
    settings = {
        "spark.driver.memory": memory.lower().removesuffix("b"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
        "spark.sql.files.maxPartitionBytes": str(64 * 1024 * 1024),
        "spark.hadoop.mapreduce.input.linerecordreader.line.maxlength": str(_LONGEST_LINE),
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    made: SparkSession = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


@contextmanager
def spark_errors() -> Iterator[None]:
    """Say that Spark gave up, in the words of its kind of error alone. Raises ScratchNotUsable."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        kind = type(error).__name__
        raise ScratchNotUsable(f"Spark gave up ({kind}); its own log says why.") from None


def sifted(spark: SparkSession, files: Sequence[str], load: Callable[[], Terminology]) -> DataFrame:
    """Return the lines that are read, aliases, Medications, and what was counted, by kind."""
    # Without a separator of its own, Spark ends lines at a carriage return too.
    lines = (
        spark.read.option("lineSep", "\n")
        .text(list(files))
        .select(
            F.col("value").cast("binary").alias("value"),
            F.col("_metadata.file_name").alias("file"),
        )
    )
    return lines.mapInArrow(partial(_sift, load), _SIFTED).persist()


def _sift(
    load: Callable[[], Terminology], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    terminology = load()
    sifters: dict[str, Sifter] = {}
    for batch in batches:
        rows: list[tuple[str, str, str, bytes, str]] = []
        names = batch.column("file")
        for place, value in enumerate(batch.column("value")):
            name = names[place].as_py()
            sifter = sifters.setdefault(name, Sifter(terminology))
            found = sifter.sift(value.as_py() or b"")
            if found is not None:
                rows.append(("line", found.who, found.refers, found.line, name))
            elif sifter.is_full:
                rows += [("line", each.who, "", each.line, name) for each in sifter.set_aside()]
        yield _batch(rows)
    for name, sifter in sifters.items():
        rows = [("line", each.who, "", each.line, name) for each in sifter.set_aside()]
        rows += [("alias", each.name, each.patient, b"", name) for each in sifter.aliases]
        rows += [("shared", each.key, "", each.line, name) for each in sifter.shared]
        rows.append(("counts", "", "", msgspec.msgpack.encode(sifter.counts), name))
        yield _batch(rows)


def _batch(rows: Sequence[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else ([],) * len(_SCHEMA)
    arrays = [
        pa.array(list(column), type=field.type)
        for column, field in zip(columns, _SCHEMA, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)


def counted(found: DataFrame) -> list[tuple[str, bytes]]:
    """Return what was counted, by file."""
    rows = found.where("kind = 'counts'").select("file", "line").collect()
    return sorted((row["file"], bytes(row["line"])) for row in rows)


def lost_lines(found: DataFrame) -> dict[str, int]:
    """Return how many lines an identifier names that is nobody's, or two patients'."""
    lines = found.where("kind = 'line' AND startswith(who, 'identifier|')")
    names = _aliases(found)
    rows = (
        lines.join(names, lines["who"] == names["name"], "left")
        .groupBy((F.coalesce("patients", F.lit(0)) > 1).alias("of_two"))
        .agg(F.sum(F.when(F.coalesce("patients", F.lit(0)) != 1, 1).otherwise(0)).alias("n"))
        .collect()
    )
    numbers = {bool(row["of_two"]): int(row["n"]) for row in rows}
    return {
        "an identifier of two patients": numbers.get(True, 0),
        "an identifier of nobody": numbers.get(False, 0),
    }


def _aliases(found: DataFrame) -> DataFrame:
    return (
        found.where("kind = 'alias'")
        .groupBy(F.col("who").alias("name"))
        .agg(F.min("refers").alias("patient"), F.countDistinct("refers").alias("patients"))
    )


def judged(
    spark: SparkSession, found: DataFrame, plan: Plan, load: Callable[[], Terminology], key: str
) -> DataFrame:
    """Return the rows of every patient, one a line of JSON."""
    names = _aliases(found)
    replaced = names.where("startswith(name, 'Patient/') AND patients = 1").collect()
    chains = merged({row["name"]: row["patient"] for row in replaced})
    ends = spark.createDataFrame(
        [(name, patient) for name, patient in chains.items()], "old string, stands string"
    )
    by_name = names.where("startswith(name, 'identifier|') AND patients = 1")
    owned = (
        found.where("kind = 'line'")
        .join(by_name, found["who"] == by_name["name"], "left")
        .withColumn(
            "named",
            F.when(F.col("who").startswith("identifier|"), F.col("patient")).otherwise(
                F.col("who")
            ),
        )
        .where("named IS NOT NULL")
        .join(F.broadcast(ends), F.col("named") == F.col("old"), "left")
        .select(F.coalesce("stands", "named").alias("owner"), "refers", "line")
    )
    medicines = found.where("kind = 'shared'").select(
        F.col("who").alias("key"), F.col("line").alias("medicine")
    )
    named = owned.where("refers <> ''").select("owner", "refers").distinct()
    with_medicines = owned.select("owner", "line").unionByName(
        named.join(medicines, named["refers"] == medicines["key"]).select(
            "owner", F.col("medicine").alias("line")
        )
    )
    # Spark reads the arguments of the function itself: a partial it does not understand.
    return with_medicines.groupBy("owner").applyInArrow(
        lambda table: _judge(plan, load, key, table), _ROWS
    )


def _judge(plan: Plan, load: Callable[[], Terminology], key: str, table: pa.Table) -> pa.Table:
    owner = table.column("owner")[0].as_py()
    lines = [bytes(each) for each in table.column("line").to_pylist()]
    run = Run(plan, _loaded(load), key)
    rows = [verdicts.encode(row) for row in judge(run, owner.removeprefix("Patient/"), lines)]
    return pa.table({"row": pa.array(rows, type=pa.binary())})


_terminologies: dict[str, Terminology] = {}


def _loaded(load: Callable[[], Terminology]) -> Terminology:
    """The terminology of this executor, loaded once."""
    name = repr(load)
    if name not in _terminologies:
        _terminologies[name] = load()
    return _terminologies[name]
