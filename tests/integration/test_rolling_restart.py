"""Instances are restarted one after the other, and workers end by themselves: no call is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from service.commands.serve import gunicorn_command
from service.demo.processes import HOST, free_port
from tests.support.gunicorn_server import session
from tests.support.hook_calls import URL, call, empty_prefetch
from tests.support.nginx_server import nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = json.dumps(call(prefetch=empty_prefetch())).encode()
JSON = {"Content-Type": "application/json"}
CALLERS = 6
ENVIRONMENT = {"HEME_HOOKS_DATABASE_URL": ""}


class Instance:
    """One service that can be stopped and started on the same port."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        command = gunicorn_command(HOST, self.port, workers=2, threads=8)
        self._command = [*command[:-1], *options, command[-1]]
        self.start()

    def start(self) -> None:
        environment = {**os.environ, **ENVIRONMENT}
        self._child = subprocess.Popen(
            self._command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        with session() as browser:
            for _ in range(300):
                try:
                    if browser.get(f"http://{HOST}:{self.port}/health/ready", timeout=5).ok:
                        return
                except requests.RequestException:
                    time.sleep(0.1)
        raise AssertionError("gunicorn does not answer")

    def stop(self) -> None:
        self._child.send_signal(signal.SIGTERM)
        assert self._child.wait(40) == 0


@contextmanager
def instances(number: int, *options: str) -> Iterator[list[Instance]]:
    made = [Instance(*options) for _ in range(number)]
    try:
        yield made
    finally:
        for each in made:
            each.stop()


@contextmanager
def calls(front: str) -> Iterator[list[int]]:
    """Calls and readings of the catalogue below nginx's rate limit, and what became of them."""
    statuses: list[int] = []
    stop = threading.Event()

    def run(index: int) -> None:
        with session() as browser:
            while not stop.is_set():
                if index:
                    answer = browser.post(front + URL, data=BODY, headers=JSON, timeout=30)
                else:
                    answer = browser.get(f"{front}/cds-services", timeout=30)
                statuses.append(answer.status_code)
                # Now and then longer than nginx keeps an idle connection to the service.
                time.sleep(0.9 + 0.02 * index if len(statuses) % 40 == 0 else 0.06)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def lost(statuses: list[int]) -> int:
    """How many were not answered: a call that was begun is not sent twice, a token is good once."""
    return sum(status != 200 for status in statuses)


def test_a_rolling_restart_behind_the_shipped_nginx_loses_hardly_a_call(tmp_path: Path) -> None:
    with (
        instances(2) as (first, second),
        nginx(tmp_path / "nginx", f"{HOST}:{first.port}", f"{HOST}:{second.port}") as front,
        calls(front) as statuses,
    ):
        for each in (first, second, first, second):
            each.stop()
            each.start()
            time.sleep(1.5)
        before = len(statuses)
        time.sleep(0.5)
        assert len(statuses) > before
    sys.stdout.write(f"\n{len(statuses)} requests during four restarts\n")
    assert lost(statuses) <= len(statuses) / 100
    assert len(statuses) > 200


def test_workers_that_are_renewed_lose_hardly_a_call(tmp_path: Path) -> None:
    options = ("--max-requests", "40", "--max-requests-jitter", "20")
    with (
        instances(1, *options) as (only,),
        nginx(tmp_path / "nginx", f"{HOST}:{only.port}") as front,
        calls(front) as statuses,
    ):
        end = time.monotonic() + 60
        while len(statuses) < 600 and time.monotonic() < end:
            time.sleep(0.2)
    assert len(statuses) >= 600
    assert lost(statuses) <= len(statuses) / 100
