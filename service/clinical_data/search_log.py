"""The searches of one call, how long each took and how it ended: for evidence and metrics.

Never logged: a query can name a patient.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import DataGroup
from service.fhir_client.failures import Failure, FetchFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.clinical_data.parallel import Key, Pages


_KINDS = {"Medication": "medication"}


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


def ignore(_data_group: str, _outcome: str, _seconds: float) -> None:
    """Observe nothing."""


class SearchLog:
    """Records every search of one call; `observe` takes data group, outcome and seconds of each."""

    def __init__(
        self,
        timer: Callable[[], float] = time.monotonic,
        observe: Callable[[str, str, float], None] = ignore,
    ) -> None:
        self._timer = timer
        self._observe = observe
        self._places: dict[object, int] = {}
        self._begin: float | None = None
        self._records: list[SearchRecord] = []
        self._lock = Lock()

    def watching(
        self, tasks: Mapping[Key, Callable[[], Pages]], patient_id: str
    ) -> dict[Key, Callable[[], Pages]]:
        """Return the same tasks, each recorded when it begins and when it ends."""
        return {
            key: partial(self._run, key, *_names(key, patient_id), task)
            for key, task in tasks.items()
        }

    def ended(self, answers: Mapping[Key, Pages | Failure]) -> None:
        """Observe each answer of `watching`. A search that the deadline cut off took until now."""
        for key, answer in answers.items():
            outcome = answer.kind.value if isinstance(answer, Failure) else "ok"
            self._observe(_data_group(key), outcome, self._seconds(key))

    def _seconds(self, key: object) -> float:
        with self._lock:
            place = self._places.get(key)
            if place is not None and (took := self._records[place].took) is not None:
                return took / 1000
            started = 0.0 if place is None else self._records[place].started / 1000
            return 0.0 if self._begin is None else self._timer() - self._begin - started

    def described(self) -> list[dict[str, Any]]:
        """Every search in the order begun."""
        with self._lock:
            return [record.described() for record in self._records]

    def _run(self, key: object, name: str, query: str, task: Callable[[], Pages]) -> Pages:
        place, begun = self._note(key, name, query)
        try:
            pages = task()
        except FetchFailed as failed:
            self._end(place, begun, failure=failed.failure.sentence)
            raise
        self._end(place, begun, pages=len(pages), size=sum(map(len, pages)))
        return pages

    def _note(self, key: object, name: str, query: str) -> tuple[int, float]:
        with self._lock:
            now = self._timer()
            if self._begin is None:
                self._begin = now
            self._records.append(SearchRecord(name, query, (now - self._begin) * 1000))
            self._places[key] = place = len(self._records) - 1
            return place, now

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


def _data_group(key: object) -> str:
    """The key of a search by code; others are by category, or reads of a Medication or member."""
    if isinstance(key, tuple) and key and isinstance(key[0], DataGroup):
        return key[0].value
    kind, slash, _ = str(key).partition("/")
    return _KINDS.get(kind, "member") if slash else "category"
