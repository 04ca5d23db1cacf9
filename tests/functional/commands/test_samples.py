"""Sample patients as data, and their loader against a server that misbehaves."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses
from click.testing import CliRunner
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.medicationrequest import MedicationRequest

from service import samples
from service.cli import main
from service.samples.loader import TYPES
from tests.support.findings import WITH_CARD

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
BASE = "https://fhir.example/r4"
every_sample = pytest.mark.parametrize("name", samples.NAMES)


def _resources(name: str, now: datetime = NOW) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in samples.sample_bundle(name, now)["entry"]]


@every_sample
def test_a_sample_is_a_valid_r4_transaction(name: str) -> None:
    bundle = samples.sample_bundle(name, NOW)
    assert Bundle.model_validate(bundle).type == "transaction"
    assert json.loads(json.dumps(bundle)) == bundle


@every_sample
def test_ids_are_ours_valid_everywhere_and_used_once(name: str) -> None:
    ids = [resource["id"] for resource in _resources(name)]
    assert all(re.fullmatch(r"heme-hooks-[A-Za-z0-9\-.]{1,53}", one) for one in ids)
    assert len(set(ids)) == len(ids)


@every_sample
def test_everything_is_tagged_and_about_the_one_patient(name: str) -> None:
    patient, *others = _resources(name)
    assert patient["resourceType"] == "Patient"
    for resource in others:
        subject = resource.get("subject") or resource["patient"]
        assert subject == {"reference": f"Patient/{patient['id']}"}
    for resource in (patient, *others):
        assert {"system": samples.TAG_SYSTEM, "code": "sample"} in resource["meta"]["tag"]


@every_sample
def test_the_loader_finds_every_type_again(name: str) -> None:
    assert {resource["resourceType"] for resource in _resources(name)} <= set(TYPES)


@every_sample
def test_a_story_is_one_sentence(name: str) -> None:
    story = samples.SAMPLES[name].story
    assert story.endswith(".")
    assert story[0].isupper()
    assert len(story) < 120


@every_sample
def test_draft_orders_are_valid_and_selected(name: str) -> None:
    context = samples.hook_call(name, NOW)["context"]
    for entry in context.get("draftOrders", {}).get("entry", ()):
        draft = MedicationRequest.model_validate(entry["resource"])
        assert f"MedicationRequest/{draft.id}" in context["selections"]


def test_every_finding_has_a_sample() -> None:
    shown = {finding for sample in samples.SAMPLES.values() for finding in sample.findings}
    assert shown == WITH_CARD


def test_dates_move_with_the_day_of_loading() -> None:
    then, later = (
        {r["id"]: r.get("effectiveDateTime", "") for r in _resources("index-pattern", now)}
        for now in (NOW, NOW + timedelta(days=100))
    )
    assert then.keys() == later.keys()
    moved = [identity for identity in then if then[identity]]
    assert len(moved) > 10
    for identity in moved:
        passed = datetime.fromisoformat(later[identity]) - datetime.fromisoformat(then[identity])
        assert passed == timedelta(days=100)


def test_no_loinc_code_stands_under_two_names() -> None:
    names: dict[str, set[str]] = {}
    for name in samples.NAMES:
        for resource in _resources(name):
            for coding in resource.get("code", {}).get("coding", ()):
                names.setdefault(coding["code"], set()).add(coding["display"])
    assert {code: shown for code, shown in names.items() if len(shown) > 1} == {}


def _empty() -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "total": 0}


@pytest.fixture
def server() -> Any:
    """A FHIR server that holds no samples yet; what it answers to a POST is the test's matter."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(re.compile(f"^{BASE}/[A-Z][A-Za-z]+"), json=_empty())
        yield mock


def _waits() -> tuple[list[float], Any]:
    waited: list[float] = []
    return waited, waited.append


def test_a_conflict_is_tried_again(server: responses.RequestsMock) -> None:
    server.post(BASE, status=409)
    server.post(BASE, status=409)
    server.post(BASE, json={"resourceType": "Bundle", "type": "transaction-response"})
    waited, sleep = _waits()
    samples.load(BASE, requests.Session(), NOW, ["normal"], sleep=sleep)
    assert len(waited) == 2


def test_a_lasting_conflict_ends_with_a_sentence(server: responses.RequestsMock) -> None:
    server.post(BASE, status=409)
    waited, sleep = _waits()
    with pytest.raises(samples.SamplesNotWritten, match="sample normal with HTTP status 409"):
        samples.load(BASE, requests.Session(), NOW, ["normal"], sleep=sleep)
    assert 0 < sum(waited) < 20


@pytest.mark.parametrize("status", [400, 401, 403, 422, 500, 503])
def test_a_refusal_names_the_status_and_nothing_of_the_servers_text(
    server: responses.RequestsMock, status: int
) -> None:
    server.post(BASE, status=status, json={"issue": [{"diagnostics": "Mrs Secret"}]})
    with pytest.raises(samples.SamplesNotWritten) as error:
        samples.load(BASE, requests.Session(), NOW, ["normal"])
    assert str(status) in str(error.value)
    assert "Secret" not in str(error.value)


def test_a_server_that_is_not_there_is_said_in_one_sentence() -> None:
    with pytest.raises(samples.SamplesNotWritten, match="No FHIR server answers at"):
        samples.load("http://127.0.0.1:9/fhir", requests.Session(), NOW, ["normal"])


@responses.activate
def test_what_is_no_fhir_server_is_written_nothing() -> None:
    responses.get(re.compile(f"^{BASE}/"), body="<html>Welcome</html>")
    with pytest.raises(samples.SamplesNotWritten, match="no FHIR server"):
        samples.load(BASE, requests.Session(), NOW, ["normal"])


@responses.activate
def test_a_next_page_on_another_server_is_not_followed() -> None:
    page = _empty() | {"link": [{"relation": "next", "url": "https://evil.example/r4?page=2"}]}
    responses.get(re.compile(f"^{BASE}/"), json=page)
    with pytest.raises(samples.SamplesNotWritten, match="another server"):
        samples.load(BASE, requests.Session(), NOW, ["normal"])


def _ours(kind: str, identity: str, *codes: str) -> dict[str, Any]:
    tag = [{"system": samples.TAG_SYSTEM, "code": code} for code in codes]
    return {"resource": {"resourceType": kind, "id": identity, "meta": {"tag": tag}}}


@responses.activate
def test_removing_deletes_only_what_carries_our_tag_and_our_id() -> None:
    found = [
        _ours("Patient", "heme-hooks-normal", "sample", "normal"),
        _ours("Patient", "heme-hooks-normal-copy", "sample"),
        _ours("Patient", "someone-else", "sample", "normal"),
        _ours("Patient", "heme-hooks-normal", "normal"),
        _ours("Patient", "heme-hooks-index-pattern", "sample", "normal"),
    ]
    responses.get(f"{BASE}/Patient", json=_empty() | {"entry": found})
    responses.get(re.compile(f"^{BASE}/(?!Patient)"), json=_empty())
    posted = responses.post(BASE, json={"resourceType": "Bundle"})
    assert samples.remove(BASE, requests.Session()).count == 1
    (call,) = posted.calls
    entries = json.loads(call.request.body or "{}")["entry"]
    assert entries == [{"request": {"method": "DELETE", "url": "Patient/heme-hooks-normal"}}]


def test_the_command_line_loads_with_the_token_of_a_file(
    server: responses.RequestsMock, tmp_path: Any
) -> None:
    server.post(BASE, json={"resourceType": "Bundle"})
    token = tmp_path / "token"
    token.write_text("opensesame\n")
    arguments = ["samples", "load", "--fhir-server", BASE, "--token-file", str(token), "normal"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    assert "heme-hooks-normal" in result.output
    assert {call.request.headers["Authorization"] for call in server.calls} == {"Bearer opensesame"}


def test_the_command_line_says_in_one_sentence_what_failed() -> None:
    result = CliRunner().invoke(
        main, ["samples", "remove", "--fhir-server", "http://127.0.0.1:9/fhir"]
    )
    assert result.exit_code == 1
    assert result.output.endswith("No FHIR server answers at http://127.0.0.1:9/fhir.\n")
    assert result.output.count("\n") == 1


def test_the_command_line_lists_and_shows() -> None:
    runner = CliRunner()
    listed = runner.invoke(main, ["samples", "list"]).output
    assert all(name in listed for name in samples.NAMES)
    shown = json.loads(runner.invoke(main, ["samples", "show", "normal"]).output)
    Bundle.model_validate(shown)


def test_loading_waits_for_a_server_that_starts(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/fhir/metadata").respond_with_data("", status=503)
    httpserver.expect_ordered_request("/fhir/metadata").respond_with_json({})
    pauses: list[float] = []
    with requests.Session() as session:
        samples.wait_for(httpserver.url_for("/fhir/"), session, 60, sleep=pauses.append)
    assert len(pauses) == 1


def test_loading_waits_no_longer_than_it_was_told() -> None:
    now = iter(range(0, 1000, 10))
    pauses: list[float] = []
    with requests.Session() as session:
        samples.wait_for(
            "http://127.0.0.1:9/fhir", session, 30, sleep=pauses.append, monotonic=lambda: next(now)
        )
    assert len(pauses) == 2


def test_the_page_to_open_is_the_last_line(server: responses.RequestsMock) -> None:
    server.post(BASE, json={"resourceType": "Bundle"})
    arguments = ["--fhir-server", BASE, "--page", "http://localhost:8080/"]
    result = CliRunner().invoke(main, ["samples", "load", *arguments, "normal"])
    assert result.output.splitlines()[-1] == (
        f"Open http://localhost:8080/sandbox#server={BASE}&patient=heme-hooks-normal"
    )
