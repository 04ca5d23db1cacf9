"""The engine of a database URL, and names for what goes wrong with a database.

SQLite in WAL mode, its writers queueing briefly; PostgreSQL through psycopg, where every wait for
the server has an end.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from service.error_codes import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine

BUSY_SECONDS = 5.0
"""How long a writer waits for another one before the store counts as unavailable."""

ANSWER_SECONDS = 1.0
"""How long PostgreSQL may be silent, apart from waits for locks, before a connection is abandoned.
"""

CONNECT_SECONDS = 2
"""How long connecting may take: libpq knows nothing shorter."""

_POOL = {"pool_size": 8, "max_overflow": -1}
"""A thread never waits for another one's connection; a bulkhead bounds the threads."""


class UnusableDatabaseUrl(Exception):
    """No engine can be made of the URL; the message is a sentence that does not repeat it."""


def create_engine(url: str) -> Engine:
    """Make the engine of a database URL. Errors never carry the values of a statement.

    Raises UnusableDatabaseUrl.
    """
    try:
        return _sqlite(url) if url.startswith("sqlite") else _of_a_server(url)
    except ImportError as error:
        if url.startswith("postgresql"):
            raise UnusableDatabaseUrl(
                "HEME_HOOKS_DATABASE_URL names PostgreSQL, which needs its driver: "
                "pip install 'heme-hooks[postgresql]'"
            ) from None
        raise UnusableDatabaseUrl(f"HEME_HOOKS_DATABASE_URL: {type(error).__name__}") from None
    except SQLAlchemyError as error:
        raise UnusableDatabaseUrl(f"HEME_HOOKS_DATABASE_URL: {type(error).__name__}") from None


def _of_a_server(url: str) -> Engine:
    engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, **_POOL)
    if engine.driver == "psycopg":
        event.listen(engine, "do_connect", _bounded_connect())
        event.listen(engine, "checkin", _usual_patience)
    return engine


def _sqlite(url: str) -> Engine:
    options: dict[str, Any] = {} if sa.make_url(url).database in {None, "", ":memory:"} else _POOL
    engine = sa.create_engine(url, hide_parameters=True, **options)

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


def _bounded_connect() -> Callable[[object, object, Sequence[Any], dict[str, Any]], object]:
    """Make psycopg connections that give up on a server that stays connected but silent."""
    import psycopg

    class Bounded(psycopg.Connection[Any]):
        answer_seconds: float | None = ANSWER_SECONDS

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401
            try:
                return super().wait(gen, interval, timeout or self.answer_seconds)
            except psycopg.OperationalError:
                # Still in the middle of a statement: the answer may come any time, or never.
                if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                    self.pgconn.finish()
                raise

    def connect(
        _dialect: object, _record: object, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> object:
        return Bounded.connect(*args, **({"connect_timeout": CONNECT_SECONDS} | kwargs))

    return connect


def _usual_patience(connection: Any, _record: object) -> None:  # noqa: ANN401
    """The next user of a pooled connection pings it first, and should not wait as this one did."""
    if connection is not None:
        connection.answer_seconds = ANSWER_SECONDS


def wait_for_ever(connection: Connection) -> None:
    """Let a PostgreSQL connection be silent as long as it likes: an upgrade rewrites every row."""
    driver = connection.connection.driver_connection
    if hasattr(driver, "answer_seconds"):
        driver.answer_seconds = None  # type: ignore[union-attr]


def limit_waiting(connection: Connection, seconds: float) -> None:
    """Bound the waits of one PostgreSQL transaction: for locks, for statements, for an answer."""
    if connection.dialect.name != "postgresql":
        return
    driver = connection.connection.driver_connection
    if hasattr(driver, "answer_seconds"):
        driver.answer_seconds = seconds + ANSWER_SECONDS  # type: ignore[union-attr]
    lock, statement = f"{int(seconds * 1000)}ms", f"{int((seconds + 1) * 1000)}ms"
    connection.exec_driver_sql(
        f"SELECT set_config('lock_timeout', '{lock}', true),"
        f" set_config('statement_timeout', '{statement}', true)"
    )


_SQLITE_CODES = {
    "SQLITE_BUSY": ErrorCode.STORAGE_LOCKED,
    "SQLITE_LOCKED": ErrorCode.STORAGE_LOCKED,
    "SQLITE_READONLY": ErrorCode.STORAGE_READ_ONLY,
    "SQLITE_FULL": ErrorCode.STORAGE_FULL,
}
_POSTGRESQL_CODES = {
    "42P01": ErrorCode.STORAGE_NOT_MIGRATED,
    "42703": ErrorCode.STORAGE_NOT_MIGRATED,
    "55P03": ErrorCode.STORAGE_LOCKED,
    "40P01": ErrorCode.STORAGE_LOCKED,
    "25006": ErrorCode.STORAGE_READ_ONLY,
    "53100": ErrorCode.STORAGE_FULL,
}
_NOT_MIGRATED = ("no such table", "no such column", "has no column named")


def code_of(error: Exception) -> ErrorCode:
    """Name a failure of the database by the driver's own code for it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = str(getattr(cause, "sqlite_errorname", ""))
    for prefix, code in _SQLITE_CODES.items():
        if name == prefix or name.startswith(f"{prefix}_"):
            return code
    if isinstance(cause, sqlite3.Error) and any(text in str(cause) for text in _NOT_MIGRATED):
        return ErrorCode.STORAGE_NOT_MIGRATED
    state = str(getattr(cause, "sqlstate", ""))
    return _POSTGRESQL_CODES.get(state, ErrorCode.STORAGE_UNAVAILABLE)
