"""`heme-hooks backtest`: what the cards would have been on a past year's patients."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from datetime import date
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from fhir_mappings.terminology import Terminology
    from service.backtest.plan import Limit, Plan, Variant
    from service.backtest.progress import Progress
    from service.backtest.run import Job
    from service.settings import Settings

EXIT_INCOMPLETE = 1
EXIT_USAGE = 2
EXIT_NOTHING = 3
EXIT_DISK = 4
EXIT_INTERRUPTED = 130
EXIT_ENDED = 143
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(formats=["%Y-%m-%d"])


class _Backtest(click.Group):
    """`backtest review FILE` is a command; anything else is the export to judge."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"}:
            args = ["judge", *args]
        return super().parse_args(ctx, args)


@click.group("backtest", cls=_Backtest)
def backtest() -> None:
    """What the cards would have been, from a FHIR Bulk Data export.

    \b
    heme-hooks backtest export/ --from 2025-10-01 --to 2026-09-30 --out report/
    heme-hooks backtest review report/review.csv --out report/

    See `heme-hooks backtest judge --help` for the options of the first form.
    """


@backtest.command("judge")
@click.argument("export", nargs=-1, required=True)
@click.option("--from", "first", type=_DAY, required=True, help="First day that is judged.")
@click.option("--to", "last", type=_DAY, required=True, help="Last day that is judged.")
@click.option("--out", required=True, help="Folder for the report.")
@click.option(
    "--follow-up",
    type=click.IntRange(1, 3650),
    default=180,
    show_default=True,
    help="Days after an episode in which outcomes are looked for.",
)
@click.option(
    "--wash-out",
    type=click.IntRange(1, 36500),
    default=365,
    show_default=True,
    help="Days without a diagnosis after which it is new.",
)
@click.option(
    "--visible-after",
    type=click.FloatRange(0, 100_000),
    default=60,
    show_default=True,
    help="Minutes after which a result without `issued` is known.",
)
@click.option("--time-zone", default="UTC", show_default=True, help="Time zone of the site.")
@click.option("--what-if", "what_if", type=_FILE, help="TOML file of variants and limits.")
@click.option(
    "--examples",
    type=click.IntRange(0, 1000),
    default=0,
    help="Charts of each finding for review. They name patients.",
)
@click.option(
    "--worklist",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the open loops. It names patients.",
)
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default one a core.")
@click.option("--memory", default="1GB", show_default=True, help="Memory of the engine.")
@click.option(
    "--scratch",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for patient data while it is sorted; else one beside --out.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
def judge(**given: Any) -> None:  # noqa: ANN401
    """Judge an export: folders or files, *.ndjson and *.ndjson.gz.

    \b
    heme-hooks backtest export/ --from 2025-10-01 --to 2026-09-30 --out report/

    Site mappings and findings switched off come from the same HEME_HOOKS_* variables as the
    service's. Exit codes: 0 complete, 1 written but incomplete, 2 wrong usage or settings, 3
    nothing to judge, 4 scratch or output cannot be written.
    """
    _require_extra(given["engine"])
    _require_places(given)
    settings = _settings()
    plan = _plan(given, settings)
    job = _job(given, plan, settings)
    sys.exit(_run(job, given["engine"]))


def _require_extra(engine: str) -> None:
    needed = {"duckdb": "backtest", "matplotlib": "backtest"}
    if engine == "spark":
        needed |= {"pyspark": "spark", "pyarrow": "spark"}
        if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
            raise click.UsageError("Spark needs Java 17 or newer; there is no java on the path.")
    missing = {extra for module, extra in needed.items() if find_spec(module) is None}
    if missing:
        raise click.UsageError(
            f"This needs more packages: pip install 'heme-hooks[{','.join(sorted(missing))}]'."
        )


def _require_places(given: dict[str, Any]) -> None:
    if given["engine"] == "spark":
        if given["resume"]:
            raise click.UsageError(
                "Spark tries failed tasks again by itself; --resume is for the local engine."
            )
        if "://" in given["out"] and given["scratch"] is None:
            raise click.UsageError(
                "With --out in another file system, --scratch names a folder of this machine."
            )
    elif any("://" in each for each in (*given["export"], given["out"])):
        raise click.UsageError(
            "The local engine reads and writes folders of this machine; places such as hdfs:// and"
            " s3a:// need --engine spark."
        )


def _settings() -> Settings:
    from service.settings import SettingsRefused, load_settings

    try:
        return load_settings()
    except SettingsRefused as refused:
        raise click.UsageError(" ".join(refused.problems)) from None


def _plan(given: dict[str, Any], settings: Settings) -> Plan:
    from service.backtest.plan import Plan

    first, last = given["first"].date(), given["last"].date()
    if last < first:
        raise click.UsageError("--to lies before --from.")
    if given["follow_up"] and date.max.year - last.year < 1:
        raise click.UsageError("--to is too far ahead.")
    try:
        ZoneInfo(given["time_zone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise click.UsageError("--time-zone is a name such as Europe/Berlin.") from None
    variants, limits = _what_if(given["what_if"], settings)
    return Plan(
        first=first,
        last=last,
        follow_up=given["follow_up"],
        wash_out=given["wash_out"],
        visible_after=given["visible_after"],
        time_zone=given["time_zone"],
        variants=variants,
        limits=limits,
        examples=given["examples"],
        worklist=given["worklist"] is not None,
    )


def _what_if(
    path: Path | None, settings: Settings
) -> tuple[tuple[Variant, ...], tuple[Limit, ...]]:
    from service.backtest.plan import Variant
    from service.backtest.what_if import WhatIfRefused, read_what_if

    if path is None:
        return (Variant(findings_off=tuple(sorted(settings.findings_off))),), ()
    try:
        return read_what_if(path, settings.findings_off)
    except WhatIfRefused as refused:
        raise click.UsageError(f"--what-if: {refused}") from None


def _job(given: dict[str, Any], plan: Plan, settings: Settings) -> Job:
    from service.app import utc_now
    from service.backtest.run import Job
    from service.settings import DEVELOPMENT_HASH_KEY

    out = Path(given["out"])
    key = settings.hash_key.get_secret_value()
    return Job(
        export=tuple(Path(each) for each in given["export"]),
        out=out,
        plan=plan,
        load=_terminology(settings),
        now=utc_now,
        workers=given["workers"] or _cores(),
        memory=given["memory"],
        scratch=given["scratch"] or out.with_name(f"{out.name}-scratch"),
        versions=_versions(given["engine"], settings),
        hash_key="" if key == DEVELOPMENT_HASH_KEY else key,
        resume=given["resume"],
        sources=tuple(given["export"]),
        remote_out=given["out"] if "://" in given["out"] else "",
        worklist=given["worklist"],
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _terminology(settings: Settings) -> Callable[[], Terminology]:
    """Return what each worker loads the terminology with, after having tried it once."""
    from fhir_mappings.vocabulary.analytes import default_terminology
    from fhir_mappings.vocabulary.orders import ORDERS
    from fhir_mappings.vocabulary.site_mappings import SiteMappingError, load_terminology

    if settings.site_mappings is None:
        return default_terminology
    load = partial(load_terminology, [settings.site_mappings], tuple(ORDERS))
    try:
        load()
    except SiteMappingError as error:
        raise click.UsageError(f"HEME_HOOKS_SITE_MAPPINGS: {error}") from None
    return load


def _versions(engine: str, settings: Settings) -> tuple[tuple[str, str], ...]:
    from hashlib import sha256
    from importlib.metadata import version

    from service.interpreter.rules import RULE_TABLE_VERSION

    package = "duckdb" if engine == "local" else "pyspark"
    mappings = settings.site_mappings
    own = sha256(mappings.read_bytes()).hexdigest()[:16] if mappings else "none"
    return (
        ("heme-hooks", version("heme-hooks")),
        ("rule table", RULE_TABLE_VERSION),
        ("engine", f"{package} {version(package)}"),
        ("site mappings", own),
    )


def _run(job: Job, engine: str) -> int:
    from service.backtest.export import ExportNotUsable
    from service.backtest.progress import Progress
    from service.backtest.run import NothingToJudge
    from service.backtest.scratch import Scratch, ScratchNotUsable

    def ended(*_: object) -> None:
        raise _Ended

    signal.signal(signal.SIGTERM, ended)
    progress = Progress(partial(click.echo, nl=False, err=True), sys.stderr.isatty())
    try:
        complete = _engine(engine)(job, progress)
    except KeyboardInterrupt:
        progress.done()
        return _told("Interrupted." + _left(job), EXIT_INTERRUPTED)
    except _Ended:
        progress.done()
        if Scratch(job.scratch).is_left:
            Scratch(job.scratch).remove()
        return EXIT_ENDED
    except ExportNotUsable as error:
        return _told(str(error), EXIT_USAGE)
    except ScratchNotUsable as error:
        progress.done()
        return _told(str(error) + _left(job), EXIT_DISK)
    except NothingToJudge as error:
        Scratch(job.scratch).remove()
        return _told(str(error), EXIT_NOTHING)
    _tell(job, complete=complete)
    return 0 if complete else EXIT_INCOMPLETE


def _left(job: Job) -> str:
    """Say where patient data stays, when it does."""
    from service.backtest.scratch import Scratch

    if not Scratch(job.scratch).is_left:
        return ""
    return (
        f" Patient data stays in {job.scratch}: the same command with --resume goes on from there;"
        " remove the folder when you do not go on."
    )


def _engine(name: str) -> Callable[[Job, Progress], bool]:
    if name == "spark":
        from service.backtest.spark_run import run_on_spark

        return run_on_spark
    from service.backtest.run import run

    return run


class _Ended(BaseException):
    """SIGTERM was received."""


def _told(text: str, code: int) -> int:
    click.echo(f"heme-hooks backtest: {text}", err=True)
    return code


def _tell(job: Job, *, complete: bool) -> None:
    place = job.remote_out.rstrip("/") or str(job.out)
    click.echo(f"{place}/report.html")
    if not complete:
        click.echo("The report is incomplete; it says why on its first page.", err=True)


@backtest.command("review")
@click.argument("sheet", type=_FILE)
@click.option(
    "--out",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of the report; review.md is written there.",
)
def review(*, sheet: Path, out: Path) -> None:
    """Count a review sheet that two reviewers filled in."""
    import json

    from service.backtest.review import ReviewRefused, as_text, read_review

    try:
        reviewed = read_review(sheet)
    except ReviewRefused as refused:
        raise click.UsageError(str(refused)) from None
    confirmed: dict[str, str] = {}
    report = out / "report.json"
    if report.exists():
        parts = json.loads(report.read_text("utf-8"))["parts"]
        tables = [table for part in parts for table in part["tables"]]
        found = next((table for table in tables if table["name"] == "confirmed"), None)
        if found:
            place = found["columns"].index("confirmed of")
            confirmed = {row[0]: str(row[place]) for row in found["rows"]}
    text = as_text(reviewed, confirmed)
    (out / "review.md").write_text(text, "utf-8")
    click.echo(text)
