"""The store: what cards were issued and what became of them. SQLAlchemy Core, no ORM.

Nothing in it names a patient: patient and user are keyed hashes, results are states. Comments of
clinicians can hold anything, so they stand in a table of their own that is pruned by age.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from service.errors import StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Dialect, Engine

BUSY_SECONDS = 5.0
"""How long feedback waits for another writer before the store counts as unavailable."""

REMEMBER_SECONDS = 0.5
"""How long remembering a card may hold up the answer that carries it."""


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A timezone-aware moment, kept as UTC on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store as UTC; SQLite keeps no offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs its time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

issued_card = sa.Table(
    "issued_card",
    metadata,
    sa.Column("uuid", sa.String(64), primary_key=True),
    sa.Column("client", sa.String(200), nullable=False),
    sa.Column("service", sa.String(100), nullable=False),
    sa.Column("topic", sa.String(100), nullable=False),
    sa.Column("finding", sa.String(100), nullable=False),
    sa.Column("indicator", sa.String(10), nullable=False),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("rule_table_version", sa.String(30), nullable=False),
    sa.Column("evidence", sa.String(64), nullable=False),
    sa.Column("evidence_states", sa.Text, nullable=False),
    sa.Column("patient_hash", sa.String(64), nullable=False),
    sa.Column("user_hash", sa.String(64), nullable=False),
    sa.Column("disposition", sa.String(10), nullable=False),
    sa.Index("issued_card_seen", "client", "patient_hash", "user_hash", "issued_at"),
    sa.Index("issued_card_issued_at", "issued_at"),
)

issued_suggestion = sa.Table(
    "issued_suggestion",
    metadata,
    sa.Column("uuid", sa.String(64), primary_key=True),
    sa.Column("card", sa.String(64), nullable=False, index=True),
    sa.Column("label", sa.String(200), nullable=False),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("client", sa.String(200), nullable=False),
    sa.Column("service", sa.String(100), nullable=False),
    sa.Column("card", sa.String(64), nullable=False, index=True),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("outcome_timestamp", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False, index=True),
    sa.Column("reason_system", sa.String(200), nullable=True),
    sa.Column("reason_code", sa.String(100), nullable=True),
    sa.UniqueConstraint("client", "card", "outcome", "outcome_timestamp", name="feedback_once"),
)

feedback_suggestion = sa.Table(
    "feedback_suggestion",
    metadata,
    sa.Column("feedback", sa.Integer, sa.ForeignKey("feedback.id"), primary_key=True),
    sa.Column("suggestion", sa.String(64), primary_key=True),
)

feedback_comment = sa.Table(
    "feedback_comment",
    metadata,
    sa.Column("feedback", sa.Integer, sa.ForeignKey("feedback.id"), primary_key=True),
    sa.Column("received_at", UtcDateTime, nullable=False, index=True),
    sa.Column("comment", sa.Text, nullable=False),
)

used_token = sa.Table(
    "used_token",
    metadata,
    sa.Column("issuer", sa.String(500), primary_key=True),
    sa.Column("jti", sa.String(200), primary_key=True),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)


def create_engine(url: str) -> Engine:
    """Make the engine of a database URL; SQLite in WAL mode, its writers queueing briefly."""
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, pool_timeout=BUSY_SECONDS)
    engine = sa.create_engine(url)

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        wait = options.get("busy_seconds", BUSY_SECONDS)
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(wait * 1000)}")
        # A write lock from the start: a read lock upgraded later fails at once instead of waiting.
        connection.exec_driver_sql("BEGIN" if options.get("only_reads") else "BEGIN IMMEDIATE")

    return engine


class Storage:
    """One database. Every use of it is one transaction.

    Raises StorageUnavailable, with a stable code and no driver text, for whatever goes wrong.
    """

    def __init__(self, engine: Engine, hash_key: str) -> None:
        self.engine = engine
        self._hash_key = hash_key.encode()

    @contextmanager
    def transaction(
        self, *, only_reads: bool = False, busy_seconds: float = BUSY_SECONDS
    ) -> Iterator[Connection]:
        """Open one transaction; commit at the end, roll back on any error."""
        self._refuse_to_create()
        engine = self.engine.execution_options(only_reads=only_reads, busy_seconds=busy_seconds)
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    connection.exec_driver_sql(
                        f"SET LOCAL lock_timeout = '{int(busy_seconds * 1000)}ms'"
                    )
                yield connection
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StorageUnavailable(
                "The store of issued cards and feedback is unavailable.", code=_code_of(error)
            ) from error

    def _refuse_to_create(self) -> None:
        """SQLite would create an empty file and then miss its tables."""
        url = self.engine.url
        if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
            return
        if not Path(str(url.database)).exists():
            raise StorageUnavailable(
                "The store has no tables yet: run 'heme-hooks storage upgrade'.",
                code="storage-not-migrated",
            )

    def hashed(self, *parts: str) -> str:
        """A keyed hash: the same patient or user gives the same hash, nobody can go back."""
        text = "\x1f".join(parts).encode()
        return hmac.new(self._hash_key, text, hashlib.sha256).hexdigest()

    def insert_once(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that leaves an existing row alone."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()


_CODES = (
    ("no such table", "storage-not-migrated"),
    ("does not exist", "storage-not-migrated"),
    ("no column named", "storage-not-migrated"),
    ("locked", "storage-locked"),
    ("lock timeout", "storage-locked"),
    ("readonly", "storage-read-only"),
    ("read-only", "storage-read-only"),
    ("disk is full", "storage-full"),
    ("disk full", "storage-full"),
    ("no space left", "storage-full"),
)


def _code_of(error: Exception) -> str:
    """Name the failure; SQLite and PostgreSQL tell it apart only in their text."""
    text = str(error).lower()
    return next((code for phrase, code in _CODES if phrase in text), "storage-unavailable")
