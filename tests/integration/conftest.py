"""Real FHIR servers, each started once for a whole run."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from service.demo.embedded_server import embedded_server
from tests.support import ehr
from tests.support.databases import running_postgresql, upgraded
from tests.support.servers import hapi_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.databases import PostgreSQL


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment of this run."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  the run's own clock


@pytest.fixture(scope="session")
def hapi(pytestconfig: pytest.Config) -> Iterator[str]:
    """The base URL of a real HAPI FHIR JPA R4 server."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with ExitStack() as stack:
        with capture.global_and_fixture_disabled():  # its version and start time belong in the log
            base = stack.enter_context(hapi_server())
        yield base


@pytest.fixture(scope="session")
def embedded() -> Iterator[str]:
    """The base URL of the demo's own FHIR server."""
    with embedded_server() as base:
        yield base


@pytest.fixture(scope="session", params=["hapi", "embedded"])
def fhir_server(request: pytest.FixtureRequest) -> str:
    """Each kind of real FHIR server in turn."""
    base: str = request.getfixturevalue(request.param)
    return base


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    """Our own connection to those servers, to look at what they hold."""
    with requests.Session() as session:
        session.headers["Cache-Control"] = "no-cache"
        yield session


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A real PostgreSQL."""
    yield from running_postgresql()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite store with its tables."""
    return upgraded(f"sqlite:///{tmp_path}/store.sqlite3")


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.sqlite3"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def url(new_url: str) -> str:
    """The URL of a store with its tables, on each kind of database in turn."""
    return upgraded(new_url)


@pytest.fixture(autouse=True)
def closed_stores() -> Iterator[None]:
    """Close what the products of a test left open."""
    yield
    while ehr.OPEN:
        ehr.OPEN.pop().dispose()


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    """Two clients, north and south."""
    return ehr.write_clients(tmp_path)
