"""Other servers' habits: the same cards, whatever the ways of the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from pytest_httpserver import HTTPServer

from service import samples
from tests.support.chart_server import ChartServer
from tests.support.hook_calls import NOW, call, client, post, seed_prefetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug import Request
    from werkzeug.test import TestResponse

    Json = dict[str, Any]
    Habit = Callable[[Json, Request], Json]

PATIENT = samples.SAMPLES[samples.SEED].patient_id


def gist(answer: TestResponse) -> list[Any]:
    """The cards but for what is new in every answer, and for the way references are written."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [
        (card["summary"], card["indicator"], card["source"], _labels(card))
        for card in answer.json["cards"]  # type: ignore[index]
    ]


def _labels(card: Json) -> list[str]:
    return [suggestion["label"] for suggestion in card.get("suggestions", ())]


@pytest.fixture
def server() -> Iterator[ChartServer]:
    with HTTPServer(threaded=True) as http:
        chart = ChartServer(http)
        chart.resources = samples.SAMPLES[samples.SEED].resources(NOW)
        yield chart


@pytest.fixture(scope="module")
def expected() -> list[Any]:
    return gist(post(client(), call(prefetch=seed_prefetch())))


def cards_from(server: ChartServer) -> list[Any]:
    return gist(post(client(call_deadline=20), call(fhirServer=server.base)))


def entries(bundle: Json) -> list[Json]:
    found: list[Json] = bundle["entry"]
    return found


def reversed_order(bundle: Json, _: Request) -> Json:
    return bundle | {"entry": entries(bundle)[::-1]}


def no_total(bundle: Json, _: Request) -> Json:
    return {key: value for key, value in bundle.items() if key != "total"}


def wrong_total(bundle: Json, _: Request) -> Json:
    return bundle | {"total": 10_000}


def no_empty_entry(bundle: Json, _: Request) -> Json:
    return bundle if entries(bundle) else {k: v for k, v in bundle.items() if k != "entry"}


def doubled_rows(bundle: Json, _: Request) -> Json:
    return bundle | {"entry": entries(bundle) * 2}


def without_full_urls(bundle: Json, _: Request) -> Json:
    return bundle | {"entry": [{"resource": each["resource"]} for each in entries(bundle)]}


def included_rows(bundle: Json, _: Request) -> Json:
    more = [
        {"resourceType": "Provenance", "id": "p1", "target": [{"reference": "Observation/1"}]},
        {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Included"}]},
        {"resourceType": "Patient", "id": PATIENT},
    ]
    rows = [{"resource": each, "search": {"mode": "include"}} for each in more]
    return bundle | {"entry": [*rows, *entries(bundle)]}


def warnings_among_the_rows(bundle: Json, _: Request) -> Json:
    issue = {"severity": "warning", "code": "not-supported", "diagnostics": "_sort is not known"}
    note = {"resourceType": "OperationOutcome", "issue": [issue]}
    row = {"resource": note, "search": {"mode": "outcome"}}
    return bundle | {"entry": [*entries(bundle), row]}


def social_history_on_the_first_page(bundle: Json, request: Request) -> Json:
    """Oracle Health sends it with any search for Observations that names no category."""
    if not request.path.endswith("/Observation"):
        return bundle
    smoking = {
        "resourceType": "Observation",
        "id": "smoking",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "72166-2"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-11-01",
        "valueCodeableConcept": {"text": "never smoked"},
    }
    return bundle | {"entry": [{"resource": smoking}, *entries(bundle)]}


def references_as(form: str) -> Habit:
    def habit(bundle: Json, request: Request) -> Json:
        base = request.url_root.rstrip("/") + "/fhir"
        text = json.dumps(bundle)
        written = form.format(base=base, patient=PATIENT)
        changed: Json = json.loads(
            text.replace(f'"reference": "Patient/{PATIENT}"', f'"reference": "{written}"')
        )
        if form.startswith("urn:"):
            person = {"resourceType": "Patient", "id": PATIENT}
            row = {"fullUrl": written, "resource": person, "search": {"mode": "include"}}
            changed["entry"].append(row)
        return changed

    return habit


def under_its_inner_address(bundle: Json, request: Request) -> Json:
    """A server behind a proxy that writes its inner address into everything."""
    inner = "https://inner.example/r4"
    changed = references_as(inner + "/Patient/{patient}")(bundle, request)
    for each in entries(changed):
        resource = each["resource"]
        each["fullUrl"] = f"{inner}/{resource['resourceType']}/{resource['id']}"
    return changed


HABITS: dict[str, Habit] = {
    "oldest first": reversed_order,
    "no total": no_total,
    "a total that is an estimate": wrong_total,
    "no entry when nothing is found": no_empty_entry,
    "each row twice": doubled_rows,
    "no fullUrl": without_full_urls,
    "included resources": included_rows,
    "warnings among the rows": warnings_among_the_rows,
    "social history with everything": social_history_on_the_first_page,
    "absolute references": references_as("{base}/Patient/{patient}"),
    "references under the address of its own entries": under_its_inner_address,
    "versioned references": references_as("Patient/{patient}/_history/3"),
    "absolute versioned references": references_as("{base}/Patient/{patient}/_history/3"),
    "urn:uuid references": references_as("urn:uuid:5f5b1a6e-8a53-4d32-b6ab-0d7f3d3a1c11"),
}


@pytest.mark.parametrize("name", HABITS)
def test_the_cards_do_not_depend_on_a_servers_habits(
    server: ChartServer, expected: list[Any], name: str
) -> None:
    server.habit = HABITS[name]
    assert cards_from(server) == expected


def test_the_same_id_on_another_server_is_not_taken_for_the_patient(server: ChartServer) -> None:
    server.habit = references_as("https://elsewhere.example/r4/Patient/{patient}")
    answer = post(client(call_deadline=20), call(fhirServer=server.base))
    assert answer.status_code == 412
    assert "whose they are" in answer.text


def test_a_server_that_refuses_the_page_size_gives_the_same_cards(
    server: ChartServer, expected: list[Any]
) -> None:
    server.refuses = lambda request: int(request.args.get("_count", "0")) > 100
    assert cards_from(server) == expected


def relative(url: str) -> str:
    return url.rpartition("/")[2]


def rooted(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def query_only(url: str) -> str:
    return "?" + urlsplit(url).query


def without_type(url: str) -> str:
    """As HAPI: the base URL and an opaque key, no resource type."""
    parts = urlsplit(url)
    base, _, kind = parts.path.rpartition("/")
    return f"{parts.scheme}://{parts.netloc}{base}?{urlencode({'_getpages': kind})}&{parts.query}"


@pytest.mark.parametrize("write", [str, relative, rooted, query_only, without_type])
def test_pages_of_two_rows_give_the_same_cards_however_next_is_written(
    server: ChartServer, expected: list[Any], write: Callable[[str], str]
) -> None:
    server.page_size = 2

    def habit(bundle: Json, _: Request) -> Json:
        links = [
            link | ({"url": write(link["url"])} if link["relation"] == "next" else {})
            for link in bundle["link"]
        ]
        return bundle | {"link": links}

    server.habit = habit
    assert cards_from(server) == expected
    assert any("_offset=2" in asked for asked in server.asked)


def test_rows_that_stand_on_two_pages_count_once(server: ChartServer, expected: list[Any]) -> None:
    server.page_size, server.overlap = 3, 2
    assert cards_from(server) == expected


def test_an_empty_page_before_the_rows_is_followed(
    server: ChartServer, expected: list[Any]
) -> None:
    server.starts_with_empty_page = True
    assert cards_from(server) == expected


def _codes(asked: str) -> list[str]:
    return parse_qs(asked.partition("?")[2]).get("code", [])


def test_a_server_that_refuses_codes_is_searched_by_category_once_and_then_always(
    server: ChartServer, expected: list[Any]
) -> None:
    server.refuses = lambda request: "code" in request.args
    browser = client(call_deadline=20)
    for visit in range(2):
        server.asked.clear()
        assert gist(post(browser, call(fhirServer=server.base))) == expected
        searches = [asked for asked in server.asked if asked.startswith("Observation")]
        assert bool([asked for asked in searches if _codes(asked)]) is (visit == 0)
        assert len([asked for asked in searches if "category=laboratory" in asked]) == 1


def test_a_server_that_takes_one_code_at_a_time_is_searched_by_category(
    server: ChartServer, expected: list[Any]
) -> None:
    """US Core asks for several codes in one search only as SHOULD."""
    server.refuses = lambda request: "," in request.args.get("code", "")
    assert cards_from(server) == expected


def test_a_server_that_takes_codes_only_is_never_asked_for_a_category(
    server: ChartServer, expected: list[Any]
) -> None:
    server.refuses = lambda request: "category" in request.args
    assert cards_from(server) == expected
    assert not [asked for asked in server.asked if "category" in asked]


def test_a_server_that_refuses_codes_and_categories_is_412(server: ChartServer) -> None:
    server.refuses = lambda request: bool({"code", "category"} & set(request.args))
    answer = post(client(), call(fhirServer=server.base))
    assert answer.status_code == 412
    assert "HTTP 400 (the search was refused)" in answer.text
