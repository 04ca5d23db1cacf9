"""What one, two and four workers serve, and what the database sees meanwhile.

As in production: each call has a token, each card is written down, each card is answered.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.applications import signing, tokens
from bench.calls import PATH, body, present
from bench.closed_loop import Outcome, Plan, in_own_process
from bench.databases import Counts, Database, database
from bench.measuring import CONNECTIONS
from bench.report import middle, table
from bench.servers import OURS, Server, start

if TYPE_CHECKING:
    from collections.abc import Mapping

OBSERVATIONS = 12
ROUNDS = 3
WINDOW = 4.0
WARM_UP = 1.0
TOKENS_A_SECOND = 600
NORMAL, INDEX = "normal", "index pattern"
MIX = "9 normal, 1 index pattern"
KINDS: Mapping[str, tuple[str, ...]] = {
    MIX: (NORMAL,) * 9 + (INDEX,),
    NORMAL: (NORMAL,),
    INDEX: (INDEX,),
}
RUNS = ((MIX, 1), (MIX, 2), (MIX, 4), (NORMAL, 2), (INDEX, 2))


@dataclass(slots=True)
class Run:
    """One service with a store of its own, and what it did round by round."""

    kind: str
    workers: int
    store: str
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    database_cpu: list[float] = field(default_factory=list)
    calls: int = 0
    memory: float = 0.0
    seen: Counts | None = None


def measure(folder: Path) -> tuple[str, list[Run]]:
    """The name of the database, and every run; rounds are interleaved."""
    for name, normal in ((NORMAL, True), (INDEX, False)):
        (folder / name).write_bytes(body(OBSERVATIONS, present(), normal=normal))
    with database(folder) as stores:
        runs = [Run(kind, workers, stores.new_store()) for kind, workers in RUNS]
        before = [stores.counts(run.store) for run in runs]
        _serve(runs, stores, folder)
        for run, then in zip(runs, before, strict=True):
            now = stores.counts(run.store)
            run.seen = now.since(then) if now and then else None
        return stores.name, runs


def _serve(runs: list[Run], stores: Database, folder: Path) -> None:
    with ExitStack() as stack:
        clients = signing(folder / "clients")
        servers = [
            start(stack, run.kind, OURS, clients | _store(run.store), run.workers) for run in runs
        ]
        for run, server in zip(runs, servers, strict=True):
            run.calls += _load(run, server, folder, WARM_UP).calls
        for _ in range(ROUNDS):
            for run, server in zip(runs, servers, strict=True):
                _round(run, server, stores, folder)
        for run, server in zip(runs, servers, strict=True):
            run.memory = server.memory()


def _store(url: str) -> dict[str, str]:
    return {"HEME_HOOKS_DATABASE_URL": url}


def _round(run: Run, server: Server, stores: Database, folder: Path) -> None:
    before, database_before = server.cpu(), stores.cpu()
    outcome = _load(run, server, folder, WINDOW)
    run.calls += outcome.calls
    run.rates.append(outcome.rate)
    run.cpu.append((server.cpu() - before) / outcome.calls * 1000)
    run.database_cpu.append((stores.cpu() - database_before) / outcome.calls * 1000)


def _load(run: Run, server: Server, folder: Path, seconds: float) -> Outcome:
    """Call one service for so long, and answer its cards."""
    address = f"{server.base}{PATH}"
    number = int(TOKENS_A_SECOND * seconds)
    plan = Plan(
        server.port,
        PATH,
        tuple(str(folder / name) for name in KINDS[run.kind]),
        CONNECTIONS,
        seconds,
        feedback=True,
        tokens=_tokens(folder / "tokens", address, number),
        feedback_tokens=_tokens(folder / "feedback-tokens", f"{address}/feedback", number),
    )
    return in_own_process(plan)


def _tokens(file: Path, audience: str, number: int) -> str:
    file.write_text("\n".join(tokens(audience, number)), encoding="ascii")
    return str(file)


def report() -> list[str]:
    """Measure, as Markdown."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        name, runs = measure(Path(folder))
    print(f"scale: {time.monotonic() - started:.0f} s", flush=True)
    return [
        f"Store on {name}. CPU milliseconds are for one call together with the feedback on its "
        "cards.",
        "",
        *service_table(runs),
        "",
        *database_table(runs),
    ]


def service_table(runs: list[Run]) -> list[str]:
    """Throughput, CPU and memory."""
    head = ("calls", "workers:", "calls a second:", "CPU, service:", "CPU, database:", "memory:")
    return table(
        head,
        [
            [
                run.kind,
                str(run.workers),
                middle(run.rates, 0),
                f"{middle(run.cpu)} ms",
                f"{middle(run.database_cpu)} ms",
                f"{run.memory:.0f} MB",
            ]
            for run in runs
        ],
    )


def database_table(runs: list[Run]) -> list[str]:
    """What the database saw of a call; every kind once."""
    seen = {run.kind: run for run in runs if run.seen is not None and run.workers == 2}
    rows = [
        [
            kind,
            f"{run.seen.transactions / run.calls:.2f}",
            f"{run.seen.rows / run.calls:.2f}",
            f"{run.seen.size / run.calls / 1000:.2f} kB",
        ]
        for kind, run in seen.items()
        if run.seen is not None
    ]
    head = ("calls", "transactions a call:", "rows inserted a call:", "disk a call:")
    return table(head, rows) if rows else ["No PostgreSQL on this machine: not counted."]
