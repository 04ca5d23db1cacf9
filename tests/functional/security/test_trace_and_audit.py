"""The trace of a call reaches logs and FHIR server; the audit has one line a call, apart."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from service.app import create_app
from service.settings import Environment, Settings, SettingsRefused
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
    from pathlib import Path

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
KEY = "0123456789abcdef0123456789abcdef"
PUBLIC = "https://hooks.example"


def test_a_trace_is_continued_in_every_log_line_and_to_the_fhir_server() -> None:
    stream = io.StringIO()
    with raw_server(lambda _, connection: connection.sendall(http(b"{}"))) as server:
        body = call(fhirServer=server.base)
        answer = post(client(stream), body, traceparent=TRACEPARENT, tracestate="x=Doe")
        assert answer.status_code == 412
        sent = server.requests
    assert sent
    assert all(f"traceparent: 00-{TRACE}-" in request.lower() for request in sent)
    assert not any("b7ad6b7169203331" in request or "Doe" in request for request in sent)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()][1:]
    assert lines
    assert {line["trace_id"] for line in lines} == {TRACE}
    assert {line["request_id"] for line in lines} == {answer.headers["X-Request-Id"]}
    (span,) = {line["span_id"] for line in lines}
    assert all(span in request for request in sent)


def test_the_next_call_has_a_trace_of_its_own() -> None:
    stream = io.StringIO()
    browser = client(stream)
    for header in ({"traceparent": TRACEPARENT}, {}, {}):
        post(browser, call(prefetch=empty_prefetch()), **header)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()][1:]
    assert len({line["trace_id"] for line in lines}) == 3


def audited(tmp_path: Path, **settings: Any) -> tuple[Any, Path]:
    path = tmp_path / "audit.jsonl"
    return client(audit_log=str(path), hash_key=KEY, **settings), path


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def hashed(*parts: str) -> str:
    return hmac.new(KEY.encode(), "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()


def test_one_line_tells_who_asked_what_was_found_and_from_what(tmp_path: Path) -> None:
    browser, path = audited(tmp_path, database_url="")
    answer = post(browser, call(prefetch=seed_prefetch()), traceparent=TRACEPARENT)
    (line,) = lines_of(path)
    assert line["event"] == "hook call"
    assert (line["client"], line["service"]) == ("any", "pancytopenia-patient-view")
    assert (line["hook"], line["status"], line["outcome"]) == ("patient-view", 200, "answered")
    assert line["patient"] == hashed("patient", "any", PATIENT_ID)
    assert line["user"] == hashed("user", "any", "Practitioner/1")
    assert "index-pattern" in line["findings"]
    assert line["cards"] == len(answer.json["cards"])
    assert line["held_back"] == 0
    assert line["sources"]["bloodCounts"] == "prefetch"
    assert line["duration_ms"] > 0
    assert line["trace_id"] == TRACE
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["time"].endswith("+00:00")
    assert PATIENT_ID not in path.read_text()


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        (b"{", 400, "invalid-hook-call"),
        (call(fhirServer="https://evil.example/fhir"), 403, "fhir-server-not-allowed"),
        (call(prefetch={}), 412, "clinical-data-unavailable"),
    ],
)
def test_a_call_that_is_refused_has_its_line(
    tmp_path: Path, body: object, status: int, outcome: str
) -> None:
    browser, path = audited(tmp_path)
    post(browser, body)
    (line,) = lines_of(path)
    assert (line["status"], line["outcome"]) == (status, outcome)
    assert line["service"] == "pancytopenia-patient-view"
    assert line.get("sources", {}).get("bloodCounts", "unavailable") == "unavailable"
    assert "cards" not in line


def test_who_is_not_known_has_a_line_without_a_client(tmp_path: Path) -> None:
    browser, path = audited(
        tmp_path, clients_file=clients_file(tmp_path), database_url=database(tmp_path)
    )
    post(browser, call(prefetch=empty_prefetch()), Authorization="Bearer x.y.z")
    token = Signer(f"http://localhost{URL}", NOW).token()
    post(browser, call(prefetch=empty_prefetch()), Authorization=f"Bearer {token}")
    refused, answered = lines_of(path)
    assert (refused["status"], refused["outcome"]) == (401, "invalid-token")
    assert not {"client", "patient", "user"} & refused.keys()
    assert (answered["client"], answered["status"]) == ("ehr", 200)
    assert token not in path.read_text()


def test_feedback_has_its_line(tmp_path: Path) -> None:
    browser, path = audited(tmp_path, database_url=database(tmp_path))
    item = {
        "card": str(uuid4()),
        "outcome": "overridden",
        "outcomeTimestamp": NOW.isoformat(),
        "overrideReason": {"userComment": "Mrs Doe has it since 1999"},
    }
    answer = post(browser, {"feedback": [item]}, f"{URL}/feedback")
    assert answer.status_code == 200
    (line,) = lines_of(path)
    assert (line["event"], line["items"], line["outcome"]) == ("feedback", 1, "answered")
    assert "Doe" not in path.read_text()


def test_only_calls_and_feedback_are_audited(tmp_path: Path) -> None:
    browser, path = audited(tmp_path)
    browser.get("/cds-services")
    browser.get(URL)
    browser.options(URL)
    browser.get("/nowhere")
    assert path.read_text() == ""


def test_the_log_and_the_audit_are_two_streams(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    browser = client(stream, audit_log="stdout")
    post(browser, call(prefetch=empty_prefetch()))
    audit = capsys.readouterr().out.splitlines()
    assert len(audit) == 1
    assert json.loads(audit[0])["event"] == "hook call"
    assert "hook call" not in stream.getvalue()


def test_a_file_that_is_rotated_is_begun_anew(tmp_path: Path) -> None:
    browser, path = audited(tmp_path)
    post(browser, b"{")
    path.rename(tmp_path / "audit.1")
    post(browser, b"{")
    path.unlink()
    post(browser, b"{")
    assert len(lines_of(tmp_path / "audit.1")) == 1
    assert len(lines_of(path)) == 1


def test_an_audit_that_cannot_be_written_stands_in_nobodys_way(tmp_path: Path) -> None:
    stream = io.StringIO()
    folder = tmp_path / "audit"
    folder.mkdir()
    app = create_app(Settings(audit_log=str(folder / "a")), clock=lambda: NOW, log_stream=stream)
    (folder / "a").unlink()
    folder.rmdir()
    answer = post(app.test_client(), call(prefetch=empty_prefetch()))
    assert answer.status_code == 200
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert (last["event"], last["error_type"]) == ("audit not written", "FileNotFoundError")


def test_an_audit_that_cannot_be_opened_keeps_the_service_from_starting(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="HEME_HOOKS_AUDIT_LOG"):
        create_app(Settings(audit_log=str(tmp_path / "none" / "audit")))


def test_the_audit_is_on_in_production_and_off_in_development() -> None:
    assert Settings().audit_target == ""
    production = Settings.model_construct(environment=Environment.PRODUCTION)
    assert production.audit_target == "stdout"
    silent = Settings.model_construct(environment=Environment.PRODUCTION, audit_log="")
    assert silent.audit_target == ""
