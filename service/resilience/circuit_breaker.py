"""A circuit breaker: what repeatedly gave no answer is not called, and tried again now and then.

Written here because the library for it (pybreaker 1.4) holds its lock while the guarded call runs:
one hung call would block every other call, which a breaker must prevent.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES = 3
"""Calls in a row without an answer that open the circuit."""

REST_SECONDS = 5.0
"""How long all calls are refused; then one call tries, while the others are still refused."""


class CircuitBreaker:
    """The circuit to one server. Times are those of `timer`, in seconds."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        rest: float = REST_SECONDS,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._rest = rest
        self._timer = timer
        self._lock = Lock()
        self._failures = 0
        self._closed_again_at = float("-inf")
        self._try_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self._try_at is not None

    def seconds_to_wait(self) -> float:
        """Return 0 when the call may go on, as a trial where the circuit is open."""
        with self._lock:
            if self._try_at is None:
                return 0.0
            now = self._timer()
            if now >= self._try_at:
                self._try_at = now + self._rest
                return 0.0
            return self._try_at - now

    def succeeded(self) -> bool:
        """Record an answer; return whether it closed the circuit."""
        with self._lock:
            was_open = self._try_at is not None
            self._try_at = None
            self._failures = 0
            self._closed_again_at = self._timer()
            return was_open

    def failed(self, begun: float) -> bool:
        """Record a call begun then that got no answer; return whether it opened the circuit.

        A call begun before the last answer says nothing about the server now.
        """
        with self._lock:
            if begun < self._closed_again_at:
                return False
            self._failures += 1
            if self._try_at is None and self._failures < self._limit:
                return False
            opened = self._try_at is None
            self._try_at = self._timer() + self._rest
            return opened
