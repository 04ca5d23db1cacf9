"""The engines give the same rows. Spark runs as a command, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from service.samples.year import FIRST, LAST
from tests.support.odd_export import write_odd_export

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration
SECONDS = 600


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as at a hospital."""
    command = [sys.executable, "-c", "from service.cli import main; main()", "backtest"]
    period = ["--from", FIRST.isoformat(), "--to", LAST.isoformat()]
    environment = os.environ | {"HEME_HOOKS_HASH_KEY": "a key of thirty-two characters or more"}
    return subprocess.run(
        [*command, *arguments, *period, "--memory", "1GB"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with everything that exports are odd in."""
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        if os.environ.get("HEME_HOOKS_REQUIRE_SERVERS"):
            pytest.fail("Spark or Java is missing.")
        pytest.skip("needs the extra spark and Java")
    folder = tmp_path_factory.mktemp("odd") / "export"
    write_odd_export(folder)
    return folder


def test_all_engines_give_the_same_rows(export: Path, tmp_path: Path) -> None:
    """Spark reads and writes by URI, as it would on a cluster."""
    local, spark = tmp_path / "local", tmp_path / "spark"
    done = run(str(export), "--out", str(local), "--workers", "3")
    assert done.returncode == 1, done.stderr
    done = run(
        *(export.as_uri(), "--out", spark.as_uri(), "--scratch", str(tmp_path / "scratch")),
        *("--engine", "spark", "--workers", "2"),
    )
    assert done.returncode == 1, done.stderr[-2000:]
    assert f"{spark.as_uri()}/report.html" in done.stdout
    for name in ("card", "judged", "episode", "disease", "person", "failure"):
        rows = [
            duckdb.read_parquet(str(folder / "verdicts" / f"{name}.parquet")).fetchall()
            for folder in (local, spark)
        ]
        assert rows[0] == rows[1], name
        assert rows[0] or name in {"disease", "failure"}
    for path in sorted((local / "tables").glob("*.csv")):
        if path.stem != "unreadable":  # files are named by path there, by name here
            assert path.read_text("utf-8") == (spark / "tables" / path.name).read_text("utf-8")
    counted = [sum(row[2] for row in _table(folder, "unreadable")) for folder in (local, spark)]
    assert counted[0] == counted[1] == 4
    assert not (tmp_path / "scratch").exists()
    assert not (tmp_path / "spark.unfinished").exists()


def _table(folder: Path, name: str) -> list[list[int]]:
    parts = json.loads((folder / "report.json").read_text("utf-8"))["parts"]
    found: list[list[int]] = next(
        table["rows"] for part in parts for table in part["tables"] if table["name"] == name
    )
    return found


def test_an_export_that_is_not_whole_is_refused_by_spark_too(export: Path, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "a.ndjson").write_bytes(b"{}\n")
    manifest = {
        "transactionTime": "2026-01-01T00:00:00Z",
        "output": [{"type": "Patient", "url": "https://e.example/b.ndjson"}],
    }
    (tmp_path / "export" / "manifest.json").write_text(json.dumps(manifest))
    where = ("--out", str(tmp_path / "report"), "--engine", "spark", "--workers", "1")
    done = run((tmp_path / "export").as_uri(), *where)
    assert done.returncode == 2, done.stderr[-2000:]
    assert "b.ndjson among them" in done.stderr
    assert not (tmp_path / "report").exists()
