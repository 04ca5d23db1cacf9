"""CPU of one hook call, beside other applications on the same bytes: `make bench`.

All run under gunicorn with the same workers; rounds are interleaved, so that a busy machine slows
all of them. What counts is the ratio to a bare Flask application that parses the body and answers
a constant card. Linux only: the figures come from /proc.

    python -m bench [--quick] [--write docs/performance.md]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests

from bench.calls import body
from bench.servers import THREADS, WORKERS, Server, start
from service.migrations import upgrade
from service.storage import create_engine

__all__ = ["body"]

SERVICE = "pancytopenia-patient-view"
BARE = "bare"
CALLS = {12: 100, 100: 60, 1000: 12, 10_000: 3}
SLOW = frozenset({(10_000, "validating")})
WARM_UP = 10
MARK = ("<!-- bench -->", "<!-- /bench -->")


@dataclass(frozen=True, slots=True)
class Figure:
    """CPU milliseconds a call of one server for one body, over the rounds."""

    size: int
    normal: bool
    length: int
    spent: dict[str, list[float]]

    def median(self, name: str) -> float:
        """The middle round."""
        return statistics.median(self.spent[name])

    def spread(self, name: str) -> float:
        """Half the distance between the quartiles."""
        low, _, high = statistics.quantiles(self.spent[name], n=4)
        return (high - low) / 2

    def ratio(self, name: str) -> float:
        """The middle of the ratios to the bare application within each round."""
        pairs = zip(self.spent[name], self.spent[BARE], strict=True)
        return statistics.median(mine / floor for mine, floor in pairs)


def spend(session: requests.Session, server: Server, data: bytes, calls: int) -> float:
    """CPU milliseconds of one call, over so many."""
    before = server.cpu()
    for _ in range(calls):
        answer = session.post(
            f"{server.base}/cds-services/{SERVICE}",
            data=data,
            headers={"Content-Type": "application/json"},
            timeout=120,
        )
        if answer.status_code != requests.codes.ok:
            sys.exit(f"bench: {server.name} answered {answer.status_code}")
    return (server.cpu() - before) / calls * 1000


def measure(
    session: requests.Session, servers: list[Server], size: int, rounds: int, *, normal: bool
) -> Figure:
    """One body, all servers, in turns."""
    data = body(size, datetime.fromtimestamp(time.time(), tz=UTC), normal=normal)
    taking = [server for server in servers if (size, server.name) not in SLOW]
    for server in taking:
        spend(session, server, data, min(WARM_UP, CALLS[size]))
    spent: dict[str, list[float]] = {server.name: [] for server in taking}
    for _ in range(rounds):
        for server in taking:
            spent[server.name].append(spend(session, server, data, CALLS[size]))
    return Figure(size, normal, len(data), spent)


def cost_table(figures: list[Figure], names: list[str]) -> list[str]:
    """Markdown: a row a body, a column an application."""
    lines = [
        f"| Observations | patient | kB | {' | '.join(names)} |",
        "|---:|---|---:|" + "---:|" * len(names),
    ]
    for figure in figures:
        cells = [
            f"{figure.median(name):.2f} ± {figure.spread(name):.2f} ({figure.ratio(name):.2f} x)"
            if name in figure.spent
            else "–"
            for name in names
        ]
        patient = "normal" if figure.normal else "index pattern"
        row = [f"{figure.size:,}", patient, f"{figure.length / 1000:.0f}", *cells]
        lines.append("| " + " | ".join(row) + " |")
    return lines


def server_table(servers: list[Server], idle: dict[str, float]) -> list[str]:
    """Markdown: start-up and memory."""
    lines = ["| application | first answer | idle | after load |", "|---|---:|---:|---:|"]
    return lines + [
        f"| {server.name} | {server.started:.1f} s | {idle[server.name]:.0f} MB "
        f"| {server.memory():.0f} MB |"
        for server in servers
    ]


def started(stack: ExitStack, folder: str) -> list[Server]:
    """Every application, ours with and without the store."""
    store = f"sqlite:///{folder}/bench.sqlite3"
    upgrade(create_engine(store))
    ours = "service.app:create_app()"
    quiet = {"HEME_HOOKS_AUDIT_LOG": ""}
    return [
        start(stack, BARE, "bench.bare:create_app()", {}),
        start(stack, "heme-hooks", ours, quiet | {"HEME_HOOKS_DATABASE_URL": ""}),
        start(stack, "with store", ours, quiet | {"HEME_HOOKS_DATABASE_URL": store}),
        start(stack, "validating", "bench.validating:create_app()", {}),
    ]


def run(sizes: list[int], rounds: int) -> list[str]:
    """Measure, and return the report as lines of Markdown."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers = started(stack, folder)
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        idle = {server.name: server.memory() for server in servers}
        figures = []
        for size in sizes:
            for normal in (False, True):
                figures.append(measure(session, servers, size, rounds, normal=normal))
                print(*cost_table(figures[-1:], [s.name for s in servers])[2:], flush=True)
        memory = Path("/proc/meminfo").read_text(encoding="ascii").split()[1]
        return [
            f"{os.cpu_count()} cores, {int(memory) / 1024**2:.0f} GB of memory; gunicorn gthread, "
            f"{WORKERS} workers, {THREADS} threads; median of {rounds} interleaved rounds ± half "
            "the distance between the quartiles, CPU milliseconds of the server's processes a "
            "call, and the ratio to the bare application.",
            "",
            *cost_table(figures, [server.name for server in servers]),
            "",
            *server_table(servers, idle),
        ]


def write(path: Path, report: list[str]) -> None:
    """Put the report between the marks of a document."""
    text = path.read_text(encoding="utf-8")
    begin, end = (text.index(mark) for mark in MARK)
    inside = "\n".join([MARK[0], "", *report, "", ""])
    path.write_text(text[:begin] + inside + text[end:], encoding="utf-8")


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(prog="bench", description="CPU of one hook call.")
    parser.add_argument("--quick", action="store_true", help="12 and 1,000 Observations only")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each body")
    parser.add_argument("--write", type=Path, help="document to put the tables into")
    options = parser.parse_args()
    report = run([12, 1000] if options.quick else list(CALLS), options.rounds)
    print("", *report, sep="\n")
    if options.write:
        write(options.write, report)


if __name__ == "__main__":
    main()
