"""Clients that call again as soon as they are answered, in a process of their own.

Their CPU is not counted as the server's, but they run on the same cores. So they do as little as
possible: plain sockets, bodies made beforehand. `Plan` in, `Outcome` out, as JSON.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.feedback_items import feedback_on

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
PATIENCE = 60.0
REQUESTS_A_CONNECTION = 20
"""A connection stays with the worker that took it: new ones spread the load over all workers."""

OK = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What to call.

    `bodies` are files, sent in turn. `tokens` and `feedback_tokens` are files with a token a line,
    each used once; the run ends early when they do. With `feedback`, every card is answered.
    """

    port: int
    path: str
    bodies: tuple[str, ...]
    connections: int
    seconds: float
    feedback: bool = False
    tokens: str = ""
    feedback_tokens: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was answered, all with 200, and how long it took to the last answer."""

    calls: int
    feedback: int
    seconds: float

    @property
    def rate(self) -> float:
        """Hook calls a second."""
        return self.calls / self.seconds


class NotAnswered(Exception):
    """A call was not answered with 200."""


class _TokensUsedUp(Exception):
    pass


def in_own_process(plan: Plan) -> Outcome:
    """Run a plan in another process. Raises CalledProcessError when an answer was not 200."""
    command = [sys.executable, "-m", "bench.closed_loop"]
    plan_text = json.dumps(asdict(plan))
    done = subprocess.run(command, input=plan_text, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(**json.loads(done.stdout))


class _Client:
    """One client, that opens a new connection now and then; it counts what it did."""

    def __init__(self, plan: Plan, tokens: deque[str], feedback_tokens: deque[str]) -> None:
        self._plan = plan
        self._tokens = {plan.path: tokens, f"{plan.path}/feedback": feedback_tokens}
        self._socket = self._opened()
        self._left = REQUESTS_A_CONNECTION
        self.calls = 0
        self.feedback = 0

    def run(self, bodies: Iterator[bytes], end: float) -> None:
        """Call until the time is over or the tokens are used up."""
        try:
            while time.monotonic() < end:
                answer = self._post(self._plan.path, next(bodies))
                self.calls += 1
                if self._plan.feedback:
                    self._answer(json.loads(answer)["cards"])
        except _TokensUsedUp:
            return

    def _answer(self, cards: list[dict[str, Any]]) -> None:
        if cards:
            items = feedback_on(cards, datetime.fromtimestamp(time.time(), tz=UTC))
            self._post(f"{self._plan.path}/feedback", json.dumps(items).encode())
            self.feedback += 1

    def _post(self, path: str, body: bytes) -> bytes:
        self._left -= 1
        ends = "" if self._left else "Connection: close\r\n"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {HOST}:{self._plan.port}\r\n{ends}"
            f"{self._authorization(path)}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode())
        self._socket.sendall(body)
        answer = self._answered()
        if ends:
            self._socket.close()
            self._socket, self._left = self._opened(), REQUESTS_A_CONNECTION
        return answer

    def _opened(self) -> socket.socket:
        opened = socket.create_connection((HOST, self._plan.port), PATIENCE)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def _authorization(self, path: str) -> str:
        if not self._plan.tokens:
            return ""
        try:
            return f"Authorization: Bearer {self._tokens[path].popleft()}\r\n"
        except IndexError:
            raise _TokensUsedUp from None

    def _answered(self) -> bytes:
        received = self._received()
        while b"\r\n\r\n" not in received:
            received += self._received()
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").lower().split("\r\n")
        if int(first.split()[1]) != OK:
            raise NotAnswered(first)
        length = next(int(f.split(":")[1]) for f in fields if f.startswith("content-length:"))
        while len(rest) < length:
            rest += self._received()
        return rest

    def _received(self) -> bytes:
        got = self._socket.recv(1 << 20)
        if not got:
            raise NotAnswered("the server hung up")
        return got


class _Shared:
    """An endless iterator that threads may share."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = cycle(bodies)
        self._lock = threading.Lock()

    def __iter__(self) -> _Shared:
        return self

    def __next__(self) -> bytes:
        with self._lock:
            return next(self._bodies)


def run(plan: Plan) -> Outcome:
    """Call with all connections side by side."""
    bodies = _Shared([Path(file).read_bytes() for file in plan.bodies])
    tokens, feedback_tokens = _lines(plan.tokens), _lines(plan.feedback_tokens)
    clients = [_Client(plan, tokens, feedback_tokens) for _ in range(plan.connections)]
    started = time.monotonic()
    end = started + plan.seconds
    with ThreadPoolExecutor(plan.connections) as threads:
        list(threads.map(lambda client: client.run(bodies, end), clients))
    seconds = time.monotonic() - started
    return Outcome(sum(c.calls for c in clients), sum(c.feedback for c in clients), seconds)


def _lines(file: str) -> deque[str]:
    return deque(Path(file).read_text(encoding="ascii").split()) if file else deque()


def main() -> None:
    """Read a plan, run it, tell the outcome; end with a sentence when an answer is missing."""
    given = json.load(sys.stdin)
    try:
        outcome = run(Plan(**given | {"bodies": tuple(given["bodies"])}))
    except NotAnswered as error:
        sys.exit(f"closed loop: {error}")
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
