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
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
import requests

from service.commands.serve import gunicorn_command
from service.demo.processes import HOST, free_port
from tests.support.deadlines import until
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

    def __init__(self, *options: str, **settings: str) -> None:
        self.port = free_port()
        self._environment = {**os.environ, **ENVIRONMENT, **settings}
        command = gunicorn_command(HOST, self.port, workers=2, threads=8)
        self._command = [*command[:-1], *options, command[-1]]
        self.start()

    def start(self) -> None:
        quiet = subprocess.DEVNULL
        self._child = subprocess.Popen(
            self._command, env=self._environment, stderr=quiet, stdout=quiet
        )
        with session() as browser:
            for _ in range(300):
                try:
                    if browser.get(f"http://{HOST}:{self.port}/health/ready", timeout=5).ok:
                        return
                except requests.RequestException:
                    time.sleep(0.1)
        raise AssertionError("gunicorn does not answer")

    def tell_to_stop(self) -> None:
        self._child.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        self.tell_to_stop()
        self.wait()

    def wait(self) -> None:
        assert self._child.wait(40) == 0


@contextmanager
def instances(number: int, *options: str, **settings: str) -> Iterator[list[Instance]]:
    made = [Instance(*options, **settings) for _ in range(number)]
    try:
        yield made
    finally:
        for each in made:
            each.stop()


@contextmanager
def calls(front: str) -> Iterator[list[int]]:
    """Calls and readings of the catalogue below nginx's rate limit; their statuses, 0 for none."""
    statuses: list[int] = []
    stop = threading.Event()

    def ask(browser: requests.Session, *, posts: bool) -> int:
        try:
            if posts:
                return browser.post(front + URL, data=BODY, headers=JSON, timeout=30).status_code
            return browser.get(f"{front}/cds-services", timeout=30).status_code
        except requests.RequestException:
            return 0

    def run(index: int) -> None:
        with session() as browser:
            while not stop.is_set():
                statuses.append(ask(browser, posts=index > 0))
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


def lost(statuses: list[int]) -> list[int]:
    """The statuses of those that were not answered as they should be."""
    return [status for status in statuses if status != HTTPStatus.OK]


def test_a_rolling_restart_behind_the_shipped_nginx_loses_no_call(tmp_path: Path) -> None:
    with (
        instances(2) as (first, second),
        nginx(tmp_path / "nginx", f"{HOST}:{first.port}", f"{HOST}:{second.port}") as front,
        calls(front) as statuses,
    ):
        # One straight after the other: nginx may still leave out the one that is back.
        for each in (first, second, first, second):
            each.stop()
            each.start()
        before = len(statuses)
        time.sleep(0.5)
        assert len(statuses) > before
    sys.stdout.write(f"\n{len(statuses)} requests during four restarts\n")
    assert lost(statuses) == []
    assert len(statuses) > 200


def test_workers_that_are_renewed_lose_no_call(tmp_path: Path) -> None:
    options = ("--max-requests", "40", "--max-requests-jitter", "20")
    with (
        instances(1, *options) as (only,),
        nginx(tmp_path / "nginx", f"{HOST}:{only.port}") as front,
        calls(front) as statuses,
    ):
        until(lambda: len(statuses) >= 600, 60)
    assert len(statuses) >= 600
    assert lost(statuses) == []


def test_an_instance_that_drains_is_not_ready_and_still_answers() -> None:
    with instances(1, HEME_HOOKS_DRAIN_SECONDS="12") as (one,), session() as browser:
        base = f"http://{HOST}:{one.port}"
        one.tell_to_stop()
        end = time.monotonic() + 8
        while (answer := browser.get(f"{base}/health/ready", timeout=5)).ok:
            assert time.monotonic() < end
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert answer.json()["checks"] == {"instance": "stopping"}
        assert browser.post(base + URL, data=BODY, headers=JSON, timeout=5).ok
        assert browser.get(f"{base}/health/live", timeout=5).ok
        one.wait()
        with pytest.raises(requests.ConnectionError):
            browser.get(f"{base}/health/live", timeout=5)
