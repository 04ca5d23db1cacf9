"""One machine: DuckDB brings all lines of a patient together, worker processes judge.

DuckDB holds what `memory` allows and puts the rest into the scratch folder.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from service.backtest import verdicts
from service.backtest.duckdb_connection import connect, duckdb_errors
from service.backtest.judging import judge
from service.backtest.merged_records import merged
from service.backtest.scratch import write_whole
from service.backtest.sift import LONGEST_KEPT
from service.backtest.workers import SEPARATOR, run_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from service.backtest.plan import Plan
    from service.backtest.scratch import Scratch

_BYTES_OF_A_PART = 128 * 1024 * 1024
_SMALL_PART = 4 * 1024 * 1024
_USUAL_PARTS = 64
_WORKER_MEMORY = "256MB"
_AT_ONCE = 64
_LONGEST_ROW = LONGEST_KEPT + 64 * 1024


def part(scratch: Scratch, memory: str, threads: int, parts: int | None = None) -> dict[str, int]:
    """Part the sifted lines by patient; return how many lines had an alias that names nobody."""
    done = scratch.parts / "done"
    if not done.exists():
        for left in scratch.parts.glob("part=*/*"):
            left.unlink()
        size = sum(path.stat().st_size for path in scratch.sifted.glob("*.csv"))
        number = parts or max(min(_USUAL_PARTS, 2 + size // _SMALL_PART), size // _BYTES_OF_A_PART)
        doing = f"sorting {size / 1e9:.1f} GB by patient with {memory} of memory"
        with duckdb_errors(doing), connect(memory, threads, scratch.temporary) as engine:
            lost = _part(engine, scratch, number)
        write_whole(done, "\n".join(f"{name}={n}" for name, n in lost.items()).encode())
    rows = (line.rpartition("=") for line in done.read_text("ascii").splitlines())
    return {name: int(n) for name, _, n in rows}


def _part(engine: duckdb.DuckDBPyConnection, scratch: Scratch, parts: int) -> dict[str, int]:
    _read(engine, "lines", scratch.sifted / "*.csv", ("who", "refers", "line"), view=True)
    _read(engine, "named", scratch.sifted / "*.aliases", ("name", "patient"))
    _read(engine, "medicines", scratch.sifted / "*.shared", ("key", "line"))
    engine.execute(
        "CREATE TABLE alias AS SELECT name, min(patient) AS patient, "
        "count(DISTINCT patient) AS patients FROM named GROUP BY name"
    )
    rows = engine.execute(
        "SELECT name, patient FROM alias WHERE starts_with(name, 'Patient/') AND patients = 1"
    ).fetchall()
    engine.execute("CREATE TABLE merged (name VARCHAR, patient VARCHAR)")
    if chains := merged(dict(rows)):
        engine.executemany("INSERT INTO merged VALUES (?, ?)", list(chains.items()))
    engine.execute(_OWNED)
    engine.execute(
        f"COPY ({_WITH_MEDICINES}) TO '{_quoted(scratch.parts)}' "
        "(FORMAT parquet, PARTITION_BY (part), COMPRESSION zstd, OVERWRITE_OR_IGNORE true)",
        {"parts": parts},
    )
    lost = engine.execute(
        "SELECT coalesce(any_value(patients), 0) > 1, count(*) FROM lines "
        "LEFT JOIN alias ON name = who WHERE starts_with(who, 'identifier|') "
        "AND coalesce(patients, 0) <> 1 GROUP BY who"
    ).fetchall()
    return {
        "an identifier of two patients": sum(n for of_two, n in lost if of_two),
        "an identifier of nobody": sum(n for of_two, n in lost if not of_two),
    }


_OWNED = """
CREATE VIEW owned AS
SELECT coalesce(merged.patient, named.patient) AS patient, refers, line FROM (
  SELECT CASE WHEN starts_with(who, 'identifier|') THEN alias.patient ELSE who END AS patient,
    refers, line
  FROM lines LEFT JOIN alias ON name = who AND patients = 1 AND starts_with(who, 'identifier|')
) AS named LEFT JOIN merged ON merged.name = named.patient
WHERE named.patient IS NOT NULL
"""

_WITH_MEDICINES = """
SELECT patient, line, CAST(hash(patient) % $parts AS INTEGER) AS part FROM (
  SELECT patient, line FROM owned
  UNION ALL
  SELECT DISTINCT owned.patient, medicines.line FROM owned JOIN medicines ON key = refers
)
"""


def _read(
    engine: duckdb.DuckDBPyConnection,
    name: str,
    files: Path,
    columns: tuple[str, ...],
    *,
    view: bool = False,
) -> None:
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    kind = "VIEW" if view else "TABLE"
    # A view takes no parameters; the path is quoted, and all else is written here.
    engine.execute(
        f"CREATE {kind} {name} AS SELECT * FROM read_csv('{_quoted(files)}', delim='{SEPARATOR}', "  # noqa: S608
        "quote='', escape='', header=false, auto_detect=false, new_line='\\n', "
        f"max_line_size={_LONGEST_ROW}, buffer_size={2 * _LONGEST_ROW}, "
        f"columns={{{types}}})"
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def part_names(scratch: Scratch) -> list[str]:
    """Return the parts that hold patients."""
    return sorted(path.name for path in scratch.parts.glob("part=*"))


def judge_part(task: tuple[Scratch, str, Plan, str]) -> None:
    """Judge the patients of one part and write their rows; done already: nothing."""
    scratch, name, plan, key = task
    out = scratch.verdicts / f"{name.partition('=')[2]}.ndjson"
    if out.exists():
        return
    run = run_of(plan, key)
    rows: list[bytes] = []
    doing = f"{name} with {_WORKER_MEMORY} of memory"
    with duckdb_errors(doing), connect(_WORKER_MEMORY, 1, scratch.temporary / name) as engine:
        for patient, lines in patients_of(engine, scratch.parts / name):
            rows += map(verdicts.encode, judge(run, patient.removeprefix("Patient/"), lines))
    rows.append(b"")
    write_whole(out, b"\n".join(rows))


def patients_of(
    engine: duckdb.DuckDBPyConnection, folder: Path
) -> Iterator[tuple[str, list[bytes]]]:
    """Yield each patient of a part, as `Patient/id`, with all lines."""
    found = engine.execute(
        "SELECT patient, line FROM read_parquet($files) ORDER BY patient",
        {"files": str(folder / "*.parquet")},
    )

    def rows() -> Iterator[tuple[str, str]]:
        while several := found.fetchmany(_AT_ONCE):
            yield from several

    for patient, several in groupby(rows(), key=lambda row: row[0]):
        yield patient, [line.encode() for _, line in several]
