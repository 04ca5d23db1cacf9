"""`heme-hooks feedback report`: how the cards did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from service.commands.storage import Age, open_storage
from service.errors import StorageUnavailable
from service.feedback_report import as_csv, as_json, as_table, feedback_report

FORMATS = {"table": as_table, "csv": as_csv, "json": as_json}


@click.group()
def feedback() -> None:
    """What became of the cards."""


@feedback.command("report")
@click.option("--last", type=Age(), default="30d", show_default=True, help="Period, up to now.")
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="table")
def report(last: timedelta, form: str) -> None:
    """Cards per finding, client and rule table: shown, held back, accepted, overridden and why."""
    now = datetime.now(UTC)  # noqa: TID251  a command runs now
    try:
        made = feedback_report(open_storage(), now - last, now)
    except StorageUnavailable as error:
        raise click.ClickException(f"{error} [{error.code}]") from None
    click.echo(FORMATS[form](made))
