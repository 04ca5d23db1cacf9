"""A port that closes resets no connection that was made."""

from __future__ import annotations

import socket
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from service.commands.graceful_stop import SETTLE, ignore_new_handshakes, stop_in_order

HOST = "127.0.0.1"
CALLERS = 4


def answer_all(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        with connection:
            connection.setblocking(True)
            connection.recv(1)
            connection.sendall(b"y")


def call(address: tuple[str, int], closed: threading.Event, ends: list[str]) -> None:
    """Connect and ask, again and again; note what became of connections that were made."""
    while not closed.is_set():
        try:
            connection = socket.create_connection(address, 5)
        except OSError:  # refused: a proxy goes on to the next instance
            return
        with connection:
            try:
                connection.sendall(b"x")
                ends.append("answered" if connection.recv(1) else "cut off")
            except OSError as error:
                ends.append(type(error).__name__)


def close_under_calls(*, in_order: bool) -> list[str]:
    """Close a port while callers come; what became of those whose connection was made."""
    listener = socket.create_server((HOST, 0), backlog=512)
    listener.setblocking(False)
    closed = threading.Event()
    ends: list[str] = []
    arguments = (listener.getsockname(), closed, ends)
    callers = [threading.Thread(target=call, args=arguments) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    until = time.monotonic() + 0.02
    while time.monotonic() < until:
        answer_all(listener)
    if in_order:
        ignore_new_handshakes([listener])
        time.sleep(SETTLE)
    answer_all(listener)
    # What a busy machine may put between the last connection that is taken and the end.
    time.sleep(0.003)
    listener.close()
    closed.set()
    for caller in callers:
        caller.join(20)
    return ends


@pytest.mark.skipif(sys.platform != "linux", reason="socket filters are Linux's")
def test_a_port_that_closes_in_order_resets_no_connection() -> None:
    cut: set[str] = set()
    for _ in range(200):
        cut |= set(close_under_calls(in_order=False))
        if cut > {"answered"}:
            break
    assert cut > {"answered"}, "closed at once, connections are reset: else this shows nothing"
    kept = [end for _ in range(2) for end in close_under_calls(in_order=True)]
    assert set(kept) == {"answered"}


@pytest.mark.parametrize("shared", ["systemd", "reexec_pid", "master_pid"])
def test_a_port_that_another_process_goes_on_serving_is_left_as_it_is(shared: str) -> None:
    listener = socket.create_server((HOST, 0))
    stopped: list[bool] = []
    owners = {"systemd": False, "reexec_pid": 0, "master_pid": 0, shared: 7}
    server = SimpleNamespace(
        LISTENERS=[SimpleNamespace(sock=listener)], stop=stopped.append, **owners
    )
    stop_in_order(server, drain=0)
    server.stop(True)
    assert stopped == [True]
    with listener:
        socket.create_connection(listener.getsockname(), 1).close()
