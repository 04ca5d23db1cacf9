"""Searches that many servers do not offer, and that an answer can do without."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from tests.support.answers import findings_of
from tests.support.chart_server import ChartServer
from tests.support.hook_calls import PATIENT, PATIENT_ID, call, client, post
from tests.support.written_charts import EXPLAIN, observation, with_results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug import Request
    from werkzeug.test import TestResponse

    from tests.support.written_charts import Json

NOT_OFFERED = "search not offered by the FHIR server"
OPTIONAL = {
    "MedicationStatement": ("medicationStatements", "medicines the patient reports"),
    "Appointment": ("appointments", "appointments"),
}
REFERRED = {
    "resourceType": "ServiceRequest",
    "id": "sr1",
    "status": "active",
    "intent": "order",
    "subject": {"reference": f"Patient/{PATIENT_ID}"},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "183567007"}]},
    "authoredOn": "2026-10-20",
}


class PickyServer(ChartServer):
    """Answers searches of one resource type with a status of its own, or late."""

    picky: str = ""
    status: int = 404
    seconds: float = 0.0

    def answer(self, request: Request) -> Response:
        """Answer as a chart server does, but for one resource type."""
        if request.path.endswith(f"/{self.picky}"):
            self.asked.append(request.path)
            time.sleep(self.seconds)
            if self.status != 200:
                return Response("{}", self.status, content_type="application/fhir+json")
        return super().answer(request)


@pytest.fixture
def server(httpserver: HTTPServer) -> PickyServer:
    held = PickyServer(httpserver)
    held.resources = [PATIENT, *with_results()]
    return held


def log_of(stream: io.StringIO, event: str) -> list[Json]:
    lines = (json.loads(line) for line in stream.getvalue().splitlines())
    return [line for line in lines if line.get("event") == event]


def ask(browser: FlaskClient, server: ChartServer, **fields: Any) -> TestResponse:
    return post(browser, call(fhirServer=server.base, extension=EXPLAIN, **fields))


def unchecked(given: TestResponse) -> list[str]:
    explained = given.json["extension"]["heme-hooks"]  # type: ignore[index]
    return list(explained.get("couldNotCheck", []))


@pytest.mark.parametrize("kind", OPTIONAL)
@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_search_that_is_not_offered_is_said_to_the_operator_once(
    server: PickyServer, kind: str, status: int
) -> None:
    server.picky, server.status = kind, status
    stream = io.StringIO()
    browser = client(stream, database_url="", call_deadline=20)
    key, words = OPTIONAL[kind]
    times: list[int] = []
    for _ in range(3):
        given = ask(browser, server)
        assert findings_of(given) == {"pancytopenia-high-b12"}
        assert words in unchecked(given)
        times.append(sum(path == f"/fhir/{kind}" for path in server.asked))
    (said,) = log_of(stream, NOT_OFFERED)
    assert said["keys"] == [key]
    assert key not in json.dumps(log_of(stream, "clinical data unavailable"))
    # Learned: it is not asked for again, with or without a page size.
    assert times[0] in {1, 2}
    assert times == times[:1] * 3


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_search_that_failed_otherwise_is_tried_at_every_call(
    server: PickyServer, status: int
) -> None:
    server.picky, server.status = "Appointment", status
    stream = io.StringIO()
    browser = client(stream, database_url="", call_deadline=20)
    for _ in range(2):
        ask(browser, server)
    assert log_of(stream, NOT_OFFERED) == []
    assert len({path for path in server.asked if "Appointment" in path}) >= 1
    assert len([path for path in server.asked if path == "/fhir/Appointment"]) >= 2


def test_an_appointment_is_missed_only_where_a_referral_is_proposed(server: PickyServer) -> None:
    server.picky = "Appointment"
    browser = client(database_url="", call_deadline=20)
    assert any("appointments" in each for each in unchecked(ask(browser, server)))
    server.resources.append(REFERRED)
    assert not any("appointments" in each for each in unchecked(ask(browser, server)))


@pytest.mark.parametrize(
    ("taken", "said"), [("2026-11-02", True), ("2026-09-20", False)], ids=["current", "stale"]
)
def test_medicines_by_statement_are_missed_only_where_counts_are_read_as_a_pattern(
    server: PickyServer, taken: str, *, said: bool
) -> None:
    server.picky = "MedicationStatement"
    counts = [
        observation("718-7", 8.9, "g/dL", effectiveDateTime=taken),
        observation("751-8", 0.9, "10*9/L", effectiveDateTime=taken),
        observation("777-3", 84, "10*9/L", effectiveDateTime=taken),
    ]
    server.resources = [PATIENT, *counts]
    given = ask(client(database_url="", call_deadline=20), server)
    assert findings_of(given) == {"incomplete-workup" if said else "stale-counts"}
    assert any("medicines the patient reports" in each for each in unchecked(given)) is said


@pytest.mark.parametrize("status", [400, 404, 500])
def test_film_reports_that_are_refused_are_asked_for_once(server: PickyServer, status: int) -> None:
    server.picky, server.status = "DiagnosticReport", status
    server.resources = [PATIENT, observation("718-7", 13.9, "g/dL")]
    stream = io.StringIO()
    browser = client(stream, database_url="", call_deadline=20)
    times = []
    for _ in range(3):
        assert findings_of(ask(browser, server)) == set()
        times.append(sum("DiagnosticReport" in path for path in server.asked))
    assert len(log_of(stream, NOT_OFFERED)) == (0 if status == 500 else 1)
    assert (times[0] == times[-1]) is (status != 500)


@pytest.fixture
def threaded() -> Iterator[PickyServer]:
    with HTTPServer(threaded=True) as made:
        held = PickyServer(made)
        held.resources = [PATIENT, *with_results()]
        yield held


def test_a_film_report_that_is_late_leaves_the_time_to_the_rest(threaded: PickyServer) -> None:
    """Were it waited for to the end, nothing would be known of vitamin B12 and iron."""
    server = threaded
    server.picky, server.status, server.seconds = "DiagnosticReport", 200, 9.5
    browser = client(database_url="", call_deadline=9)
    given = ask(browser, server)
    assert findings_of(given) == {"pancytopenia-high-b12"}
    assert any("film" in each or "report" in each for each in unchecked(given))
