"""Every way in which a FHIR server can fail, over a real socket, answered within the deadline.

The blood counts cannot be had, so the answer is 412 (CDS Hooks 2.0, Prefetch), never a 200 without
cards; it tells a developer what to mend and repeats nothing that the server said.
"""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from tests.functional.hook_calls import EMPTY, PATIENT, call, client, empty_prefetch, post
from tests.functional.raw_server import http, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    Fault = Callable[[str, socket.socket], None]

DEADLINE = 0.8
SLACK = 0.7
SECRET = "server-text-Jane-Doe"
TOKEN = "call-token-123"
AUTHORIZATION = {
    "access_token": TOKEN,
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "heme",
}


def sends(body: bytes | dict[str, Any], status: str = "200 OK", **headers: str) -> Fault:
    answer = http(body, status, {k.replace("_", "-"): v for k, v in headers.items()})
    return lambda _, connection: connection.sendall(answer)


def silent(_: str, connection: socket.socket) -> None:
    time.sleep(DEADLINE + SLACK)


def drips(_: str, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(60):
        connection.sendall(b" ")
        time.sleep(0.05)


def drips_headers(_: str, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(60):
        connection.sendall(b"x")
        time.sleep(0.05)


def hangs_up(_: str, connection: socket.socket) -> None:
    connection.close()


def endless_pages(path: str, connection: socket.socket) -> None:
    page = int(path.rpartition("page=")[2]) if "page=" in path else 1
    connection.sendall(http(linked(f"?page={page + 1}")))


def linked(url: str) -> dict[str, Any]:
    return {**EMPTY, "link": [{"relation": "next", "url": url}]}


def outcome(severity: str = "error") -> dict[str, Any]:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": "exception", "diagnostics": SECRET}],
    }


CUT = b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Obs'
DEEP = b'{"resourceType": "Bundle", "entry": ' + b"[" * 90_000 + b"]" * 90_000 + b"}"
HUGE = b'{"resourceType": "Bundle", "x": "' + b"y" * 3_000_000 + b'"}'

FAULTS: dict[str, tuple[Fault, str]] = {
    "slow": (silent, "did not answer within the time of the call"),
    "dripping body": (drips, "did not answer within the time of the call"),
    "dripping headers": (drips_headers, "did not answer within the time of the call"),
    "hangs up": (hangs_up, "could not be reached"),
    "no HTTP": (lambda _, c: c.sendall(b"SSH-2.0-x\r\n\r\n"), "could not be reached"),
    "HTML": (sends(b"<html>" + SECRET.encode()), "is not JSON"),
    "empty": (sends(b""), "is not JSON"),
    "truncated JSON": (sends(CUT), "is not JSON"),
    "cut off": (sends(CUT, Content_Length="5000"), ""),
    "deep nesting": (sends(DEEP), "is not JSON"),
    "huge body": (sends(HUGE), "larger than the limit"),
    "400": (sends(outcome(), "400 Bad Request"), "HTTP 400"),
    "401": (sends(outcome(), "401 Unauthorized"), "HTTP 401"),
    "403": (sends(outcome(), "403 Forbidden"), "HTTP 403"),
    "404": (sends(outcome(), "404 Not Found"), "HTTP 404"),
    "410": (sends(outcome(), "410 Gone"), "HTTP 410"),
    "429": (sends(outcome(), "429 Too Many Requests", Retry_After="3600"), "HTTP 429"),
    "500": (sends(outcome(), "500 Internal Server Error"), "HTTP 500"),
    "503": (sends(b"busy", "503 Unavailable", Retry_After="120"), "HTTP 503"),
    "redirect": (sends(b"", "302 Found", Location="http://127.0.0.1:1/x"), "redirect"),
    "page loop": (sends(linked("?page=2")), "in a circle"),
    "endless pages": (endless_pages, ""),
    "next elsewhere": (sends(linked("http://127.0.0.2:9/fhir?p=2")), "leaves the base URL"),
    "wrong resource type": (sends(PATIENT), "another resource type"),
    "outcome with 200": (sends(outcome()), "OperationOutcome"),
    "outcome in the entries": (
        sends({**EMPTY, "entry": [{"resource": outcome("fatal")}]}),
        "OperationOutcome",
    ),
}


def make_call(base: str, **fields: Any) -> tuple[TestResponse, float]:
    browser = client(call_deadline=DEADLINE, max_search_bytes=1_000_000, max_pages=5)
    body = call(fhirServer=base, fhirAuthorization=AUTHORIZATION, **fields)
    started = time.monotonic()
    answer = post(browser, body)
    return answer, time.monotonic() - started


def texts(answer: TestResponse) -> dict[str, str]:
    outcome_sent = json.loads(answer.data)
    OperationOutcome.model_validate(outcome_sent)
    return {issue["expression"][0]: issue["details"]["text"] for issue in outcome_sent["issue"]}


@pytest.mark.parametrize("name", FAULTS)
def test_blood_counts_that_cannot_be_had_are_412_in_time(name: str) -> None:
    fault, sentence = FAULTS[name]

    def answer(path: str, connection: socket.socket) -> None:
        if path.startswith("/fhir/Patient/"):
            connection.sendall(http(PATIENT))
        else:
            fault(path, connection)

    with raw_server(answer) as server:
        response, seconds = make_call(server.base)
    assert response.status_code == 412
    assert seconds < DEADLINE + SLACK
    assert set(texts(response)) == {"prefetch.bloodCounts", "prefetch.differential"}
    for text in texts(response).values():
        assert sentence in text
    for leaked in (SECRET, TOKEN, PATIENT["id"]):
        assert leaked not in response.text


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "403 Forbidden"])
def test_a_patient_that_cannot_be_had_is_412(status: str) -> None:
    def answer(path: str, connection: socket.socket) -> None:
        patient = path.startswith("/fhir/Patient/")
        connection.sendall(http(outcome(), status) if patient else http(EMPTY))

    with raw_server(answer) as server:
        response, _ = make_call(server.base)
    assert response.status_code == 412
    assert list(texts(response)) == ["prefetch.patient"]
    assert f"HTTP {status[:3]}" in texts(response)["prefetch.patient"]


def test_another_patient_than_asked_for_is_412() -> None:
    other = {**PATIENT, "id": "somebody-else"}
    with raw_server(
        lambda path, c: c.sendall(http(other if "/Patient/" in path else EMPTY))
    ) as server:
        response, _ = make_call(server.base)
    assert response.status_code == 412
    assert list(texts(response)) == ["prefetch.patient"]


def test_a_server_that_is_down_is_412() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    response, seconds = make_call(f"http://127.0.0.1:{port}/fhir")
    assert response.status_code == 412
    assert seconds < DEADLINE + SLACK
    assert "could not be reached" in texts(response)["prefetch.bloodCounts"]


def test_a_name_that_does_not_resolve_is_412() -> None:
    browser = client(call_deadline=DEADLINE, fhir_servers=("http://fhir.invalid/r4",))
    started = time.monotonic()
    response = post(browser, call(fhirServer="http://fhir.invalid/r4"))
    assert response.status_code == 412
    assert time.monotonic() - started < DEADLINE + SLACK


def test_trouble_that_passes_is_not_seen() -> None:
    seen: set[str] = set()

    def answer(path: str, connection: socket.socket) -> None:
        if path not in seen:
            seen.add(path)
            connection.sendall(http(outcome(), "500 Internal Server Error"))
        else:
            connection.sendall(http(PATIENT if "/Patient/" in path else EMPTY))

    with raw_server(answer) as server:
        response, _ = make_call(server.base)
    assert (response.status_code, response.json) == (200, {"cards": []})


def test_a_film_that_cannot_be_had_does_not_withhold_the_answer() -> None:
    smear = "44017-2"

    def answer(path: str, connection: socket.socket) -> None:
        if smear in path:
            connection.sendall(http(outcome(), "403 Forbidden"))
        else:
            connection.sendall(http(PATIENT if "/Patient/" in path else EMPTY))

    with raw_server(answer) as server:
        response, _ = make_call(server.base)
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
            response, _ = make_call(server.base)
        assert response.status_code == 412
        assert other.requests == []
        assert all(f"Authorization: Bearer {TOKEN}" in head for head in server.requests)


def test_a_prefetched_next_link_elsewhere_never_gets_the_token() -> None:
    with raw_server(lambda _, c: c.sendall(http(EMPTY))) as other:
        prefetch = empty_prefetch() | {"bloodCounts": linked(f"{other.base}/Observation?page=2")}
        with raw_server(lambda _, c: c.sendall(http(EMPTY))) as server:
            response, _ = make_call(server.base, prefetch=prefetch)
        assert response.status_code == 200
        assert other.requests == []
        assert server.requests


def test_nothing_is_asked_of_a_server_when_everything_was_prefetched() -> None:
    with raw_server(lambda _, c: c.sendall(http(EMPTY))) as server:
        response, _ = make_call(server.base, prefetch=empty_prefetch())
    assert (response.status_code, server.requests) == (200, [])
