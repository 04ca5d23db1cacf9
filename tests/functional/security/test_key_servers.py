"""Key servers that hang, drip, send without end or send nonsense, and that recover."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from service.errors import ClientNotAuthenticated
from service.resilience.bulkhead import bulkhead_for
from service.security.key_fetch import MAX_BYTES, KeySetNotFetched, fetch_keys
from service.security.key_sets import (
    COOL_DOWN_SECONDS,
    FRESH_SECONDS,
    KEPT_SECONDS,
    UrlKeySet,
)
from tests.support.deadlines import LATE, SLACK, kept, until
from tests.support.raw_server import drips_in_the_handshake, http, no_handshake, raw_server
from tests.support.tokens import EC_KEY, OTHER_KEY, jwks

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

SECONDS = 1.5
KEYS = http(jwks(ec=EC_KEY).encode())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drips(begin: bytes) -> Callable[[str, socket.socket], None]:
    """A byte now and then, never late by any socket's measure."""

    def answer(_: str, connection: socket.socket) -> None:
        connection.sendall(begin)
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    return answer


def endless(_: str, connection: socket.socket) -> None:
    connection.sendall(HEAD + b"\r\n")
    with suppress(OSError):
        while True:
            connection.sendall(b" " * 65536)


def sends(answer: bytes) -> Callable[[str, socket.socket], None]:
    return lambda _, connection: connection.sendall(answer)


BAD: dict[str, Callable[[str, socket.socket], None]] = {
    "hangs": lambda _, connection: time.sleep(LATE),
    "dripping body": drips(HEAD + b"Content-Length: 100000\r\n\r\n"),
    "dripping headers": drips(HEAD + b"X-Slow: "),
    "endless": endless,
    "large": sends(http(b'{"keys": [' + b" " * MAX_BYTES + b"]}")),
    "redirect": sends(http(b"", "302 Found", {"Location": "http://127.0.0.1:1/"})),
    "error": sends(http(b"", "503 Unavailable")),
    "no JSON": sends(http(b"<html>")),
    "deep": sends(http(b"[" * 100_000)),
    "no object": sends(http(b"[]")),
    "no keys": sends(http(b'{"keys": []}')),
    "keys that are no objects": sends(http(b'{"keys": [1, null]}')),
    "keys that are no list": sends(http(b'{"keys": 1}')),
    "hangs up": lambda _, connection: connection.close(),
}


@pytest.mark.parametrize("name", BAD)
def test_every_bad_key_server_is_over_in_time(name: str) -> None:
    with raw_server(BAD[name]) as server, kept(SECONDS), pytest.raises(KeySetNotFetched):
        fetch_keys(f"{server.base}/keys", SECONDS)


def test_a_handshake_that_drips_is_over_in_time() -> None:
    with (
        raw_server(drips_in_the_handshake) as server,
        kept(SECONDS),
        pytest.raises(KeySetNotFetched),
    ):
        fetch_keys(f"{server.base}/keys".replace("http:", "https:"), SECONDS)


def test_a_connection_that_is_never_made_is_over_in_time() -> None:
    with no_handshake() as port, kept(SECONDS), pytest.raises(KeySetNotFetched):
        fetch_keys(f"http://127.0.0.1:{port}/keys", SECONDS)


def test_an_endless_key_set_takes_little_memory() -> None:
    with raw_server(endless) as server:
        tracemalloc.start()
        try:
            with suppress(KeySetNotFetched):
                fetch_keys(f"{server.base}/keys", 2)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * MAX_BYTES


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Switching:
    """A key server whose behaviour can be changed."""

    def __init__(self, behaviour: Callable[[str, socket.socket], None]) -> None:
        self.behaviour = behaviour

    def __call__(self, path: str, connection: socket.socket) -> None:
        self.behaviour(path, connection)


def key_set(base: str, clock: Clock) -> UrlKeySet:
    return UrlKeySet(partial(fetch_keys, f"{base}/keys", SECONDS), clock, bulkhead_for(8))


def refusal(keys: UrlKeySet, kid: str = "ec") -> str:
    with pytest.raises(ClientNotAuthenticated) as caught:
        keys.key(kid)
    return caught.value.code


@pytest.mark.parametrize("name", ["dripping body", "dripping headers", "endless", "hangs"])
def test_a_client_is_let_in_again_with_the_first_refresh_after_recovery(name: str) -> None:
    clock, server_of_keys = Clock(), Switching(BAD[name])
    with raw_server(server_of_keys) as server:
        keys = key_set(server.base, clock)
        assert refusal(keys) == "key-set-unavailable"
        server_of_keys.behaviour = sends(KEYS)
        assert refusal(keys) == "key-set-unavailable"  # not asked again so soon
        assert len(server.requests) == 1
        clock.now += COOL_DOWN_SECONDS
        assert keys.key("ec").key_id == "ec"


def test_keys_are_renewed_while_calls_go_on_with_the_old_ones() -> None:
    clock, server_of_keys = Clock(), Switching(sends(KEYS))
    with raw_server(server_of_keys) as server:
        keys = key_set(server.base, clock)
        keys.key("ec")
        server_of_keys.behaviour = BAD["dripping body"]
        clock.now += FRESH_SECONDS + 1
        assert keys.key("ec").key_id == "ec"
        assert keys._fetching is not None, "the call did not wait for the fetch"
        until(lambda: keys._fetching is None)
        server_of_keys.behaviour = sends(http(jwks(new=OTHER_KEY).encode()))
        clock.now += COOL_DOWN_SECONDS
        assert keys.key("ec").key_id == "ec"
        until(lambda: keys._fetching is None)
        assert refusal(keys) == "unknown-key"
        assert keys.key("new").key_id == "new"


def test_no_key_is_trusted_for_longer_than_it_may() -> None:
    clock, server_of_keys = Clock(), Switching(sends(KEYS))
    with raw_server(server_of_keys) as server:
        keys = key_set(server.base, clock)
        keys.key("ec")
        server_of_keys.behaviour = BAD["error"]
        clock.now += KEPT_SECONDS + 1
        assert refusal(keys) == "key-set-unavailable"
        assert refusal(keys, "other") == "key-set-unavailable"


def test_half_of_the_threads_wait_for_a_key_server_and_one_fetch_runs() -> None:
    codes: list[str] = []
    with raw_server(BAD["hangs"]) as server:
        keys = key_set(server.base, Clock())
        threads = [threading.Thread(target=lambda: codes.append(refusal(keys))) for _ in range(30)]
        with kept(SECONDS):
            for thread in threads:
                thread.start()
            until(lambda: len(codes) >= 30 - 6)
            assert keys._fetching is not None, "nobody but the six waits for the fetch"
            for thread in threads:
                thread.join(SLACK)
        assert len(server.requests) == 1
    assert set(codes) == {"key-set-unavailable"}


def test_a_key_that_does_not_say_its_use_is_read() -> None:
    content = json.loads(jwks(ec=EC_KEY))
    for key in content["keys"]:
        del key["use"]
    with raw_server(sends(http(content))) as server:
        assert list(fetch_keys(f"{server.base}/keys")) == ["ec"]
