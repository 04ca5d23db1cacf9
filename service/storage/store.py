"""The store: the cards that were issued and their outcomes. SQLAlchemy Core, no ORM.

Nothing in it names a patient: patient and user are keyed hashes, results are states. Clinicians'
comments can contain anything, so they are in a separate table that is pruned by age.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from service.error_codes import ErrorCode
from service.errors import StorageUnavailable
from service.resilience.bulkhead import Full
from service.storage.database import BUSY_SECONDS, code_of, create_engine, limit_waiting
from service.storage.pseudonyms import keyed_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Dialect, Engine

    from service.resilience.bulkhead import Bulkhead

HURRIED_SECONDS = 0.5
"""How long remembering a card, or looking it up, may delay the answer."""

REST_SECONDS = 5.0
"""How long the memory of cards does not ask a database after a timeout."""


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
    sa.Column("indicator", sa.String(10), nullable=False),
    sa.Column("issued_at", UtcDateTime, nullable=False),
    sa.Column("rule_table_version", sa.String(30), nullable=False),
    sa.Column("patient_hash", sa.String(64), nullable=False),
    sa.Column("user_hash", sa.String(64), nullable=False),
    sa.Column("disposition", sa.String(10), nullable=False),
    # The states of the card (`feedback.news.CardStates`); lists as JSON.
    sa.Column("findings", sa.Text, nullable=False),
    sa.Column("neutrophils", sa.String(10), nullable=True),
    sa.Column("platelets", sa.String(10), nullable=True),
    sa.Column("drugs", sa.Text, nullable=False),
    sa.Column("referral", sa.String(10), nullable=True),
    sa.Column("marrow", sa.String(10), nullable=True),
    sa.Column("data_quality", sa.String(10), nullable=True),
    sa.Index("issued_card_of_patient", "client", "patient_hash", "issued_at"),
    sa.Index("issued_card_issued_at", "issued_at"),
)

issued_suggestion = sa.Table(
    "issued_suggestion",
    metadata,
    sa.Column("uuid", sa.String(64), primary_key=True),
    sa.Column("card", sa.String(64), nullable=False, index=True),
    sa.Column("orders", sa.Text, nullable=False),
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


class Storage:
    """One database. Every use of it is one transaction; `bulkhead` bounds the threads in one.

    `on_failure` is called with the code of every failure. Raises StorageUnavailable, with a stable
    code and no driver text, for any failure.
    """

    def __init__(
        self,
        engine: Engine,
        hash_key: str,
        *,
        bulkhead: Bulkhead | None = None,
        on_failure: Callable[[ErrorCode], None] = lambda _code: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self._hash_key = hash_key
        self._bulkhead = bulkhead
        self._on_failure = on_failure
        self._monotonic = monotonic
        self._rests_until = 0.0

    @contextmanager
    def transaction(
        self, *, only_reads: bool = False, hurried: bool = False
    ) -> Iterator[Connection]:
        """Open one transaction; commit at the end, roll back on any error.

        `hurried`: somebody waits for cards meanwhile. It waits little, and fails at once for some
        time after a timeout.
        """
        started = self._monotonic()
        seconds = HURRIED_SECONDS if hurried else BUSY_SECONDS
        self._refuse_to_create()
        if hurried and started < self._rests_until:
            raise self._failed(ErrorCode.STORAGE_UNAVAILABLE)
        try:
            with self._place(seconds), self._begin(seconds, only_reads=only_reads) as connection:
                yield connection
        except Full:
            raise self._failed(ErrorCode.STORAGE_BUSY) from None
        except (SQLAlchemyError, sqlite3.Error) as error:
            code = code_of(error)
            now = self._monotonic()
            if code == ErrorCode.STORAGE_UNAVAILABLE and now - started > HURRIED_SECONDS:
                self._rests_until = now + REST_SECONDS
            raise self._failed(code) from error
        self._rests_until = 0.0

    def _place(self, seconds: float) -> AbstractContextManager[None]:
        return self._bulkhead.place(seconds) if self._bulkhead is not None else nullcontext()

    @contextmanager
    def _begin(self, seconds: float, *, only_reads: bool) -> Iterator[Connection]:
        engine = self.engine.execution_options(only_reads=only_reads, busy_seconds=seconds)
        with engine.begin() as connection:
            limit_waiting(connection, seconds)
            yield connection

    def _refuse_to_create(self) -> None:
        """SQLite would create an empty file and then miss its tables."""
        url = self.engine.url
        if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
            return
        if not Path(str(url.database)).exists():
            raise self._failed(ErrorCode.STORAGE_NOT_MIGRATED)

    def _failed(self, code: ErrorCode) -> StorageUnavailable:
        self._on_failure(code)
        message = _MESSAGES.get(code, "The store of issued cards and feedback is unavailable.")
        return StorageUnavailable(message, code=code, retry_after=_RETRY_AFTER.get(code, 0))

    def hashed(self, *parts: str) -> str:
        """A keyed hash: the same patient or user gives the same hash, nobody can reverse it."""
        return keyed_hash(self._hash_key, *parts)

    def insert_once(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that leaves an existing row alone."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()


def prune(storage: Storage, before: datetime) -> int:
    """Delete comments received before a moment; give their number. Raises StorageUnavailable."""
    with storage.transaction() as connection:
        done = connection.execute(
            sa.delete(feedback_comment).where(feedback_comment.c.received_at < before)
        )
        return done.rowcount


_MESSAGES = {
    ErrorCode.STORAGE_NOT_MIGRATED: "The store lacks tables: run 'heme-hooks storage upgrade'.",
    ErrorCode.STORAGE_LOCKED: "The store is locked by another writer.",
    ErrorCode.STORAGE_READ_ONLY: "The store cannot be written to.",
    ErrorCode.STORAGE_FULL: "The store's disk is full.",
    ErrorCode.STORAGE_BUSY: "Too many calls wait for the store already.",
}
_RETRY_AFTER = {
    ErrorCode.STORAGE_BUSY: 1,
    ErrorCode.STORAGE_LOCKED: 1,
    ErrorCode.STORAGE_UNAVAILABLE: 5,
}


__all__ = [
    "Storage",
    "create_engine",
    "feedback",
    "feedback_comment",
    "feedback_suggestion",
    "issued_card",
    "issued_suggestion",
    "metadata",
    "prune",
    "used_token",
]
