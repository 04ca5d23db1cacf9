"""Real FHIR servers, each started once for a whole run."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import requests

from service.embedded_server import embedded_server
from tests.servers import hapi_server

if TYPE_CHECKING:
    from collections.abc import Iterator


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
