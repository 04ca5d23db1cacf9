"""`make demo`: the service beside a FHIR server with sample patients, and one real hook call.

Everything goes over HTTP as it would at a hospital: the service gets the patient's id and the
FHIR server's address, nothing prefetched, and fetches the rest.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests

from service import samples
from service.base_urls import parse_base_url
from service.cds_client.terminal import render_response
from service.commands.serve import gunicorn_command
from service.demo.embedded_server import embedded_server
from service.demo.processes import HOST, ServerNotStarted, check_port, free_port, is_free, running
from service.demo.small_ehr import APP_ID
from service.own_command import own_command
from service.storage.migrations import upgrade
from service.storage.store import create_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERVICE = "pancytopenia-patient-view"
USUAL_PORT = 8000
CALL_LIMIT = 30
MAX_WIDTH = 100
LOG = Path(".heme-hooks") / "demo.log"
STORE = Path(".heme-hooks") / "demo.sqlite3"
_STORE_SETTING = "HEME_HOOKS_DATABASE_URL"


class DemoFailed(Exception):
    """The demo cannot go on; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `make demo` was asked for; empty and 0 mean: as usual."""

    fhir_server: str = ""
    patient: str = ""
    port: int = 0
    fhir_port: int = 0
    once: bool = False


def wishes(arguments: Sequence[str]) -> Wishes:
    """Read the command line; the Makefile passes every option, empty where not given."""
    parser = argparse.ArgumentParser(prog="python -m service.demo")
    parser.add_argument("--fhir-server", default="")
    parser.add_argument("--patient", default="")
    parser.add_argument("--port", default="")
    parser.add_argument("--fhir-port", default="")
    parser.add_argument("--once", default="")
    given = parser.parse_args(arguments)
    return Wishes(
        _address(given.fhir_server),
        given.patient,
        _port(given.port, "PORT"),
        _port(given.fhir_port, "FHIR_PORT"),
        given.once not in {"", "0"},
    )


def _address(text: str) -> str:
    try:
        return str(parse_base_url(text)) if text else ""
    except ValueError as error:
        raise DemoFailed(f"FHIR_SERVER {error}.") from error


def _port(text: str, name: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise DemoFailed(f"{name} is a number from 1 to 65535.")
    return int(text)


def run(wished: Wishes) -> None:
    """Start what is needed, make the call, print the cards; then stay, or end.

    Raises DemoFailed, ServerNotStarted or SamplesNotWritten; whatever happens, every child
    process has ended when this returns.
    """
    with ExitStack() as stack:
        port = _service_port(wished.port)
        base = wished.fhir_server or stack.enter_context(embedded_server(wished.fhir_port))
        # Somebody else's server is written to only when no patient of its own was named.
        if not (wished.fhir_server and wished.patient):
            _load(base)
        patient = _patient_id(wished)
        service = f"http://{HOST}:{port}"
        ehr_port = free_port()
        ehr = f"http://{HOST}:{ehr_port}"
        stack.enter_context(_service(port, service, base, ehr))
        response = call(service, base, patient)
        _show(response, base, patient)
        if wished.once:
            _check_seed(response, patient)
            return
        stack.enter_context(_small_ehr(ehr_port, ehr, base, service))
        _show_addresses(service, base, patient, ehr)
        threading.Event().wait()


@contextmanager
def _small_ehr(port: int, ehr: str, base: str, service: str) -> Iterator[None]:
    """The EHR that launches the evidence app."""
    command = [sys.executable, "-m", "service.demo.small_ehr", str(port), base, service]
    ready = f"{ehr}/fhir/.well-known/smart-configuration"
    with running(command, ready, what="The small EHR", errors=subprocess.DEVNULL):
        yield


@contextmanager
def _service(port: int, service: str, base: str, ehr: str) -> Iterator[None]:
    """The service under gunicorn; its log lines go to a file."""
    serve = gunicorn_command(HOST, port, workers=1, threads=8)
    command = [*serve[:-1], "--no-control-socket", serve[-1]]
    LOG.parent.mkdir(exist_ok=True)
    upgrade(create_engine(_store_url()))
    with (
        LOG.open("wb") as log,
        running(
            command,
            f"{service}/cds-services",
            what=f"The service (its log is {LOG})",
            environment=_settings(service, base, ehr),
            errors=log,
        ),
    ):
        yield


def _settings(service: str, base: str, ehr: str) -> dict[str, str]:
    """The service's environment variables, whatever ours are."""
    return {
        "HEME_HOOKS_ENVIRONMENT": "development",
        "HEME_HOOKS_PUBLIC_URL": service,
        "HEME_HOOKS_FHIR_SERVERS": json.dumps([base, f"{ehr}/fhir"]),
        "HEME_HOOKS_EVIDENCE_APP": json.dumps({"client_id": APP_ID, "frame_origins": [ehr]}),
        "HEME_HOOKS_CALL_DEADLINE": "15",
        _STORE_SETTING: _store_url(),
    }


def _store_url() -> str:
    """The demo keeps its cards and feedback apart from those of `heme-hooks serve`."""
    return f"sqlite:///{STORE.resolve()}"


def _service_port(wished: int) -> int:
    if wished:
        check_port(wished, "the service (PORT)")
        return wished
    return USUAL_PORT if is_free(USUAL_PORT) else free_port()


def _load(base: str) -> None:
    now = datetime.fromtimestamp(time.time(), tz=UTC)
    with requests.Session() as session:
        session.trust_env = False
        loaded = samples.load(base, session, now)
    print(f"FHIR server {base} with {len(loaded)} sample patients, renewed just now")


def _patient_id(wished: Wishes) -> str:
    patient = wished.patient or samples.SEED
    own = wished.patient and wished.fhir_server
    return samples.SAMPLES[patient].patient_id if patient in samples.NAMES and not own else patient


def call(service: str, fhir_server: str, patient: str) -> dict[str, Any]:
    """One patient-view call with nothing prefetched. Raises DemoFailed unless it is answered."""
    body = samples.hook_call(
        samples.SEED, datetime.fromtimestamp(0, tz=UTC), fhir_server=fhir_server
    )
    body["context"]["patientId"] = patient
    url = f"{service}/cds-services/{SERVICE}"
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(url, json=body, timeout=CALL_LIMIT)
        except requests.RequestException as error:
            raise DemoFailed("The service did not answer the hook call.") from error
    if answer.status_code != requests.codes.ok:
        raise DemoFailed(
            f"The service answered {answer.status_code}: {_reason(answer)} Its log is {LOG}."
        )
    response: dict[str, Any] = answer.json()
    return response


def _reason(answer: requests.Response) -> str:
    try:
        issue = answer.json()["issue"][0]
    except (ValueError, LookupError, TypeError):
        return ""
    text = (issue.get("details") or {}).get("text") or issue.get("diagnostics")
    return str(text or "").rstrip(".") + "."


def _show(response: dict[str, Any], base: str, patient: str) -> None:
    width = max(60, min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 24)).columns))
    print(f"Hook call patient-view for Patient/{patient}, nothing prefetched\n")
    print(render_response(response, width))
    print(flush=True)


def _check_seed(response: dict[str, Any], patient: str) -> None:
    """Fail when the seed's patient does not get the seed's card."""
    if patient != samples.SAMPLES[samples.SEED].patient_id:
        return
    topics = [card["source"].get("topic", {}).get("code") for card in response["cards"]]
    if topics != [samples.SEED]:
        raise DemoFailed("The card is not that of the seed's patient.")


def _show_addresses(service: str, base: str, patient: str, ehr: str) -> None:
    program = own_command()
    lines = (
        ("discovery", f"{service}/cds-services"),
        ("the call", f"POST {service}/cds-services/{SERVICE}"),
        ("FHIR server", base),
        ("the chart", f"{base}/Observation?patient={patient}"),
        ("other patients", f"{program} samples list"),
        ("one of them", f"{program} try --fhir-server {base} --patient heme-hooks-blasts"),
        ("the report", f"{service}/feedback/report"),
        ("as text", f"{_STORE_SETTING}={_store_url()} {program} feedback report"),
    )
    for name, value in lines:
        print(f"  {name:<15} {value}")
    print("\nSee the card in a small EHR, and open the evidence from it:\n")
    print(f"  {ehr}/patients/{patient}")
    print("\nSee it in a browser, change a value, watch the cards and their reasons:\n")
    print(f"  {service}/sandbox#{_state(base, patient)}\n")
    print("Ctrl-C ends it.", flush=True)


def _state(base: str, patient: str) -> str:
    """What the page opens with: the list of samples for one of them, else the patient there."""
    sample = patient.removeprefix(samples.ID_PREFIX)
    if sample != patient and sample in samples.NAMES:
        return urlencode({"sample": sample})
    return urlencode({"server": base, "patient": patient}, safe=":/")


def main() -> int:
    """Run the demo; the exit code says whether it succeeded."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        run(wishes(sys.argv[1:]))
    except KeyboardInterrupt:
        return 0
    except (DemoFailed, ServerNotStarted, samples.SamplesNotWritten) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
