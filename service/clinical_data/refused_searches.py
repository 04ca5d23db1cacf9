"""Which FHIR servers refused a search by code of late."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from service.fhir_client.failures import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir_client.failures import Failure

_REFUSALS = frozenset({400, 414, 422, 501})


def is_refusal(failure: Failure) -> bool:
    """Whether the server refused the search itself, so that another search may be taken."""
    return failure.kind is FailureKind.OUTCOME or failure.status in _REFUSALS


class CodeSearchMemory:
    """Which FHIR servers refused a search by code of late. One per worker; bounded."""

    def __init__(
        self, timer: Callable[[], float], *, seconds: float = 3600.0, most: int = 100
    ) -> None:
        self._timer = timer
        self._seconds = seconds
        self._most = most
        self._until: dict[str, float] = {}
        self._lock = Lock()

    def refuses(self, base_url: str) -> bool:
        """Whether a search by code was refused there within the time remembered."""
        with self._lock:
            return self._until.get(base_url, 0.0) > self._timer()

    def remember(self, base_url: str) -> None:
        """Take note of a refusal; the oldest note gives way when there are too many."""
        with self._lock:
            self._until.pop(base_url, None)
            while len(self._until) >= self._most:
                del self._until[next(iter(self._until))]
            self._until[base_url] = self._timer() + self._seconds
