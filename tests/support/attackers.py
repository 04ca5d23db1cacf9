"""Callers that keep a service busy, and honest ones beside them; the figures of both."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from tests.support.gunicorn_server import session
from tests.support.raw_server import raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from tests.support.raw_server import RawServer


@dataclass(slots=True)
class Figures:
    """What one kind of request met: status (0 for no answer) and seconds, in the order sent."""

    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle of the seconds."""
        return statistics.median(self.seconds)

    def share_within(self, limit: float) -> float:
        """The share of requests that took no longer."""
        return sum(1 for each in self.seconds if each <= limit) / len(self.seconds)

    def described(self) -> str:
        """One line for a person."""
        ordered = sorted(self.seconds)
        at = {q: ordered[min(len(ordered) - 1, int(q * len(ordered)))] for q in (0.5, 0.95, 1.0)}
        times = ", ".join(f"{name} {at[q] * 1000:.0f} ms" for name, q in QUANTILES.items())
        counted = {status: self.statuses.count(status) for status in sorted(set(self.statuses))}
        return f"{len(ordered)} requests, {times}, statuses {counted}"


QUANTILES = {"median": 0.5, "95 %": 0.95, "longest": 1.0}


def ask(
    browser: requests.Session, method: str, url: str, figures: Figures, **options: Any
) -> requests.Response | None:
    """Send one request and note what it met."""
    begun = time.monotonic()
    try:
        answer = browser.request(method, url, **{"timeout": 30, **options})
    except requests.RequestException:
        answer = None
    figures.seconds.append(time.monotonic() - begun)
    figures.statuses.append(0 if answer is None else answer.status_code)
    return answer


def hang(_: str, connection: socket.socket) -> None:
    """Say nothing until the caller closes the connection."""
    connection.settimeout(60)
    while connection.recv(4096):
        pass


@contextmanager
def hung_server() -> Iterator[RawServer]:
    """A FHIR server that accepts connections and never answers."""
    with raw_server(hang) as server:
        yield server


@contextmanager
def callers(
    number: int, url: str, bodies: Callable[[int], Any], **options: Any
) -> Iterator[Figures]:
    """This many callers at the same time, each with calls one after the other until the block ends.

    After a refusal they wait as long as `Retry-After` says.
    """
    figures = Figures()
    stop = threading.Event()

    def run(index: int) -> None:
        with session() as browser:
            # A kept connection could end on the other side just when it is used again.
            browser.headers["Connection"] = "close"
            while not stop.is_set():
                answer = ask(browser, "POST", url, figures, json=bodies(index), **options)
                wait = 1.0 if answer is None else float(answer.headers.get("Retry-After", 0))
                stop.wait(wait)

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield figures
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
