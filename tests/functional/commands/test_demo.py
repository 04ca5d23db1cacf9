"""The demo's wishes and its sentences, and children that never outlive their starter."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from service import samples
from service.cli import main
from service.demo import __main__ as demo
from service.demo.processes import ServerNotStarted, free_port, running
from tests.support.databases import upgraded
from tests.support.deadlines import kept, until

ROOT = Path(__file__).parents[3]


Demo = Callable[..., tuple[int, str]]


@pytest.fixture
def run_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Demo]:
    """The demo in this process and a folder of its own: its exit code, what it says of an error."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["demo", *arguments])
        return demo.main(), capsys.readouterr().err

    yield run
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_nothing_given_means_the_usual() -> None:
    arguments = ["--fhir-server", "", "--patient", "", "--port", "", "--once", ""]
    assert demo.wishes(arguments) == demo.Wishes()


def test_once_is_heard() -> None:
    assert demo.wishes(["--once", "1"]).once
    assert not demo.wishes(["--once", "0"]).once


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fhir-server", "127.0.0.1:1/fhir"], "FHIR_SERVER must be"),
        (["--fhir-server", "http://127.0.0.1:1/fhir"], "No FHIR server answers"),
        (
            ["--fhir-server", "http://127.0.0.1:1/fhir", "--patient", "x", "--once", "1"],
            "could not be reached",
        ),
        (["--port", "http"], "PORT is a number"),
        (["--fhir-port", "70000"], "FHIR_PORT is a number"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence(
    run_demo: Demo, arguments: list[str], sentence: str
) -> None:
    code, said = run_demo(*arguments)
    assert code == 1
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("option", ["--port", "--fhir-port"])
def test_a_taken_port_is_one_sentence(run_demo: Demo, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = run_demo(option, str(port), "--once", "1")
    assert code == 1
    assert f"Port {port}" in said
    assert "taken" in said
    assert said.count("\n") == 1


def test_the_program_itself_ends_with_the_sentence() -> None:
    command = [sys.executable, "-m", "service.demo", "--port", "http"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == "demo: PORT is a number from 1 to 65535.\n"


def test_a_server_that_ends_at_once_is_said() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with (
        pytest.raises(ServerNotStarted, match="The toy ended at once with exit code 3"),
        running(command, url, what="The toy"),
    ):
        pass


def test_a_server_that_never_answers_is_ended() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with (
        kept(1),
        pytest.raises(ServerNotStarted, match="did not answer within 1 seconds"),
        running(command, url, what="The toy", limit=1),
    ):
        pass


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_children_end_with_their_starter_however_it_ends(blow: signal.Signals) -> None:
    port = free_port()
    script = f"""
        import sys, time
        from service.demo.processes import running
        server = [sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
        with running(server, "http://127.0.0.1:{port}/", what="The toy"):
            print("up", flush=True)
            time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        os.kill(starter.pid, blow)
        starter.wait(20)
    until(lambda: not _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_last_address_is_the_sandbox_with_this_patient(
    capsys: pytest.CaptureFixture[str],
) -> None:
    demo._show_addresses("http://127.0.0.1:8000", "http://127.0.0.1:9/fhir", "a-1", "http://ehr")
    said = capsys.readouterr().out
    assert said.split("http://")[-2:] == [
        "127.0.0.1:8000/sandbox#server=",
        "127.0.0.1:9/fhir&patient=a-1\n\nCtrl-C ends it.\n",
    ]


def test_for_a_sample_the_sandbox_opens_with_the_list_of_samples(
    capsys: pytest.CaptureFixture[str],
) -> None:
    patient = samples.SAMPLES["blasts"].patient_id
    demo._show_addresses("http://127.0.0.1:8000", "http://127.0.0.1:9/fhir", patient, "http://ehr")
    assert "http://127.0.0.1:8000/sandbox#sample=blasts\n" in capsys.readouterr().out


def test_the_report_that_the_demo_names_reads_the_demos_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    demo.STORE.parent.mkdir()
    upgraded(demo._store_url())
    demo._show_addresses("http://127.0.0.1:8000", "http://127.0.0.1:9/fhir", "a-1", "http://ehr")
    shown = capsys.readouterr().out
    assert "http://127.0.0.1:8000/feedback/report" in shown
    (line,) = [line for line in shown.splitlines() if line.endswith("heme-hooks feedback report")]
    setting, _, command = line.split(maxsplit=2)[2].partition(" ")
    name, _, value = setting.partition("=")
    monkeypatch.setenv(name, value)
    done = CliRunner().invoke(main, command.split()[1:])
    assert done.exit_code == 0
    assert "Feedback on unknown cards: 0" in done.output
