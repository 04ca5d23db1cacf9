"""`heme-hooks samples`: thin shells over the loader."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import requests

from service.samples.catalog import NAMES, SAMPLES, hook_call, sample_bundle
from service.samples.loader import SamplesNotWritten, load, remove

_SERVER = click.option(
    "--fhir-server",
    required=True,
    metavar="URL",
    help="Base URL of the FHIR R4 server, such as https://hapi.fhir.org/baseR4.",
)
_TOKEN = click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds a bearer token for the FHIR server.",
)
_CHOSEN = click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[NAME]...")


@click.group()
def samples() -> None:
    """Sample patients: list, show, load on a FHIR server, remove."""


@samples.command("list")
def list_samples() -> None:
    """Name every sample patient with its story."""
    width = max(len(name) for name in NAMES)
    for sample in SAMPLES.values():
        click.echo(f"{sample.name:<{width}}  {sample.story}")


@samples.command("show")
@click.argument("name", type=click.Choice(NAMES), metavar="NAME")
@click.option("--call", is_flag=True, help="The body of a hook call instead of the chart.")
def show_sample(name: str, *, call: bool) -> None:
    """Print one sample as an R4 transaction Bundle."""
    made = hook_call(name, _now()) if call else sample_bundle(name, _now())
    click.echo(json.dumps(made, indent=2))


@samples.command("load")
@_SERVER
@_TOKEN
@_CHOSEN
def load_samples(fhir_server: str, token_file: Path | None, names: tuple[str, ...]) -> None:
    """Put the sample patients on a FHIR server; repeating it renews their dates."""
    with _session(token_file) as session:
        try:
            patients = load(fhir_server, session, _now(), names or NAMES)
        except SamplesNotWritten as error:
            raise click.ClickException(str(error)) from error
    for patient in patients:
        click.echo(f"Patient/{patient}")


@samples.command("remove")
@_SERVER
@_TOKEN
@_CHOSEN
def remove_samples(fhir_server: str, token_file: Path | None, names: tuple[str, ...]) -> None:
    """Take away what `samples load` put on a FHIR server, and nothing else."""
    with _session(token_file) as session:
        try:
            removed = remove(fhir_server, session, names or None)
        except SamplesNotWritten as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{removed.count} resources removed.")
    for reference in removed.kept:
        click.echo(f"Kept, because resources that are not ours refer to it: {reference}", err=True)


def _session(token_file: Path | None) -> requests.Session:
    session = requests.Session()
    if token_file:
        token = token_file.read_text(encoding="utf-8").strip()
        session.headers["Authorization"] = f"Bearer {token}"
    return session


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), tz=UTC)
