"""One FHIR server that answers nothing must not hold up anybody who does not need it."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.attackers import Figures, ask, callers, hung_server
from tests.support.deadlines import SLACK, until
from tests.support.gunicorn_server import PATIENT_VIEW, served, session
from tests.support.hook_calls import EMPTY, PATIENT, call, empty_prefetch
from tests.support.raw_server import http, raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

CALLERS = 64
SECONDS = 10.0
PREFETCHED = json.dumps(call(prefetch=empty_prefetch())).encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served(2, 32, database_url="") as (address, _):
        yield address


def healthy(path: str, connection: socket.socket) -> None:
    connection.sendall(http(PATIENT if "/Patient/" in path else EMPTY))


def observe(base: str, seconds: float, healthy_base: str) -> dict[str, Figures]:
    """One request of each kind after the other for so long."""
    seen = {name: Figures() for name in ("prefetched", "liveness", "discovery", "healthy server")}
    elsewhere = json.dumps(call(fhirServer=healthy_base)).encode()
    end = time.monotonic() + seconds
    with session() as browser:
        while time.monotonic() < end:
            url = base + PATIENT_VIEW
            ask(browser, "POST", url, seen["prefetched"], data=PREFETCHED, headers=JSON)
            ask(browser, "GET", f"{base}/health/live", seen["liveness"])
            ask(browser, "GET", f"{base}/cds-services", seen["discovery"])
            ask(browser, "POST", url, seen["healthy server"], data=elsewhere, headers=JSON)
            time.sleep(0.05)
    return seen


def test_64_callers_of_a_hung_server_hold_up_nobody_else(base: str) -> None:
    with raw_server(healthy) as other:
        usual = observe(base, 3, other.base)
        with (
            hung_server() as hung,
            callers(CALLERS, base + PATIENT_VIEW, lambda _: call(fhirServer=hung.base)) as refused,
        ):
            seen = observe(base, SECONDS, other.base)
    for name, figures in seen.items():
        sys.stdout.write(f"\n{name}: {usual[name].described()}\n  then {figures.described()}")
    sys.stdout.write(f"\nhung: {refused.described()}\n")
    for figures in seen.values():
        assert set(figures.statuses) == {200}
        # Held up, they would wait for seconds: 7 for a call, 8 for liveness.
        assert figures.median < 1
    assert set(refused.statuses) == {412}


def test_a_server_that_answers_again_is_asked_again(base: str) -> None:
    silent = True

    def sometimes(path: str, connection: socket.socket) -> None:
        while silent:
            time.sleep(0.05)
        healthy(path, connection)

    with raw_server(sometimes) as server, session() as browser:
        body = call(fhirServer=server.base)
        with callers(16, base + PATIENT_VIEW, lambda _: body):
            time.sleep(6)
        silent = False

        def answered() -> bool:
            answer = browser.post(base + PATIENT_VIEW, json=body, timeout=20)
            assert answer.status_code in {200, 412}
            if answer.status_code == 412:
                assert 1 <= int(answer.headers["Retry-After"]) <= 5
            return answer.status_code == 200

        until(answered, 5 + SLACK)


def test_the_state_stands_in_the_metrics(base: str) -> None:
    with hung_server() as hung, session() as browser:
        body = call(fhirServer=hung.base)
        with callers(8, base + PATIENT_VIEW, lambda _: body):
            until(lambda: measure(base, 'heme_hooks_calls_waiting{thing="fhir-server"}') >= 8)
            until(lambda: measure(base, "heme_hooks_fhir_circuits_open ") >= 1, 8 + SLACK)
            refused = 'heme_hooks_fhir_calls_refused_total{reason="circuit-open"}'
            until(lambda: measure(base, refused) >= 1)
        answer = browser.post(base + PATIENT_VIEW, json=body, timeout=10)
        assert answer.status_code == 412


def measure(base: str, name: str) -> float:
    with session() as browser:
        lines = browser.get(f"{base}/metrics", timeout=10).text.splitlines()
    values = [float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)]
    assert values, name
    return values[0]
