"""CPU and calls a second of all applications on the same bytes, in interleaved rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from bench.calls import PATH, body, present
from bench.closed_loop import Plan, in_own_process
from bench.figures import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from bench.applications import Contender

CALLS = {12: 60, 100: 40, 1000: 8, 10_000: 2}
WARM_UP = 10
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. `window` is the seconds for which calls are counted."""

    sizes: tuple[int, ...]
    rounds: int
    share: float
    windows: int
    window: float

    def calls(self, size: int) -> int:
        """Calls of one round."""
        return max(2, int(CALLS[size] * self.share))


FULL = Effort(tuple(CALLS), rounds=7, share=1.0, windows=3, window=1.5)
QUICK = Effort((12, 1000), rounds=3, share=0.3, windows=1, window=0.5)


@dataclass(frozen=True, slots=True)
class Bodies:
    """The bytes of one call, as they are and with its reasons asked for."""

    plain: bytes
    explained: bytes


def spend(session: requests.Session, contender: Contender, data: Bodies, calls: int) -> float:
    """CPU milliseconds of one call: the mean of calls made one after the other."""
    server = contender.server
    heads = contender.headers(calls)
    sent = data.explained if contender.explained else data.plain
    before = server.cpu()
    for head in heads:
        answer = session.post(f"{server.base}{PATH}", data=sent, headers=head, timeout=120)
        if answer.status_code != requests.codes.ok:
            raise SystemExit(f"bench: {contender.name} answered {answer.status_code}")
    return (server.cpu() - before) / calls * 1000


def measure(
    session: requests.Session,
    contenders: list[Contender],
    size: int,
    effort: Effort,
    folder: Path,
    *,
    normal: bool,
) -> Figure:
    """One body, all applications, in turns: first CPU, then calls a second."""
    now = present()
    plain = body(size, now, normal=normal)
    data = Bodies(plain, body(size, now, normal=normal, explained=True))
    taking = [contender for contender in contenders if contender.takes(size)]
    calls = effort.calls(size)
    for contender in taking:
        spend(session, contender, data, min(WARM_UP, calls))
    spent: dict[str, list[float]] = {contender.name: [] for contender in taking}
    for _ in range(effort.rounds):
        for contender in taking:
            spent[contender.name].append(spend(session, contender, data, calls))
    file = folder / "body.json"
    file.write_bytes(plain)
    return Figure(size, normal, len(plain), spent, _rates(taking, effort, file))


def _rates(contenders: list[Contender], effort: Effort, file: Path) -> dict[str, list[float]]:
    """Calls a second of those that are called plainly."""
    plain = [each for each in contenders if not (each.signed or each.explained)]
    rates: dict[str, list[float]] = {contender.name: [] for contender in plain}
    for _ in range(effort.windows):
        for contender in plain:
            port = contender.server.port
            plan = Plan(port, PATH, (str(file),), CONNECTIONS, effort.window)
            rates[contender.name].append(in_own_process(plan).rate)
    return rates
