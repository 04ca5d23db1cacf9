"""`heme-hooks try`: what the service says about one patient."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec

from service.cds_client import call as try_command
from service.cds_client.call import EXIT_USAGE, HttpTransport, TryFailed, TryOptions
from service.cds_client.explanation_text import explanation_in, render, sentence_of
from service.cds_client.refusals import is_outcome
from service.cds_client.terminal import render_response
from service.cds_hooks.discovery import load_catalogue
from service.own_command import own_command

if TYPE_CHECKING:
    from datetime import datetime

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MAX_WIDTH = 110


@click.command("try")
@click.option("--fhir-server", metavar="URL", help="FHIR R4 base address to read the patient from.")
@click.option("--patient", "patient_id", metavar="ID", help="Patient.id.")
@click.option("--token-file", type=_FILE, help="File with a bearer token for the FHIR server.")
@click.option("--bundle", type=_FILE, help="A FHIR R4 Bundle of one patient, instead of a server.")
@click.option(
    "--drafts",
    type=_FILE,
    help="Drafted orders for order-select and order-sign: one resource, or a Bundle of them.",
)
@click.option(
    "--hook",
    type=click.Choice(["patient-view", "order-select", "order-sign"]),
    default="patient-view",
    show_default=True,
)
@click.option("--service-url", metavar="URL", help="A running service; by default this process.")
@click.option("--at", "at_text", metavar="DATE", help="Judge as of this date (old Bundles).")
@click.option("--json", "as_json", is_flag=True, help="Print the raw response.")
@click.option("--evidence", is_flag=True, help="Print the evidence that the cards rest on.")
def try_hook(
    *,
    service_url: str | None,
    at_text: str | None,
    as_json: bool,
    evidence: bool,
    **given: Any,  # noqa: ANN401
) -> None:
    """Make one hook call and print the cards.

    \b
    heme-hooks try --fhir-server http://localhost:8080/fhir --patient 123
    heme-hooks try --bundle patient.json
    heme-hooks try --bundle patient.json --hook order-select --drafts drafts.json

    Exit code: 0 answered, 1 refused, 2 wrong usage, 3 clinical data not available (412),
    4 service not reachable.
    """
    # The explanation is always asked for: a patient without a card deserves its one sentence.
    options = TryOptions(**given, explain=evidence or not as_json)
    try:
        _check(options, service_url, at_text)
        transport = _transport(options, service_url, at_text)
        answer = try_command.run(options, transport, load_catalogue().templates)
    except TryFailed as error:
        give_up("try", error, as_json=as_json)
    text = answer.decode() if as_json else shown(answer, evidence=evidence, here=not service_url)
    click.echo(text)


def give_up(command: str, error: TryFailed, *, as_json: bool) -> NoReturn:
    """Say on standard error why there are no cards, and leave.

    With `as_json` the OperationOutcome of the service goes to standard output.
    """
    if as_json and is_outcome(error.answer):
        click.echo(error.answer.decode())
    click.echo(f"heme-hooks {command}: {error.message}", err=True)
    sys.exit(error.exit_code)


def shown(answer: bytes, *, evidence: bool, here: bool = False, width: int | None = None) -> str:
    """Return the cards, and the evidence where it was asked for, as text.

    `here`: the service was this process, so that nothing listens at the address of its links.
    """
    response = msgspec.json.decode(answer)
    if width is None:
        width = max(40, min(_MAX_WIDTH, shutil.get_terminal_size((100, 24)).columns))
    explanation = explanation_in(response)
    rules = f"{own_command()} knowledge show" if here else ""
    parts = [render_response(response, width, rules=rules)]
    if evidence:
        parts.append(render(explanation, width))
    elif not response["cards"] and explanation:
        parts.append(sentence_of(explanation, width))
    return "\n\n".join(parts)


def _check(options: TryOptions, service_url: str | None, at_text: str | None) -> None:
    if (options.bundle is None) == (options.fhir_server is None):
        raise TryFailed("Name either --fhir-server with --patient, or --bundle.", EXIT_USAGE)
    if options.fhir_server and not options.patient_id:
        raise TryFailed("--fhir-server needs --patient ID.", EXIT_USAGE)
    if options.token_file and not options.fhir_server:
        raise TryFailed("--token-file is for --fhir-server.", EXIT_USAGE)
    if service_url and at_text:
        raise TryFailed(
            "--at needs the service in this process: leave --service-url out.", EXIT_USAGE
        )


def _transport(
    options: TryOptions, service_url: str | None, at_text: str | None
) -> try_command.Transport:
    if service_url:
        return HttpTransport(service_url)
    from service.cds_client.in_process import InProcessTransport

    return InProcessTransport(options.fhir_server, _moment(at_text))


def _moment(at_text: str | None) -> datetime | None:
    if at_text is None:
        return None
    try:
        return try_command.moment(at_text)
    except ValueError as error:
        raise TryFailed("--at is a date such as 2026-06-15.", EXIT_USAGE) from error
