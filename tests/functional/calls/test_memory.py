"""Nothing that was read for a call outlives it: no cycle holds a body until the collector comes."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.deadlines import until
from tests.support.hook_calls import EMPTY, PATIENT, call, client, empty_prefetch, post
from tests.support.raw_server import http, raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

SIZE = 2_000_000
CALLS = 8
BLANKS = b" " * SIZE
LARGE = json.dumps({**EMPTY, "x": "y" * SIZE}).encode()
LIMITS = {"max_search_bytes": SIZE * 2, "max_call_bytes": SIZE * 20, "database_url": ""}


def answers(searches: bytes) -> Callable[[str, socket.socket], None]:
    def answer(path: str, connection: socket.socket) -> None:
        connection.sendall(http(PATIENT) if "/Patient/" in path else searches)

    return answer


def stalls(_: str, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + BLANKS)
    time.sleep(1.5)


SERVERS = {
    "blanks": answers(http(BLANKS)),
    "too large": answers(http(BLANKS * 3)),
    "broken off": answers(http(BLANKS, headers={"Content-Length": str(SIZE * 2)})),
    "late": stalls,
    "another type": answers(http(json.dumps({**PATIENT, "x": "y" * SIZE}).encode())),
    "in order": answers(http(LARGE)),
}


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


def held_after(browser: FlaskClient, bodies: list[bytes], status: set[int]) -> int:
    """The bytes that calls leave behind, the first one apart: it fills caches.

    Threads whose sockets were cut are given the time to end.
    """
    before = 0
    for number, body in enumerate(bodies):
        assert post(browser, body).status_code in status
        if number == 0:
            before = tracemalloc.get_traced_memory()[0]
    with suppress(AssertionError):
        until(lambda: tracemalloc.get_traced_memory()[0] - before < SIZE)
    return tracemalloc.get_traced_memory()[0] - before


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.usefixtures("collector_off")
def test_what_a_server_sent_is_freed_with_the_call(name: str) -> None:
    with raw_server(SERVERS[name]) as server:
        browser = client(call_deadline=0.8 if name == "late" else 20, **LIMITS)
        bodies = [json.dumps(call(fhirServer=server.base)).encode()] * CALLS
        assert held_after(browser, bodies, {200, 412}) < SIZE


BROKEN = {
    "no JSON": b"{" + BLANKS,
    "a prefetch that cannot be read": json.dumps(
        call(prefetch={"patient": {"resourceType": "Patient", "id": ["x" * SIZE]}})
    ).encode(),
    "in order": json.dumps(call(prefetch=empty_prefetch() | {"smear": json.loads(LARGE)})).encode(),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.usefixtures("collector_off")
def test_what_a_client_sent_is_freed_with_the_call(name: str) -> None:
    browser = client(**LIMITS)
    assert held_after(browser, [BROKEN[name]] * CALLS, {200, 400, 412}) < SIZE
