"""The deployment files fit the product: settings, commands, and the shipped nginx configuration."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from compose_spec import PyCompose

from service.cli import COMMANDS, main
from service.security.trusted_clients import load_clients
from service.settings import Settings, read_settings
from tests.support.servers import missing

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.signed.yaml"])
def test_compose_files_fit_the_specification(name: str) -> None:
    assert PyCompose.from_yaml((DEPLOY / name).read_text("utf-8")).service_names()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("image: docker.io/library/nginx:1.28", "imagee: x"),
        ("condition: service_healthy", "condition: service_well"),
        ('"127.0.0.1:8080:80"', '"127.0.0.1:web:80"'),
        ("interval: 3s", "interval: often"),
    ],
)
def test_a_mistake_in_the_compose_file_would_be_found(right: str, wrong: str) -> None:
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert right in text
    with pytest.raises(ValueError, match=r"line \d+ column \d+|error"):
        PyCompose.from_yaml(text.replace(right, wrong))


def test_the_signed_compose_file_adds_to_the_services_and_asks_for_tokens(
    compose: dict[str, Any],
) -> None:
    signed = yaml.safe_load((DEPLOY / "compose.signed.yaml").read_text("utf-8"))
    folder = signed["services"]["key"]["command"][2]
    assert signed["services"]["hooks"]["environment"] == {
        "HEME_HOOKS_CLIENTS_FILE": f"{folder}/clients.toml"
    }
    named = signed["services"]["key"]["command"][4]
    settings = compose["services"]["hooks"]["environment"]
    assert [named] == json.loads(settings["HEME_HOOKS_FHIR_SERVERS"])
    assert f"install -d -o heme-hooks /var/lib/heme-hooks {folder}" in (
        DEPLOY / "Containerfile"
    ).read_text("utf-8")


def test_the_commands_of_the_compose_files_are_commands(compose: dict[str, Any]) -> None:
    signed = yaml.safe_load((DEPLOY / "compose.signed.yaml").read_text("utf-8"))
    for services in (compose["services"], signed["services"]):
        for service in services.values():
            if "build" not in service or "command" not in service:
                continue
            shown = CliRunner().invoke(main, [*_words(service["command"]), "--help"])
            assert shown.exit_code == 0, service["command"]
            for option in (each for each in service["command"] if each.startswith("--")):
                assert option in shown.stdout


def _words(command: list[str]) -> list[str]:
    """The command without its options."""
    return list(takewhile(lambda word: not word.startswith("--"), command))


def test_the_container_file_has_nothing_that_a_linter_finds() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    if not linter.exists():
        missing("hadolint is not installed: pip install .[lint]")
    done = subprocess.run(
        [linter, str(DEPLOY / "Containerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_has_the_four_servers(compose: dict[str, Any]) -> None:
    assert {"database", "hooks", "nginx", "hapi"} <= compose["services"].keys()


def test_its_settings_are_settings_that_can_be_read(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("hooks", "upgrade"):
        for name, value in compose["services"][service]["environment"].items():
            assert name.removeprefix("HEME_HOOKS_").lower() in Settings.model_fields, name
            monkeypatch.setenv(name, value)
    assert Settings().fhir_servers == ("http://hapi:8080/fhir",)
    assert Settings().database_url.startswith("postgresql+psycopg://")


def test_it_upgrades_the_store_before_it_serves(compose: dict[str, Any]) -> None:
    assert compose["services"]["upgrade"]["command"][0] in COMMANDS
    waits = compose["services"]["hooks"]["depends_on"]["upgrade"]
    assert waits == {"condition": "service_completed_successfully"}


def test_a_stop_has_longer_than_the_calls_in_flight(compose: dict[str, Any]) -> None:
    from service.commands.serve import gunicorn_command

    command = gunicorn_command("127.0.0.1", 1, 1, 1)
    graceful = int(command[command.index("--graceful-timeout") + 1])
    assert int(compose["services"]["hooks"]["stop_grace_period"].rstrip("s")) > graceful


def test_the_image_is_built_by_the_script_that_ci_runs() -> None:
    container = (DEPLOY / "Containerfile").read_text("utf-8")
    script = (DEPLOY / "build.sh").read_text("utf-8")
    steps = re.findall(r"/src/deploy/build\.sh (\w+)", container)
    assert steps == ["build", "install", "check"]
    assert all(f"  {step}) " in script for step in steps)
    assert re.search(r"useradd --system --uid (\d+).*^USER \1$", container, re.M | re.S)
    assert "deploy/build.sh" in (DEPLOY.parent / ".ci" / "run").read_text("utf-8")


def test_nginx_takes_the_configuration_as_compose_changes_it(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        missing("nginx is not installed (Debian: nginx-light)")
    assert program is not None
    script = compose["services"]["nginx"]["command"][2]
    expressions = re.findall(r"-e '([^']+)'", script)
    arguments = [part for expression in expressions for part in ("-e", expression)]
    changed = subprocess.run(
        ["sed", *arguments, str(DEPLOY / "nginx.conf")], check=True, capture_output=True, text=True
    ).stdout
    assert "ssl" not in changed
    assert re.findall(r"server ([a-z0-9:.]+) max_fails", changed) == ["hooks:8000"]
    # The name of the service is known inside the compose network only.
    text = changed.replace("hooks:8000", "127.0.0.1:8000").replace("listen 80;", "listen 18080;")
    for place in ("/run/", "/var/log/nginx/", "/var/lib/nginx/"):
        text = text.replace(place, f"{tmp_path}/")
    (tmp_path / "nginx.conf").write_text(text, "utf-8")
    checked = subprocess.run(
        [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_service_and_the_proxy_agree_on_the_size_of_a_body() -> None:
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(megabytes) * 1024 * 1024 == Settings().max_request_bytes


def test_what_is_shipped_is_pinned_by_hash_to_what_is_tested() -> None:
    root = DEPLOY.parent
    pinned = re.findall(r"^([a-z0-9.\[\]_-]+==\S+)", (root / "requirements.txt").read_text(), re.M)
    tested = (root / "constraints.txt").read_text("utf-8")
    assert len(pinned) > 30
    assert [each for each in pinned if each not in tested] == []
    blocks = re.split(r"\n(?=[a-z])", (root / "requirements.txt").read_text("utf-8"))
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
    assert not any(name in "\n".join(pinned) for name in ("pytest", "mypy", "ruff", "sekmet"))


def test_the_container_installs_by_hash_and_its_base_can_be_pinned() -> None:
    script = (DEPLOY / "build.sh").read_text("utf-8")
    assert script.index("--require-hashes") < script.index("--no-deps")
    container = (DEPLOY / "Containerfile").read_text("utf-8")
    assert re.findall(r"^FROM (\S+)", container, re.M) == ["${PYTHON_IMAGE}"] * 2
    assert "@sha256" not in container


EXAMPLE = (DEPLOY / "heme-hooks.env.example").read_text("utf-8")


def test_the_environment_file_names_settings_and_nothing_else() -> None:
    written = dict(re.findall(r"^(?:# )?(HEME_HOOKS_[A-Z_]+)=(.*)$", EXAMPLE, re.M))
    assert len(written) > 6
    assert {name.removeprefix("HEME_HOOKS_").lower() for name in written} <= (
        Settings.model_fields.keys()
    )
    assert all(re.fullmatch(r"[^\s'\"]+", value) for value in written.values()), (
        "a shell, systemd and podman would read it differently"
    )


def test_the_environment_file_is_refused_until_it_is_filled_in_and_then_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("HEME_HOOKS_")]:
        monkeypatch.delenv(name)
    for name, value in re.findall(r"^(HEME_HOOKS_[A-Z_]+)=(.*)$", EXAMPLE, re.M):
        monkeypatch.setenv(name, value)
    clients = tmp_path / "clients.toml"
    shutil.copy(DEPLOY / "clients.example.toml", clients)
    monkeypatch.setenv("HEME_HOOKS_CLIENTS_FILE", str(clients))
    _, problems = read_settings()
    assert [problem.split()[0] for problem in problems] == ["HEME_HOOKS_HASH_KEY"]
    monkeypatch.setenv("HEME_HOOKS_HASH_KEY", "0123456789abcdef0123456789abcdef")
    settings, problems = read_settings()
    assert problems == []
    assert settings.is_production


def test_the_example_of_a_clients_file_is_taken_in_production() -> None:
    test, real = load_clients(DEPLOY / "clients.example.toml", production=True)
    assert (test.shadow, real.shadow) == (False, True)


def test_the_sdist_holds_what_make_test_needs() -> None:
    text = (DEPLOY.parent / "pyproject.toml").read_text("utf-8")
    listed = text.partition("[tool.hatch.build.targets.sdist]")[2].partition("]\n\n")[0]
    for needed in ("tools", "tests", "deploy", "docs", "Makefile", "constraints.txt", "uv.lock"):
        assert f'"/{needed}"' in listed
