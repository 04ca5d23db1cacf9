"""`heme-hooks doctor`: checks of a FHIR server and a CDS Client before go-live."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click
import msgspec

from service.commands.token import DEFAULT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.base_urls import BaseUrl
    from service.doctor.checks import Check
    from service.doctor.probe import Probe
    from service.fhir_client.server import FhirServer
    from service.security.trusted_clients import CdsClient
    from service.start_checks import StartedParts

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SECONDS_PER_PATIENT = 120.0
_TOKEN_LIFE = timedelta(minutes=5)
_WIDTH = 100
_USER = "Practitioner/heme-hooks-doctor"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person named on the command line."""

    fhir_server: str
    token_file: Path | None
    client: str | None
    patients: tuple[str, ...]
    service_url: str | None
    keys: Path


@click.command()
@click.option("--fhir-server", metavar="URL", required=True, help="FHIR R4 base address to check.")
@click.option("--token-file", type=_FILE, help="File with an access token for it.")
@click.option("--client", metavar="NAME", help="A client of the clients file to check.")
@click.option(
    "--patient",
    "patients",
    metavar="ID",
    multiple=True,
    help="A patient for whom searches, codes and units are checked; repeatable.",
)
@click.option("--service-url", metavar="URL", help="Our own address, for the test call.")
@click.option(
    "--keys",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_FOLDER,
    show_default=True,
    help="Folder of `heme-hooks token`, whose key signs the test call.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def doctor(*, as_json: bool, **given: Any) -> None:  # noqa: ANN401
    """Check a FHIR server and a CDS Client before go-live.

    Each fault is named with what to do about it.

    \b
    heme-hooks doctor --fhir-server https://ehr.example/fhir --token-file token --patient 123

    Nothing is written anywhere, and the report names no result of a patient.

    Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage.
    """
    from service.doctor.checks import Verdict
    from service.settings import SettingsRefused
    from service.start_checks import load_parts

    asked = Asked(**given)
    try:
        parts = load_parts()
    except SettingsRefused as refused:
        raise click.ClickException(str(refused)) from None
    checks: list[Check] = []
    for check in _checks(asked, parts, datetime.now(UTC)):  # noqa: TID251  a command runs now
        checks.append(check)
        if not as_json:
            click.echo(shown(check))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(checks), indent=2).decode())
    sys.exit(int(any(check.verdict is Verdict.WRONG for check in checks)))


def shown(check: Check) -> str:
    """Return a check as lines of text; what to do stands below."""
    head = f"{check.verdict:<8}{check.topic}: {check.text}"
    lines = textwrap.wrap(head, _WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False)
    if check.remedy:
        lines += textwrap.wrap(
            check.remedy,
            _WIDTH,
            initial_indent=" " * 8 + "-> ",
            subsequent_indent=" " * 11,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _checks(asked: Asked, parts: StartedParts, now: datetime) -> Iterator[Check]:
    from service.base_urls import parse_base_url
    from service.cds_hooks.discovery import load_catalogue
    from service.cds_hooks.prefetch_templates import with_site_codes
    from service.doctor import fhir_server, scopes
    from service.doctor.probe import Probe
    from service.fhir_client.transport import fhir_session

    try:
        base = parse_base_url(asked.fhir_server)
    except ValueError as error:
        raise click.UsageError(f"--fhir-server {error}.") from None
    client, registered = _client(asked, parts)
    if registered is not None:
        yield registered
    settings = parts.settings
    templates = with_site_codes(load_catalogue().templates, parts.terminology)
    session = fhir_session(connections=2, ca_file=settings.fhir_ca_file)
    token = asked.token_file.read_text("utf-8", "replace").strip() if asked.token_file else None
    yield from fhir_server.check_address(
        base,
        is_allowed=base in client.fhir_servers if client else settings.allows_fhir_server(base),
        setting=f"fhir_servers of {client.name}" if client else "HEME_HOOKS_FHIR_SERVERS",
    )
    yield from scopes.check_access_token(token, templates, now)
    probe = Probe(base, session, token)
    reached = list(fhir_server.check_capabilities(probe, templates, now))
    yield from reached
    if any(check.topic == fhir_server.ADDRESS for check in reached):
        return
    yield from _app(parts, client, probe)
    yield from _patients(asked, parts, base, token, now)
    if client is not None:
        yield from _registration(asked, parts, client, token, now)


def _client(asked: Asked, parts: StartedParts) -> tuple[CdsClient | None, Check | None]:
    if asked.client is None:
        return None, None
    from service.doctor.tokens import chosen_client

    return chosen_client(parts.clients, asked.client)


def _app(parts: StartedParts, client: CdsClient | None, probe: Probe) -> Iterator[Check]:
    """The app of the client that was named, or of all clients where no file names any."""
    from service.base_urls import parse_base_url
    from service.doctor.app_registration import check_app
    from service.security.trusted_clients import anonymous

    settings = parts.settings
    if client is None and parts.clients:
        return
    servers = (
        client.fhir_servers
        if client
        else tuple(parse_base_url(url) for url in settings.fhir_servers)
    )
    yield from check_app(
        (client or anonymous(settings)).app,
        probe,
        settings.public_url,
        is_launched_from=probe.base in servers,
        owner=client.name if client else "HEME_HOOKS_EVIDENCE_APP",
    )


def _patients(
    asked: Asked, parts: StartedParts, base: BaseUrl, token: str | None, now: datetime
) -> Iterator[Check]:
    from service.cds_hooks.discovery import load_catalogue
    from service.cds_hooks.prefetch_dates import dated_keys
    from service.cds_hooks.prefetch_templates import with_site_codes
    from service.doctor.checks import warning
    from service.doctor.codes import check_codes
    from service.doctor.dates import check_dates
    from service.doctor.fhir_server import SEARCH, check_searches
    from service.doctor.probe import Probe
    from service.fhir_client.transport import fhir_session

    if not asked.patients:
        yield warning(
            SEARCH, "no search was tried", "Name a patient with --patient, better several."
        )
        return
    templates = with_site_codes(load_catalogue().templates, parts.terminology)
    session = fhir_session(connections=2, ca_file=parts.settings.fhir_ca_file)
    probe = Probe(base, session, token)
    yield from check_searches(probe, templates, asked.patients[0])
    settings = parts.settings
    dated = dated_keys(wanted=settings.prefetch_dates, every_key=settings.serves_every_key)
    yield from check_dates(probe, templates, dated, asked.patients[0], now.date())
    connect = _connector(base, token, parts)
    yield from check_codes(asked.patients, connect, parts.terminology, now)


def _connector(base: BaseUrl, token: str | None, parts: StartedParts) -> Callable[[], FhirServer]:
    from service.fhir_client.deadline import Deadline
    from service.fhir_client.server import FhirServer
    from service.fhir_client.transport import fhir_session

    session = fhir_session(connections=2, ca_file=parts.settings.fhir_ca_file)
    return lambda: FhirServer(base, session, Deadline(_SECONDS_PER_PATIENT), access_token=token)


def _registration(
    asked: Asked, parts: StartedParts, client: CdsClient, token: str | None, now: datetime
) -> Iterator[Check]:
    import requests

    from service.cds_hooks.discovery import load_catalogue
    from service.doctor.checks import warning
    from service.doctor.tokens import CALL, check_audience, check_call, check_keys, holds_key
    from service.fhir_client.transport import fhir_session
    from service.security.development_keys import (
        DevelopmentKeyRefused,
        existing_development_key,
    )

    public_url = (asked.service_url or parts.settings.public_url).rstrip("/")
    services = [service.id for service in load_catalogue().services]
    yield from check_keys(client, fhir_session(connections=1))
    yield from check_audience(public_url, services)
    try:
        key = existing_development_key(asked.keys)
    except DevelopmentKeyRefused:
        key = None
    if not asked.patients or not public_url or key is None or not holds_key(client, key):
        yield warning(
            CALL,
            "not tried",
            "It needs --patient, our own address (--service-url), and a client that holds the key "
            "of `heme-hooks token`.",
        )
        return
    url = f"{public_url}/cds-services/{services[0]}"
    signed = key.token(
        issuer=client.issuer, audience=url, now=now, life=_TOKEN_LIFE, token_id=str(uuid4())
    )
    with requests.Session() as session:
        session.trust_env = False
        yield from check_call(url, _call(asked, token), signed, session)


def _call(asked: Asked, token: str | None) -> dict[str, Any]:
    patient = asked.patients[0]
    call: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": _USER, "patientId": patient},
        "fhirServer": asked.fhir_server,
    }
    if token is not None:
        call["fhirAuthorization"] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.read",
            "subject": "heme-hooks-doctor",
            "patient": patient,
        }
    return call
