"""Feedback under load, kills and restarts: is what was acknowledged stored exactly once?

    python -m bench.feedback_stress --postgresql
    python -m bench.feedback_stress --database-url sqlite:////tmp/feedback.sqlite3

gunicorn with 4 workers; 8 clients send hook calls and feedback, mixed, each until acknowledged or
given up; a worker is killed with SIGKILL every few seconds. `--postgresql` starts a PostgreSQL for
the run and restarts it in the middle; with `--database-url`, `--restart COMMAND` does that. On
loopback only, bounded in number and time. The store must hold nothing else: it is counted.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bench.calls import body
from bench.feedback_clients import Client, Key, Tally
from service.commands.serve import gunicorn_command
from service.demo.processes import HOST, free_port, running
from service.storage.migrations import upgrade
from service.storage.store import create_engine, feedback

if TYPE_CHECKING:
    from collections.abc import Callable


def workers(pid: int) -> list[int]:
    """The leaves of the process tree: gunicorn's workers."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
        children = [int(c) for task in tasks for c in task.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
    return [leaf for child in children for leaf in workers(child)] or [pid]


def kill_workers(pid: int, every: float, tally: Tally, over: threading.Event) -> None:
    """Kill one worker now and then; gunicorn starts another."""
    choice = random.Random(0)  # noqa: S311  no secret
    while not over.wait(every):
        found = [worker for worker in workers(pid) if worker != pid]
        if len(found) > 1:
            os.kill(choice.choice(found), signal.SIGKILL)
            tally.kills += 1


def stored(url: str) -> Counter[Key]:
    """Every feedback in the store, with how often it is there."""
    engine = create_engine(url)
    query = sa.select(feedback.c.card, feedback.c.outcome, feedback.c.outcome_timestamp)
    with engine.connect() as connection:
        rows = Counter((card, outcome, at) for card, outcome, at in connection.execute(query))
    engine.dispose()
    return rows


def stress(options: argparse.Namespace) -> tuple[Tally, float]:
    """Run it; what the clients saw, and how long it took."""
    engine = create_engine(options.database_url)
    upgrade(engine)
    engine.dispose()
    tally, over = Tally(), threading.Event()
    call = body(12, datetime.fromtimestamp(time.time(), tz=UTC))
    port = free_port()
    command = gunicorn_command(HOST, port, options.workers, options.threads)
    command = [*command[:-1], "--no-control-socket", "--log-level", "critical", command[-1]]
    base = f"http://{HOST}:{port}"
    environment = {"HEME_HOOKS_DATABASE_URL": options.database_url}
    with ExitStack() as stack:
        ready = f"{base}/health/ready"
        pid = stack.enter_context(
            running(command, ready, what="gunicorn", environment=environment, errors=DEVNULL)
        )
        started = time.monotonic()
        end = started + options.seconds
        clients = [Client(n, base, call, tally) for n in range(options.clients)]
        share = options.requests // options.clients
        threads = [threading.Thread(target=c.run, args=(share, end)) for c in clients]
        killer = threading.Thread(target=kill_workers, args=(pid, options.kill_every, tally, over))
        for thread in (*threads, killer):
            thread.start()
        _restart_in_the_middle(options, tally)
        for thread in threads:
            thread.join()
        over.set()
        killer.join()
        return tally, time.monotonic() - started


def _restart_in_the_middle(options: argparse.Namespace, tally: Tally) -> None:
    if options.restart is None:
        return
    end = time.monotonic() + options.seconds
    while sum(tally.answers.values()) < options.requests // 2 and time.monotonic() < end:
        time.sleep(0.2)
    options.restart()


def report(tally: Tally, seconds: float, rows: Counter[Key]) -> bool:
    """Print the figures; whether nothing was lost, doubled or made up."""
    lost = tally.acknowledged - set(rows)
    doubled = [key for key, number in rows.items() if number > 1]
    foreign = set(rows) - tally.acknowledged - tally.given_up
    times = sorted(tally.seconds)
    print(f"requests              {sum(tally.answers.values())} in {seconds:.0f} s")
    print(f"answers               {dict(sorted(tally.answers.items()))}")
    print(f"hook calls with cards {tally.calls_with_cards}")
    print(f"workers killed        {tally.kills}")
    for share in (0.5, 0.95, 0.99):
        print(f"p{share * 100:<20.0f} {times[int(share * (len(times) - 1))] * 1000:.0f} ms")
    print(f"acknowledged feedback {len(tally.acknowledged)}, in the store {sum(rows.values())}")
    print(f"given up              {len(tally.given_up)}")
    print(f"lost {len(lost)}, more than once {len(doubled)}, never sent {len(foreign)}")
    return not (lost or doubled or foreign)


def main() -> int:
    """Read the command line, run, report; 1 when the store is not as acknowledged."""
    parser = argparse.ArgumentParser(prog="python -m bench.feedback_stress")
    store = parser.add_mutually_exclusive_group(required=True)
    store.add_argument("--database-url", default="")
    store.add_argument("--postgresql", action="store_true", help="start one, restart it once")
    parser.add_argument("--restart", type=_command, help="a command that restarts the database")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=600, help="stop after so long")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--kill-every", type=float, default=5.0, help="seconds")
    options = parser.parse_args()
    # Whoever ends this run ends the servers that it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not options.postgresql:
        return run(options)
    from tests.support.databases import running_postgresql

    for server in running_postgresql():
        options.database_url = server.new_database()
        options.restart = server.restart
        code = run(options)
    return code


def run(options: argparse.Namespace) -> int:
    """Run, count, report."""
    tally, seconds = stress(options)
    return 0 if report(tally, seconds, stored(options.database_url)) else 1


def _command(text: str) -> Callable[[], object]:
    command = shlex.split(text)
    return lambda: subprocess.run(command, check=True, stdout=DEVNULL, stderr=DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
