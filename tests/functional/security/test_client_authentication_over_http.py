"""The attack table over HTTP: 401 with WWW-Authenticate, its own code, and nothing of the token."""

from __future__ import annotations

import io
import json
import time
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from service.observability.logging import configure_logging
from tests.support.databases import free_port
from tests.support.deadlines import kept
from tests.support.hook_calls import NOW, URL, call, client, empty_prefetch, post, seed_prefetch
from tests.support.raw_server import raw_server
from tests.support.tokens import (
    EC_KEY,
    ISSUER,
    OTHER_KEY,
    RSA_KEY,
    Signer,
    clients_file,
    database,
    jwks,
    part,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient
    from pytest_httpserver import HTTPServer
    from werkzeug.test import TestResponse

PUBLIC = "https://hooks.example"
AUDIENCE = PUBLIC + URL
SIGNER = Signer(AUDIENCE, NOW)
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "public_url": PUBLIC,
    "hash_key": "0123456789abcdef0123456789abcdef",
}


def service(tmp_path: Path, *lines: str, stream: io.StringIO | None = None, **more: Any) -> Any:
    """The service in production behind its proxy, with one client."""
    keys, issuer = more.pop("keys", ""), more.pop("issuer", ISSUER)
    return client(
        stream,
        clients_file=clients_file(tmp_path, *lines, keys=keys, issuer=issuer),
        database_url=database(tmp_path),
        **PRODUCTION | more,
    )


@pytest.fixture(scope="module")
def ehr(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return service(tmp_path_factory.mktemp("ehr"))


def send(
    browser: FlaskClient, token: str | None, url: str = URL, body: object = None, **headers: str
) -> TestResponse:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return post(browser, call(prefetch=empty_prefetch()) if body is None else body, url, **headers)


def code_of(answer: TestResponse) -> str:
    assert answer.mimetype == "application/fhir+json"
    return str(answer.json["issue"][0]["details"]["coding"][0]["code"])  # type: ignore[index]


def refused(answer: TestResponse, code: str, token: str = "") -> None:
    assert (answer.status_code, code_of(answer)) == (401, code)
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="heme-hooks"')
    if code == "token-missing":
        assert "error" not in challenge
    else:
        assert f'error="invalid_token", error_description="{code}"' in challenge
    if token:
        assert token not in answer.text + str(answer.headers)


def test_a_good_token_gets_an_answer(ehr: FlaskClient) -> None:
    assert send(ehr, SIGNER.token()).status_code == 200
    assert send(ehr, SIGNER.token(RSA_KEY, "RS384", {"kid": "rsa"})).status_code == 200
    assert send(ehr, SIGNER.token(aud=["https://other.example", AUDIENCE])).status_code == 200


def actions_of(browser: FlaskClient) -> list[int]:
    """How many actions each suggestion has."""
    answer = send(browser, SIGNER.token(), body=call(prefetch=seed_prefetch()))
    assert answer.status_code == 200
    (card,) = answer.json["cards"]  # type: ignore[index]
    return [len(suggestion["actions"]) for suggestion in card["suggestions"]]


@pytest.mark.parametrize("setting", ["grouped", "single"])
def test_how_suggestions_are_made_is_set_for_a_client_or_for_all(
    tmp_path_factory: pytest.TempPathFactory, setting: str
) -> None:
    folder = tmp_path_factory.mktemp
    grouped = max(actions_of(service(folder("all"), suggestions=setting))) > 1
    assert grouped == (setting == "grouped")
    other = "single" if setting == "grouped" else "grouped"
    row = f'suggestions = "{other}"'
    assert (max(actions_of(service(folder("one"), row, suggestions=setting))) > 1) != grouped


def _tampered() -> str:
    head, claims, signature = SIGNER.token().split(".")
    content = json.loads(urlsafe_b64decode(claims + "=="))
    return f"{head}.{part(content | {'tenant': 'north'})}.{signature}"


ATTACKS: list[tuple[str, str, Callable[[], str]]] = [
    ("alg none", "algorithm-not-allowed", SIGNER.unsigned),
    ("alg NONE", "algorithm-not-allowed", lambda: SIGNER.unsigned("NONE")),
    (
        "HS256 with the key set as secret",
        "algorithm-not-allowed",
        lambda: SIGNER.hmac_with(jwks(ec=EC_KEY, rsa=RSA_KEY).encode()),
    ),
    (
        "alg not listed",
        "algorithm-not-allowed",
        lambda: SIGNER.token(RSA_KEY, "RS256", {"kid": "rsa"}),
    ),
    (
        "alg of another key",
        "algorithm-not-allowed",
        lambda: SIGNER.token(RSA_KEY, "RS384", {"kid": "ec"}),
    ),
    ("signed by somebody else", "invalid-signature", lambda: SIGNER.token(OTHER_KEY)),
    ("changed after signing", "invalid-signature", _tampered),
    ("no signature", "invalid-signature", lambda: SIGNER.token().rpartition(".")[0] + "."),
    ("foreign kid", "unknown-key", lambda: SIGNER.token(header={"kid": "foreign"})),
    ("kid as path", "unknown-key", lambda: SIGNER.token(header={"kid": "../../dev/null"})),
    (
        "foreign jku",
        "foreign-key-set",
        lambda: SIGNER.token(header={"jku": "https://evil.example/keys"}),
    ),
    (
        "jku that starts like the issuer",
        "foreign-key-set",
        lambda: SIGNER.token(header={"jku": f"{ISSUER}.evil.example/keys"}),
    ),
    (
        "jku with the issuer as user",
        "foreign-key-set",
        lambda: SIGNER.token(header={"jku": f"{ISSUER}@evil.example/keys"}),
    ),
    ("critical extension", "invalid-token", lambda: SIGNER.token(header={"crit": ["x"], "x": 1})),
    ("another kind of token", "invalid-token", lambda: SIGNER.token(header={"typ": "at+jwt"})),
    ("unknown issuer", "unknown-issuer", lambda: SIGNER.token(iss="https://evil.example")),
    ("issuer with a slash more", "unknown-issuer", lambda: SIGNER.token(iss=ISSUER + "/")),
    *(
        (f"no {claim}", "claim-missing", lambda claim=claim: SIGNER.token(without=claim))
        for claim in ("aud", "exp", "iat", "jti")
    ),
    ("no iss", "unknown-issuer", lambda: SIGNER.token(without="iss")),
    ("for discovery", "wrong-audience", lambda: SIGNER.token(aud=f"{PUBLIC}/cds-services")),
    ("for feedback", "wrong-audience", lambda: SIGNER.token(aud=f"{AUDIENCE}/feedback")),
    ("for the base", "wrong-audience", lambda: SIGNER.token(aud=PUBLIC)),
    ("with a slash more", "wrong-audience", lambda: SIGNER.token(aud=f"{AUDIENCE}/")),
    ("over http", "wrong-audience", lambda: SIGNER.token(aud=AUDIENCE.replace("https", "http"))),
    (
        "for another service",
        "wrong-audience",
        lambda: SIGNER.token(aud=AUDIENCE.replace("patient-view", "order-sign")),
    ),
    ("aud as object", "wrong-audience", lambda: SIGNER.token(aud={"url": AUDIENCE})),
    ("expired", "token-expired", lambda: SIGNER.token(exp=SIGNER.seconds(seconds=-1))),
    (
        "iat in the future",
        "token-from-the-future",
        lambda: SIGNER.token(iat=SIGNER.seconds(minutes=5, seconds=1)),
    ),
    ("for ever", "token-lives-too-long", lambda: SIGNER.token(exp=SIGNER.seconds(days=365))),
    ("oversized", "invalid-token", lambda: SIGNER.token(padding="x" * 9000)),
    ("oversized jti", "invalid-token", lambda: SIGNER.token(jti="x" * 201)),
    ("no token at all", "invalid-token", lambda: "one.two.three"),
]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlaskClient, io.StringIO]:
    stream = io.StringIO()
    return service(tmp_path_factory.mktemp("attacked"), stream=stream), stream


@pytest.mark.parametrize(("code", "made"), [a[1:] for a in ATTACKS], ids=[a[0] for a in ATTACKS])
def test_each_attack_is_refused_for_its_own_reason(
    attacked: tuple[FlaskClient, io.StringIO], code: str, made: Callable[[], str]
) -> None:
    browser, stream = attacked
    configure_logging(stream)
    token = made()
    refused(send(browser, token), code, token)
    line = json.loads(stream.getvalue().splitlines()[-1])
    assert (line["event"], line["status"], line["code"]) == ("call refused", 401, code)
    assert token[-40:] not in stream.getvalue()


def test_no_token_is_challenged_without_an_error(ehr: FlaskClient) -> None:
    refused(send(ehr, None), "token-missing")
    refused(send(ehr, None, Authorization="Basic ZWhyOmVocg=="), "token-missing")


def test_the_leeway_is_five_minutes_for_iat_and_none_for_exp(ehr: FlaskClient) -> None:
    assert send(ehr, SIGNER.token(iat=SIGNER.seconds(minutes=5))).status_code == 200
    refused(send(ehr, SIGNER.token(exp=SIGNER.seconds())), "token-expired")


def test_a_token_is_taken_once_also_after_a_restart(tmp_path: Path) -> None:
    token = SIGNER.token()
    assert send(service(tmp_path), token).status_code == 200
    refused(send(service(tmp_path), token), "token-used-before", token)


def test_two_clients_may_use_the_same_jti(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(jwks(ec=OTHER_KEY))
    second = '[[clients]]\nname = "b"\nissuer = "https://b.example"\njwks_file = "other.json"'
    browser = service(tmp_path, second)
    assert send(browser, SIGNER.token(jti="1")).status_code == 200
    other = SIGNER.token(OTHER_KEY, iss="https://b.example", jti="1")
    assert send(browser, other).status_code == 200


def test_the_keys_of_one_client_do_not_serve_another(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(jwks(ec=OTHER_KEY))
    second = '[[clients]]\nname = "b"\nissuer = "https://b.example"\njwks_file = "other.json"'
    refused(send(service(tmp_path, second), SIGNER.token(OTHER_KEY)), "invalid-signature")


def test_feedback_needs_a_token_of_its_own(ehr: FlaskClient) -> None:
    item = {"card": str(uuid4()), "outcome": "accepted", "outcomeTimestamp": NOW.isoformat()}
    body = {"feedback": [item | {"acceptedSuggestions": [{"id": str(uuid4())}]}]}
    refused(send(ehr, None, f"{URL}/feedback", body), "token-missing")
    refused(send(ehr, SIGNER.token(), f"{URL}/feedback", body), "wrong-audience")
    token = SIGNER.token(aud=f"{AUDIENCE}/feedback")
    assert send(ehr, token, f"{URL}/feedback", body).status_code == 200


def test_discovery_is_public(ehr: FlaskClient) -> None:
    assert ehr.get("/cds-services").status_code == 200
    token = SIGNER.token(aud=f"{PUBLIC}/cds-services")
    answer = ehr.get("/cds-services", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_behind_a_proxy_only_the_configured_address_counts(ehr: FlaskClient) -> None:
    inside = {
        "Host": "attacker.example",
        "X-Forwarded-Host": "attacker.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=attacker.example;proto=https",
    }
    assert send(ehr, SIGNER.token(), **inside).status_code == 200
    token = SIGNER.token(aud=f"https://attacker.example{URL}")
    refused(send(ehr, token, **inside), "wrong-audience")
    refused(send(ehr, SIGNER.token(aud=f"http://localhost{URL}")), "wrong-audience")


def test_behind_a_proxy_with_a_path_the_audience_has_that_path(tmp_path: Path) -> None:
    browser = service(tmp_path, public_url=f"{PUBLIC}/hematology/")
    aud = f"{PUBLIC}/hematology{URL}"
    assert send(browser, SIGNER.token(aud=aud)).status_code == 200
    refused(send(browser, SIGNER.token()), "wrong-audience")


def test_in_development_the_address_called_counts_too(tmp_path: Path) -> None:
    browser = service(tmp_path, environment="development", public_url="")
    assert send(browser, SIGNER.token(aud=f"http://localhost{URL}")).status_code == 200
    doubled = URL.replace("/pan", "//pan")
    token = SIGNER.token(aud=f"http://localhost{doubled}")
    assert send(browser, token, doubled).status_code == 200


def test_a_client_may_not_name_a_fhir_server_of_another(tmp_path: Path) -> None:
    browser = service(
        tmp_path,
        'fhir_servers = ["https://a.example/fhir"]',
        fhir_servers=("https://b.example/fhir",),
    )
    answer = send(browser, SIGNER.token(), body=call(fhirServer="https://b.example/fhir"))
    assert (answer.status_code, code_of(answer)) == (403, "fhir-server-not-allowed")
    assert "WWW-Authenticate" not in answer.headers


def test_the_configured_jku_is_accepted_and_no_other_is_fetched(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/keys").respond_with_data(jwks(ec=EC_KEY))
    url = httpserver.url_for("/keys")
    browser = service(tmp_path, f'jwks_url = "{url}"', environment="development")
    assert send(browser, SIGNER.token(header={"jku": url})).status_code == 200
    asked = len(httpserver.log)
    for jku in (httpserver.url_for("/other"), f"{url}/", f"{url}?x=1", url.upper()):
        refused(send(browser, SIGNER.token(header={"jku": jku})), "foreign-key-set")
    assert len(httpserver.log) == asked


def test_a_rotated_key_is_fetched_and_the_old_one_ends_with_the_cache(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_ordered_request("/keys").respond_with_data(jwks(ec=EC_KEY))
    httpserver.expect_ordered_request("/keys").respond_with_data(jwks(new=OTHER_KEY))
    url = httpserver.url_for("/keys")
    browser = service(tmp_path, f'jwks_url = "{url}"', environment="development")
    assert send(browser, SIGNER.token()).status_code == 200
    new = {"kid": "new"}
    refused(send(browser, SIGNER.token(OTHER_KEY, header=new)), "unknown-key")
    # An unknown key is asked for at most every 30 seconds.
    later = time.monotonic() + 31
    key_set = browser.application.extensions["heme-hooks"].authenticator.key_sets[ISSUER]
    monkeypatch.setattr(key_set, "_monotonic", lambda: later)
    assert send(browser, SIGNER.token(OTHER_KEY, header=new)).status_code == 200
    refused(send(browser, SIGNER.token()), "unknown-key")
    assert len(httpserver.log) == 2


def test_a_flood_of_unknown_keys_is_not_passed_on_to_the_key_server(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/keys").respond_with_data(jwks(ec=EC_KEY))
    line = f'jwks_url = "{httpserver.url_for("/keys")}"'
    browser = service(tmp_path, line, environment="development")
    for number in range(20):
        refused(send(browser, SIGNER.token(header={"kid": f"k{number}"})), "unknown-key")
    assert len(httpserver.log) <= 2


def test_a_key_server_that_is_down_lets_nobody_in(tmp_path: Path) -> None:
    line = f'jwks_url = "http://127.0.0.1:{free_port()}/keys"'
    browser = service(tmp_path, line, environment="development")
    refused(send(browser, SIGNER.token()), "key-set-unavailable")
    refused(send(browser, SIGNER.unsigned()), "algorithm-not-allowed")


@pytest.mark.parametrize("drips", [True, False])
def test_a_key_server_that_hangs_or_drips_holds_a_call_for_two_seconds_once(
    tmp_path: Path, *, drips: bool
) -> None:
    def answer(_: str, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            if server.stopped.wait(0.1):
                return
            if drips:
                connection.sendall(b" ")

    with raw_server(answer) as server:
        line = f'jwks_url = "{server.base}/keys"'
        browser = service(tmp_path, line, environment="development")
        with kept(2):
            for _ in range(20):
                refused(send(browser, SIGNER.token()), "key-set-unavailable")


SANDBOX = "https://sandbox.cds-hooks.org"
SANDBOX_HEADER = {
    "kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f",
    "jku": f"{SANDBOX}/.well-known/jwks.json",
}


def test_the_public_sandbox_is_let_in_by_its_key_in_a_file(tmp_path: Path) -> None:
    # A key of our own in the shape of the sandbox's published one: P-384, the same kid, iss, jku.
    key = ec.generate_private_key(ec.SECP384R1())
    keys = jwks(**{SANDBOX_HEADER["kid"]: key})
    browser = service(tmp_path, issuer=SANDBOX, keys=keys)
    token = SIGNER.token(key, header=SANDBOX_HEADER, iss=SANDBOX)
    assert send(browser, token).status_code == 200
    refused(send(browser, token), "token-used-before")
    refused(
        send(browser, SIGNER.token(EC_KEY, header=SANDBOX_HEADER, iss=SANDBOX)), "invalid-signature"
    )


def test_a_token_outlives_its_remembrance_nowhere(tmp_path: Path) -> None:
    """What is forgotten has expired long ago."""
    browser = service(tmp_path)
    old = SIGNER.token(iat=SIGNER.seconds(minutes=-10), exp=SIGNER.seconds(seconds=1))
    assert send(browser, old).status_code == 200
    later = Signer(AUDIENCE, NOW + timedelta(minutes=1))
    assert send(browser, later.token(iat=later.seconds())).status_code == 200
    refused(send(browser, old), "token-used-before")
