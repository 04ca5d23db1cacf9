"""`heme-hooks replay`: send a saved hook request again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Raw

from fhir_mappings.r4.decoding import DECODE_ERRORS
from fhir_mappings.r4.json_position import json_fault
from service.cds_client import call as try_command
from service.cds_client.call import EXIT_USAGE, HttpTransport, TryFailed
from service.cds_hooks.discovery import load_catalogue
from service.commands.try_hook import give_up, shown

if TYPE_CHECKING:
    from service.cds_client.call import Transport

_EXPLAIN = Raw(b'{"heme-hooks":{"explain":true}}')
_CALL = msgspec.json.Decoder(dict[str, Raw])


@click.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--service", "service_id", metavar="ID", help="Service id; default that of the hook.")
@click.option("--service-url", metavar="URL", help="A running service; by default this process.")
@click.option("--at", "at_text", metavar="DATE", help="Judge as of the date of the request.")
@click.option("--json", "as_json", is_flag=True, help="Print the raw response.")
@click.option("--evidence", is_flag=True, help="Print the evidence that the cards rest on.")
def replay(
    *,
    file: Path,
    service_id: str | None,
    service_url: str | None,
    at_text: str | None,
    as_json: bool,
    evidence: bool,
) -> None:
    """Send a saved hook request once more and print the answer.

    The file is the body that the EHR posted.

    \b
    heme-hooks replay request.json --at 2026-06-15 --evidence

    Without --evidence the bytes are sent as they are. FHIR servers and tokens in the request are
    used: a saved token has usually expired. Exit codes are those of `heme-hooks try`.
    """
    try:
        body = file.read_bytes()
        call = _read(file, body)
        path = f"/cds-services/{service_id or _service_of(call)}"
        if evidence:
            body = msgspec.json.encode(call | {"extension": _EXPLAIN})
        answer = _answer(
            _transport(call, service_url, at_text), path, body, _text(call, "fhirServer")
        )
    except TryFailed as error:
        give_up("replay", error, as_json=as_json)
    text = answer.decode() if as_json else shown(answer, evidence=evidence, here=not service_url)
    click.echo(text)


def _read(file: Path, body: bytes) -> dict[str, Raw]:
    try:
        return _CALL.decode(body)
    except msgspec.ValidationError as error:
        raise TryFailed(f"{file.name}: The file holds no JSON object.", EXIT_USAGE) from error
    except DECODE_ERRORS as error:
        fault = json_fault(body, error)
        raise TryFailed(f"{file.name}: The file is not JSON ({fault}).", EXIT_USAGE) from error


def _text(call: dict[str, Raw], name: str) -> str:
    try:
        return msgspec.json.decode(call[name], type=str)
    except (KeyError, *DECODE_ERRORS):
        return ""


def _service_of(call: dict[str, Raw]) -> str:
    hook = _text(call, "hook")
    for service in load_catalogue().services:
        if service.hook == hook:
            return service.id
    raise TryFailed("The request names no hook of this service; see --service.", EXIT_USAGE)


def _transport(call: dict[str, Raw], service_url: str | None, at_text: str | None) -> Transport:
    if service_url and at_text:
        raise TryFailed("--at needs the service in this process.", EXIT_USAGE)
    if service_url:
        return HttpTransport(service_url)
    from service.cds_client.in_process import InProcessTransport

    try:
        at = try_command.moment(at_text) if at_text else None
    except ValueError as error:
        raise TryFailed("--at is a date such as 2026-06-15.", EXIT_USAGE) from error
    return InProcessTransport(_text(call, "fhirServer") or None, at)


def _answer(transport: Transport, path: str, body: bytes, server: str) -> bytes:
    status, answer = transport.post(path, body)
    try_command.check_answered(status, answer, server=server)
    return answer
