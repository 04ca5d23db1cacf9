"""A headless Chromium, the service and a FHIR server; one page per test, watched for trouble."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from io import StringIO
from threading import Thread
from typing import TYPE_CHECKING, Any
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
from tests.browser.pages import Sandbox
from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
ON_SERVER = ("index-pattern", "two-lines")


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        pass


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The application on a free port of loopback, in a thread."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
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
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests, each of which gets a context of its own."""
    if find_spec("playwright") is None:
        missing("playwright is not installed: pip install .[test]")
    if not os.access(CHROMIUM, os.X_OK):
        missing("chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def sandbox(chromium: Any, service: str, tmp_path: Path) -> Iterator[Sandbox]:
    """The page, not yet opened. Trouble in the console, or another host asked, fails the test."""
    context = chromium.new_context(viewport={"width": 1360, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(10_000)
    page = context.new_page()
    trouble: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    opened = Sandbox(page, service)
    yield opened
    context.close()
    unexpected = [text for text in trouble if not any(part in text for part in opened.expected)]
    assert unexpected == []
    assert hosts <= {urlsplit(service).netloc, ""}
