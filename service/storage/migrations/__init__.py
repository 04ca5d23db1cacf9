"""The database schema, step by step (alembic). `upgrade` runs once, before the workers.

alembic is imported where it is used: it takes 7 MB that answering calls does not need.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from service.storage.database import wait_for_ever

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection, Engine

HERE = Path(__file__).parent
_UPGRADE_LOCK = 0x4845_4D45


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to a revision. A second process waits for the first."""
    from alembic import command

    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA journal_mode = WAL")  # type: ignore[union-attr]
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            wait_for_ever(connection)
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def is_current(connection: Connection) -> bool:
    """Whether the database has the newest revision."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() == _newest()


@cache
def _newest() -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head()
