"""Counts that are hard to find, and calls that are loosely written: an example of each kind."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from service.app import create_app
from service.settings import Settings
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, prefetched
from tests.support.answers import findings_of
from tests.support.chart_server import ChartServer
from tests.support.vignette_charts import LOINC, PATIENT, T0, chart, concept, subject, vignette

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from pytest_httpserver import HTTPServer
    from werkzeug.test import TestResponse

Json = dict[str, Any]

URL = "/cds-services/pancytopenia-patient-view"


@pytest.fixture
def client() -> FlaskClient:
    return create_app(
        Settings(database_url="", call_deadline=20),
        clock=lambda: T0,
        log_stream=io.StringIO(),
    ).test_client()


def ask(client: FlaskClient, resources: list[Json] | None = None, **fields: Any) -> TestResponse:
    body: Json = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "extension": {"heme-hooks": {"explain": True}},
    }
    if resources is not None:
        body["prefetch"] = prefetched(resources, list(TEMPLATES))
    return client.post(URL, json=body | fields)


def seed() -> list[Json]:
    return copy.deepcopy(chart(vignette("V01")))


def counts_of(resources: list[Json]) -> list[Json]:
    """Hemoglobin, leukocytes, neutrophils and platelets of the seed's chart."""
    return resources[1:5]


def panel(members: list[Json], kind: str = "Observation") -> Json:
    """A CBC that only names its members."""
    return {
        "resourceType": kind,
        "id": "cbc",
        "status": "final",
        "code": concept(LOINC, "58410-2"),
        "subject": subject(),
        "effectiveDateTime": members[0]["effectiveDateTime"],
        ("hasMember" if kind == "Observation" else "result"): [
            {"reference": f"Observation/{each['id']}"} for each in members
        ],
    }


class WithoutMembers(ChartServer):
    """A FHIR server that finds no member of a panel by its code, and reads each by its id."""

    hidden: frozenset[str] = frozenset()

    def _fits(self, resource: Json, request: Any) -> bool:
        return resource["id"] not in self.hidden and super()._fits(resource, request)


@pytest.mark.parametrize("kind", ["Observation", "DiagnosticReport"])
def test_p08_members_that_were_not_delivered_are_read_or_the_call_is_refused(
    client: FlaskClient, httpserver: HTTPServer, kind: str
) -> None:
    whole = findings_of(ask(client, seed()))
    resources = seed()
    members = counts_of(resources)
    named = [resources[0], panel(members, kind), *resources[5:]]
    assert findings_of(ask(client, named)) == {"412"}

    server = WithoutMembers(httpserver)
    server.resources = [*resources, panel(members, kind)]
    server.hidden = frozenset(each["id"] for each in members)
    assert findings_of(ask(client, fhirServer=server.base)) == whole
    assert findings_of(ask(client, named, fhirServer=server.base)) == whole

    server.resources = [each for each in server.resources if each is not members[3]]
    assert findings_of(ask(client, fhirServer=server.base)) >= {"incomplete-cbc", "data-quality"}


def test_p09_a_chart_of_another_patient_alone_is_refused(client: FlaskClient) -> None:
    resources = seed()
    for each in resources[1:]:
        each["subject"] = {"reference": "Patient/somebody-else"}
    assert findings_of(ask(client, resources)) == {"412"}
    resources[1:3] = counts_of(seed())[:2]
    assert "412" not in findings_of(ask(client, resources))


def test_counts_that_stand_in_nothing_but_a_report_are_found(
    client: FlaskClient, httpserver: HTTPServer
) -> None:
    resources = seed()
    inside = [{k: v for k, v in each.items() if k != "subject"} for each in counts_of(resources)]
    local = {"coding": [{"system": "http://example.org/lab", "code": "H1"}], "text": "Hematology"}
    report = panel(counts_of(resources), "DiagnosticReport") | {"code": local, "contained": inside}
    report["result"] = [{"reference": f"#{each['id']}"} for each in inside]
    server = ChartServer(httpserver)
    server.resources = [resources[0], report, *resources[5:]]
    whole = findings_of(ask(client, seed()))
    assert findings_of(ask(client, fhirServer=server.base)) == whole


def test_a_film_that_only_a_report_describes_is_read_at_every_chart(
    client: FlaskClient, httpserver: HTTPServer
) -> None:
    normal = [chart(vignette("V01"))[0]]
    film = panel(counts_of(seed()), "DiagnosticReport") | {
        "id": "film",
        "code": concept(LOINC, "18314-5"),
        "result": [],
        "conclusion": "Blasts 12 %.",
    }
    server = ChartServer(httpserver)
    server.resources = [*normal, film]
    assert "circulating-blasts" in findings_of(ask(client, fhirServer=server.base))
    server.resources = [*normal, film | {"effectiveDateTime": "2026-05-01"}]
    assert "circulating-blasts" not in findings_of(ask(client, fhirServer=server.base))


def test_film_reports_that_cannot_be_had_end_no_call(
    client: FlaskClient, httpserver: HTTPServer
) -> None:
    server = ChartServer(httpserver)
    server.resources = seed()
    whole = findings_of(ask(client, seed()))
    server.refuses = lambda request: request.path.endswith("DiagnosticReport")
    assert findings_of(ask(client, fhirServer=server.base)) == whole
    server.resources = seed()[:1]
    answer = ask(client, fhirServer=server.base)
    assert (answer.status_code, answer.get_json()["cards"]) == (200, [])


@pytest.mark.parametrize(
    "authorization",
    [
        {"access_token": "t", "token_type": "Bearer", "scope": "x", "subject": "y"},
        {"access_token": "t"},
        {"access_token": "t", "token_type": "bearer", "expires_in": None, "subject": ""},
        {},
    ],
)
def test_what_the_answer_does_not_need_refuses_no_call(
    client: FlaskClient, authorization: Json
) -> None:
    whole = findings_of(ask(client, seed()))
    answer = ask(client, seed(), fhirAuthorization=authorization, hookInstance=None)
    assert findings_of(answer) == whole


def test_what_was_sent_and_not_used_is_named_in_the_explanation(client: FlaskClient) -> None:
    resources = seed()
    hemoglobin, leukocytes, neutrophils, platelets = counts_of(resources)
    hemoglobin["effectiveDateTime"] = "2126-06-14"
    leukocytes["status"] = "cancelled"
    del neutrophils["effectiveDateTime"]
    platelets["dataAbsentReason"] = {"text": "clotted"}
    answer = ask(client, resources)
    assert "data-quality" in findings_of(answer)
    explanation = answer.get_json()["extension"]["heme-hooks"]
    assert len([each for each in explanation["setAside"] if each.get("loinc")]) >= 4
    assert "not measured" not in explanation["sentence"]
