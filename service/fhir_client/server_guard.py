"""What a worker knows about the FHIR servers that its calls wait for, and how it reacts.

At most half of a worker's threads wait for one server; a server that repeatedly gives no answer is
not called for a while (service/resilience). Each worker knows only its own calls.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from service.fhir_client.failures import Failure, FailureKind, FetchFailed
from service.observability.logging import Event, log
from service.resilience.bulkhead import Full, bulkhead_for
from service.resilience.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.base_urls import BaseUrl
    from service.fhir_client.deadline import Deadline
    from service.observability.metrics import Metrics
    from service.resilience.bulkhead import Bulkhead

MOST_SERVERS = 256
"""Servers remembered; in development a call may name any port of loopback."""

LOG_EVERY = 10.0
"""Seconds between two log lines about calls refused for one busy server."""


class ServerGuard:
    """One FHIR server as this worker's calls saw it."""

    def __init__(
        self, host: str, bulkhead: Bulkhead, breaker: CircuitBreaker, metrics: Metrics
    ) -> None:
        self._host = host
        self.bulkhead = bulkhead
        self._breaker = breaker
        self._metrics = metrics
        self._logged_at = float("-inf")

    def enter(self, limit: float) -> Failure | None:
        """Let one call use the server; a Failure when it may not. Follow it by `leave`."""
        wait = self._breaker.seconds_to_wait()
        if wait:
            self._metrics.fhir_calls_refused.labels("circuit-open").inc()
            return Failure(FailureKind.CIRCUIT_OPEN, retry_after=math.ceil(wait))
        try:
            self.bulkhead.enter(limit)
        except Full:
            self._metrics.fhir_calls_refused.labels("too-many-waiting").inc()
            self._log_full()
            return Failure(FailureKind.TOO_MANY_WAITING, retry_after=1)
        return None

    def leave(self, *, answered: bool, timed_out: bool, begun: float) -> None:
        """Give the place back, and record the outcome of the call."""
        self.bulkhead.leave()
        if answered:
            if self._breaker.succeeded():
                self._metrics.fhir_circuits_open.dec()
                log.warning(Event.CIRCUIT_CLOSED, fhir_host=self._host)
        elif timed_out and self._breaker.failed(begun):
            self._metrics.fhir_circuits_open.inc()
            self._metrics.fhir_circuits_opened.inc()
            log.error(Event.CIRCUIT_OPENED, fhir_host=self._host)

    def _log_full(self) -> None:
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY:
            self._logged_at = now
            log.warning(Event.TOO_MANY_WAITING, fhir_host=self._host)

    @property
    def is_forgettable(self) -> bool:
        """Whether nothing that matters is known about the server."""
        return self.bulkhead.is_idle and not self._breaker.is_open


class ServerGuards:
    """The guards of every FHIR server of a worker with so many threads."""

    def __init__(
        self, threads: int, metrics: Metrics, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._threads = threads
        self._metrics = metrics
        self._timer = timer
        self._guards: dict[BaseUrl, ServerGuard] = {}
        self._lock = Lock()

    def visit(self, base: BaseUrl, deadline: Deadline) -> ServerVisit:
        """Return the use of one server by one call; nothing is held before it is needed."""
        with self._lock:
            guard = self._guards.get(base)
            if guard is None:
                self._forget()
                guard = self._guards[base] = self._new(base)
        return ServerVisit(guard, deadline, self._timer)

    def _new(self, base: BaseUrl) -> ServerGuard:
        waiting = self._metrics.calls_waiting.labels("fhir-server").inc
        return ServerGuard(
            base.host,
            bulkhead_for(self._threads, waiting, self._timer),
            CircuitBreaker(timer=self._timer),
            self._metrics,
        )

    def _forget(self) -> None:
        if len(self._guards) >= MOST_SERVERS:
            self._guards = {b: g for b, g in self._guards.items() if not g.is_forgettable}


class ServerVisit:
    """The use of one FHIR server by one call, from its first request to its end."""

    def __init__(self, guard: ServerGuard, deadline: Deadline, timer: Callable[[], float]) -> None:
        self._guard = guard
        self._deadline = deadline
        self._timer = timer
        self._asked = False
        self._refused: Failure | None = None
        self._begun = 0.0
        self._had_time = False
        self._lock = Lock()
        self._searches = _Requests()
        self._reads = _Requests()

    def enter(self) -> Failure | None:
        """Take a place before the first request; the answer stands for the whole call."""
        if not self._asked:
            self._asked = True
            self._refused = self._guard.enter(self._deadline.remaining)
            self._begun = self._timer()
            # What waited long for a place says nothing about the server when its time is up.
            self._had_time = self._deadline.remaining > self._deadline.seconds / 2
        return self._refused

    @contextmanager
    def request(self, *, search: bool) -> Iterator[None]:
        """Watch one request: whether the server answered it, with success or an error."""
        requests = self._searches if search else self._reads
        with self._lock:
            requests.open += 1
        try:
            yield
        except FetchFailed as failed:
            if failed.failure.kind is not FailureKind.DEADLINE:
                self._end(requests, answered=failed.failure.status is not None)
            raise
        self._end(requests, answered=True)

    def _end(self, requests: _Requests, *, answered: bool) -> None:
        with self._lock:
            requests.open -= 1
            requests.answered += answered
        if answered:
            self._guard.bulkhead.answered()

    def leave(self) -> None:
        """Give the place back at the end of the call; what is still open then was not answered."""
        if self._asked and self._refused is None:
            with self._lock:
                searches, reads = self._searches, self._reads
                # A server that reads a Patient quickly but answers no search still hangs,
                # and one that is late with one large search does not.
                answered = searches.answered or (reads.answered and not searches.open)
                late = searches.open or reads.open
            self._guard.leave(
                answered=bool(answered), timed_out=bool(late) and self._had_time, begun=self._begun
            )
        self._asked, self._refused = True, Failure(FailureKind.DEADLINE)


@dataclass(slots=True)
class _Requests:
    """How many requests were answered, and how many are not yet, or never were."""

    answered: int = 0
    open: int = 0
