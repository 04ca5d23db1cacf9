"""The store under load: a PostgreSQL server of its own where one is installed, else SQLite."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest
import sqlalchemy as sa

from bench.servers import family_cpu
from service.storage.database import create_engine
from tests.support.databases import PostgreSQL, running_postgresql, upgraded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REPORTED = 1.5
"""Seconds after which what a closed connection did stands in PostgreSQL's statistics."""

_COUNTS = sa.text(
    "SELECT xact_commit + xact_rollback, tup_inserted, pg_database_size(datname)"
    " FROM pg_stat_database WHERE datname = :name"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a database has seen so far."""

    transactions: int
    rows: int
    size: int

    def since(self, before: Counts) -> Counts:
        """The difference."""
        return Counts(
            self.transactions - before.transactions,
            self.rows - before.rows,
            self.size - before.size,
        )


class Database(Protocol):
    """Gives stores to services, and tells what they cost."""

    @property
    def name(self) -> str:
        """The product."""

    def new_store(self) -> str:
        """The URL of one more store, with its tables."""

    def counts(self, url: str) -> Counts | None:
        """What that store has seen, once nobody is connected; None where nothing counts it."""

    def cpu(self) -> float:
        """Seconds of CPU of the database's own processes."""


@dataclass(frozen=True, slots=True)
class _PostgresqlDatabase:
    server: PostgreSQL
    name: str = "PostgreSQL"

    def new_store(self) -> str:
        return upgraded(self.server.new_database())

    def counts(self, url: str) -> Counts | None:
        time.sleep(_REPORTED)
        engine = create_engine(self.server.url)
        with engine.connect() as connection:
            row = connection.execute(_COUNTS, {"name": sa.make_url(url).database}).one()
        engine.dispose()
        return Counts(*row)

    def cpu(self) -> float:
        file = self.server.folder / "data" / "postmaster.pid"
        return family_cpu(int(file.read_text(encoding="ascii").split()[0]))


@dataclass(frozen=True, slots=True)
class _SqliteDatabase:
    folder: Path
    name: str = "SQLite"

    def new_store(self) -> str:
        return upgraded(f"sqlite:///{self.folder}/{uuid4().hex}.sqlite3")

    def counts(self, url: str) -> Counts | None:
        del url
        return None

    def cpu(self) -> float:
        return 0.0  # within the service's processes


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """The database that this machine has, until the end of the block."""
    with closing(running_postgresql()) as servers:  # type: ignore[type-var]
        try:
            server = next(servers)
        except pytest.skip.Exception:
            yield _SqliteDatabase(folder)
            return
        yield _PostgresqlDatabase(server)
