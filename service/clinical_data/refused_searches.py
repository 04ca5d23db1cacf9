"""What FHIR servers refused recently, so that it is not asked for and logged again and again."""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING

from fhir_mappings.panel import DataGroup
from service.fhir_client.failures import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.fhir_client.failures import Failure

CODES = "codes"
"""A search for Observations by code."""

COUNT = "_count"
"""A search with a page size (Microsoft's server: above its maximum)."""

OPTIONAL = frozenset(
    {DataGroup.FILM_REPORTS, DataGroup.MEDICATION_STATEMENTS, DataGroup.APPOINTMENTS}
)
"""Searches that many servers do not offer, and that an answer can do without."""

_PAGE_SIZE = re.compile(r"&_count=[^&]*")
_REFUSALS = frozenset({400, 414, 422, 501})
_UNKNOWN = frozenset({404, 405})


def is_refusal(failure: Failure) -> bool:
    """Whether the server refused the search itself, so that another search may be tried."""
    return failure.kind is FailureKind.OUTCOME or failure.status in _REFUSALS


def is_not_offered(failure: Failure) -> bool:
    """Whether the server knows the resource type or the search not at all."""
    return is_refusal(failure) or failure.status in _UNKNOWN


def without_count(query: str) -> str:
    """Return the search without a page size: the server then takes its own."""
    return _PAGE_SIZE.sub("", query)


class RefusalMemory:
    """What FHIR servers refused recently, by base URL. One per worker; bounded.

    `what` is CODES, COUNT or the name of a data group.
    """

    def __init__(
        self, timer: Callable[[], float], *, seconds: float = 3600.0, most: int = 100
    ) -> None:
        self._timer = timer
        self._seconds = seconds
        self._most = most
        self._until: dict[tuple[str, str], float] = {}
        self._lock = Lock()

    def refuses(self, base_url: str, what: str = CODES) -> bool:
        """Whether it was refused there within the time remembered."""
        with self._lock:
            return self._until.get((base_url, what), 0.0) > self._timer()

    def remember(self, base_url: str, what: str = CODES) -> None:
        """Record a refusal; the oldest one is dropped when there are too many."""
        with self._lock:
            self._until.pop((base_url, what), None)
            while len(self._until) >= self._most:
                del self._until[next(iter(self._until))]
            self._until[base_url, what] = self._timer() + self._seconds
