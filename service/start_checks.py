"""What the settings name, opened and checked before the service starts: every problem at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fhir_mappings.vocabulary.analytes import default_terminology
from fhir_mappings.vocabulary.condition_terms import condition_terms
from fhir_mappings.vocabulary.orders import ORDERS
from fhir_mappings.vocabulary.site_mappings import SiteMappingError, load_terminology
from service.interpreter.rules import FINDINGS
from service.security.audit import open_audit
from service.security.trusted_clients import ClientsRefused, load_clients
from service.settings import SettingsRefused, read_settings
from service.storage.database import UnusableDatabaseUrl, create_engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from fhir_mappings.terminology import Terminology
    from service.security.audit import AuditLog
    from service.security.trusted_clients import CdsClient
    from service.settings import Settings

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class StartedParts:
    """Settings, and what they name; `database` is the engine of the store, None without one."""

    settings: Settings
    terminology: Terminology
    clients: tuple[CdsClient, ...]
    database: Engine | None
    audit: AuditLog | None


def load_parts(**values: Any) -> StartedParts:  # noqa: ANN401  as the settings take them
    """Read the settings and open what they name.

    Raises SettingsRefused with everything that is missing, wrong or unsafe in one message.
    """
    settings, problems = read_settings(**values)
    return _parts(settings, problems)


def make_parts(settings: Settings) -> StartedParts:
    """Open what settings name. Raises SettingsRefused with every problem in one message."""
    return _parts(settings, [])


def _parts(settings: Settings, problems: list[str]) -> StartedParts:
    def attempt(make: Callable[[Settings], Part], otherwise: Part) -> Part:
        try:
            return make(settings)
        except SettingsRefused as refused:
            problems.extend(refused.problems)
            return otherwise

    condition_terms()  # A fault in a vocabulary stops the start, not the first call.
    attempt(_check_findings, None)
    parts = StartedParts(
        settings,
        attempt(site_terminology, default_terminology()),
        attempt(_clients, ()),
        attempt(_database, None),
        attempt(_audit, None),
    )
    if problems:
        raise SettingsRefused(problems)
    return parts


def _check_findings(settings: Settings) -> None:
    """A misspelt finding would stay on: refuse it."""
    unknown = sorted(settings.findings_off - frozenset(FINDINGS))
    if unknown:
        raise SettingsRefused(
            [f"HEME_HOOKS_FINDINGS_OFF: there is no finding {name!r}" for name in unknown]
        )


def site_terminology(settings: Settings) -> Terminology:
    """Return the vocabulary with the site's own codes. Raises SettingsRefused, naming each row."""
    if settings.site_mappings is None:
        return default_terminology()
    try:
        return load_terminology([settings.site_mappings], ORDERS.keys())
    except SiteMappingError as error:
        raise SettingsRefused([f"HEME_HOOKS_SITE_MAPPINGS: {p}" for p in error.problems]) from None


def _clients(settings: Settings) -> tuple[CdsClient, ...]:
    if settings.clients_file is None:
        return ()
    try:
        clients = load_clients(settings.clients_file, production=settings.is_production)
    except ClientsRefused as error:
        raise SettingsRefused([f"HEME_HOOKS_CLIENTS_FILE: {p}" for p in error.problems]) from None
    if not clients and settings.needs_clients:
        raise SettingsRefused(["HEME_HOOKS_CLIENTS_FILE names no client, so anybody could call"])
    return clients


def _audit(settings: Settings) -> AuditLog | None:
    try:
        return open_audit(settings.audit_target)
    except OSError as error:
        raise SettingsRefused([f"HEME_HOOKS_AUDIT_LOG: {type(error).__name__}"]) from None


def _database(settings: Settings) -> Engine | None:
    if not settings.database_url:
        return None
    try:
        return create_engine(settings.database_url)
    except UnusableDatabaseUrl as unusable:
        raise SettingsRefused([str(unusable)]) from None
