"""What a call gathers: the six answers of a prefetch key, two stages, one deadline."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec
import pytest
import responses
from pytest_httpserver import HTTPServer
from werkzeug import Response

from fhir_mappings.panel import DataGroup
from service.base_urls import parse_base_url
from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.messages import CdsRequest
from service.clinical_data.fetching import Fetcher, FetchPlan
from service.clinical_data.gathered import FIRST_STAGE, SECOND_STAGE, ClinicalData, DataSource
from service.clinical_data.gathering import ClinicalDataSource
from service.clinical_data.refused_searches import RefusalMemory
from service.fhir_client.deadline import Deadline
from service.fhir_client.failures import FailureKind
from service.fhir_client.server import FhirServer
from service.fhir_client.transport import fhir_session
from tests.support.deadlines import AMPLE, SLACK, kept, until
from tests.support.raw_server import raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    import requests

BASE = "http://fhir.example/r4"
TEMPLATES = load_catalogue().templates
EMPTY = {"resourceType": "Bundle", "type": "searchset"}
PATIENT = {"resourceType": "Patient", "id": "p1"}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}
NEXT = {**EMPTY, "link": [{"relation": "next", "url": f"{BASE}?_getpages=1"}]}
EVERYTHING = {group.value: PATIENT if group == "patient" else EMPTY for group in DataGroup}


def call(prefetch: dict[str, Any]) -> CdsRequest:
    return CdsRequest(
        hook="patient-view",
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        user_id="Practitioner/1",
        patient_id="p1",
        prefetch={key: msgspec.Raw(json.dumps(value)) for key, value in prefetch.items()},
    )


def source(
    prefetch: dict[str, Any],
    *,
    base: str | None = BASE,
    seconds: float = AMPLE,
    memory: RefusalMemory | None = None,
    workers: int = 12,
) -> ClinicalDataSource:
    if base is None:
        return ClinicalDataSource(call(prefetch), TEMPLATES)
    deadline = Deadline(seconds)
    server = FhirServer(parse_base_url(base), fhir_session(connections=40), deadline)
    plan = FetchPlan(TEMPLATES, memory or RefusalMemory(time.monotonic), workers=workers)
    return ClinicalDataSource(call(prefetch), TEMPLATES, Fetcher(server, "p1", deadline, plan))


def gather(prefetch: dict[str, Any], **options: Any) -> ClinicalData:
    origin = source(prefetch, **options)
    return origin.second_stage(origin.first_stage())


@pytest.fixture
def fhir() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{BASE}/Patient/p1", json=PATIENT)
        yield mock


def answer_all(fhir: responses.RequestsMock, body: object = EMPTY, status: int = 200) -> None:
    for kind in {template.resource_type for template in TEMPLATES.values()} - {"Patient"}:
        fhir.get(f"{BASE}/{kind}", json=body, status=status)


def queries(fhir: responses.RequestsMock, kind: str) -> list[dict[str, list[str]]]:
    found = []
    for sent in fhir.calls:
        path, _, query = (sent.request.url or "").partition("?")
        if path == f"{BASE}/{kind}":
            found.append(parse_qs(query))
    return found


def test_what_is_prefetched_is_not_fetched(fhir: responses.RequestsMock) -> None:
    data = gather(EVERYTHING)
    assert not data.unavailable
    assert {data.source_of(group) for group in DataGroup} == {DataSource.PREFETCH}
    assert len(fhir.calls) == 0


def test_nothing_prefetched_is_all_fetched(fhir: responses.RequestsMock) -> None:
    answer_all(fhir)
    data = gather({})
    assert not data.unavailable
    assert {data.source_of(group) for group in DataGroup} == {DataSource.FHIR_SERVER}


def test_the_first_stage_asks_for_the_first_stage_only(fhir: responses.RequestsMock) -> None:
    answer_all(fhir)
    data = source({}).first_stage()
    assert set(data.groups) == set(FIRST_STAGE)
    assert data.unavailable == set(SECOND_STAGE)
    assert not data.failures
    assert {sent.request.url.split("?")[0] for sent in fhir.calls} == {
        f"{BASE}/Patient/p1",
        f"{BASE}/Observation",
        f"{BASE}/DiagnosticReport",
    }
    (films,) = queries(fhir, "DiagnosticReport")
    assert len(films["code"][0].split(",")) > 20, "one search, however many codes"


def test_every_code_is_searched_once_in_searches_of_at_most_twenty(
    fhir: responses.RequestsMock,
) -> None:
    answer_all(fhir)
    gather({})
    searches = [query["code"][0].split(",") for query in queries(fhir, "Observation")]
    wanted = [
        code
        for template in TEMPLATES.values()
        if template.resource_type == "Observation"
        for code in template.codes
    ]
    assert max(map(len, searches)) <= 20
    assert sorted(code for search in searches for code in search) == sorted(wanted)
    assert all(query["patient"] == ["p1"] for query in queries(fhir, "Observation"))


def test_the_bar_between_system_and_code_is_percent_encoded(fhir: responses.RequestsMock) -> None:
    answer_all(fhir)
    source({}).first_stage()
    assert all("|" not in (sent.request.url or "") for sent in fhir.calls)


@pytest.mark.parametrize("value", [EMPTY, {**EMPTY, "entry": []}, {**EMPTY, "total": 0}, None])
def test_empty_and_null_mean_nothing_measured(fhir: responses.RequestsMock, value: object) -> None:
    data = gather({**EVERYTHING, "ironStudies": value})
    assert DataGroup.IRON_STUDIES not in data.unavailable
    assert data.source_of(DataGroup.IRON_STUDIES) is DataSource.PREFETCH
    assert len(fhir.calls) == 0


NOT_PROVIDED = [
    ERROR,
    {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]},
    {**EMPTY, "entry": [{"resource": ERROR}]},
    {"resourceType": "Observation", "id": "1"},
    {"resourceType": "Bundle", "entry": "none"},
    {},
    [],
    "",
    0,
    False,
]


@pytest.mark.parametrize("value", NOT_PROVIDED, ids=str)
def test_what_is_no_search_result_is_fetched(fhir: responses.RequestsMock, value: object) -> None:
    answer_all(fhir)
    data = gather({**EVERYTHING, "ironStudies": value})
    assert data.source_of(DataGroup.IRON_STUDIES) is DataSource.FHIR_SERVER


@pytest.mark.parametrize("value", [*NOT_PROVIDED, NEXT], ids=str)
def test_what_is_no_search_result_is_unavailable_without_a_fhir_server(value: object) -> None:
    data = gather({**EVERYTHING, "ironStudies": value}, base=None)
    assert data.unavailable == {DataGroup.IRON_STUDIES}
    assert data.failures[DataGroup.IRON_STUDIES].kind is FailureKind.NO_FHIR_SERVER
    assert data.documents(DataGroup.IRON_STUDIES) == ()


@pytest.mark.parametrize("value", [None, {"resourceType": "Patient", "id": "p2"}, ERROR, EMPTY])
def test_only_the_hooks_own_patient_counts(fhir: responses.RequestsMock, value: object) -> None:
    assert DataGroup.PATIENT in gather({**EVERYTHING, "patient": value}, base=None).unavailable
    fetched = gather({**EVERYTHING, "patient": value})
    assert json.loads(fetched.documents(DataGroup.PATIENT)[0]) == PATIENT


def test_an_informational_outcome_among_the_entries_spoils_nothing(
    fhir: responses.RequestsMock,
) -> None:
    note = {"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}
    value = {**EMPTY, "entry": [{"resource": note, "search": {"mode": "outcome"}}]}
    data = gather({**EVERYTHING, "ironStudies": value})
    assert data.source_of(DataGroup.IRON_STUDIES) is DataSource.PREFETCH


def test_a_prefetched_bundle_with_a_next_link_is_continued(fhir: responses.RequestsMock) -> None:
    fhir.get(BASE, json=EMPTY)
    data = gather({**EVERYTHING, "conditions": NEXT})
    assert data.source_of(DataGroup.CONDITIONS) is DataSource.BOTH
    assert len(data.documents(DataGroup.CONDITIONS)) == 2
    assert len(fhir.calls) == 1


@pytest.mark.parametrize("link", [f"{BASE}?_getpages=1", "http://evil.example/r4?page=2"])
def test_a_next_link_that_fails_is_made_up_for_by_a_new_search(
    fhir: responses.RequestsMock, link: str
) -> None:
    answer_all(fhir)
    fhir.get(BASE, json=ERROR, status=410)
    value = {**EMPTY, "link": [{"relation": "next", "url": link}]}
    data = gather({**EVERYTHING, "bloodCounts": value})
    assert data.source_of(DataGroup.BLOOD_COUNTS) is DataSource.FHIR_SERVER
    assert not data.unavailable
    assert all("evil" not in (sent.request.url or "") for sent in fhir.calls)


def test_one_failed_search_of_a_key_makes_the_whole_key_unavailable(
    fhir: responses.RequestsMock,
) -> None:
    last = TEMPLATES[DataGroup.BLOOD_COUNTS].codes[-1]

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        codes = parse_qs((request.url or "").partition("?")[2]).get("code", [""])[0].split(",")
        return (403, {}, "") if last in codes else (200, {}, json.dumps(EMPTY))

    fhir.add_callback("GET", f"{BASE}/Observation", callback=answer)
    fhir.get(f"{BASE}/DiagnosticReport", json=EMPTY)
    data = source({}).first_stage()
    assert set(data.failures) == {DataGroup.BLOOD_COUNTS}
    assert data.documents(DataGroup.BLOOD_COUNTS) == ()
    assert data.failures[DataGroup.BLOOD_COUNTS].sentence == (
        "the FHIR server answered HTTP 403 (the access token does not allow it)"
    )


def refuse_codes(fhir: responses.RequestsMock, status: int, body: object) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        refused = "code=" in (request.url or "")
        return (status, {}, json.dumps(body)) if refused else (200, {}, json.dumps(EMPTY))

    fhir.add_callback("GET", f"{BASE}/Observation", callback=answer)
    fhir.get(f"{BASE}/DiagnosticReport", json=EMPTY)


@pytest.mark.parametrize(("status", "body"), [(400, ERROR), (422, {}), (501, {}), (200, ERROR)])
def test_where_codes_are_refused_the_category_is_searched_once(
    fhir: responses.RequestsMock, status: int, body: object
) -> None:
    others = {group.value: EMPTY for group in SECOND_STAGE if "Reports" in group or "s" in group}
    refuse_codes(fhir, status, body)
    data = gather({**others, "patient": PATIENT})
    assert not data.unavailable
    categories = [q["category"][0] for q in queries(fhir, "Observation") if "category" in q]
    assert categories.count("laboratory") == 1
    assert set(categories) <= {"laboratory", "vital-signs", "social-history"}


def test_a_refusal_is_remembered_for_the_server_and_for_an_hour(
    fhir: responses.RequestsMock,
) -> None:
    clock = [0.0]
    memory = RefusalMemory(lambda: clock[0])
    refuse_codes(fhir, 400, ERROR)
    source({}, memory=memory).first_stage()
    for moment, searched_by_code in ((3599, False), (3601, True)):
        fhir.calls.reset()
        clock[0] = float(moment)
        assert not source({}, memory=memory).first_stage().failures
        assert any("code" in q for q in queries(fhir, "Observation")) is searched_by_code


def test_a_server_that_refuses_everything_is_not_remembered(
    fhir: responses.RequestsMock,
) -> None:
    memory = RefusalMemory(time.monotonic)
    answer_all(fhir, ERROR, status=400)
    data = source({}, memory=memory).first_stage()
    assert data.failures[DataGroup.BLOOD_COUNTS].status == 400
    assert not memory.refuses(BASE)


def test_searches_of_a_stage_run_side_by_side() -> None:
    asked: list[object] = []
    together = threading.Event()

    def slow(request: object) -> Response:
        asked.append(request)
        if len(asked) >= 4:
            together.set()
        together.wait(SLACK)
        return Response(json.dumps(EMPTY), mimetype="application/json")

    with HTTPServer(threaded=True) as server:
        server.expect_request("/fhir/Patient/p1").respond_with_json(PATIENT)
        for kind in ("Observation", "DiagnosticReport"):
            server.expect_request(f"/fhir/{kind}").respond_with_handler(slow)
        data = source({}, base=server.url_for("/fhir")).first_stage()
    assert not data.failures
    assert len(server.log) >= 6
    assert together.is_set(), "four searches were open at once"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_one_deadline_holds_for_the_whole_call_and_no_thread_is_left(head: bytes) -> None:
    """Neither silence nor headers that drip may hold the call or keep a thread for good."""

    def drip(_: str, connection: socket.socket) -> None:
        connection.sendall(head)
        while not server.stopped.is_set():
            connection.sendall(b"x" if head else b"")
            time.sleep(0.05)

    with raw_server(drip) as server:
        with kept(0.5):
            data = gather({}, base=server.base, seconds=0.5, workers=4)
        until(lambda: not _fetching())
    assert set(data.failures) == set(DataGroup)
    assert {failure.kind for failure in data.failures.values()} == {FailureKind.DEADLINE}


def _fetching() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("fhir")]


REQUEST = {
    "resourceType": "MedicationRequest",
    "id": "m1",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/p1"},
    "medicationReference": {"reference": "Medication/7"},
}
MEDICATION = {"resourceType": "Medication", "id": "7", "code": {"text": "methotrexate"}}


def prescribed(*more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    entries = [{"resource": {**REQUEST, **changes}}, *({"resource": each} for each in more)]
    return {**EVERYTHING, "medicationRequests": {**EMPTY, "entry": entries}}


def test_a_medication_that_is_only_referred_to_is_fetched(fhir: responses.RequestsMock) -> None:
    fhir.get(f"{BASE}/Medication/7", json=MEDICATION)
    data = gather(prescribed())
    assert not data.unavailable
    assert b"methotrexate" in b"".join(data.documents(DataGroup.MEDICATION_REQUESTS))


def test_an_included_medication_is_not_fetched(fhir: responses.RequestsMock) -> None:
    assert not gather(prescribed(MEDICATION)).unavailable
    assert len(fhir.calls) == 0


def test_a_medication_without_a_name_makes_its_key_unavailable(
    fhir: responses.RequestsMock,
) -> None:
    fhir.get(f"{BASE}/Medication/7", status=404)
    data = gather(prescribed())
    assert data.unavailable == {DataGroup.MEDICATION_REQUESTS}
    assert data.documents(DataGroup.MEDICATION_REQUESTS)
    assert gather(prescribed(), base=None).unavailable == {DataGroup.MEDICATION_REQUESTS}


def test_a_medication_with_a_display_is_known_by_it(fhir: responses.RequestsMock) -> None:
    reference = {"reference": "Medication/7", "display": "Methotrexate 10 mg tablet"}
    fhir.get(f"{BASE}/Medication/7", status=403)
    assert not gather(prescribed(medicationReference=reference)).unavailable
    assert not gather(prescribed(medicationReference=reference), base=None).unavailable


@pytest.mark.parametrize("status", [400, 422, 501])
def test_a_search_refused_for_its_page_size_is_made_again_without_it(
    fhir: responses.RequestsMock, status: int
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        refused = "_count=" in (request.url or "")
        return (status, {}, json.dumps(ERROR)) if refused else (200, {}, json.dumps(EMPTY))

    for kind in {template.resource_type for template in TEMPLATES.values()} - {"Patient"}:
        fhir.add_callback("GET", f"{BASE}/{kind}", callback=answer)
    memory = RefusalMemory(time.monotonic)
    first = source({}, memory=memory)
    assert not first.second_stage(first.first_stage()).unavailable
    assert not memory.refuses(BASE), "it is the page size that was refused, not the codes"
    fhir.calls.reset()
    again = source({}, memory=memory)
    assert not again.second_stage(again.first_stage()).unavailable
    assert all("_count" not in (sent.request.url or "") for sent in fhir.calls)


def test_film_reports_are_looked_for_in_the_last_weeks_only(fhir: responses.RequestsMock) -> None:
    answer_all(fhir)
    deadline = Deadline(3.0)
    server = FhirServer(parse_base_url(BASE), fhir_session(connections=4), deadline)
    plan = FetchPlan(TEMPLATES, RefusalMemory(time.monotonic))
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    fetcher = Fetcher(server, "p1", deadline, plan, now=now)
    data = ClinicalDataSource(call({}), TEMPLATES, fetcher).first_stage()
    assert not data.failures
    (films,) = queries(fhir, "DiagnosticReport")
    assert films["date"] == ["ge2026-05-15"]


def test_film_reports_are_not_asked_for_where_every_report_was_prefetched(
    fhir: responses.RequestsMock,
) -> None:
    answer_all(fhir)
    data = source({"diagnosticReports": EMPTY}).first_stage()
    assert queries(fhir, "DiagnosticReport") == []
    assert DataGroup.FILM_REPORTS not in data.unavailable


def test_film_reports_that_failed_are_known_once_every_report_is(
    fhir: responses.RequestsMock,
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        refused = "code=" in (request.url or "")
        return (403, {}, "") if refused else (200, {}, json.dumps(EMPTY))

    for kind in {template.resource_type for template in TEMPLATES.values()} - {"Patient"}:
        if kind != "DiagnosticReport":
            fhir.get(f"{BASE}/{kind}", json=EMPTY)
    fhir.add_callback("GET", f"{BASE}/DiagnosticReport", callback=answer)
    origin = source({})
    first = origin.first_stage()
    assert set(first.failures) == {DataGroup.FILM_REPORTS}
    assert not origin.second_stage(first).failures


def test_members_are_read_by_id_once_and_beside_the_counts(fhir: responses.RequestsMock) -> None:
    answer_all(fhir)
    member = {"resourceType": "Observation", "id": "m1"}
    fhir.get(f"{BASE}/Observation/m1", json=member)
    fhir.get(f"{BASE}/Observation/m2", status=404)
    origin = source({})
    data = origin.with_members(origin.first_stage(), ["m1", "m2"])
    assert json.loads(data.documents(DataGroup.BLOOD_COUNTS)[-1]) == member
    assert not data.failures
    fhir.calls.reset()
    assert origin.with_members(data, ["m1", "m2"]) == data
    assert len(fhir.calls) == 0
