"""`heme-hooks samples`: sample patients for demos and trials."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlencode

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests

    from service.samples.chart import Sample

_FHIR_SERVER = click.option(
    "--fhir-server", required=True, metavar="URL", help="FHIR R4 base address."
)
_TOKEN = click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with a bearer token for the FHIR server.",
)
_NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")


@click.group()
def samples() -> None:
    """Sample patients: invented, tagged, with dates relative to today."""


@samples.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_samples(*, as_json: bool) -> None:
    """List the sample patients."""
    from service import samples as library

    if as_json:
        click.echo(json.dumps([_listed(each) for each in library.SAMPLES.values()], indent=2))
        return
    for name, sample in library.SAMPLES.items():
        click.echo(f"{library.ID_PREFIX}{name}: {sample.story}")


@samples.command()
@click.argument("name")
@click.option("--drafts", is_flag=True, help="Its drafted orders, for `heme-hooks try --drafts`.")
def show(name: str, *, drafts: bool) -> None:
    """Print one sample as a transaction Bundle.

    \b
    heme-hooks samples show index-pattern > patient.json
    heme-hooks try --bundle patient.json
    """
    from service import samples as library
    from service.app import utc_now

    _check([name])
    if not drafts:
        click.echo(json.dumps(library.sample_bundle(_short(name), utc_now()), indent=2))
        return
    drafted = library.SAMPLES[_short(name)].draft_orders(utc_now())
    if not drafted:
        names = ", ".join(each.name for each in library.SAMPLES.values() if each.drafts)
        _fail(f"{_short(name)} has no drafted orders; these have: {names}.", 2)
    entries = [{"resource": draft} for draft in drafted]
    click.echo(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}, indent=2)
    )


@samples.command()
@_FHIR_SERVER
@_TOKEN
@click.option("--wait", type=click.IntRange(0), default=0, help="Seconds for it to start.")
@click.option("--page", metavar="URL", help="A service whose page to open is named in the end.")
@_NAMES
def load(
    fhir_server: str,
    token_file: Path | None,
    wait: int,
    page: str | None,
    names: tuple[str, ...],
) -> None:
    """Write the samples to a FHIR server.

    Loading again renews their dates.
    """
    from service import samples as library
    from service.app import utc_now

    _check(names)
    wanted = [_short(name) for name in names] or library.NAMES
    session = _session(token_file)
    try:
        library.wait_for(fhir_server, session, wait)
        patients = library.load(fhir_server, session, utc_now(), wanted)
    except library.SamplesNotWritten as error:
        _fail(str(error))
    click.echo(f"{len(patients)} sample patients are on {fhir_server}:")
    for patient in patients:
        click.echo(f"  {patient}")
    if page:
        state = urlencode({"server": fhir_server, "patient": patients[0]}, safe=":/")
        click.echo(f"Open {page.rstrip('/')}/sandbox#{state}")


@samples.command()
@_FHIR_SERVER
@_TOKEN
@_NAMES
def remove(fhir_server: str, token_file: Path | None, names: tuple[str, ...]) -> None:
    """Remove what `samples load` wrote, and nothing else."""
    from service import samples as library

    _check(names)
    chosen = [_short(name) for name in names] or None
    try:
        removed = library.remove(fhir_server, _session(token_file), chosen)
    except library.SamplesNotWritten as error:
        _fail(str(error))
    click.echo(f"{removed.count} resources removed from {fhir_server}.")
    if removed.kept:
        click.echo("Kept, because others refer to them: " + ", ".join(removed.kept))


def _listed(sample: Sample) -> dict[str, object]:
    return {
        "name": sample.name,
        "patient": sample.patient_id,
        "hook": sample.hook,
        "findings": list(sample.findings),
        "drafts": len(sample.drafts),
        "story": sample.story,
    }


def _short(name: str) -> str:
    from service.samples import ID_PREFIX

    return name.removeprefix(ID_PREFIX)


def _check(names: Sequence[str]) -> None:
    from service.samples import NAMES

    unknown = [name for name in names if _short(name) not in NAMES]
    if unknown:
        _fail(f"There is no sample named {unknown[0]}: see `heme-hooks samples list`.", 2)


def _session(token_file: Path | None) -> requests.Session:
    import requests

    session = requests.Session()
    if token_file is not None:
        token = token_file.read_text("utf-8").strip()
        session.headers["Authorization"] = f"Bearer {token}"
    return session


def _fail(message: str, code: int = 1) -> NoReturn:
    click.echo(f"heme-hooks samples: {message}", err=True)
    sys.exit(code)
