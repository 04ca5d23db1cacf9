"""The searches of one call and how long each took, for the evidence of a call. Never logged."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from service.fhir_client.failures import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.clinical_data.parallel import Key, Pages


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """One read or search with all its pages.

    `started` and `took` are milliseconds, `started` counted from the first of the call; `took` is
    None while it runs, which is how one that missed the deadline is found.
    """

    key: str
    query: str
    started: float
    took: float | None = None
    pages: int = 0
    size: int = 0
    failure: str = ""

    def described(self) -> dict[str, Any]:
        """Plain JSON, empty members left out."""
        described: dict[str, Any] = {
            "key": self.key,
            "query": self.query,
            "startedMs": round(self.started, 1),
        }
        if self.took is not None:
            described["tookMs"] = round(self.took, 1)
        if self.pages:
            described |= {"pages": self.pages, "bytes": self.size}
        if self.failure:
            described["failure"] = self.failure
        return described


class SearchLog:
    """Records every search of one call."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._begin: float | None = None
        self._records: list[SearchRecord] = []
        self._lock = Lock()

    def watching(
        self, tasks: Mapping[Key, Callable[[], Pages]], patient_id: str
    ) -> dict[Key, Callable[[], Pages]]:
        """Return the same tasks, each recorded when it begins and when it ends."""
        return {
            key: partial(self._run, *_names(key, patient_id), task) for key, task in tasks.items()
        }

    def described(self) -> list[dict[str, Any]]:
        """Every search in the order begun."""
        with self._lock:
            return [record.described() for record in self._records]

    def _run(self, key: str, query: str, task: Callable[[], Pages]) -> Pages:
        place, begun = self._note(key, query)
        try:
            pages = task()
        except FetchFailed as failed:
            self._end(place, begun, failure=failed.failure.sentence)
            raise
        self._end(place, begun, pages=len(pages), size=sum(map(len, pages)))
        return pages

    def _note(self, key: str, query: str) -> tuple[int, float]:
        with self._lock:
            now = self._timer()
            if self._begin is None:
                self._begin = now
            self._records.append(SearchRecord(key, query, (now - self._begin) * 1000))
            return len(self._records) - 1, now

    def _end(self, place: int, begun: float, **outcome: Any) -> None:  # noqa: ANN401  SearchRecord's
        with self._lock:
            took = (self._timer() - begun) * 1000
            self._records[place] = replace(self._records[place], took=took, **outcome)


def _names(key: object, patient_id: str) -> tuple[str, str]:
    """Return the data group and the query of a task, as `Fetcher` names its tasks."""
    if isinstance(key, tuple):
        group, query = key
        return str(group), query or f"Patient/{patient_id}"
    text = str(key)
    if "/" in text:
        return ("medication" if text.startswith("Medication/") else "member"), text
    return f"category {text}", f"Observation?patient={patient_id}&category={text}"
