"""A marker in every text of a call, the token and the FHIR server: none comes back or is logged."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from service.observability import FIELDS, Event, configure_logging, log
from tests.functional.hook_calls import (
    PATIENT_ID,
    call,
    client,
    empty_prefetch,
    post,
    seed_prefetch,
)
from tests.functional.raw_server import http, raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

MARKER = "Xq7Marker"
ALLOWED_TO_COME_BACK = ("hook", "hookInstance")


def marked(value: Any, path: str = "") -> Any:
    """The same JSON with the marker in every text that is free to change."""
    if isinstance(value, dict):
        return {key: marked(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [marked(item, path) for item in value]
    last = path.rpartition(".")[2]
    fixed = {"resourceType", "system", "code", "status", "unit", "reference", "value", "id", "url"}
    if not isinstance(value, str) or last in fixed or "ate" in last or last in {"start", "end"}:
        return value
    return f"{value} {MARKER}"


def one(path: str) -> Callable[[], dict[str, Any]]:
    """A call with the marker in one place where it is refused."""

    def build() -> dict[str, Any]:
        body = call(prefetch=empty_prefetch())
        place = body
        *parents, last = path.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = f"{MARKER} x"
        return body

    return build


REFUSED = [
    "hook",
    "hookInstance",
    "fhirServer",
    "fhirAuthorization",
    "context.userId",
    "context.patientId",
    "context.encounterId",
    "prefetch",
    "extension",
]


@pytest.mark.parametrize("path", REFUSED)
def test_a_refused_value_is_neither_repeated_nor_logged(path: str) -> None:
    stream = io.StringIO()
    answer = post(client(stream), one(path)())
    assert answer.status_code == 400
    assert MARKER not in answer.text + str(answer.headers) + stream.getvalue()


def test_a_prefetch_key_of_the_clients_own_is_not_logged() -> None:
    stream = io.StringIO()
    prefetch = empty_prefetch() | {MARKER: {"x": MARKER}, "conditions": MARKER, "smear": [MARKER]}
    answer = post(client(stream), call(prefetch=prefetch))
    assert MARKER not in answer.text + stream.getvalue()


def test_headers_are_not_logged() -> None:
    stream = io.StringIO()
    headers = {"X-Request-Id": MARKER, "User-Agent": MARKER, "Origin": f"https://{MARKER}.example"}
    answer = post(client(stream), b"{", Authorization=f"Bearer {MARKER}", **headers)
    assert MARKER not in answer.text + stream.getvalue()


def test_no_text_of_a_whole_chart_is_logged() -> None:
    stream = io.StringIO()
    prefetch = {key: marked(value) for key, value in seed_prefetch().items()}
    prefetch["patient"]["name"] = [{"family": MARKER, "given": [MARKER]}]
    answer = post(client(stream), call(prefetch=prefetch))
    assert answer.status_code == 200
    assert MARKER not in stream.getvalue()
    assert PATIENT_ID not in stream.getvalue()


SERVER_SAYS = [
    http(MARKER.encode(), "500 Internal Server Error"),
    http({"resourceType": "OperationOutcome", "issue": [{"diagnostics": MARKER}]}, "403 Forbidden"),
    http(f"<html>{MARKER}".encode(), headers={"X-Marker": MARKER}),
    http({"resourceType": MARKER, "id": MARKER}),
    http({"resourceType": "Bundle", "link": [{"relation": "next", "url": f"//{MARKER}/x"}]}),
    http(b"", f"302 {MARKER}", {"Location": f"http://{MARKER}.example/"}),
    http(MARKER.encode(), f"400 {MARKER}", {"Retry-After": MARKER}),
    b"HTTP/1.1 " + MARKER.encode(),
]


@pytest.mark.parametrize("says", SERVER_SAYS, ids=range(len(SERVER_SAYS)))
def test_what_a_fhir_server_says_is_neither_repeated_nor_logged(
    says: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    stream = io.StringIO()
    caplog.set_level(logging.DEBUG)

    def answer(_: str, connection: socket.socket) -> None:
        connection.sendall(says)

    with raw_server(answer) as server:
        authorization = {
            "access_token": MARKER,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": MARKER,
            "subject": MARKER,
        }
        body = call(fhirServer=f"{server.base}/{MARKER}", fhirAuthorization=authorization)
        response = post(client(stream, call_deadline=1.5), body)
    assert response.status_code == 412
    everything = response.text + str(response.headers) + stream.getvalue() + caplog.text
    assert MARKER not in everything
    assert PATIENT_ID not in everything


def test_one_line_tells_what_became_of_a_call() -> None:
    stream = io.StringIO()
    answer = post(client(stream), call(prefetch=seed_prefetch()))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (line,) = [line for line in lines if line["event"] == Event.CALL_ANSWERED]
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["service"], line["hook"]) == ("pancytopenia-patient-view", "patient-view")
    assert line["status"] == 200
    assert line["duration_ms"] >= 0
    assert "index-pattern" in line["findings"]
    assert "bloodCounts=prefetch" in line["sources"]
    assert all(set(line) <= FIELDS | {"dropped"} for line in lines)
    assert not any("dropped" in line for line in lines)


def test_a_refused_call_has_its_line_too() -> None:
    stream = io.StringIO()
    post(client(stream), call(hookInstance="x"))
    line = json.loads(stream.getvalue().splitlines()[-1])
    assert (line["event"], line["status"], line["expression"]) == (
        "call refused",
        400,
        "hookInstance",
    )


def test_what_is_not_on_the_list_never_reaches_the_log() -> None:
    stream = io.StringIO()
    configure_logging(stream)
    log.info(f"patient {MARKER}", patient=MARKER, key=f"{MARKER}\n", keys=["a", {"b": MARKER}])
    log.info(Event.STARTED, environment="development", name=MARKER)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert MARKER not in stream.getvalue()
    assert (first["event"], first["dropped"]) == (Event.NOT_LISTED, 3)
    assert (second["environment"], second["dropped"]) == ("development", 1)
