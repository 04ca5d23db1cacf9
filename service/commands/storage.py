"""`heme-hooks storage`: the database of issued cards and feedback."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy.exc import SQLAlchemyError

from service.database import code_of
from service.errors import StorageUnavailable
from service.migrations import upgrade
from service.retention import prune
from service.settings import SettingsRefused, load_settings
from service.storage import Storage, create_engine

_AGE = re.compile(r"(\d{1,5})d")


class Age(click.ParamType[timedelta]):
    """A number of days, such as 90d."""

    name = "days"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read `90d`."""
        if isinstance(value, timedelta):
            return value
        match = _AGE.fullmatch(str(value))
        if match is None:
            self.fail("write a number of days, such as 90d", param, ctx)
        return timedelta(days=int(match[1]))


def open_storage() -> Storage:
    """Open the configured store. Raises ClickException where none is configured."""
    try:
        settings = load_settings()
    except SettingsRefused as refused:
        raise click.ClickException(str(refused)) from None
    if not settings.database_url:
        raise click.ClickException("HEME_HOOKS_DATABASE_URL is empty: there is no store")
    return Storage(create_engine(settings.database_url), settings.hash_key.get_secret_value())


@click.group()
def storage() -> None:
    """The database of issued cards and feedback."""


@storage.command("upgrade")
def storage_upgrade() -> None:
    """Create the tables or bring them to this version. Once, before the workers start."""
    try:
        upgrade(open_storage().engine)
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise click.ClickException(f"The store could not be upgraded [{code_of(error)}]") from None
    click.echo("The store is up to date.")


@storage.command("prune")
@click.option("--older-than", type=Age(), required=True, help="Age of comments, such as 90d.")
def storage_prune(older_than: timedelta) -> None:
    """Delete the comments of clinicians that are older than so many days."""
    before = datetime.now(UTC) - older_than  # noqa: TID251  a command runs now
    try:
        number = prune(open_storage(), before)
    except StorageUnavailable as error:
        raise click.ClickException(f"{error} [{error.code}]") from None
    click.echo(f"{number} comments deleted.")
