"""A server on loopback that misbehaves as it is told, connection by connection."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class RawServer:
    """Answers every request by `answer(path, connection)`; remembers what it was asked."""

    def __init__(self, answer: Callable[[str, socket.socket], None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}/fhir"
        self.requests: list[str] = []
        self.stopped = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Take no more connections and let the running answers end."""
        self.stopped.set()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = connection.recv(65536).decode("latin-1")
            self.requests.append(head)
            self._answer(head.split(" ")[1] if " " in head else "", connection)


@contextmanager
def raw_server(answer: Callable[[str, socket.socket], None]) -> Iterator[RawServer]:
    """A `RawServer` for one test."""
    server = RawServer(answer)
    try:
        yield server
    finally:
        server.stop()


def drips_in_the_handshake(_: str, connection: socket.socket) -> None:
    """Begin TLS (RFC 8446, 5.1: a record of 16,000 bytes) and never end it, a byte now and then."""
    connection.sendall(b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c\x03\x03")
    while True:
        connection.sendall(b"\x00")
        time.sleep(0.05)


@contextmanager
def no_handshake(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port of loopback where connecting waits for ever: its queue is full. Linux only."""
    with socket.create_server((host, port), backlog=0) as listener, ExitStack() as waiting:
        address = listener.getsockname()
        for _ in range(4):
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(address)
        yield address[1]


def http(
    body: bytes | dict[str, Any],
    status: str = "200 OK",
    headers: dict[str, str] | None = None,
) -> bytes:
    """One HTTP answer that closes the connection."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {
        "Content-Type": "application/fhir+json",
        "Content-Length": str(len(content)),
        "Connection": "close",
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content
