"""gunicorn's threaded worker, with two threads of its own for what must never wait behind calls.

Liveness, readiness, metrics and discovery are asked by machines that take silence for death. When
every thread waits for a hung FHIR server, a load balancer would end a worker that is well.
"""

from __future__ import annotations

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from socket import MSG_DONTWAIT, MSG_PEEK
from threading import Barrier
from typing import TYPE_CHECKING, Any

from gunicorn.workers.gthread import (  # type: ignore[import-untyped]
    DEFAULT_WORKER_DATA_TIMEOUT,
    TConn,
    ThreadWorker,
)

from service.commands.graceful_stop import is_stopping
from service.routes.readiness import STOPPING

if TYPE_CHECKING:
    import socket

_AT_ONCE = (b"GET /health/live", b"GET /cds-services", b"OPTIONS ", b"HEAD ")
"""Answered from memory."""

_FOR_OPERATORS = (b"GET /health/", b"GET /metrics")
"""May wait for the store, so not on the thread of liveness."""

_LONGEST_HEAD = 4096

TRIM_EVERY = 10.0
"""Seconds between two times that a worker that served something gives memory back."""

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""glibc keeps what was freed below anything still in use, until it is asked; others need not be."""


class CallWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Calls share gunicorn's threads; what never waits has a thread of its own."""

    def init_process(self) -> None:
        """Start the two threads, then serve."""
        self._at_once = ThreadPoolExecutor(1, thread_name_prefix="at-once")
        self._for_operators = ThreadPoolExecutor(1, thread_name_prefix="for-operators")
        self._trimmed_at_request, self._trim_at = 0, 0.0
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and tell it with each request whether this instance stops."""
        super().load_wsgi()
        application: Any = self.wsgi  # type: ignore[has-type]
        self.wsgi = lambda environ, start: application({**environ, STOPPING: is_stopping()}, start)

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the threads for calls, every one of them started.

        ThreadPoolExecutor takes a thread that goes on to the next item for an idle one, and then
        lets a call wait for busy threads instead of starting another.
        """
        pool = ThreadPoolExecutor(self.cfg.threads, thread_name_prefix="call")
        everyone = Barrier(self.cfg.threads + 1)
        for _ in range(self.cfg.threads):
            pool.submit(everyone.wait)
        everyone.wait()
        return pool

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and look at it only when it has said something."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.timeout = time.monotonic() + DEFAULT_WORKER_DATA_TIMEOUT
        self.pending_conns.append(conn)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401  gunicorn's own
        """Hand a request to the threads that its first line asks for."""
        future = self._threads_for(conn).submit(self.handle, conn)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001  gunicorn's own
        """Stop listening, or begin; a worker that ends takes the connections that wait first.

        Kept open until the running calls have ended, its listening socket would go on taking
        connections for which nobody is left, and reset them at the end.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            before = -1
            while self.nr_conns != before:
                before = self.nr_conns
                self.accept(listener)
            listener.close()

    def notify(self) -> None:
        """Tell gunicorn that this worker lives, and give back now and then what calls freed."""
        super().notify()
        now = time.monotonic()
        if self.nr != self._trimmed_at_request and now >= self._trim_at:
            self._trimmed_at_request, self._trim_at = self.nr, now + TRIM_EVERY
            if _trim is not None:
                self._for_operators.submit(_trim, 0)

    def run(self) -> None:
        """Serve until the end, then let the two threads go."""
        super().run()
        self._at_once.shutdown(wait=False)
        self._for_operators.shutdown(wait=False)

    def _threads_for(self, conn: Any) -> ThreadPoolExecutor:  # noqa: ANN401  gunicorn's own
        head = _peek(conn)
        # A head that is not complete could hold up its thread until the sender goes on.
        if b"\r\n\r\n" in head:
            if head.startswith(_AT_ONCE):
                return self._at_once
            if head.startswith(_FOR_OPERATORS):
                return self._for_operators
        calls: ThreadPoolExecutor = self.tpool
        return calls


def _peek(conn: Any) -> bytes:  # noqa: ANN401  gunicorn's own
    """Return what stands on the socket without taking it; nothing where TLS hides it."""
    if conn.cfg.is_ssl or (conn.parser is not None and conn.parser.unreader.buf.getvalue()):
        return b""
    try:
        head: bytes = conn.sock.recv(_LONGEST_HEAD, MSG_PEEK | MSG_DONTWAIT)
    except OSError:
        return b""
    return head
