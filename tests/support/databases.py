"""Databases for tests: a SQLite file, and a real PostgreSQL started for the run.

A PostgreSQL that is absent skips its tests with the reason, and fails them under
HEME_HOOKS_REQUIRE_SERVERS=1.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sqlalchemy as sa

from service.storage import migrations
from service.storage.database import create_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),)


def _find(program: str) -> str | None:
    for place in _PLACES:
        if (place / program).exists():
            return str(place / program)
    return shutil.which(program)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class PostgreSQL:
    """One PostgreSQL cluster in a folder of its own."""

    folder: Path
    port: int
    pg_ctl: str

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"postgresql+psycopg://heme@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        """Make one more database; its URL."""
        name = f"store_{uuid4().hex}"
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url.removesuffix("postgres") + name

    def _as_owner(self, *command: str) -> list[str]:
        # PostgreSQL refuses to run as root.
        return ["runuser", "-u", "nobody", "--", *command] if os.getuid() == 0 else list(command)

    def create(self, initdb: str) -> None:
        """Make the cluster and start it."""
        self.folder.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody")
        data = str(self.folder / "data")
        subprocess.run(
            self._as_owner(initdb, "-D", data, "-U", "heme", "-A", "trust", "--no-sync"),
            check=True,
            capture_output=True,
            cwd="/",
        )
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c fsync=off"
        subprocess.run(
            self._as_owner(
                self.pg_ctl,
                *("-D", str(self.folder / "data"), "-w", "-t", "60", "-o", options),
                *("-l", str(self.folder / "log"), "start"),
            ),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `mode` is that of pg_ctl."""
        subprocess.run(
            self._as_owner(self.pg_ctl, "-D", str(self.folder / "data"), "-m", mode, "-w", "stop"),
            check=False,
            capture_output=True,
            cwd="/",
        )

    def restart(self) -> None:
        """Stop it and start it again, on the same port."""
        self.stop()
        self.start()


def upgraded(url: str) -> str:
    """Make the tables; the same URL."""
    engine = create_engine(url)
    migrations.upgrade(engine)
    engine.dispose()
    return url


def running_postgresql() -> Iterator[PostgreSQL]:
    """Yield a running PostgreSQL; skip, or fail when servers are required, where there is none."""
    initdb, pg_ctl = _find("initdb"), _find("pg_ctl")
    if initdb is None or pg_ctl is None:
        message = "PostgreSQL is not installed (Debian: postgresql)"
        if os.environ.get("HEME_HOOKS_REQUIRE_SERVERS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with tempfile.TemporaryDirectory() as folder:
        # pytest's own folders are closed to the user that PostgreSQL runs as.
        Path(folder).chmod(0o755)
        server = PostgreSQL(Path(folder) / "postgresql", free_port(), pg_ctl)
        server.create(initdb)
        try:
            yield server
        finally:
            server.stop("immediate")  # nobody reads it again
