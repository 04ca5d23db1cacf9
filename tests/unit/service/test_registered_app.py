"""How the evidence app is registered: in the clients file, or by the setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.base_urls import parse_base_url
from service.registered_app import RegisteredApp
from service.security.trusted_clients import ClientsRefused, load_clients
from service.settings import Settings, load_settings, read_settings
from tests.support.tokens import EC_KEY, clients_file, jwks

if TYPE_CHECKING:
    from pathlib import Path

FHIR = 'fhir_servers = ["https://ehr.example/fhir"]'


def test_the_clients_file_names_it(tmp_path: Path) -> None:
    row = 'app = { client_id = "x", frame_origins = ["https://ehr.example"] }'
    (client,) = load_clients(clients_file(tmp_path, FHIR, row), production=True)
    assert client.app == RegisteredApp("x", frame_origins=("https://ehr.example",))


@pytest.mark.parametrize(
    ("app", "problem"),
    [
        ('client_id = ""', "client_id must be"),
        ('client_id = "a b"', "client_id must be"),
        ('client_id = "x", scopes = ["patient/*.rs"]', "scopes must hold launch"),
        ('client_id = "x", scopes = ["launch", "openid"]', "'openid' is no scope"),
        ('client_id = "x", scopes = ["launch", "patient/*.write"]', "is no scope"),
        ('client_id = "x", scopes = ["launch", "user/*.rs"]', "is no scope"),
        ('client_id = "x", frame_origins = ["https://ehr.example/page"]', "has no path"),
        ('client_id = "x", frame_origins = ["*"]', "must be"),
        ('client_id = "x", frame_origins = ["http://ehr.example"]', "must be https"),
        ('client_id = "x", authorization_origins = ["http://a.example"]', "must be https"),
        ('client_id = "x", client_secret = "y"', "client_secret"),
    ],
)
def test_what_is_wrong_with_it_is_said_at_the_start(tmp_path: Path, app: str, problem: str) -> None:
    with pytest.raises(ClientsRefused, match=problem.replace("*", r"\*")):
        load_clients(clients_file(tmp_path, FHIR, f"app = {{ {app} }}"), production=True)


def test_it_needs_a_fhir_server(tmp_path: Path) -> None:
    with pytest.raises(ClientsRefused, match="needs fhir_servers"):
        load_clients(clients_file(tmp_path, 'app = { client_id = "x" }'), production=True)


def test_two_apps_cannot_share_a_fhir_server(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(jwks(ec=EC_KEY))
    rows = (
        f'[[clients]]\nname = "{name}"\nissuer = "https://{name}.example"\n'
        f'jwks_file = "keys.json"\n{FHIR}\napp = {{ client_id = "{name}" }}\n'
        for name in ("north", "south")
    )
    path = tmp_path / "clients.toml"
    path.write_text("".join(rows))
    with pytest.raises(ClientsRefused, match="south and north: both have an app for"):
        load_clients(path, production=False)


def test_the_setting_names_it_for_clients_that_are_not_in_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEME_HOOKS_EVIDENCE_APP", '{"client_id": "x", "scopes": ["launch"]}')
    assert load_settings().evidence_app == RegisteredApp("x", scopes=("launch",))
    monkeypatch.setenv("HEME_HOOKS_EVIDENCE_APP", "")
    assert load_settings().evidence_app is None


@pytest.mark.parametrize("text", ["x", "[]", '{"client_id": 1}', '{"client_id": ""}', '{"a": 1}'])
def test_a_setting_that_cannot_be_read_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HEME_HOOKS_EVIDENCE_APP", text)
    _, problems = read_settings()
    assert [problem for problem in problems if problem.startswith("HEME_HOOKS_EVIDENCE_APP: ")]


def test_production_wants_https_frames() -> None:
    app = RegisteredApp("x", frame_origins=("http://ehr.example",))
    _, problems = read_settings(environment="production", evidence_app=app)
    assert any("EVIDENCE_APP" in problem and "https" in problem for problem in problems)
    assert Settings(evidence_app=app).evidence_app == app


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("https://ehr.example/oauth2/token", True),
        ("https://login.example/t/1/token?x=1", True),
        ("https://login.example.evil.example/token", False),
        ("https://ehr.example:8443/token", False),
        ("http://ehr.example/token", False),
        ("https://ehr.example@evil.example/token", False),
        ("https://ehr.example/token#x", False),
        ("", False),
    ],
)
def test_endpoints_stand_on_the_servers_or_a_registered_origin(
    endpoint: str, *, allowed: bool
) -> None:
    app = RegisteredApp("x", authorization_origins=("https://login.example",))
    assert app.may_use(parse_base_url("https://ehr.example/fhir/r4"), endpoint) is allowed
