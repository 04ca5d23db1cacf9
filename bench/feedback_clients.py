"""The clients of the feedback stress test, and what they saw."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import requests

from bench.calls import SERVICE

CALL_SHARE = 0.1
"""Hook calls among the requests; the rest is feedback."""

TRIES = 40
PATIENCE = 0.25
START = datetime(2026, 6, 15, tzinfo=UTC)

Key = tuple[str, str, datetime]
"""Card, outcome and timestamp: what makes feedback the same."""


@dataclass
class Tally:
    """What the clients saw."""

    acknowledged: set[Key] = field(default_factory=set)
    given_up: set[Key] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    calls_with_cards: int = 0
    seconds: list[float] = field(default_factory=list)
    kills: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """One CDS Client: opens charts, answers cards, repeats what was not acknowledged."""

    def __init__(self, number: int, base: str, call: bytes, tally: Tally) -> None:
        self._random = random.Random(number)  # noqa: S311  no secret
        self._number = number
        self._base = f"{base}/cds-services/{SERVICE}"
        self._call = call
        self._tally = tally
        self._cards: list[tuple[str, list[str]]] = []
        self._session = requests.Session()
        self._session.trust_env = False

    def run(self, requests_left: int, end: float) -> None:
        """Send so many requests, or stop at the end of the time."""
        for number in range(requests_left):
            if time.monotonic() > end:
                return
            if not self._cards or self._random.random() < CALL_SHARE:
                self._open_chart()
            self._give_feedback(number)

    def _post(self, url: str, data: bytes | None, json: object) -> requests.Response | None:
        started = time.monotonic()
        try:
            headers = {"Content-Type": "application/json"}
            answer = self._session.post(url, data=data, json=json, headers=headers, timeout=10)
        except requests.RequestException as error:
            self._note(type(error).__name__)
            return None
        self._note(str(answer.status_code), time.monotonic() - started)
        return answer

    def _note(self, what: str, seconds: float | None = None) -> None:
        with self._tally.lock:
            self._tally.answers[what] += 1
            if seconds is not None:
                self._tally.seconds.append(seconds)

    def _open_chart(self) -> None:
        answer = self._post(self._base, self._call, None)
        if answer is None or answer.status_code != requests.codes.ok:
            return
        cards = answer.json()["cards"]
        with self._tally.lock:
            self._tally.calls_with_cards += bool(cards)
        self._cards = [(c["uuid"], [s["uuid"] for s in c.get("suggestions", [])]) for c in cards]

    def _give_feedback(self, number: int) -> None:
        """One to three outcomes; now and then one that was acknowledged before, once more."""
        items = [self._item(number * 10 + n) for n in range(self._random.randint(1, 3))]
        keys = {_key(item) for item in items}
        for _ in range(TRIES):
            answer = self._post(f"{self._base}/feedback", None, {"feedback": items})
            if answer is not None and answer.status_code == requests.codes.ok:
                with self._tally.lock:
                    self._tally.acknowledged |= keys
                if self._random.random() < 0.1:
                    self._post(f"{self._base}/feedback", None, {"feedback": items})
                return
            time.sleep(PATIENCE)
        with self._tally.lock:
            self._tally.given_up |= keys

    def _item(self, number: int) -> dict[str, object]:
        card, suggestions = self._cards_or_unknown()
        moment = START + timedelta(milliseconds=number, seconds=100_000 * self._number)
        item: dict[str, object] = {"card": card, "outcomeTimestamp": moment.isoformat()}
        if suggestions and self._random.random() < 0.5:
            chosen = [{"id": self._random.choice(suggestions)}]
            return item | {"outcome": "accepted", "acceptedSuggestions": chosen}
        reason = {
            "reason": {"code": "already-known", "system": "urn:bench"},
            "userComment": "stress",
        }
        return item | {"outcome": "overridden", "overrideReason": reason}

    def _cards_or_unknown(self) -> tuple[str, list[str]]:
        return self._random.choice(self._cards) if self._cards else (str(uuid4()), [])


def _key(item: dict[str, object]) -> Key:
    moment = datetime.fromisoformat(str(item["outcomeTimestamp"]))
    return str(item["card"]), str(item["outcome"]), moment
