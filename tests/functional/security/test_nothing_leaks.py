"""A marker in every text of a call, the token and the FHIR server: none comes back or is logged."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from service.observability.logging import FIELDS, Event, configure_logging, log
from tests.support.hook_calls import (
    NOW,
    PATIENT_ID,
    URL,
    call,
    client,
    empty_prefetch,
    post,
    seed_prefetch,
)
from tests.support.raw_server import http, raw_server
from tests.support.tokens import Signer, clients_file, database

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

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
    "fhirServer",
    "fhirAuthorization",
    "context.userId",
    "context.patientId",
    "prefetch",
]
PASSED_OVER = ["hookInstance", "context.encounterId", "extension"]
"""What the answer does not need: a value that cannot be read is no reason to refuse the call."""


@pytest.mark.parametrize("path", REFUSED)
def test_a_refused_value_is_neither_repeated_nor_logged(path: str) -> None:
    stream = io.StringIO()
    answer = post(client(stream), one(path)())
    assert answer.status_code == 400
    assert MARKER not in answer.text + str(answer.headers) + stream.getvalue()


@pytest.mark.parametrize("path", PASSED_OVER)
def test_a_value_that_is_passed_over_is_neither_repeated_nor_logged(path: str) -> None:
    stream = io.StringIO()
    answer = post(client(stream), one(path)())
    assert answer.status_code == 200
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


def marked_prefetch() -> dict[str, Any]:
    prefetch = {key: marked(value) for key, value in seed_prefetch().items()}
    prefetch["patient"]["name"] = [{"family": MARKER, "given": [MARKER]}]
    return prefetch


def test_no_text_of_a_whole_chart_is_logged() -> None:
    stream = io.StringIO()
    answer = post(client(stream), call(prefetch=marked_prefetch()))
    assert answer.status_code == 200
    assert MARKER not in stream.getvalue()
    assert PATIENT_ID not in stream.getvalue()


class Kept:
    """Everything that the service writes down or shows to operators."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.log = io.StringIO()
        self.audit = folder / "audit.jsonl"
        self.folder = folder
        self.browser = client(
            self.log, audit_log=str(self.audit), database_url=database(folder), **settings
        )

    def text(self) -> str:
        store = b"".join(path.read_bytes() for path in self.folder.glob("store.sqlite3*"))
        shown = [self.browser.get(path).text for path in ("/metrics", "/health/ready")]
        return "\n".join(
            [self.log.getvalue(), self.audit.read_text(), store.decode("latin-1"), *shown]
        )


def test_nothing_of_a_chart_is_kept_in_log_audit_metrics_or_database(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    user = "Practitioner/Xq7-User"
    body = call(prefetch=marked_prefetch(), extension={"any": {MARKER: MARKER}})
    body["context"] |= {"userId": user, "encounterId": "Xq7-Encounter", "more": MARKER}
    answer = post(kept.browser, body, traceparent=MARKER, tracestate=MARKER, Cookie=MARKER)
    assert answer.status_code == 200
    assert answer.json["cards"]  # type: ignore[index]
    text = kept.text()
    assert "index-pattern" in text
    for secret in (MARKER, PATIENT_ID, "Xq7-User", "Xq7-Encounter"):
        assert secret not in text, secret


def test_nothing_of_token_and_fhir_server_is_kept(tmp_path: Path) -> None:
    def answer(path: str, connection: socket.socket) -> None:
        kind = path.removeprefix("/fhir/").partition("?")[0].partition("/")[0]
        if kind == "Patient":
            connection.sendall(http(marked_prefetch()["patient"]))
        else:
            entry = [{"resource": {"resourceType": kind, "id": MARKER, "note": MARKER}}]
            link = [{"relation": "self", "url": f"http://x/{MARKER}"}]
            page = {"resourceType": "Bundle", "entry": entry, "link": link, "id": MARKER}
            connection.sendall(http(page, headers={"X-Trace": MARKER, "ETag": MARKER}))

    with raw_server(answer) as server:
        path = clients_file(tmp_path, f'fhir_servers = ["{server.base}"]')
        kept = Kept(tmp_path, clients_file=path)
        authorization = {
            "access_token": MARKER,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": MARKER,
            "subject": MARKER,
            "patient": MARKER,
        }
        body = call(fhirServer=server.base, fhirAuthorization=authorization)
        signer = Signer(f"http://localhost{URL}", NOW)
        token = signer.token(sub=MARKER, name=MARKER, tenant=MARKER)
        post(kept.browser, body, Authorization=f"Bearer {token}")
        assert len(server.requests) > 1
    text = kept.text()
    assert "hook call" in text
    for secret in (MARKER, PATIENT_ID, token, token.rpartition(".")[2]):
        assert secret not in text, secret


def test_a_marker_in_every_refused_place_is_kept_nowhere(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for path in REFUSED:
        assert post(kept.browser, one(path)()).status_code == 400
    for url in (f"/cds-services/{MARKER}", f"/{MARKER}?{MARKER}={MARKER}"):
        assert MARKER not in post(kept.browser, call(), url).text
    assert MARKER not in kept.text()


def test_a_comment_of_feedback_stands_in_the_database_only(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    item = {
        "card": str(uuid4()),
        "outcome": "overridden",
        "outcomeTimestamp": "2026-06-15T12:00:00Z",
        "overrideReason": {"userComment": MARKER},
    }
    assert post(kept.browser, {"feedback": [item]}, f"{URL}/feedback").status_code == 200
    shown = [kept.browser.get(path).text for path in ("/metrics", "/health/ready")]
    assert MARKER not in "".join([kept.log.getvalue(), kept.audit.read_text(), *shown])


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
    post(client(stream), call(context={"userId": "Practitioner/1", "patientId": "not an id"}))
    line = json.loads(stream.getvalue().splitlines()[-1])
    assert (line["event"], line["status"], line["expression"]) == (
        "call refused",
        400,
        "context.patientId",
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
