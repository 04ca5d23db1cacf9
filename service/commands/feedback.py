"""`heme-hooks feedback report`: what clinicians did with the cards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from service.commands.storage import Age, open_storage
from service.feedback.report import feedback_report
from service.feedback.report_text import as_csv, as_json, as_table, orders_as_csv
from service.security.report_readers import new_reader

FORMATS = {"table": as_table, "csv": as_csv, "csv-orders": orders_as_csv, "json": as_json}


@click.group()
def feedback() -> None:
    """What clinicians did with the cards."""


@feedback.command("report")
@click.option("--last", type=Age(), default="30d", show_default=True, help="Period that ends now.")
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="table")
def report(last: timedelta, form: str) -> None:
    """Count cards by finding, client and rule table.

    How many were shown, held back, accepted, overridden and why.

    Beside them the orders that were proposed and accepted (csv-orders: they alone).
    """
    now = datetime.now(UTC)  # noqa: TID251  a command runs now
    with open_storage() as store:
        made = feedback_report(store, now - last, now)
    click.echo(FORMATS[form](made))


@feedback.command("reader")
@click.argument("name")
def reader(name: str) -> None:
    """Create the token with which NAME may read /feedback/report."""
    try:
        token, entry = new_reader(name)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"token (give it to {name}, it is not kept): {token}")
    click.echo(f"entry of HEME_HOOKS_REPORT_READERS:  {entry}")
