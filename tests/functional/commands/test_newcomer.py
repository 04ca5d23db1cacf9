"""Commands used wrongly, as a newcomer does: what failed, where, and what mends it, said once."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner, Result

from service import samples
from service.app import utc_now
from service.cds_hooks.bundle_prefetch import encode
from service.cli import COMMANDS, main
from service.interpreter.rules import FINDINGS
from service.own_command import own_command
from tests.support.databases import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_httpserver import HTTPServer

BROKEN = '{\n "resourceType": "Bundle",\n "entry": [x]\n}\n'
WHERE = "(line 3, column 12)"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HEME_HOOKS_") and name != "HEME_HOOKS_REQUIRE_SERVERS":
            monkeypatch.delenv(name)


@pytest.fixture
def seed(tmp_path: Path) -> str:
    path = tmp_path / "seed.json"
    path.write_bytes(encode(samples.sample_bundle(samples.SEED, utc_now())))
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def answering(server: HTTPServer, status: int, patient_status: int) -> str:
    """A FHIR server whose Patient and searches have statuses of their own."""
    empty = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    server.expect_request("/fhir/Patient/4711").respond_with_json({}, status=patient_status)
    for kind in ("Observation", "DiagnosticReport"):
        server.expect_request(f"/fhir/{kind}").respond_with_json(empty, status=status)
    return server.url_for("/fhir")


def tried(base: str, *more: str) -> Result:
    result = run("try", "--fhir-server", base, "--patient", "4711", *more)
    assert result.exit_code == 3
    return result


def test_a_wrong_patient_is_named_with_its_address_and_status(httpserver: HTTPServer) -> None:
    base = answering(httpserver, 200, 404)
    said = tried(base).stderr
    assert "answered HTTP 404" in said
    assert f"Is there a Patient with the id 4711? Open {base}/Patient/4711." in said
    assert said.count("\n") == 1


def test_a_dead_server_is_named_once_with_what_to_look_at() -> None:
    base = f"http://127.0.0.1:{free_port()}/fhir"
    said = tried(base).stderr
    assert said.count(base) == 1
    assert said.count("could not be reached") == 1
    assert "The service answered 412: no patient, bloodCounts and differential from" in said
    assert "Is it running, and are host and port right?" in said


@pytest.mark.parametrize(
    ("status", "mend"),
    [
        (401, "Give a valid token with --token-file"),
        (403, "`heme-hooks doctor` names those that do"),
        (404, "Is it the base address of FHIR R4?"),
        (429, "Wait, and try again."),
    ],
)
def test_each_status_of_a_fhir_server_has_its_mend(
    httpserver: HTTPServer, status: int, mend: str
) -> None:
    said = tried(answering(httpserver, status, status)).stderr
    assert f"HTTP {status}" in said
    assert said.count(mend) == 1


def test_an_address_that_is_no_fhir_server_is_doubted(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("<html>", content_type="text/html")
    for path in ("/Patient/4711", "/Observation", "/DiagnosticReport"):
        httpserver.expect_request(path).respond_with_data("<html>", content_type="text/html")
    base = httpserver.url_for("").rstrip("/")
    assert f"{base}/metadata must answer" in tried(base).stderr


def test_with_json_the_operation_outcome_of_a_refusal_is_printed() -> None:
    base = f"http://127.0.0.1:{free_port()}/fhir"
    outcome = json.loads(tried(base, "--json").stdout)
    assert outcome["resourceType"] == "OperationOutcome"
    assert [each["expression"] for each in outcome["issue"]] == [
        ["prefetch.patient"],
        ["prefetch.bloodCounts"],
        ["prefetch.differential"],
    ]
    assert tried(base).stdout == ""


def test_with_json_what_is_no_operation_outcome_is_not_printed(
    httpserver: HTTPServer, seed: str
) -> None:
    httpserver.expect_request("/cds-services/pancytopenia-patient-view").respond_with_data(
        "<html>bad gateway</html>", status=502
    )
    result = run("try", "--bundle", seed, "--service-url", httpserver.url_for(""), "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "answered 502" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("try", "--bundle", "{file}"), 2),
        (("try", "--bundle", "{seed}", "--hook", "order-sign", "--drafts", "{file}"), 2),
        (("replay", "{file}"), 2),
        (("mapping", "report", "--bundle", "{file}"), 1),
    ],
)
def test_a_broken_file_is_named_with_line_and_column(
    tmp_path: Path, seed: str, arguments: tuple[str, ...], code: int
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(BROKEN)
    result = run(*(each.format(file=file, seed=seed) for each in arguments))
    assert result.exit_code == code
    assert f"not JSON {WHERE}" in result.stderr
    assert "broken.json" in result.stderr


def test_a_broken_file_fails_the_mapping_report_and_the_others_are_counted(
    tmp_path: Path, seed: str
) -> None:
    file = tmp_path / "no-fhir.json"
    file.write_text('{"a": 1}')
    result = run("mapping", "report", "--bundle", str(file), "--bundle", seed, "--json")
    assert result.exit_code == 1
    assert "no-fhir.json holds no FHIR resource." in result.stderr
    assert json.loads(result.stdout)["patients"] == 1


def test_links_of_a_call_within_this_process_are_a_command_that_works(seed: str) -> None:
    shown = run("try", "--bundle", seed).stdout
    (line,) = [each for each in shown.splitlines() if "About this rule: " in each]
    assert "http" not in line
    command = line.partition("About this rule: ")[2].removeprefix(f"{own_command()} ")
    assert run(*command.split()).stdout.startswith("# index-pattern: ")


def test_links_of_a_service_that_runs_stay(httpserver: HTTPServer, seed: str) -> None:
    card = json.loads(run("try", "--bundle", seed, "--json").stdout)
    httpserver.expect_request("/cds-services/pancytopenia-patient-view").respond_with_json(card)
    shown = run("try", "--bundle", seed, "--service-url", httpserver.url_for("")).stdout
    assert "About this rule: http://127.0.0.1:8000/knowledge#index-pattern" in shown


def test_links_to_an_address_that_is_set_stay(seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEME_HOOKS_PUBLIC_URL", "https://hooks.example")
    assert "https://hooks.example/knowledge#index-pattern" in run("try", "--bundle", seed).stdout


def test_an_order_hook_without_drafts_names_the_sample_and_the_sample_works(
    tmp_path: Path,
) -> None:
    chart, drafts = tmp_path / "chart.json", tmp_path / "drafts.json"
    chart.write_text(run("samples", "show", "b12-order").stdout)
    asked = ("try", "--bundle", str(chart), "--hook", "order-select")
    said = run(*asked).stderr
    named = said.partition("`heme-hooks ")[2].partition("`")[0]
    drafts.write_text(run(*shlex.split(named)).stdout)
    assert "b12-order-without-deficiency" in run(*asked, "--drafts", str(drafts)).stdout


def test_a_sample_without_drafts_names_those_that_have_some() -> None:
    result = run("samples", "show", "index-pattern", "--drafts")
    assert result.exit_code == 2
    assert "b12-order, iron-order" in result.stderr


def test_samples_are_listed_as_json() -> None:
    listed = json.loads(run("samples", "list", "--json").stdout)
    assert [each["name"] for each in listed] == list(samples.NAMES)
    assert {each["hook"] for each in listed} == {"patient-view", "order-select"}


@pytest.mark.parametrize("rule", FINDINGS)
def test_each_rule_is_shown_by_its_id(rule: str) -> None:
    shown = run("knowledge", "show", rule).stdout
    assert shown.startswith(f"# {rule}: ")
    assert "- When: " in shown


def test_a_rule_that_is_none_names_the_nearest() -> None:
    result = run("knowledge", "show", "index-patern")
    assert result.exit_code == 2
    assert "Did you mean index-pattern?" in result.stderr


def _groups() -> Iterator[tuple[str, ...]]:
    yield ()
    for name in COMMANDS:
        with click.Context(main) as context:
            command = main.get_command(context, name)
        if isinstance(command, click.Group):
            yield (name,)


@pytest.mark.parametrize("words", list(_groups()))
def test_the_help_of_each_group_ends_in_whole_words(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*words, "--help"], terminal_width=80, color=False).stdout
    listed = shown.partition("Commands:\n")[2].splitlines()
    assert listed
    assert [line for line in listed if not line.endswith(".")] == []
    assert "..." not in "".join(listed)


def test_the_command_is_named_as_the_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Path(sys.executable).parent / "heme-hooks"
    monkeypatch.setenv("PATH", str(script.parent))
    assert own_command() == "heme-hooks"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert own_command() == str(script)
    monkeypatch.chdir(script.parents[2])
    named = own_command()
    assert named == str(script.relative_to(script.parents[2]))
    assert own_command(anywhere=True) == str(script)
    done = subprocess.run([f"./{named}", "--version"], capture_output=True, check=True, text=True)
    assert "heme-hooks" in done.stdout


def _commands_of_documents() -> Iterator[tuple[str, list[str]]]:
    root = Path(__file__).parents[3]
    for page in (root / "README.md", *sorted((root / "docs").rglob("*.md"))):
        text = page.read_text("utf-8").replace("`heme-hooks ", "\n    heme-hooks ")
        for line in re.findall(r"^ +(?:\.venv/bin/)?heme-hooks ([^`\n]+)", text, re.M):
            if line.split()[0] in COMMANDS:
                yield page.name, line.split()


def _options(words: list[str]) -> set[str]:
    """The options of the command that these words name; `backtest` has one without a name."""
    with click.Context(main) as context:
        command = main.get_command(context, words[0])
    assert command is not None
    meant = [command]
    if isinstance(command, click.Group):
        named = command.commands.get(words[1]) if words[1:] else None
        meant = [named] if named else list(command.commands.values())
    # get_params has `--help` as well, which every command takes.
    return {
        name for one in meant for each in one.get_params(click.Context(one)) for name in each.opts
    }


def test_the_options_of_every_command_that_the_documents_show_exist() -> None:
    shown = list(_commands_of_documents())
    assert len(shown) > 30
    for page, words in shown:
        named = {each.rstrip(".,;:") for each in words if each.startswith("--")}
        assert named <= _options(words), (page, words)
