"""The whole round over HTTP: launch, code, token, evidence; and each failure in one sentence."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from service import samples
from tests.support.hook_calls import NOW, call, post
from tests.support.smart_ehr import (
    CLIENT_ID,
    CODE,
    LAUNCH,
    TOKEN,
    SmartEhr,
    browser,
    chart,
    code_of,
)
from tests.support.tokens import clients_file

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer


@pytest.fixture
def ehr(httpserver: HTTPServer) -> SmartEhr:
    return SmartEhr(httpserver)


def test_the_launch_leads_to_the_ehr_with_pkce_and_what_the_app_reads(ehr: SmartEhr) -> None:
    sent = browser(ehr.base).launch(ehr.base)
    assert sent["response_type"] == "code"
    assert sent["client_id"] == CLIENT_ID
    assert sent["redirect_uri"] == "http://localhost/app/"
    assert sent["launch"] == LAUNCH
    assert sent["aud"] == ehr.base
    assert sent["code_challenge_method"] == "S256"
    scopes = sent["scope"].split()
    assert scopes[0] == "launch"
    assert {"patient/Patient.rs", "patient/Observation.rs", "patient/Medication.rs"} <= set(scopes)
    assert not {"openid", "fhirUser", "offline_access"} & set(scopes)


def test_the_code_is_exchanged_with_the_verifier_of_the_challenge(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    sent = user.launch(ehr.base)
    assert user.ask(sent["state"]).status_code == 200
    (form,) = ehr.exchanged
    assert form["grant_type"] == "authorization_code"
    assert (form["code"], form["client_id"]) == (CODE, CLIENT_ID)
    assert form["redirect_uri"] == sent["redirect_uri"]
    digest = sha256(form["code_verifier"].encode()).digest()
    assert urlsafe_b64encode(digest).rstrip(b"=").decode() == sent["code_challenge"]
    assert len(form["code_verifier"]) >= 43


def test_the_cookie_is_sealed_and_goes_to_this_host_alone(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    first = user.http.get("/app/launch", query_string={"iss": ehr.base, "launch": LAUNCH})
    (cookie,) = first.headers.getlist("Set-Cookie")
    name, _, rest = cookie.partition("=")
    assert name.startswith("__Host-")
    attributes = {part.strip() for part in rest.split(";")[1:]}
    assert {"Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"} <= attributes
    assert "Max-Age=300" in attributes
    assert not any(part.startswith("Domain") for part in attributes)
    sent = user.launch(ehr.base)
    assert sent["state"] not in cookie
    assert "127.0.0.1" not in cookie


@pytest.mark.parametrize("sample", samples.NAMES)
def test_the_evidence_is_that_of_the_hook_call_value_by_value(
    httpserver: HTTPServer, sample: str
) -> None:
    ehr = SmartEhr(httpserver, sample)
    user = browser(ehr.base)
    answer = user.ask(user.launch(ehr.base)["state"])
    body = call(
        patient_id=ehr.patient_id,
        fhirServer=ehr.base,
        extension={"heme-hooks": {"explain": True}},
    )
    hook = post(user.http, body)
    if hook.status_code != 200:
        assert answer.status_code == hook.status_code == 412
        return
    shown = answer.json
    explained = hook.json["extension"]["heme-hooks"]  # type: ignore[index]
    explained.pop("searches")
    assert shown["explanation"] == explained  # type: ignore[index]
    summaries = [card["summary"] for card in hook.json["cards"]]  # type: ignore[index]
    assert [card["summary"] for card in shown["cards"]] == summaries  # type: ignore[index]


def test_the_patient_comes_from_the_token_response(httpserver: HTTPServer) -> None:
    ehr = SmartEhr(httpserver)
    other = samples.SAMPLES["normal"].patient_id
    ehr.fhir.resources += chart("normal")
    ehr.token["patient"] = other
    shown = browser(ehr.base).evidence(ehr.base)
    assert shown["patient"]["id"] == other
    assert shown["cards"] == []
    assert all(TOKEN not in asked for asked in ehr.fhir.asked)


def test_neither_code_nor_token_nor_launch_nor_patient_is_logged_or_sent_to_the_browser(
    ehr: SmartEhr, tmp_path: Any
) -> None:
    audit = tmp_path / "audit"
    user = browser(ehr.base, audit_log=str(audit))
    answer = user.ask(user.launch(ehr.base)["state"])
    said = user.log.getvalue() + audit.read_text()
    family = next(e for e in ehr.fhir.resources if e["resourceType"] == "Patient")["name"][0][
        "family"
    ]
    assert family in answer.text
    for secret in (CODE, LAUNCH, TOKEN, ehr.patient_id, family):
        assert secret not in said
    assert TOKEN not in answer.text
    line = json.loads(audit.read_text())
    assert (line["event"], line["service"], line["status"]) == ("evidence app", "evidence-app", 200)
    assert line["patient"]
    assert "user" not in line
    assert line["findings"] == ["index-pattern"]


def test_a_launch_is_good_for_one_question(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    state = user.launch(ehr.base)["state"]
    assert user.ask(state).status_code == 200
    again = user.ask(state)
    assert (again.status_code, code_of(again)) == (403, "launch-not-open")
    assert len(ehr.exchanged) == 1


def test_a_launch_is_over_after_five_minutes(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    state = user.launch(ehr.base)["state"]
    user.moments[0] = NOW + timedelta(minutes=5, seconds=1)
    assert code_of(user.ask(state)) == "launch-not-open"
    assert ehr.exchanged == []


def test_two_launches_at_once_do_not_disturb_each_other(ehr: SmartEhr) -> None:
    ehr.fhir.resources += chart("normal")
    other = samples.SAMPLES["normal"].patient_id
    ehr.patients = {"code-1": ehr.patient_id, "code-2": other}
    user = browser(ehr.base)
    first, second = user.launch(ehr.base, "one"), user.launch(ehr.base, "two")
    assert first["state"] != second["state"]
    answers = [user.ask(second["state"], "code-2"), user.ask(first["state"], "code-1")]
    ids = [each.json["patient"]["id"] for each in answers]  # type: ignore[index]
    assert ids == [other, ehr.patient_id]
    verifiers = [form["code_verifier"] for form in ehr.exchanged]
    assert verifiers[0] != verifiers[1]


def test_many_launches_keep_the_head_of_a_request_small(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    states = []
    for second in range(12):
        user.moments[0] = NOW + timedelta(seconds=second)
        states.append(user.launch(ehr.base)["state"])
    answers = [user.ask(state).status_code for state in reversed(states)]
    assert answers == [200] * 6 + [403] * 6


def test_without_a_cookie_the_app_offers_a_window_of_its_own(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    first = user.http.get("/app/launch", query_string={"iss": ehr.base, "launch": LAUNCH})
    for name in [cookie.key for cookie in user.http._cookies.values()]:  # type: ignore[union-attr]
        user.http.delete_cookie(name)
    page = user.http.get(first.headers["Location"])
    assert page.status_code == 403
    assert "keeps no cookie" in page.text
    assert "/app/launch?iss=" in page.text
    assert "<script" not in page.text


def test_the_smart_configuration_is_read_once(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    for _ in range(3):
        user.launch(ehr.base)
    assert ehr.configurations_read == 1


FAILURES: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "no patient": ({"patient": None}, 403, "launch-without-patient", "without a patient"),
    "patient is no id": ({"patient": "../1"}, 403, "launch-without-patient", "without a patient"),
    "no token": ({"access_token": ""}, 502, "token-response-unusable", "no access token"),
    "token of a kind": ({"token_type": "mac"}, 502, "token-response-unusable", "no access token"),
    "token in lines": ({"access_token": "a\r\nb"}, 502, "token-response-unusable", "no access"),
    "no scope": ({"scope": "launch"}, 403, "scope-missing", "patient/Observation.s"),
    "other scope": ({"scope": "patient/Patient.rs"}, 403, "scope-missing", "Observation"),
    "another patient": ({"patient": "nobody"}, 412, "evidence-unavailable", "the patient's record"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_wrong_with_a_token_is_one_sentence(ehr: SmartEhr, name: str) -> None:
    changes, status, code, words = FAILURES[name]
    ehr.token |= changes
    user = browser(ehr.base)
    answer = user.ask(user.launch(ehr.base)["state"])
    assert (answer.status_code, code_of(answer)) == (status, code)
    text = answer.json["issue"][0]["details"]["text"]  # type: ignore[index]
    assert words in text
    assert len(answer.json["issue"]) == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "code-not-accepted"),
        (401, "code-not-accepted"),
        (302, "token-endpoint-unavailable"),
        (500, "token-endpoint-unavailable"),
    ],
)
def test_a_refused_exchange_is_one_sentence_and_not_tried_again(
    ehr: SmartEhr, status: int, code: str
) -> None:
    ehr.token_status = status
    user = browser(ehr.base)
    assert code_of(user.ask(user.launch(ehr.base)["state"])) == code
    assert len(ehr.exchanged) == 1


def test_a_resource_type_that_is_refused_is_named(ehr: SmartEhr) -> None:
    ehr.fhir.refuse = {"Condition"}
    shown = browser(ehr.base).evidence(ehr.base)
    gaps = {gap["what"]: gap["why"] for gap in shown["gaps"]}
    assert list(gaps) == ["conditions on the problem list"]
    assert "HTTP 500" in gaps["conditions on the problem list"]


def test_counts_that_are_refused_are_no_empty_chart(ehr: SmartEhr) -> None:
    ehr.fhir.refuse = {"Observation"}
    user = browser(ehr.base)
    answer = user.ask(user.launch(ehr.base)["state"])
    assert code_of(answer) == "evidence-unavailable"
    assert "blood counts" in answer.json["issue"][0]["details"]["text"]  # type: ignore[index]


def test_the_card_of_a_client_with_the_app_carries_the_link(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    body = call(patient_id=ehr.patient_id, fhirServer=ehr.base)
    (card,) = post(user.http, body).json["cards"]  # type: ignore[index]
    smart = card["links"][0]
    assert (smart["type"], smart["label"]) == ("smart", "Evidence for this patient")
    assert smart["url"] == "http://localhost/app/launch"
    assert json.loads(smart["appContext"]) == {
        "findings": ["index-pattern"],
        "time": "2026-11-03T09:30:00+00:00",
    }


def test_the_card_of_a_client_without_the_app_does_not(ehr: SmartEhr) -> None:
    user = browser(ehr.base, evidence_app=None)
    body = call(patient_id=ehr.patient_id, fhirServer=ehr.base)
    (card,) = post(user.http, body).json["cards"]  # type: ignore[index]
    assert [link["type"] for link in card["links"]] == ["absolute"]
    assert user.http.get("/app/").status_code == 404
    assert user.http.get("/app/launch").status_code == 404


def test_a_client_of_the_file_has_its_own_app(ehr: SmartEhr, tmp_path: Any) -> None:
    """With a clients file the setting counts no more: each client has its own registration."""
    path = clients_file(
        tmp_path, f'fhir_servers = ["{ehr.base}"]', 'app = { client_id = "of-the-file" }'
    )
    user = browser(ehr.base, clients_file=path)
    sent = user.launch(ehr.base)
    assert sent["client_id"] == "of-the-file"
    assert user.ask(sent["state"]).status_code == 200
    without = browser(
        ehr.base, clients_file=clients_file(tmp_path, f'fhir_servers = ["{ehr.base}"]')
    )
    assert without.http.get("/app/").status_code == 404
