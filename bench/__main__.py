"""CPU of one hook call, beside that of a bare Flask application on the same bytes.

Both run under gunicorn with one worker; rounds are interleaved, so that a busy machine slows both.
CPU is read from /proc, so this needs Linux. Everything is prefetched: no FHIR server takes part.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL

import requests

from service import samples
from service.bundle_prefetch import read_bundle
from service.children import HOST, free_port, running
from service.commands.serve import gunicorn_command
from service.discovery import load_catalogue
from service.samples.large import large_chart

SERVICE = "pancytopenia-patient-view"
SIZES = (12, 1000)
ROUNDS = 7
CALLS = {12: 120, 1000: 15}
WARM_UP = 30
TICK = os.sysconf("SC_CLK_TCK")


def body(observations: int, now: datetime) -> bytes:
    """A call for the index pattern with so many Observations, all of them prefetched."""
    chart = large_chart("bench", now, observations)
    document = json.dumps({"resourceType": "Bundle", "entry": [{"resource": r} for r in chart]})
    file = read_bundle(document.encode(), load_catalogue().templates, "bench")
    call = samples.hook_call(samples.SEED, now, prefetch=file.prefetch)
    call["context"]["patientId"] = "bench"
    return json.dumps(call, default=float).encode()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its descendants."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / TICK
    tasks = Path(f"/proc/{pid}/task")
    children = (task / "children" for task in tasks.iterdir())
    pids = {int(child) for one in children for child in one.read_text(encoding="ascii").split()}
    return own + sum(cpu_seconds(child) for child in pids)


def spend(session: requests.Session, base: str, pid: int, data: bytes, calls: int) -> float:
    """CPU milliseconds of one call, over so many."""
    before = cpu_seconds(pid)
    for _ in range(calls):
        answer = session.post(
            f"{base}/cds-services/{SERVICE}",
            data=data,
            headers={"Content-Type": "application/json"},
            timeout=60,
        )
        if answer.status_code != requests.codes.ok or not answer.json()["cards"]:
            sys.exit(f"bench: {base} answered {answer.status_code} without a card")
    return (cpu_seconds(pid) - before) / calls * 1000


def start(stack: ExitStack, application: str) -> tuple[str, int]:
    """Run one application under gunicorn; its base URL and process id."""
    port = free_port()
    serve = gunicorn_command(HOST, port, workers=1, threads=4)[:-1]
    command = [*serve, "--no-control-socket", "--log-level", "warning", application]
    base = f"http://{HOST}:{port}"
    ready = f"{base}/cds-services"
    pid = stack.enter_context(running(command, ready, what=application, errors=DEVNULL))
    return base, pid


def main() -> None:
    """Measure and print."""
    now = datetime.fromtimestamp(time.time(), tz=UTC)
    with ExitStack() as stack:
        ours = start(stack, "service.app:create_app()")
        bare = start(stack, "bench.bare:create_app()")
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        print("Observations   bytes   service ms   bare ms   ratio")
        for size in SIZES:
            data = body(size, now)
            spend(session, *ours, data, WARM_UP)
            spend(session, *bare, data, WARM_UP)
            spent = [
                (spend(session, *ours, data, CALLS[size]), spend(session, *bare, data, CALLS[size]))
                for _ in range(ROUNDS)
            ]
            mine, yardstick = (statistics.median(column) for column in zip(*spent, strict=True))
            ratio = mine / yardstick
            print(f"{size:>12} {len(data):>7} {mine:>12.2f} {yardstick:>9.2f} {ratio:>7.2f}")


if __name__ == "__main__":
    main()
