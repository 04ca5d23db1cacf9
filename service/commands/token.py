"""`heme-hooks token`: a signed token of a test client, for development."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import click

DEFAULT_FOLDER = Path(".heme-hooks") / "keys"
DEFAULT_ISSUER = "https://client.example"
DEFAULT_FHIR_SERVER = "http://127.0.0.1:8080/fhir"
KEY_SET = "jwks.json"
SERVICES = ("patient-view", "order-select", "order-sign")


@click.command()
@click.option(
    "--hook",
    type=click.Choice(SERVICES),
    default=SERVICES[0],
    show_default=True,
    help="The service that the token is for.",
)
@click.option("--feedback", is_flag=True, help="For the feedback endpoint of that service.")
@click.option("--audience", metavar="URL", help="The URL to call, instead of these.")
@click.option("--issuer", default=DEFAULT_ISSUER, show_default=True, help="The token's 'iss'.")
@click.option(
    "--fhir-server", "fhir_servers", multiple=True, help="FHIR server that calls may name."
)
@click.option(
    "--minutes",
    type=click.IntRange(1, 1440),
    default=5,
    show_default=True,
    help="Lifetime of the token.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_FOLDER,
    show_default=True,
    help="Folder of the key and the key set; created when missing.",
)
def token(
    *,
    hook: str,
    feedback: bool,
    audience: str | None,
    issuer: str,
    fhir_servers: tuple[str, ...],
    minutes: int,
    folder: Path,
) -> None:
    """Print a token signed by a test client, valid for one call.

    \b
    curl -H "Authorization: Bearer $(heme-hooks token)" ...

    The first use makes a key, its key set and a clients file in --folder, and says on standard
    error how to start a service that lets this client in. Development only.
    """
    from service.security.development_keys import DevelopmentKeyRefused, development_key

    try:
        key = development_key(folder)
        clients = _clients_file(folder, issuer, fhir_servers)
    except (DevelopmentKeyRefused, OSError) as error:
        raise click.ClickException(str(error)) from None
    if clients:
        click.echo(clients, err=True)
    made = key.token(
        issuer=issuer,
        audience=audience or _endpoint(hook, feedback=feedback),
        now=datetime.now(UTC),  # noqa: TID251  a command runs now
        life=timedelta(minutes=minutes),
        token_id=str(uuid4()),
    )
    click.echo(made)


def _endpoint(hook: str, *, feedback: bool) -> str:
    """Return the address of a service according to the settings."""
    from service.cards.build import DEFAULT_PUBLIC_URL
    from service.settings import read_settings

    base = read_settings()[0].public_url or DEFAULT_PUBLIC_URL
    return f"{base}/cds-services/pancytopenia-{hook}{'/feedback' if feedback else ''}"


def _clients_file(folder: Path, issuer: str, fhir_servers: tuple[str, ...]) -> str:
    """Write a clients file with the test client if there is none; say what to do with it.

    Raises OSError.
    """
    from service.security.trusted_clients import ClientsRefused, load_clients

    path = folder / "clients.toml"
    if not path.exists():
        path.write_text(_client(issuer, fhir_servers or (DEFAULT_FHIR_SERVER,)))
        return (
            f"Wrote {path}. Start a service that knows this client:\n"
            f"  HEME_HOOKS_CLIENTS_FILE={path} heme-hooks serve"
        )
    try:
        issuers = {client.issuer for client in load_clients(path, production=False)}
    except ClientsRefused as refused:
        return str(refused)
    return "" if issuer in issuers else f"{path} knows no issuer {issuer}."


def _client(issuer: str, fhir_servers: tuple[str, ...]) -> str:
    return (
        "# The test client of `heme-hooks token`, for development.\n"
        "[[clients]]\n"
        'name = "development"\n'
        f"issuer = {json.dumps(issuer)}\n"
        f'jwks_file = "{KEY_SET}"\n'
        f"fhir_servers = {json.dumps(list(fhir_servers))}\n"
        "explanations = true\n"
    )
