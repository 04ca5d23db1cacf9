"""`heme-hooks mapping`: how the results of a site would be read, before go-live."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fhir_mappings.terminology import Terminology
    from service.fhir_client.server import FhirServer
    from service.mapping_report.inputs import ChartDocuments, Trouble
    from service.settings import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_SECONDS_PER_PATIENT = 120.0
_MOST_PAGES = 1000
_SEARCH_BYTES = 256 * 1024 * 1024


@click.group()
def mapping() -> None:
    """How laboratory codes and units are read."""


@mapping.command("report")
@click.option("--bundle", "bundles", type=_FILE, multiple=True, help="A FHIR Bundle; repeatable.")
@click.option("--ndjson", "folder", type=_FOLDER, help="Folder of a Bulk Data export (*.ndjson).")
@click.option("--fhir-server", metavar="URL", help="FHIR R4 base address, with --patients.")
@click.option("--patients", type=_FILE, help="File with one Patient.id on each line.")
@click.option("--token-file", type=_FILE, help="File with a bearer token for the FHIR server.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, every row.")
@click.option("--top", type=click.IntRange(1), help="Show at most this many rows of each part.")
def report(*, as_json: bool, top: int | None, **given: Any) -> None:  # noqa: ANN401
    """Count what results are read as, and what is refused.

    By code and unit, each refusal with its reason.

    \b
    heme-hooks mapping report --ndjson export/
    heme-hooks mapping report --bundle one.json --bundle two.json
    heme-hooks mapping report --fhir-server https://ehr/fhir --patients ids.txt --token-file token

    The report names no patient. HEME_HOOKS_SITE_MAPPINGS is taken into account.

    Exit code: 0 counted, 1 a file or every patient could not be read, 2 wrong usage.
    """
    from service.app import utc_now
    from service.mapping_report.inputs import Trouble
    from service.mapping_report.rendering import as_table, report_json
    from service.mapping_report.tally import Tally

    sources = Sources(**given)
    _check(sources)
    settings, terminology = _site()
    trouble = Trouble()
    tally = Tally(utc_now(), terminology)
    progress = Progress()
    for chart in _charts(sources, settings, terminology, trouble, progress):
        tally.add(chart)
        progress.chart()
    progress.done()
    click.echo(report_json(tally, trouble) if as_json else as_table(tally, trouble, top))
    for line in trouble.files:
        click.echo(f"heme-hooks mapping: {line}", err=True)
    nothing_read = not tally.patients and (trouble.patients or trouble.unreadable)
    if nothing_read or trouble.files:
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class Sources:
    """The source of the results, as given on the command line."""

    bundles: tuple[Path, ...] = ()
    folder: Path | None = None
    fhir_server: str | None = None
    patients: Path | None = None
    token_file: Path | None = None


def _check(sources: Sources) -> None:
    if not (sources.bundles or sources.folder or sources.fhir_server or sources.patients):
        raise click.UsageError("Name --bundle, --ndjson, or --fhir-server with --patients.")
    if bool(sources.fhir_server) != bool(sources.patients):
        raise click.UsageError("--fhir-server and --patients go together.")
    if sources.token_file and not sources.fhir_server:
        raise click.UsageError("--token-file is for --fhir-server.")


def _charts(
    sources: Sources,
    settings: Settings,
    terminology: Terminology,
    trouble: Trouble,
    progress: Progress,
) -> Iterator[ChartDocuments]:
    yield from _of_bundles(sources.bundles, trouble, progress.say)
    if sources.folder:
        yield from _of_export(sources.folder, terminology, trouble, progress.say)
    if sources.fhir_server and sources.patients:
        connect = _connector(sources.fhir_server, sources.token_file, settings)
        yield from _of_server(sources.patients, connect, trouble, progress.say)


class Progress:
    """Progress on standard error; on a terminal in one line."""

    def __init__(self) -> None:
        self._charts = 0
        self._last = ""
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def say(self, what: str) -> None:
        """Report the next step."""
        self._last = what
        self._show(what)

    def chart(self) -> None:
        """Count one chart and report progress now and then."""
        self._charts += 1
        if time.monotonic() - self._shown > 1:
            self._show(f"{self._last}: {self._charts} patients so far")

    def done(self) -> None:
        """End the line."""
        if self._terminal and self._shown:
            click.echo("", err=True)

    def _show(self, what: str) -> None:
        self._shown = time.monotonic()
        if self._terminal:
            click.echo(f"\r{what:<70}", nl=False, err=True)
        else:
            click.echo(what, err=True)


def _site() -> tuple[Settings, Terminology]:
    from service.settings import SettingsRefused, load_settings
    from service.start_checks import site_terminology

    try:
        settings = load_settings()
        return settings, site_terminology(settings)
    except SettingsRefused as refused:
        raise click.ClickException("\n".join(refused.problems)) from None


def _of_bundles(
    paths: tuple[Path, ...], trouble: Trouble, say: Callable[[str], None]
) -> Iterator[ChartDocuments]:
    from service.mapping_report.inputs import bundle_charts

    for place, path in enumerate(paths, 1):
        say(f"Bundle {place} of {len(paths)}")
        yield from bundle_charts(path.read_bytes(), trouble, path.name)


def _of_export(
    folder: Path, terminology: Terminology, trouble: Trouble, say: Callable[[str], None]
) -> Iterator[ChartDocuments]:
    if find_spec("duckdb") is None:
        raise click.UsageError("--ndjson needs more packages: pip install 'heme-hooks[backtest]'.")
    from service.backtest.export import ExportNotUsable
    from service.mapping_report.inputs import ndjson_charts

    try:
        yield from ndjson_charts(folder, terminology, trouble, say)
    except ExportNotUsable as error:
        raise click.ClickException(f"--ndjson: {error}") from None


def _of_server(
    patients: Path,
    connect: Callable[[], FhirServer],
    trouble: Trouble,
    say: Callable[[str], None],
) -> Iterator[ChartDocuments]:
    from service.mapping_report.inputs import server_charts

    with patients.open(encoding="utf-8-sig") as lines:
        yield from server_charts(lines, connect, trouble, say)


def _connector(
    fhir_server: str, token_file: Path | None, settings: Settings
) -> Callable[[], FhirServer]:
    from service.base_urls import parse_base_url
    from service.fhir_client.deadline import Deadline
    from service.fhir_client.server import FetchLimits, FhirServer
    from service.fhir_client.transport import fhir_session

    try:
        base = parse_base_url(fhir_server)
    except ValueError as error:
        raise click.UsageError(f"--fhir-server {error}.") from None
    token = token_file.read_text("utf-8").strip() if token_file else None
    session = fhir_session(connections=2, ca_file=settings.fhir_ca_file)
    limits = FetchLimits(search_bytes=_SEARCH_BYTES, pages=_MOST_PAGES)

    def connect() -> FhirServer:
        deadline = Deadline(_SECONDS_PER_PATIENT)
        return FhirServer(base, session, deadline, access_token=token, limits=limits)

    return connect
