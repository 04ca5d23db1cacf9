"""Resources of another patient in an answer: refused, never shown, and logged."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer

from service import samples
from tests.support.chart_server import ChartServer
from tests.support.hook_calls import NOW, PATIENT_ID, call, client, post, seed_prefetch, topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

OTHER = "Patient/somebody-else"
NAME = "Zebedee"
LOINC = "http://loinc.org"


def observation(code: str, **value: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"theirs-{code}",
        "status": "final",
        "subject": {"reference": OTHER},
        "effectiveDateTime": "2026-11-03T08:00:00Z",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        **value,
    }


HEMOGLOBIN = observation("718-7", valueQuantity={"value": 5.55, "unit": "g/dL"})
FILM = observation("5909-7", valueString=f"{NAME} has 30 % blasts")
SEROLOGY = observation("5196-1", valueString=f"{NAME} is positive")
CANCELLED = observation("5221-7", valueString=f"{NAME} is reactive") | {"status": "cancelled"}
LEUKEMIA = {
    "resourceType": "Condition",
    "id": "theirs",
    "subject": {"reference": OTHER},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "91861009"}]},
}
VISIT = {
    "resourceType": "Appointment",
    "id": "theirs",
    "status": "booked",
    "participant": [{"actor": {"reference": "Location/1"}}, {"actor": {"reference": OTHER}}],
}
THEIRS = {
    "bloodCounts": HEMOGLOBIN,
    "smear": FILM,
    "serology": SEROLOGY,
    "conditions": LEUKEMIA,
    "appointments": VISIT,
}


def with_theirs(**more: dict[str, Any]) -> dict[str, Any]:
    prefetch = copy.deepcopy(seed_prefetch())
    for key, resource in more.items():
        prefetch[key].setdefault("entry", []).append({"resource": resource})
    return prefetch


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "resources of another patient refused"]


def shown(answer: TestResponse) -> list[Any]:
    """The cards but for the identifiers that are new each time, and the list of refusals."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [
        (card["summary"], card["indicator"], card["source"], len(card.get("suggestions", ())))
        for card in answer.json["cards"]  # type: ignore[index]
    ]


def test_nothing_of_another_patient_changes_the_cards_or_is_shown() -> None:
    stream = io.StringIO()
    browser = client(stream)
    asking = {"extension": {"heme-hooks": {"explain": True}}}
    answer = post(browser, call(prefetch=with_theirs(**THEIRS), **asking))
    assert shown(answer) == shown(post(client(), call(prefetch=seed_prefetch(), **asking)))
    assert NAME not in answer.text
    assert "5.55" not in answer.text
    assert [line["items"] for line in logged(stream)] == [len(THEIRS)]
    assert "somebody-else" not in stream.getvalue()


def test_not_even_a_cancelled_result_of_another_patient_is_repeated() -> None:
    answer = post(client(), call(prefetch=with_theirs(serology=CANCELLED)))
    assert topics(answer)[0] == "index-pattern"
    assert NAME not in answer.text


def test_a_chart_of_the_patient_alone_logs_no_such_line() -> None:
    stream = io.StringIO()
    post(client(stream), call(prefetch=seed_prefetch()))
    assert logged(stream) == []


@pytest.fixture
def careless() -> Iterator[ChartServer]:
    """A FHIR server that answers with the resources of every patient."""
    with HTTPServer(threaded=True) as server:
        yield ChartServer(server, every_patient=True)


def test_a_server_that_ignores_the_patient_parameter_gives_the_patients_cards(
    careless: ChartServer,
) -> None:
    chart = samples.SAMPLES[samples.SEED].resources(NOW)
    careless.resources = [*chart, *THEIRS.values()]
    stream = io.StringIO()
    answer = post(client(stream, call_deadline=20), call(fhirServer=careless.base))
    assert shown(answer) == shown(post(client(), call(prefetch=seed_prefetch())))
    assert NAME not in answer.text
    assert len(logged(stream)) == 1


def test_another_patient_for_the_one_asked_for_is_412_and_says_so(careless: ChartServer) -> None:
    careless.resources = [{"resourceType": "Patient", "id": PATIENT_ID}]
    careless.read_as = {"resourceType": "Patient", "id": "somebody-else"}
    answer = post(client(), call(fhirServer=careless.base))
    assert answer.status_code == 412
    texts = [issue["details"]["text"] for issue in answer.json["issue"]]  # type: ignore[index]
    assert len(texts) == 1
    assert "the Patient is not the one of context.patientId" in texts[0]
