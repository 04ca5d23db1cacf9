"""`heme-hooks doctor` names the fault: of FHIR servers that are faulty each in its own way."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from click.testing import CliRunner
from werkzeug import Request, Response
from werkzeug.http import http_date
from werkzeug.serving import make_server

from service import samples
from service.app import create_app
from service.cli import main
from service.demo.embedded_server import embedded_server
from service.settings import Settings
from tests.support.databases import free_port, upgraded
from tests.support.raw_server import http, raw_server

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from pytest_httpserver import HTTPServer

PATIENT = samples.SAMPLES[samples.SEED].patient_id
TYPES = (
    "Patient",
    "Observation",
    "Condition",
    "MedicationRequest",
    "MedicationAdministration",
    "MedicationStatement",
    "Procedure",
    "ServiceRequest",
    "Encounter",
    "Appointment",
    "DiagnosticReport",
)
Check = dict[str, str]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("HEME_HOOKS_") and name != "HEME_HOOKS_REQUIRE_SERVERS":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the doctor compares with the clock of this machine


class Server:
    """A FHIR server with one fault."""

    def __init__(self, server: HTTPServer) -> None:
        self.base = server.url_for("/fhir")
        self.types: tuple[str, ...] = TYPES
        self.version = "4.0.1"
        self.parameters = ("patient", "code", "category")
        self.statuses: dict[str, int] = {}
        self.refuses_count = False
        self.refuses_codes = False
        self.refuses_dates = False
        self.observations: list[dict[str, Any]] = []
        self.smart: dict[str, Any] | None = None
        server.expect_request(re.compile("^/fhir/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        kind, _, instance = request.path.removeprefix("/fhir/").partition("/")
        if kind == ".well-known" and self.smart is not None:
            return Response(json.dumps(self.smart), content_type="application/json")
        status, body = 200, self._body(kind, instance)
        refused = (
            (self.refuses_count and "_count" in request.args)
            or (self.refuses_codes and "code" in request.args)
            or (self.refuses_dates and "date" in request.args)
            or (kind not in (*self.types, "metadata"))
        )
        if refused or kind in self.statuses:
            status = self.statuses.get(kind, 400)
            body = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
        return Response(json.dumps(body), status, content_type="application/fhir+json")

    def _body(self, kind: str, instance: str) -> dict[str, Any]:
        if instance:
            return {"resourceType": kind, "id": instance}
        if kind != "metadata":
            found = self.observations if kind == "Observation" else []
            entries = {"entry": [{"resource": each} for each in found]} if found else {}
            return {"resourceType": "Bundle", "type": "searchset", "total": len(found)} | entries
        parameters = [{"name": name, "type": "string"} for name in self.parameters]
        resources = [{"type": each, "searchParam": parameters} for each in self.types]
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": self.version,
            "rest": [{"mode": "server", "resource": resources}],
        }


@pytest.fixture
def server(httpserver: HTTPServer) -> Server:
    return Server(httpserver)


def run(base: str, *more: str) -> tuple[int, list[Check]]:
    done = CliRunner().invoke(main, ["doctor", "--fhir-server", base, "--json", *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    checks: list[Check] = json.loads(done.stdout)
    return done.exit_code, checks


def of(checks: list[Check], verdict: str) -> list[str]:
    return [f"{each['topic']}: {each['text']}" for each in checks if each["verdict"] == verdict]


def access_token(tmp_path: Path, **claims: Any) -> str:
    content = {"exp": (now() + timedelta(hours=1)).timestamp()} | claims
    path = tmp_path / "token"
    path.write_text(jwt.encode(content, "a secret of the authorization server", "HS256") + "\n")
    return str(path)


def test_nothing_is_wrong_with_the_embedded_server() -> None:
    with embedded_server() as base, requests.Session() as session:
        session.trust_env = False
        samples.load(base, session, now())
        code, checks = run(base, "--patient", PATIENT, "--patient", "heme-hooks-blasts")
    assert (code, of(checks, "wrong")) == (0, [])
    good = of(checks, "ok")
    assert "codes and units: read of 2 patients: HGB, WBC, ANC, PLT" in good
    (searches,) = [text for text in good if text.startswith("search: ")]
    assert "bloodCounts" in searches
    assert "diagnosticReports" in searches


def test_a_server_that_refuses_count(server: Server) -> None:
    server.refuses_count = True
    code, checks = run(server.base, "--patient", "p")
    assert code == 0, "it is asked again without"
    for key in ("bloodCounts", "conditions"):
        assert f"search {key}: the server refuses _count" in of(checks, "warning")


def test_a_server_without_medication_statement(server: Server) -> None:
    server.types = tuple(each for each in TYPES if each != "MedicationStatement")
    code, checks = run(server.base, "--patient", "p")
    told = of(checks, "warning")
    assert (
        "capabilities: MedicationStatement is not among the resources (medicationStatements)"
        in told
    )
    assert any(text.startswith("search medicationStatements: ") for text in told)
    (remedy,) = {each["remedy"] for each in checks if "medicationStatements" in each["topic"]}
    assert "where it could change it" in remedy
    assert code == 0, "cards go out without it, and say so"


@contextmanager
def clock_off(off: timedelta) -> Iterator[str]:
    """A server whose clock is off; werkzeug would send its own Date beside ours."""
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"} | {
        "rest": [{"resource": [{"type": each} for each in TYPES]}]
    }

    def answer(_: str, connection: socket.socket) -> None:
        connection.sendall(http(statement, headers={"Date": http_date(now() + off)}))

    with raw_server(answer) as server:
        yield server.base


@pytest.mark.parametrize(("minutes", "side"), [(7, "ahead of"), (-400, "behind")])
def test_a_wrong_clock(minutes: int, side: str) -> None:
    with clock_off(timedelta(minutes=minutes)) as base:
        code, checks = run(base)
    assert code == 1
    (fault,) = of(checks, "wrong")
    seconds = int(re.findall(r"clock is (\d+) s", fault)[0])
    assert side in fault
    assert abs(seconds - abs(minutes) * 60) < 30


def test_a_clock_that_is_a_minute_off_is_said() -> None:
    with clock_off(timedelta(minutes=1)) as base:
        code, checks = run(base)
    assert code == 0
    assert any(
        text.startswith("clock: the FHIR server's clock is") for text in of(checks, "warning")
    )


def test_an_expired_token(server: Server, tmp_path: Path) -> None:
    expired = (now() - timedelta(minutes=3)).timestamp()
    token = access_token(tmp_path, exp=expired, scope="patient/*.rs")
    server.statuses = dict.fromkeys(TYPES, 401)
    code, checks = run(server.base, "--token-file", token, "--patient", "p")
    assert code == 1
    faults = of(checks, "wrong")
    assert faults[0].startswith("access token: expired at ")
    assert "search patient: the FHIR server answered HTTP 401" in faults[1]
    assert len(faults) == 2 + sum("codes and units" in text for text in faults), "said once"


@pytest.mark.parametrize(
    ("scope", "missing"),
    [
        ("patient/*.read", []),
        ("launch openid system/*.rs", []),
        ("patient/Patient.r user/*.s", []),
        ("patient/Observation.rs patient/Patient.read patient/*.write", ["Condition.s"]),
        ("patient/*.cud", ["Patient.r", "Observation.s", "Condition.s"]),
        ("patient/Observation.s?category=laboratory patient/Patient.*", ["Encounter.s"]),
    ],
)
def test_scopes_against_the_prefetch_table(
    server: Server, tmp_path: Path, scope: str, missing: list[str]
) -> None:
    token = access_token(tmp_path, scope=scope)
    code, checks = run(server.base, "--token-file", token)
    told = [check for check in checks if check["topic"] == "scopes" and check["verdict"] != "ok"]
    assert bool(told) == bool(missing)
    for right in missing:
        assert any(f"patient/{right} is not granted" in check["text"] for check in told)
    assert (code == 1) == any(right.startswith(("Patient", "Observation")) for right in missing)


def test_a_missing_scope_that_only_the_server_knows(server: Server, tmp_path: Path) -> None:
    (tmp_path / "opaque").write_text("no-json-web-token")
    server.statuses = {"Encounter": 403}
    code, checks = run(server.base, "--token-file", str(tmp_path / "opaque"), "--patient", "p")
    (fault,) = [check for check in checks if check["topic"] == "search encounters"]
    assert "patient/Encounter.s" in fault["remedy"]
    assert code == 0


def test_a_server_that_refuses_searches_by_code(server: Server) -> None:
    server.refuses_codes = True
    _, checks = run(server.base, "--patient", "p")
    (fault,) = [check for check in checks if check["topic"] == "search bloodCounts"]
    assert "the search by code is refused" in fault["text"]
    assert "category=laboratory" in fault["remedy"]


def test_prefetch_by_date_is_checked_only_where_it_is_on(server: Server) -> None:
    _, checks = run(server.base, "--patient", "p")
    assert not [check for check in checks if check["topic"].startswith("prefetch by date")]


def by_date(server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[Check]]:
    monkeypatch.setenv("HEME_HOOKS_PREFETCH_DATES", "true")
    code, checks = run(server.base, "--patient", "p")
    return code, [check for check in checks if check["topic"].startswith("prefetch by date")]


def test_prefetch_by_date_of_a_server_that_can(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.observations = [
        {"resourceType": "Observation", "effectiveDateTime": "2026-01-01"},
        {"resourceType": "Observation", "effectivePeriod": {"start": "2026-01-01"}},
    ]
    code, checks = by_date(server, monkeypatch)
    assert code == 0
    (good,) = [check["text"] for check in checks if check["verdict"] == "ok"]
    assert "bloodCounts" in good
    (unknown,) = [check for check in checks if check["verdict"] == "warning"]
    assert "cannot be seen from here" in unknown["text"]


def test_prefetch_by_date_where_results_have_no_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.observations = [{"resourceType": "Observation", "issued": "2026-01-01T08:00:00Z"}]
    _, checks = by_date(server, monkeypatch)
    told = {check["topic"]: check for check in checks if check["verdict"] == "warning"}
    assert "1 results have no effective time" in told["prefetch by date bloodCounts"]["text"]
    assert "HEME_HOOKS_PREFETCH_DATES" in told["prefetch by date bloodCounts"]["remedy"]


def test_prefetch_by_date_of_a_server_that_refuses_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.refuses_dates = True
    code, checks = by_date(server, monkeypatch)
    assert code == 1
    faults = {check["topic"] for check in checks if check["verdict"] == "wrong"}
    assert {"prefetch by date bloodCounts", "prefetch by date vitaminB12"} <= faults


def of_app(
    server: Server, monkeypatch: pytest.MonkeyPatch, app: dict[str, Any] | None, **settings: str
) -> tuple[int, dict[str, list[Check]]]:
    """The checks of the evidence app by verdict, of an EHR that is in no clients file."""
    variables = {
        "HEME_HOOKS_PUBLIC_URL": "https://heme.example",
        "HEME_HOOKS_FHIR_SERVERS": json.dumps([server.base]),
    }
    if app is not None:
        variables["HEME_HOOKS_EVIDENCE_APP"] = json.dumps(app)
    for name, value in (variables | settings).items():
        monkeypatch.setenv(name, value)
    code, checks = run(server.base)
    found: dict[str, list[Check]] = {"ok": [], "warning": [], "wrong": []}
    for check in checks:
        if check["topic"] == "evidence app":
            found[check["verdict"]].append(check)
    return code, found


APP = {"client_id": "heme", "frame_origins": ["https://ehr.example"]}


def smart_of(base: str) -> dict[str, Any]:
    return {
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "code_challenge_methods_supported": ["S256"],
    }


def test_an_app_that_is_registered_well(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.smart = smart_of(server.base)
    code, found = of_app(server, monkeypatch, APP)
    assert (code, found["warning"], found["wrong"]) == (0, [], [])
    addresses, endpoints = (check["text"] for check in found["ok"])
    assert "https://heme.example/app/launch" in addresses
    assert "https://heme.example/app/ with the slash" in addresses
    assert "both endpoints" in endpoints


def test_no_app_is_no_fault(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    code, found = of_app(server, monkeypatch, None)
    assert (code, found["warning"], found["wrong"]) == (0, [], [])
    assert "none is registered" in found["ok"][0]["text"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"HEME_HOOKS_PUBLIC_URL": ""}, "HEME_HOOKS_PUBLIC_URL is not set"),
        ({"HEME_HOOKS_PUBLIC_URL": "http://heme.example"}, "not https"),
        ({"HEME_HOOKS_FHIR_SERVERS": '["https://other.example"]'}, "is refused"),
    ],
)
def test_settings_that_keep_an_app_from_opening(
    server: Server, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], told: str
) -> None:
    server.smart = smart_of(server.base)
    code, found = of_app(server, monkeypatch, APP, **settings)
    assert code == 1
    (fault,) = found["wrong"]
    assert told in fault["text"]
    assert fault["remedy"]


def test_origins_of_an_app(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.smart = smart_of("https://login.example")
    code, found = of_app(server, monkeypatch, {"client_id": "heme"})
    assert code == 1
    assert ["frame_origins" in check["text"] for check in found["warning"]] == [True]
    assert [check["text"].split()[1] for check in found["wrong"]] == ["authorization", "token"]
    assert "login.example" not in json.dumps(found), "no text of a server"
    listed = APP | {"authorization_origins": ["https://login.example"]}
    assert of_app(server, monkeypatch, listed)[0] == 0


def test_an_origin_that_production_refuses(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.smart = smart_of(server.base)
    code, found = of_app(server, monkeypatch, APP | {"frame_origins": ["http://ehr.example"]})
    assert code == 1
    assert found["wrong"][0]["text"] == "http://ehr.example: must be https"


@pytest.mark.parametrize(
    ("smart", "told"),
    [
        (None, "HTTP 400"),
        ({"issuer": "https://ehr.example"}, "names no authorization and token endpoint"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE S256"),
    ],
)
def test_an_authorization_server_that_cannot_sign_the_app_in(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    smart: dict[str, Any] | None,
    told: str,
) -> None:
    server.smart = smart if smart is None or "issuer" in smart else smart_of(server.base) | smart
    code, found = of_app(server, monkeypatch, APP)
    assert code == 1
    assert told in found["wrong"][-1]["text"]


def test_another_version_of_fhir_and_parameters_that_are_not_listed(server: Server) -> None:
    server.version, server.parameters = "5.0.0", ("patient",)
    _, checks = run(server.base)
    assert of(checks, "wrong") == ["capabilities: FHIR version 5.0.0, not 4.0"]
    assert any(
        each.startswith("capabilities: search parameters not listed: Observation.code")
        for each in of(checks, "warning")
    )


def test_a_page_that_is_no_fhir_server(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/metadata").respond_with_data("<html>Mrs Example</html>")
    code, checks = run(httpserver.url_for("/"))
    assert code == 1
    assert "Mrs Example" not in json.dumps(checks)


def test_nothing_listens_there(tmp_path: Path) -> None:
    code, checks = run(f"http://127.0.0.1:{free_port()}/fhir", "--patient", "p")
    assert code == 1
    assert of(checks, "wrong") == ["address: the FHIR server could not be reached"]


def test_an_address_that_calls_may_not_name(server: Server, monkeypatch: Any) -> None:
    code, checks = run("http://ehr.invalid/fhir")
    assert code == 1
    assert "address: calls may not name http://ehr.invalid/fhir" in of(checks, "wrong")
    assert "address: is not https" in of(checks, "warning")


def test_the_report_as_text_says_what_to_do(server: Server) -> None:
    server.refuses_count = True
    done = CliRunner().invoke(main, ["doctor", "--fhir-server", server.base, "--patient", "p"])
    assert done.exit_code == 0
    told = "warning search bloodCounts: the server refuses _count\n        -> Nothing to do"
    assert told in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("wrong_use", [["--fhir-server", "no url"], []])
def test_wrong_usage_is_2(wrong_use: list[str]) -> None:
    assert CliRunner().invoke(main, ["doctor", *wrong_use]).exit_code == 2


@contextmanager
def listening(app: Flask, port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture
def registered(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clients file with the client of `heme-hooks token`."""
    made = CliRunner().invoke(main, ["token", "--fhir-server", server.base])
    assert made.exit_code == 0
    clients = tmp_path / ".heme-hooks" / "keys" / "clients.toml"
    monkeypatch.setenv("HEME_HOOKS_CLIENTS_FILE", str(clients))
    return clients


def test_a_registered_client_with_a_signed_test_call(
    server: Server, registered: Path, tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    app = create_app(
        Settings(
            clients_file=registered,
            database_url=upgraded(f"sqlite:///{tmp_path}/store.sqlite3"),
            public_url=address,
        )
    )
    more = ("--client", "development", "--patient", "p", "--service-url", address)
    with listening(app, port):
        code, checks = run(server.base, *more)
    good = of(checks, "ok")
    assert "client: development is registered, issuer https://client.example" in good
    assert "key set: 1 keys, 1 for ES384, RS384" in good
    assert (
        f"audience: {address}/cds-services/pancytopenia-patient-view (and with /feedback)" in good
    )
    assert "test call: signed, answered with 0 cards" in good
    assert code == 0
    code, checks = run(server.base, *more)
    assert code == 1
    assert "test call: no service answers at" in of(checks, "wrong")[0]


def test_a_test_call_that_is_refused_says_why(
    server: Server, registered: Path, tmp_path: Path
) -> None:
    port = free_port()
    other = tmp_path / "other"
    CliRunner().invoke(main, ["token", "--folder", str(other), "--issuer", "https://x.example"])
    app = create_app(
        Settings(
            clients_file=other / "clients.toml",
            database_url=upgraded(f"sqlite:///{tmp_path}/store.sqlite3"),
        )
    )
    with listening(app, port):
        code, checks = run(
            server.base,
            *("--client", "development", "--patient", "p"),
            *("--service-url", f"http://127.0.0.1:{port}"),
        )
    assert code == 1
    (fault,) = of(checks, "wrong")
    assert "HTTP 401: The token's 'iss' is not a configured CDS Client" in fault


def test_a_client_that_nobody_knows_is_named(server: Server, registered: Path) -> None:
    code, checks = run(server.base, "--client", "north")
    assert code == 1
    assert "client: north is not in the clients file (it knows: development)" in of(checks, "wrong")


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ("<html>", "the key server's answer is not JSON, or cannot be read"),
        ('{"keys": []}', "holds no usable JSON Web Key Set"),
        (None, "the key server answered HTTP 500"),
    ],
)
def test_a_key_set_that_cannot_be_used(
    server: Server, registered: Path, httpserver: HTTPServer, keys: str | None, fault: str
) -> None:
    expected = httpserver.expect_request("/jwks.json")
    expected.respond_with_data(keys or "", status=200 if keys else 500)
    text = registered.read_text()
    url = httpserver.url_for("/jwks.json")
    registered.write_text(text.replace('jwks_file = "jwks.json"', f'jwks_url = "{url}"'))
    code, checks = run(server.base, "--client", "development")
    assert code == 1
    assert f"key set: {fault}" in of(checks, "wrong")


def test_a_key_set_from_an_address(
    server: Server, registered: Path, httpserver: HTTPServer
) -> None:
    content = (registered.parent / "jwks.json").read_text()
    httpserver.expect_request("/jwks.json").respond_with_data(content)
    url = httpserver.url_for("/jwks.json")
    text = registered.read_text().replace('jwks_file = "jwks.json"', f'jwks_url = "{url}"')
    registered.write_text(text)
    _, checks = run(server.base, "--client", "development")
    assert "key set: 1 keys, 1 for ES384, RS384" in of(checks, "ok")
    registered.write_text(text + 'algorithms = ["RS384"]\n')
    code, checks = run(server.base, "--client", "development")
    assert code == 1
    assert "key set: none of its 1 keys fits RS384" in of(checks, "wrong")
