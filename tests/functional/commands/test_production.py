"""Production refuses to start, with one message that lists everything missing or unsafe."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from service.app import create_app
from service.cli import main
from service.interpreter.rules import RULE_TABLE_VERSION
from service.settings import SettingsRefused
from tests.support.tokens import clients_file, database

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a safe production; a test changes one thing."""
    path = clients_file(tmp_path, 'fhir_servers = ["https://ehr.example/fhir"]')
    for name, value in {
        "ENVIRONMENT": "production",
        "PUBLIC_URL": "https://hooks.example",
        "CLIENTS_FILE": str(path),
        "DATABASE_URL": database(tmp_path),
        "HASH_KEY": "0123456789abcdef0123456789abcdef",
    }.items():
        monkeypatch.setenv(f"HEME_HOOKS_{name}", value)
    return path


def problems() -> str:
    with pytest.raises(SettingsRefused) as caught:
        create_app()
    return str(caught.value)


def test_a_safe_production_starts(safe: Path) -> None:
    create_app()


def test_everything_missing_and_wrong_in_every_file_stands_in_one_message(
    safe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe.write_text(
        safe.read_text().replace("https://ehr.example/fhir", "http://ehr.example/fhir")
        + '\ncors_origins = ["*"]\n[[clients]]\nname = "b"\nissuer = "i"\n'
        'jwks_url = "http://ehr.example/keys"\nalgorithms = ["HS256"]\n'
    )
    (tmp_path / "maps.json").write_text("{}")
    monkeypatch.setenv("HEME_HOOKS_SITE_MAPPINGS", str(tmp_path / "maps.json"))
    monkeypatch.setenv("HEME_HOOKS_FINDINGS_OFF", '["index-patern"]')
    monkeypatch.setenv("HEME_HOOKS_DATABASE_URL", "nosuchdatabase://x")
    monkeypatch.setenv("HEME_HOOKS_EXPLANATIONS", "true")
    monkeypatch.setenv("HEME_HOOKS_PUBLIC_URL", "")
    monkeypatch.setenv("HEME_HOOKS_CALL_DEADLINE", "never")
    message = problems()
    for part in (
        "http://ehr.example/fhir must be https",
        "cors_origins must name origins",
        "jwks_url must be an absolute https URL",
        "algorithms must be among",
        "HEME_HOOKS_SITE_MAPPINGS",
        "index-patern",
        "HEME_HOOKS_DATABASE_URL",
        "HEME_HOOKS_EXPLANATIONS",
        "HEME_HOOKS_PUBLIC_URL",
        "HEME_HOOKS_CALL_DEADLINE",
    ):
        assert part in message, part


@pytest.mark.parametrize("content", ["", "clients = []"])
def test_a_clients_file_that_names_nobody_would_let_anybody_in(safe: Path, content: str) -> None:
    safe.write_text(content)
    assert "names no client, so anybody could call" in problems()


def test_behind_a_proxy_that_authenticates_no_client_need_be_named(
    safe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe.write_text("")
    monkeypatch.setenv("HEME_HOOKS_CLIENT_AUTHENTICATION", "proxy")
    create_app()


def test_no_secret_stands_in_the_message(safe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEME_HOOKS_HASH_KEY", "a-short-secret")
    monkeypatch.setenv("HEME_HOOKS_DATABASE_URL", "nosuch://user:the-password@db/x")
    message = problems()
    assert "a-short-secret" not in message
    assert "the-password" not in message


def test_serve_ends_with_the_message_and_no_traceback() -> None:
    environment = {**os.environ, "HEME_HOOKS_ENVIRONMENT": "production"}
    ended = subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "HEME_HOOKS_CLIENTS_FILE" in ended.stderr
    assert "HEME_HOOKS_DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_misspelt_variable_stops_production_with_the_nearest_name(
    safe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEME_HOOKS_SHADOWW", "true")
    monkeypatch.setenv("HEME_HOOKS_REQUIRE_SERVERS", "1")
    monkeypatch.setenv("HEME_HOOKS_METRICS_FOLDER_MADE_BY", "1")
    monkeypatch.setenv("HEME_HOOKS_QQQQQQQQ", "1")
    message = problems()
    assert "HEME_HOOKS_SHADOWW: did you mean HEME_HOOKS_SHADOW?" in message
    assert "HEME_HOOKS_QQQQQQQQ: there is no such setting" in message
    assert message.count("\n") == 2


def test_a_misspelt_variable_is_a_warning_in_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEME_HOOKS_SHADOWW", "true")
    stream = StringIO()
    create_app(log_stream=stream)
    warning, started = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (warning["event"], warning["level"]) == ("unknown variable", "warning")
    assert warning["keys"] == ["HEME_HOOKS_SHADOWW: did you mean HEME_HOOKS_SHADOW"]
    assert started["event"] == "started"


def test_fewer_than_four_threads_are_refused(safe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEME_HOOKS_THREADS", "3")
    assert "HEME_HOOKS_THREADS (serve --threads) must be 4 or more" in problems()


def test_postgresql_without_its_driver_says_what_to_install(
    safe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEME_HOOKS_DATABASE_URL", "postgresql+psycopg://x@y/z")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'heme-hooks[postgresql]'" in problems()


@pytest.mark.parametrize("command", [["storage", "upgrade"], ["feedback", "report"]])
def test_commands_without_the_driver_say_what_to_install(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEME_HOOKS_DATABASE_URL", "postgresql+psycopg://x@y/z")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert done.output.count("\n") == 1
    assert "pip install 'heme-hooks[postgresql]'" in done.output


def test_the_started_line_names_whom_it_serves_and_by_what_rules(
    safe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe.write_text(safe.read_text() + "\nshadow = true\n")
    stream = StringIO()
    create_app(log_stream=stream)
    line = json.loads(stream.getvalue())
    assert line["clients"] == ["ehr"]
    assert line["shadow"] == ["ehr"]
    assert line["fhir_servers"] == ["https://ehr.example/fhir"]
    assert line["rule_table"] == RULE_TABLE_VERSION


def test_a_taken_port_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", _SERVE, "serve", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "HEME_HOOKS_DATABASE_URL": ""},
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"Port {port} of 127.0.0.1 is taken; name another with --port or --host.\n"
    )


_SERVE = "from service.cli import main; main()"
