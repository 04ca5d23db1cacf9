"""Limits that only real servers show: large heads, slow senders, and a stop in the middle."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from service.commands.serve import gunicorn_command
from service.demo.processes import HOST, free_port
from tests.support.deadlines import AMPLE, SLACK, until
from tests.support.gunicorn_server import served, session
from tests.support.hook_calls import URL, call, empty_prefetch
from tests.support.nginx_server import nginx
from tests.support.raw_server import http, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = json.dumps(call(prefetch=empty_prefetch())).encode()
HEADERS = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(1, 4, database_url="", max_request_bytes=str(64 * 1024)) as (address, _):
        yield address


def exchange(base: str, request: bytes, *, end: bool = False) -> str:
    """Send bytes as they are, and that there are no more; the first line of the answer."""
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(request)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(65536).decode("latin-1").partition("\r\n")[0]


def head(*lines: str, path: str = URL) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def test_a_head_that_is_too_large_is_431(base: str) -> None:
    assert " 431 " in exchange(base, head(f"Authorization: Bearer {'x' * 8300}"))
    assert " 431 " in exchange(base, head(*(f"X-{number}: 1" for number in range(100))))


def test_an_address_that_is_too_long_is_414(base: str) -> None:
    assert " 414 " in exchange(base, head(path=URL + "?" + "x" * 9000))


def test_a_chunked_body_is_held_to_the_limit_too(base: str) -> None:
    opening = head("Content-Type: application/json", "Transfer-Encoding: chunked")
    fits = chunk(BODY) + chunk(b" " * 1024) + chunk(b"")
    assert " 200 " in exchange(base, opening + fits)
    large = chunk(BODY) + chunk(b" " * 65536) + chunk(b"")
    assert " 413 " in exchange(base, opening + large)


def chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def test_chunks_that_are_malformed_are_400(base: str) -> None:
    opening = head("Content-Type: application/json", "Transfer-Encoding: chunked")
    for body in (b"no-number\r\n", b"5\r\nabc", b"5\r\nabcdefg\r\n", b"-1\r\n", b"5;\n"):
        assert " 400 " in exchange(base, opening + body, end=True), body


def test_gunicorn_logs_nothing_that_a_caller_wrote() -> None:
    port = free_port()
    command = gunicorn_command(HOST, port, workers=1, threads=2)
    environment = {**os.environ, "HEME_HOOKS_DATABASE_URL": ""}
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    base = f"http://{HOST}:{port}"
    try:
        _wait_for(base)
        for request in (
            b"GET /Xq7Marker Xq7Marker HTTP/1.1\r\n\r\n",
            b"XQ7MARKER\r\n\r\n",
            head("X Xq7Marker: 1"),
            head("Content-Length: Xq7Marker"),
            head("Transfer-Encoding: Xq7Marker"),
            head("Content-Type: application/json", "Transfer-Encoding: chunked") + b"Xq7Marker\r\n",
            head(path="/Xq7Marker?" + "x" * 5000),
        ):
            assert exchange(base, request).split(" ")[1] in {"400", "404", "414", "501"}
    finally:
        child.terminate()
        written, _ = child.communicate(timeout=40)
    assert b"Invalid request refused" in written
    assert b"xq7marker" not in written.lower()


def test_a_body_that_ends_too_soon_is_400_or_closed(base: str) -> None:
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(head("Content-Type: application/json", "Content-Length: 500") + b"{")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536).decode("latin-1")
    assert not answer or " 400 " in answer.partition("\r\n")[0]


@contextmanager
def half_sent(base: str, number: int) -> Iterator[None]:
    """So many callers that send the head of a call and then nothing."""
    host, port = base.removeprefix("http://").split(":")
    begun = [socket.create_connection((host, int(port)), 10) for _ in range(number)]
    try:
        for connection in begun:
            connection.sendall(
                head("Content-Type: application/json", f"Content-Length: {len(BODY)}") + BODY[:20]
            )
        yield
    finally:
        for connection in begun:
            connection.close()


def test_slow_senders_hold_up_nobody_behind_the_shipped_nginx(base: str, tmp_path: Path) -> None:
    upstream = base.removeprefix("http://")
    with nginx(tmp_path / "nginx", upstream) as front, session() as browser:
        assert browser.post(front + URL, data=BODY, headers=HEADERS, timeout=20).ok
        with half_sent(front, 40):
            # With no proxy in front, four of them would hold all four threads.
            time.sleep(0.3)
            for _ in range(10):
                answer = browser.post(front + URL, data=BODY, headers=HEADERS, timeout=10)
                assert answer.status_code == 200
        for path in ("/metrics", "/health/live"):
            assert browser.get(front + path, timeout=10).status_code in {200, 404}


def test_nginx_answers_413_and_431_itself(base: str, tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx", base.removeprefix("http://")) as front, session() as browser:
        large = head("Content-Type: application/json", f"Content-Length: {17 * 1024 * 1024}")
        assert " 413 " in exchange(front, large)
        assert " 431 " in exchange(front, head(f"Authorization: Bearer {'x' * 9000}"))
        answer = browser.post(front + URL, data=BODY, headers=HEADERS, timeout=10)
        assert answer.headers["X-Request-Id"]
    log = (tmp_path / "nginx" / "heme-hooks.log").read_text()
    assert answer.headers["X-Request-Id"] in log
    assert "Bearer" not in log


def test_a_stop_lets_the_calls_in_flight_finish(tmp_path: Path) -> None:
    asked, refused = threading.Event(), threading.Event()

    def slow(_: str, connection: socket.socket) -> None:
        asked.set()
        refused.wait(AMPLE)
        connection.sendall(http(b"{}"))

    port = free_port()
    command = gunicorn_command(HOST, port, workers=1, threads=4)
    environment = {**os.environ, "HEME_HOOKS_DATABASE_URL": "", "HEME_HOOKS_CALL_DEADLINE": "25"}
    child = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    base = f"http://{HOST}:{port}"
    answers: list[int] = []

    def ask() -> None:
        with session() as browser:
            body = call(fhirServer=server.base)
            answers.append(browser.post(base + URL, json=body, timeout=30).status_code)

    try:
        with raw_server(slow) as server:
            _wait_for(base)
            caller = threading.Thread(target=ask)
            caller.start()
            assert asked.wait(SLACK)
            child.send_signal(signal.SIGTERM)
            until(lambda: not _listens(base))
            assert not answers
            refused.set()
            caller.join(AMPLE)
            assert answers == [412]
            assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait()


def _listens(base: str) -> bool:
    try:
        with session() as browser:
            browser.get(f"{base}/cds-services", timeout=1)
    except requests.RequestException:
        return False
    return True


def _wait_for(base: str) -> None:
    with session() as browser:
        for _ in range(200):
            try:
                if browser.get(f"{base}/cds-services", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
    raise AssertionError("gunicorn does not answer")
