"""Every way in which a FHIR server can fail, over a real socket, answered within the deadline.

What decides cannot be had, so the answer is 412 (CDS Hooks 2.0, Prefetch), never a 200 without
cards; it tells a developer what to mend and repeats nothing that the server said.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from tests.support.deadlines import AMPLE, SLACK, kept, until
from tests.support.faults import (
    AUTHORIZATION,
    DEADLINE,
    FAULTS,
    SECRET,
    TOKEN,
    Fault,
    linked,
    outcome,
    play,
    texts,
)
from tests.support.hook_calls import EMPTY, PATIENT, call, client, empty_prefetch, post, topics
from tests.support.raw_server import drips_in_the_handshake, http, no_handshake, raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from werkzeug.test import TestResponse

REFUSED = [name for name, fault in FAULTS.items() if fault.status == 412]
PASSING = [name for name, fault in FAULTS.items() if fault.status == 200]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_had_is_412_in_time_and_says_what_to_mend(name: str) -> None:
    fault = FAULTS[name]
    response, seconds, requests = play(fault)
    assert response.status_code == 412
    assert seconds < fault.deadline + SLACK
    OperationOutcome.model_validate(json.loads(response.data))
    told = texts(response)
    assert list(told) == [f"prefetch.{key}" for key in fault.keys]
    for text in told.values():
        assert fault.sentence in text
    for leaked in (SECRET, TOKEN, PATIENT["id"], "somebody-else"):
        assert leaked not in response.text
    assert all(request.startswith("GET ") for request in requests if " HTTP/" in request)


@pytest.mark.parametrize("name", PASSING)
def test_trouble_that_passes_or_comes_late_does_not_withhold_the_answer(name: str) -> None:
    fault = FAULTS[name]
    response, seconds, _ = play(fault)
    assert topics(response)[: len(fault.cards)] == list(fault.cards)
    assert bool(topics(response)) is bool(fault.cards)
    assert seconds < fault.deadline + SLACK


@pytest.mark.parametrize(
    "name", ["token expires between the stages", "slow from the second stage on"]
)
def test_cards_without_the_second_stage_say_what_could_not_be_checked(name: str) -> None:
    response, _, _ = play(FAULTS[name])
    detail = json.loads(response.data)["cards"][0]["detail"]
    # The card names the first and how many more there are; the evidence names every one.
    _, _, unchecked = detail.partition("Could not check: ")
    assert "iron studies" in unchecked
    assert "more" in unchecked


def ask(base: str, **fields: object) -> TestResponse:
    browser = client(call_deadline=AMPLE, max_search_bytes=1_000_000, max_pages=5)
    return post(browser, call(fhirServer=base, fhirAuthorization=AUTHORIZATION, **fields))


def test_a_server_that_asks_to_wait_too_long_is_not_asked_again() -> None:
    for name in ("429, wait an hour", "503, wait two minutes"):
        _, seconds, requests = play(FAULTS[name])
        assert len(requests) == len(set(requests))
        assert seconds < AMPLE


def test_retries_end_after_three_attempts() -> None:
    _, _, requests = play(Fault(FAULTS["500 for ever"].answer))
    attempts = [requests.count(request) for request in set(requests) if "/Patient/" not in request]
    assert set(attempts) == {3}


def test_a_film_that_cannot_be_had_does_not_withhold_the_answer() -> None:
    smear = "44017-2"

    def answer(path: str, connection: socket.socket) -> None:
        if smear in path:
            connection.sendall(http(outcome(), "403 Forbidden"))
        else:
            connection.sendall(http(PATIENT if "/Patient/" in path else EMPTY))

    with raw_server(answer) as server:
        response = ask(server.base)
    assert (response.status_code, response.json) == (200, {"cards": []})


def test_the_token_goes_to_the_fhir_server_and_nowhere_else() -> None:
    def elsewhere(path: str, connection: socket.socket) -> None:
        connection.sendall(http(EMPTY))

    with raw_server(elsewhere) as other:

        def answer(path: str, connection: socket.socket) -> None:
            if "/Patient/" in path:
                connection.sendall(http(PATIENT))
            else:
                connection.sendall(http(linked(f"{other.base}/Observation?page=2")))

        with raw_server(answer) as server:
            response = ask(server.base)
        assert response.status_code == 412
        assert other.requests == []
        assert all(f"Authorization: Bearer {TOKEN}" in head for head in server.requests)


def test_a_prefetched_next_link_elsewhere_never_gets_the_token() -> None:
    with raw_server(lambda _, c: c.sendall(http(EMPTY))) as other:
        prefetch = empty_prefetch() | {"bloodCounts": linked(f"{other.base}/Observation?page=2")}
        with raw_server(lambda _, c: c.sendall(http(EMPTY))) as server:
            response = ask(server.base, prefetch=prefetch)
        assert response.status_code == 200
        assert other.requests == []
        assert server.requests


def test_nothing_is_asked_of_a_server_when_everything_was_prefetched() -> None:
    with raw_server(lambda _, c: c.sendall(http(EMPTY))) as server:
        response = ask(server.base, prefetch=empty_prefetch())
    assert (response.status_code, server.requests) == (200, [])


def _threads_that_fetch() -> int:
    return sum(thread.name.startswith("fhir") for thread in threading.enumerate())


@contextmanager
def _dripping() -> Iterator[str]:
    with raw_server(drips_in_the_handshake) as server:
        yield server.base.replace("http:", "https:")


@contextmanager
def _unconnected() -> Iterator[str]:
    with no_handshake() as port:
        yield f"http://127.0.0.1:{port}/fhir"


@pytest.mark.parametrize("server", [_dripping, _unconnected])
def test_a_connection_that_is_never_there_is_given_up_with_its_threads(
    server: Callable[[], AbstractContextManager[str]],
) -> None:
    before = _threads_that_fetch()
    browser = client(call_deadline=DEADLINE)
    with server() as base:
        with kept(DEADLINE):
            response = post(browser, call(fhirServer=base, fhirAuthorization=AUTHORIZATION))
        assert response.status_code == 412
        until(lambda: _threads_that_fetch() <= before)
