"""What operators read of data that could not be had: one line for a call, not one for a key."""

from __future__ import annotations

import io
import json
from typing import Any

from tests.support.deadlines import AMPLE
from tests.support.hook_calls import call, client, empty_prefetch, post, seed_prefetch
from tests.support.raw_server import http, raw_server

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}


def lines(event: str, body: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    stream = io.StringIO()
    post(client(stream, **settings), body)
    logged = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in logged if line["event"] == event]


def test_a_call_without_a_fhir_server_logs_its_gaps_in_one_line() -> None:
    prefetch = seed_prefetch()
    for key in ("conditions", "procedures", "appointments"):
        del prefetch[key]
    (line,) = lines("data unavailable", call(prefetch=prefetch))
    assert line["keys"] == [
        "conditions=no-fhir-server",
        "procedures=no-fhir-server",
        "appointments=no-fhir-server",
    ]
    assert line["request_id"]


def test_a_call_that_is_refused_logs_its_gaps_in_one_line() -> None:
    (line,) = lines("data unavailable", call(prefetch={}))
    assert [each.partition("=")[0] for each in line["keys"]] == [
        "patient",
        "bloodCounts",
        "differential",
        "smear",
        "filmReports",
    ]


def test_the_line_gives_the_status_of_the_fhir_server() -> None:
    with raw_server(lambda _, c: c.sendall(http(OUTCOME, "403 Forbidden"))) as server:
        (line,) = lines("data unavailable", call(fhirServer=server.base), call_deadline=AMPLE)
    assert "bloodCounts=http-status 403" in line["keys"]


def test_a_prefetch_that_cannot_be_used_is_told_in_one_line() -> None:
    prefetch = seed_prefetch() | {"conditions": OUTCOME, "procedures": OUTCOME, "smear": 7}
    (line,) = lines("prefetch not used", call(prefetch=prefetch))
    assert [each.partition(":")[0] for each in line["keys"]] == [
        "smear",
        "conditions",
        "procedures",
    ]


def test_a_call_with_everything_logs_no_gap() -> None:
    for event in ("data unavailable", "prefetch not used"):
        assert lines(event, call(prefetch=empty_prefetch())) == []
