"""Settings: development needs none, production starts only when it is safe."""

from __future__ import annotations

import pytest

from service.base_urls import parse_base_url
from service.settings import Settings, SettingsRefused, load_settings

SAFE = {
    "HEME_HOOKS_ENVIRONMENT": "production",
    "HEME_HOOKS_FHIR_SERVERS": '["https://ehr.example/fhir"]',
    "HEME_HOOKS_CORS_ORIGINS": '["https://ehr.example"]',
    "HEME_HOOKS_PUBLIC_URL": "https://hooks.example",
    "HEME_HOOKS_CLIENT_AUTHENTICATION": "proxy",
    "HEME_HOOKS_DATABASE_URL": "sqlite:////var/lib/heme-hooks/store.sqlite",
    "HEME_HOOKS_HASH_KEY": "0123456789abcdef0123456789abcdef",
}


def settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8080/fhir", True),
        ("http://localhost:9/any/path", True),
        ("http://[::1]:8080", True),
        ("https://hapi.fhir.org/baseR4", True),
        ("http://hapi.fhir.org/baseR4/", True),
        ("https://hapi.fhir.org:443/baseR4", True),
        ("https://hapi.fhir.org/baseR5", False),
        ("https://hapi.fhir.org/baseR4/other", False),
        ("https://hapi.fhir.org:8443/baseR4", False),
        ("https://hapi.fhir.org.evil.example/baseR4", False),
        ("https://ehr.example/fhir", False),
    ],
)
def test_development_reaches_loopback_and_the_public_sandbox(url: str, allowed: bool) -> None:
    assert Settings().allows_fhir_server(parse_base_url(url)) is allowed


def test_development_adds_the_servers_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    added = settings(monkeypatch, HEME_HOOKS_FHIR_SERVERS='["https://ehr.example/fhir/"]')
    assert added.allows_fhir_server(parse_base_url("https://ehr.example/fhir"))
    assert added.allows_fhir_server(parse_base_url("http://127.0.0.1:1/fhir"))


def test_production_reaches_exactly_what_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    production = settings(monkeypatch, **SAFE)
    assert production.allows_fhir_server(parse_base_url("https://ehr.example/fhir"))
    assert not production.allows_fhir_server(parse_base_url("http://127.0.0.1/fhir"))
    assert not production.allows_fhir_server(parse_base_url("https://hapi.fhir.org/baseR4"))
    assert production.cors_origins == ("https://ehr.example",)
    assert not production.may_explain


def test_production_says_everything_that_is_missing_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsRefused) as raised:
        settings(monkeypatch, HEME_HOOKS_ENVIRONMENT="production")
    message = str(raised.value)
    for name in ("FHIR_SERVERS", "PUBLIC_URL", "CLIENT_AUTHENTICATION", "DATABASE_URL", "HASH_KEY"):
        assert f"HEME_HOOKS_{name}" in message


def test_what_is_wrong_and_what_is_unsafe_stand_in_one_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsRefused) as raised:
        settings(
            monkeypatch,
            HEME_HOOKS_ENVIRONMENT="production",
            HEME_HOOKS_FHIR_SERVERS="https://ehr.example/fhir",
            HEME_HOOKS_CALL_DEADLINE="soon",
            HEME_HOOKS_CORS_ORIGINS='["*"]',
            HEME_HOOKS_EXPLANATIONS="true",
            HEME_HOOKS_HASH_KEY="short",
        )
    named = [problem.split()[0].rstrip(":") for problem in raised.value.problems]
    assert sorted(named) == sorted(
        f"HEME_HOOKS_{name}"
        for name in (
            "FHIR_SERVERS",
            "CALL_DEADLINE",
            "CORS_ORIGINS",
            "EXPLANATIONS",
            "PUBLIC_URL",
            "CLIENTS_FILE",
            "DATABASE_URL",
            "HASH_KEY",
        )
    )
    assert "JSON list" in str(raised.value)
    assert "short" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEME_HOOKS_FHIR_SERVERS", "[]"),
        ("HEME_HOOKS_FHIR_SERVERS", '["http://ehr.example/fhir"]'),
        ("HEME_HOOKS_FHIR_SERVERS", '["https://ehr.example/fhir", "http://127.0.0.1/fhir"]'),
        ("HEME_HOOKS_CORS_ORIGINS", '["*"]'),
        ("HEME_HOOKS_CORS_ORIGINS", '["http://ehr.example"]'),
        ("HEME_HOOKS_PUBLIC_URL", "http://hooks.example"),
        ("HEME_HOOKS_PUBLIC_URL", ""),
        ("HEME_HOOKS_CLIENT_AUTHENTICATION", "none"),
        ("HEME_HOOKS_DATABASE_URL", ""),
        ("HEME_HOOKS_HASH_KEY", "short"),
        ("HEME_HOOKS_HASH_KEY", "development"),
        ("HEME_HOOKS_DATABASE_URL", "sqlite:///heme-hooks.sqlite3"),
        ("HEME_HOOKS_EXPLANATIONS", "true"),
    ],
)
def test_one_unsafe_setting_keeps_production_from_starting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsRefused, match=name):
        settings(monkeypatch, **{**SAFE, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEME_HOOKS_FHIR_SERVERS", "https://ehr.example/fhir"),
        ("HEME_HOOKS_FHIR_SERVERS", '["ehr.example/fhir"]'),
        ("HEME_HOOKS_CORS_ORIGINS", '["https://ehr.example/path"]'),
        ("HEME_HOOKS_CORS_ORIGINS", '["https://.*"]'),
        ("HEME_HOOKS_CALL_DEADLINE", "0"),
        ("HEME_HOOKS_CALL_DEADLINE", "nan"),
        ("HEME_HOOKS_CALL_DEADLINE", "soon"),
        ("HEME_HOOKS_PREFETCH_KEYS", "some"),
        ("HEME_HOOKS_ORDER_INTENT", "plan"),
        ("HEME_HOOKS_ENVIRONMENT", "prod"),
        ("HEME_HOOKS_SITE_MAPPINGS", "/there/is/no/such/file"),
        ("HEME_HOOKS_CODES_PER_SEARCH", "0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SettingsRefused) as raised:
        settings(monkeypatch, **{name: value})
    assert name.removeprefix("HEME_HOOKS_").lower() in str(raised.value).lower()
    assert "does not start" in str(raised.value)
