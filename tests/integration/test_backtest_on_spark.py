"""The two engines give the same rows. Spark runs as a command, in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from service.samples.bulk_export import write_export
from service.samples.year import FIRST, LAST, persons

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration
SECONDS = 600


def run(export: Path, out: Path, engine: str) -> None:
    """The command, as at a hospital."""
    command = [
        sys.executable,
        "-c",
        "from service.cli import main; main()",
        "backtest",
        str(export),
    ]
    command += ["--from", FIRST.isoformat(), "--to", LAST.isoformat(), "--out", str(out)]
    command += ["--engine", engine, "--workers", "2", "--memory", "1GB"]
    environment = os.environ | {"HEME_HOOKS_HASH_KEY": "a key of thirty-two characters or more"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode in {0, 1}, done.stderr[-2000:]


def test_spark_and_duckdb_give_the_same_rows(tmp_path: Path) -> None:
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        if os.environ.get("HEME_HOOKS_REQUIRE_SERVERS"):
            pytest.fail("Spark or Java is missing.")
        pytest.skip("needs the extra spark and Java")
    some = persons()
    write_export(
        [each for person in some[40:75] + some[-3:] for each in person], tmp_path / "export"
    )
    with (tmp_path / "export" / "odd.ndjson").open("wb") as file:
        file.write(b"\xef\xbb\xbf" + b"{broken\r\n\xff\r\n[1]\r\n")
    for engine in ("local", "spark"):
        run(tmp_path / "export", tmp_path / engine, engine)
    for name in ("card", "judged", "episode", "disease", "person"):
        rows = [
            duckdb.read_parquet(str(tmp_path / engine / "verdicts" / f"{name}.parquet")).fetchall()
            for engine in ("local", "spark")
        ]
        assert rows[0] == rows[1]
        assert rows[0] or name == "disease"
    for table in ("burden", "outcomes", "types"):
        text = {
            (tmp_path / engine / "tables" / f"{table}.csv").read_text("utf-8")
            for engine in ("local", "spark")
        }
        assert len(text) == 1
