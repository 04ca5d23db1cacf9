"""The evidence app's door: what must not open it, and what must not be reached through it."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from service.evidence_app.sealed_launch import LaunchSeal, cookie_name, new_launch
from service.registered_app import RegisteredApp
from service.settings import DEVELOPMENT_HASH_KEY
from tests.functional.security.test_what_leaves import ELSEWHERE, trap
from tests.support.attackers import hung_server
from tests.support.deadlines import AMPLE, kept
from tests.support.hook_calls import NOW, call, post
from tests.support.raw_server import http, raw_server
from tests.support.smart_ehr import LAUNCH, PUBLIC, SmartEhr, browser, chart, code_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pytest_httpserver import HTTPServer

    from tests.support.smart_ehr import Browser


@pytest.fixture
def ehr(httpserver: HTTPServer) -> SmartEhr:
    return SmartEhr(httpserver)


def refused_launch(user: Browser, **query: Any) -> tuple[int, str]:
    """The status of a launch that must lead nowhere, and the code in the log."""
    answer = user.http.get("/app/launch", query_string=query)
    assert answer.status_code != 302
    assert "<script" not in answer.text
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, json.loads(user.log.getvalue().splitlines()[-1])["code"]


@pytest.mark.parametrize("url", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_foreign_iss_is_not_contacted(url: str) -> None:
    with trap() as allowed, trap() as other:
        user = browser(f"http://127.0.0.1:{allowed.port}/fhir")
        iss = url.format(ok=allowed.port, trap=other.port)
        assert refused_launch(user, iss=iss, launch=LAUNCH) == (403, "launch-server-unknown")
        threading.Event().wait(0.05)
        assert (allowed.visits, other.visits) == (0, 0)


MALFORMED: dict[str, dict[str, Any]] = {
    "no iss": {"launch": LAUNCH},
    "two iss": {"iss": ["{base}", "https://evil.example/fhir"], "launch": LAUNCH},
    "no launch": {"iss": "{base}"},
    "two launches": {"iss": "{base}", "launch": ["a", "b"]},
    "empty launch": {"iss": "{base}", "launch": ""},
    "launch in lines": {"iss": "{base}", "launch": "a\r\nSet-Cookie: x=y"},
    "endless launch": {"iss": "{base}", "launch": "x" * 4001},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_launch_that_is_not_whole_leads_nowhere(ehr: SmartEhr, name: str) -> None:
    query = json.loads(json.dumps(MALFORMED[name]).replace("{base}", ehr.base))
    assert refused_launch(browser(ehr.base), **query) == (403, "launch-incomplete")


def test_an_endless_iss_is_no_servers(ehr: SmartEhr) -> None:
    iss = ehr.base + "/" * 600
    user = browser(ehr.base)
    assert refused_launch(user, iss=iss, launch=LAUNCH) == (403, "launch-server-unknown")


ENDPOINTS = {
    "other host": "http://127.0.0.2:{trap}/token",
    "other port": "http://127.0.0.1:{trap}/token",
    "metadata of a cloud": "http://169.254.169.254/latest/meta-data",
    "other scheme": "https://127.0.0.1:{ok}/token",
    "file": "file:///etc/hostname",
    "userinfo": "http://127.0.0.1:{ok}@127.0.0.1:{trap}/token",
    "dots": "http://127.0.0.1:{ok}/oauth/../admin",
    "fragment": "http://127.0.0.1:{ok}/oauth/token#x",
    "no scheme": "//127.0.0.1:{trap}/token",
    "line": "http://127.0.0.1:{ok}/token\r\nHost: evil.example",
    "script": "javascript:alert(1)",
    "empty": "",
}


@pytest.mark.parametrize("which", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_that_the_registration_does_not_name_is_not_contacted(
    ehr: SmartEhr, name: str, which: str
) -> None:
    with trap() as elsewhere:
        ok = ehr.origin.rpartition(":")[2]
        ehr.says[which] = ENDPOINTS[name].format(ok=ok, trap=elsewhere.port)
        user = browser(ehr.base)
        refused = refused_launch(user, iss=ehr.base, launch=LAUNCH)
        assert refused == (502, "authorization-server-not-allowed")
        assert elsewhere.visits == 0


def test_an_authorization_server_of_its_own_is_taken_where_it_is_registered(ehr: SmartEhr) -> None:
    ehr.says["authorization_endpoint"] = "http://login.example/authorize?tenant=1"
    app = RegisteredApp("app", authorization_origins=("http://login.example",))
    user = browser(ehr.base, app)
    first = user.http.get("/app/launch", query_string={"iss": ehr.base, "launch": LAUNCH})
    second = user.http.get(first.headers["Location"])
    assert second.headers["Location"].startswith("http://login.example/authorize?tenant=1&")


def test_a_server_without_s256_is_not_used(ehr: SmartEhr) -> None:
    ehr.says["code_challenge_methods_supported"] = ["plain"]
    refused = refused_launch(browser(ehr.base), iss=ehr.base, launch=LAUNCH)
    assert refused == (502, "authorization-server-not-safe")


CONFIGURATIONS: dict[str, Callable[[int], bytes]] = {
    "redirect": lambda port: http(b"", "302 Found", {"Location": f"http://127.0.0.1:{port}/"}),
    "endless": lambda _: http(b"[" + b"1," * 200_000 + b"1]"),
    "deep": lambda _: http(b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "no JSON": lambda _: http(b"<html>"),
    "other types": lambda _: http({"authorization_endpoint": 1, "token_endpoint": []}),
    "error": lambda _: http(b"{}", "500 Internal Server Error"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_that_cannot_be_used_is_one_sentence(name: str) -> None:
    with trap() as elsewhere:
        says = CONFIGURATIONS[name](elsewhere.port)
        with raw_server(lambda _, connection: connection.sendall(says)) as server:
            user = browser(server.base, call_deadline=AMPLE)
            refused = refused_launch(user, iss=server.base, launch=LAUNCH)
            assert refused == (502, "authorization-server-unavailable")
        assert elsewhere.visits == 0


def test_a_server_that_drips_its_configuration_holds_the_launch_for_the_deadline() -> None:
    def drip(_: str, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            threading.Event().wait(0.1)

    with raw_server(drip) as server:
        user = browser(server.base, call_deadline=0.5)
        with kept(0.5):
            refused = refused_launch(user, iss=server.base, launch=LAUNCH)
        assert refused == (502, "authorization-server-unavailable")


def test_a_hung_token_endpoint_does_not_shut_the_fhir_server(ehr: SmartEhr) -> None:
    with hung_server() as hung:
        ehr.says["token_endpoint"] = f"{hung.base}/token"
        app = RegisteredApp("app", authorization_origins=(hung.base.removesuffix("/fhir"),))
        user = browser(ehr.base, app, call_deadline=2)
        codes = [code_of(user.ask(user.launch(ehr.base)["state"])) for _ in range(4)]
        assert set(codes) == {"token-endpoint-unavailable"}
    body = call(patient_id=ehr.patient_id, fhirServer=ehr.base, prefetch=None)
    answer = post(user.http, body)
    assert "circuit" not in answer.text
    assert "left alone" not in answer.text


STATES: dict[str, Callable[[str], str]] = {
    "missing": lambda _: "",
    "foreign": lambda _: "x" * 43,
    "changed": lambda state: state[:-1] + ("a" if state[-1] != "a" else "b"),
    "longer": lambda state: state + "x",
    "endless": lambda _: "x" * 10_000,
    "not text of ours": lambda _: "\u2603 ☃",
}


@pytest.mark.parametrize("name", STATES)
def test_a_state_that_is_not_this_browsers_exchanges_nothing(ehr: SmartEhr, name: str) -> None:
    user = browser(ehr.base)
    state = user.launch(ehr.base)["state"]
    answer = user.ask(STATES[name](state))
    assert code_of(answer) == "launch-not-open"
    assert ehr.exchanged == []
    assert user.ask(state).status_code == 200


def test_the_code_of_another_browser_is_not_exchanged(ehr: SmartEhr) -> None:
    """Who is lured to /app/ with an attacker's code and state has no cookie for that state."""
    attacker, victim = browser(ehr.base), browser(ehr.base)
    state = attacker.launch(ehr.base)["state"]
    victim.launch(ehr.base)
    assert code_of(victim.ask(state, "code-of-the-attacker")) == "launch-not-open"
    assert ehr.exchanged == []


def test_the_code_of_another_launch_fails_at_the_ehr_by_its_challenge(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    first, second = user.launch(ehr.base), user.launch(ehr.base)
    user.ask(second["state"], "code-of-the-first")
    (form,) = ehr.exchanged
    digest = sha256(form["code_verifier"].encode()).digest()
    sent = urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert sent == second["code_challenge"] != first["code_challenge"]


def test_a_cookie_of_one_launch_opens_no_other(ehr: SmartEhr) -> None:
    seal = LaunchSeal(DEVELOPMENT_HASH_KEY)
    one, two = new_launch(ehr.base, NOW), new_launch(ehr.base, NOW)
    moved = {cookie_name(two.state): seal.seal(one)}
    assert seal.open(two.state, moved, NOW) is None
    assert seal.open(one.state, {cookie_name(one.state): seal.seal(one)}, NOW) == one


def test_a_cookie_sealed_with_another_key_or_changed_is_none(ehr: SmartEhr) -> None:
    launch = new_launch(ehr.base, NOW)
    name = cookie_name(launch.state)
    sealed = LaunchSeal(DEVELOPMENT_HASH_KEY).seal(launch)
    assert LaunchSeal("another key").open(launch.state, {name: sealed}, NOW) is None
    ours = LaunchSeal(DEVELOPMENT_HASH_KEY)
    for broken in (sealed[:-2] + "AA", sealed[:20], "", "é", "A" * 4000):
        assert ours.open(launch.state, {name: broken}, NOW) is None


def test_an_iss_changed_between_the_steps_is_refused(ehr: SmartEhr) -> None:
    """Both servers are registered; the cookie belongs to one of them."""
    user = browser(ehr.base, fhir_servers=(ehr.base, f"{ehr.origin}/fhir/other"))
    first = user.http.get("/app/launch", query_string={"iss": ehr.base, "launch": LAUNCH})
    swapped = first.headers["Location"].replace("%2Ffhir&", "%2Ffhir%2Fother&")
    assert swapped != first.headers["Location"]
    answer = user.http.get(swapped)
    assert answer.status_code != 302


def test_a_code_that_another_authorization_server_names_as_its_own_is_refused(
    ehr: SmartEhr,
) -> None:
    """RFC 9207: the mix-up of two EHRs."""
    user = browser(ehr.base)
    answer = user.ask(user.launch(ehr.base)["state"], iss="https://other.example")
    assert code_of(answer) == "other-authorization-server"
    assert ehr.exchanged == []
    assert user.ask(user.launch(ehr.base)["state"], iss=ehr.says["issuer"]).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC},
        {},
    ],
    ids=str,
)
def test_only_the_apps_own_page_may_ask(ehr: SmartEhr, headers: dict[str, str]) -> None:
    user = browser(ehr.base)
    state = user.launch(ehr.base)["state"]
    answer = user.ask(state, headers=headers)
    assert code_of(answer) == "client-not-allowed"
    assert ehr.exchanged == []
    assert user.ask(state, headers={"Origin": PUBLIC}).status_code == 200


def test_bodies_of_the_page_are_small(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    state = user.launch(ehr.base)["state"]
    assert user.ask(state, "x" * 20_000).status_code == 413
    assert code_of(user.ask(state, "x" * 5_000)) == "code-not-accepted"
    assert ehr.exchanged == []


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"code": 1, "state": "x"}', b"\xff", b"[" * 9000]
)
def test_a_body_that_is_no_return_is_refused(ehr: SmartEhr, body: bytes) -> None:
    answer = browser(ehr.base).http.post(
        "/app/evidence",
        data=body,
        content_type="application/json",
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 400


def test_a_patient_record_of_another_is_refused(ehr: SmartEhr) -> None:
    """Mixed-up patients: the token names one, the FHIR server answers with another."""
    other = next(each for each in chart("normal") if each["resourceType"] == "Patient")
    ehr.fhir.read_as = other
    user = browser(ehr.base)
    answer = user.ask(user.launch(ehr.base)["state"])
    assert code_of(answer) == "evidence-unavailable"
    assert str(other["name"][0]["family"]) not in answer.text


def test_results_of_another_patient_are_not_shown(ehr: SmartEhr) -> None:
    """A server that answers searches with everybody's results."""
    alone = browser(ehr.base).evidence(ehr.base)["explanation"]
    ehr.fhir.every_patient = True
    ehr.fhir.resources += chart("blasts")
    mixed = browser(ehr.base).evidence(ehr.base)["explanation"]
    for part in ("used", "findings", "history", "events", "sentence"):
        assert mixed[part] == alone[part]


def test_hostile_texts_stay_texts(ehr: SmartEhr) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e\u0000" + "A" * 5000
    for resource in ehr.fhir.resources:
        if resource["resourceType"] == "Patient":
            resource["name"] = [{"text": hostile}]
    shown = browser(ehr.base).evidence(ehr.base)
    name = shown["patient"]["name"]
    assert len(name) <= 120
    assert "\u202e" not in name
    assert "\u0000" not in name


def test_the_page_may_be_framed_by_the_registered_origins_alone(ehr: SmartEhr) -> None:
    app = RegisteredApp("app", frame_origins=("https://ehr.example",))
    framed = browser(ehr.base, app).http.get("/app/")
    policy = framed.headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors https://ehr.example")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "X-Frame-Options" not in framed.headers
    assert framed.headers["Referrer-Policy"] == "no-referrer"
    assert framed.headers["Cache-Control"] == "no-store"
    bare = browser(ehr.base).http.get("/app/")
    assert bare.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")


def test_another_site_cannot_read_the_evidence(ehr: SmartEhr) -> None:
    user = browser(ehr.base, cors_origins=("https://page.example",))
    asked = user.http.options(
        "/app/evidence",
        headers={
            "Origin": "https://page.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert "Access-Control-Allow-Credentials" not in asked.headers


def test_no_file_but_the_apps_is_served(ehr: SmartEhr) -> None:
    user = browser(ehr.base)
    with user.http.get("/app/static/app/main.js") as file:
        assert file.status_code == 200
    for path in ("sandbox/main.js", "app/../../settings.py", "app/%2e%2e/%2e%2e/settings.py"):
        assert user.http.get(f"/app/static/{path}").status_code == 404
