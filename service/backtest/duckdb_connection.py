"""Connections to DuckDB: bounded in memory, closed to the network, and clear about a full disk."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from service.backtest.scratch import NoRoom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def connect(memory: str, threads: int, temporary: Path) -> duckdb.DuckDBPyConnection:
    """Return an engine that keeps to its memory, writes nothing but to `temporary`."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "threads": threads,
        "temp_directory": str(temporary),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(config=settings)
    connection.execute("SET enable_progress_bar = false")
    return connection


@contextmanager
def duckdb_errors(doing: str) -> Iterator[None]:
    """Say what could not be done for want of disk or memory. Raises NoRoom."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        what = "memory" if isinstance(error, duckdb.OutOfMemoryException) else "disk"
        raise NoRoom(f"The engine has too little {what} for {doing}.") from None
