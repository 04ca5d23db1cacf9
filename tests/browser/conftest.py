"""A headless Chromium, the service and a FHIR server; one page per test, watched for trouble."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from io import StringIO
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pytest
import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from service import samples
from service.app import create_app, utc_now
from service.demo.embedded_server import embedded_server
from service.settings import Settings
from service.storage.migrations import upgrade
from service.storage.store import create_engine
from tests.browser.pages import EvidenceApp, Sandbox
from tests.browser.smart_round import SmartRound, smart_round
from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
T = TypeVar("T", bound="EvidenceApp | Sandbox")
ON_SERVER = ("index-pattern", "two-lines")


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        pass


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """The application on this port of loopback (0: a free one), in a thread."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def fhir_server() -> Iterator[str]:
    """A FHIR server with two sample patients."""
    if find_spec("sekmet") is None:
        missing("the embedded FHIR server is not installed: pip install .[demo]")
    with embedded_server() as base, requests.Session() as session:
        samples.load(base, session, utc_now(), ON_SERVER)
        yield base


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service, with a store that takes feedback."""
    folder = tmp_path_factory.mktemp("store")
    url = f"sqlite:///{folder / 'browser.sqlite3'}"
    upgrade(create_engine(url))
    app = create_app(Settings(database_url=url, call_deadline=15), log_stream=StringIO())
    with serving(app) as base:
        yield base


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    """What drives the browsers."""
    if find_spec("playwright") is None:
        missing("playwright is not installed: pip install .[test]")
    if not os.access(CHROMIUM, os.X_OK):
        missing("chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@contextmanager
def _chromium(playwright: Any, *flags: str) -> Iterator[Any]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="session")
def chromium(playwright: Any) -> Iterator[Any]:
    """One browser for all tests, each of which gets a context of its own."""
    with _chromium(playwright) as browser:
        yield browser


@contextmanager
def watched_page(browser: Any, make: Callable[[Any], T], allowed: set[str]) -> Iterator[T]:
    """A page in a context of its own. Trouble in its console, or another host asked, fails."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(30_000)
    page = context.new_page()
    trouble: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    opened = make(page)
    yield opened
    context.close()
    unexpected = [text for text in trouble if not any(part in text for part in opened.expected)]
    assert unexpected == []
    assert hosts <= {*allowed, ""}


@pytest.fixture
def sandbox(chromium: Any, service: str) -> Iterator[Sandbox]:
    """The page, not yet opened."""
    allowed = {urlsplit(service).netloc}
    with watched_page(chromium, lambda page: Sandbox(page, service), allowed) as opened:
        yield opened


@pytest.fixture(scope="session")
def smart(fhir_server: str) -> Iterator[SmartRound]:
    """A small EHR with the app, and a page of somebody else."""
    if find_spec("authlib") is None:
        missing("Authlib is not installed: pip install .[demo]")
    with smart_round(fhir_server, serving) as made:
        yield made


@pytest.fixture
def evidence_app(chromium: Any, smart: SmartRound) -> Iterator[EvidenceApp]:
    """The app, not yet launched."""
    with watched_page(chromium, lambda page: EvidenceApp(page, smart), smart.hosts) as opened:
        yield opened


@pytest.fixture
def phased_out_app(playwright: Any, smart: SmartRound) -> Iterator[EvidenceApp]:
    """The app in a browser that keeps no cookie of a third party."""
    with (
        _chromium(playwright, "--test-third-party-cookie-phaseout") as browser,
        watched_page(browser, lambda page: EvidenceApp(page, smart), smart.hosts) as opened,
    ):
        yield opened
