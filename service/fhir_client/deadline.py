"""One deadline for a whole hook call, and how a server is held to it.

A socket timeout holds for one read only: a server that sends a byte now and then never times out.
So whoever waits for the answer stops at the deadline, and then cuts the sockets that are still
waiting, which ends their threads too.
"""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock, Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class SocketWatch:
    """The socket that one request is using now, so that it can be cut from another thread."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._handle: socket.socket | None = None
        self._cut = False

    def attach(self, sock: socket.socket) -> None:
        """Register the socket; one that comes after the cut is cut at once."""
        with self._lock:
            self._forget()
            self._socket = sock
            if self._cut:
                _shut(sock)

    def attach_before_handshake(self, sock: socket.socket) -> None:
        """Take note of a connection that is about to begin TLS, which takes `sock` itself away."""
        handle = sock.dup()
        self.attach(handle)
        self._handle = handle

    def release(self) -> None:
        """Forget the socket: it goes back to the pool and may serve another call."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._socket = None
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def cut(self) -> None:
        """End whatever the socket is waiting for."""
        with self._lock:
            self._cut = True
            if self._socket is not None:
                _shut(self._socket)


class Deadline:
    """The `seconds` of one call, and what is left of them."""

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._timer = timer
        self._end = timer() + seconds
        self._watches: set[SocketWatch] = set()
        self._parts: list[Deadline] = []
        self._lock = Lock()
        self._over = False

    @property
    def remaining(self) -> float:
        """Seconds left, 0 when none are."""
        return max(0.0, self._end - self._timer())

    def part(self, share: float) -> Deadline:
        """A deadline of its own at this share of the whole time, and never after this one."""
        part = Deadline(min(self.remaining, self.seconds * share), self._timer)
        with self._lock:
            self._parts.append(part)
        return part

    @contextmanager
    def watch(self) -> Iterator[SocketWatch]:
        """Watch the socket of the request made inside this block."""
        watch = SocketWatch(self)
        with self._lock:
            self._watches.add(watch)
            if self._over:
                watch.cut()
        token = current_watch.set(watch)
        try:
            yield watch
        finally:
            current_watch.reset(token)
            watch.release()
            with self._lock:
                self._watches.discard(watch)

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Cut what the block still waits for when the time is up.

        A socket's own time-out begins anew with each byte: a dripping server would never be late.
        """
        cut = Timer(self.remaining, self.cut)
        cut.daemon = True
        cut.start()
        try:
            yield
        finally:
            cut.cancel()

    def cut(self) -> None:
        """End every request of this call that is still under way."""
        with self._lock:
            self._over = True
            watches, parts = tuple(self._watches), tuple(self._parts)
        for watch in watches:
            watch.cut()
        for part in parts:
            part.cut()


current_watch: ContextVar[SocketWatch | None] = ContextVar("current_watch", default=None)
"""The watch of the request that runs in this context."""


def _shut(sock: socket.socket) -> None:
    # SSLSocket.shutdown also drops its TLS state, under the feet of the thread that is reading.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
