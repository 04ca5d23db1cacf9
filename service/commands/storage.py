"""`heme-hooks storage`: the database of issued cards and feedback."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from sqlalchemy.exc import SQLAlchemyError

from service.errors import StorageUnavailable
from service.settings import SettingsRefused, load_settings
from service.storage.database import UnusableDatabaseUrl, code_of, create_engine
from service.storage.migrations import upgrade
from service.storage.store import Storage, prune

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@contextmanager
def open_storage() -> Iterator[Storage]:
    """Open the configured store. Raises ClickException with one sentence if that fails."""
    try:
        settings = load_settings()
    except SettingsRefused as refused:
        raise click.ClickException(str(refused)) from None
    if not settings.database_url:
        raise click.ClickException("HEME_HOOKS_DATABASE_URL is empty: there is no store")
    try:
        engine = create_engine(settings.database_url)
    except UnusableDatabaseUrl as unusable:
        raise click.ClickException(str(unusable)) from None
    try:
        yield Storage(engine, settings.hash_key.get_secret_value())
    except StorageUnavailable as error:
        raise click.ClickException(f"{error} [{error.code}]") from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise click.ClickException(f"The store could not be used [{code_of(error)}]") from None
    finally:
        engine.dispose()


def prepare_store(url: str) -> None:
    """Prepare the development store; when that fails, say so: cards are answered without it."""
    engine = create_engine(url)
    try:
        upgrade(engine)
    except (SQLAlchemyError, sqlite3.Error) as error:
        click.echo(
            f"The store cannot be made ready [{code_of(error)}]: feedback will be refused.",
            err=True,
        )
    finally:
        engine.dispose()


@click.group()
def storage() -> None:
    """The database of issued cards and feedback."""


@storage.command("upgrade")
def storage_upgrade() -> None:
    """Create the tables or upgrade them. Run it once, before the workers start."""
    with open_storage() as store:
        upgrade(store.engine)
    click.echo("The store is up to date.")


@storage.command("prune")
@click.option("--older-than", type=Age(), required=True, help="Age of comments, such as 90d.")
def storage_prune(older_than: timedelta) -> None:
    """Delete clinicians' old comments."""
    before = datetime.now(UTC) - older_than  # noqa: TID251  a command runs now
    with open_storage() as store:
        number = prune(store, before)
    click.echo(f"{number} comments deleted.")
