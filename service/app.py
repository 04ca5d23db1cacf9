"""The application factory: the only place that builds and joins things and reads the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO
from uuid import uuid4

from flask import Flask

from fhir_mappings.clinical_context.drug_names import drugs_in
from fhir_mappings.vocabulary.analytes import default_terminology
from fhir_mappings.vocabulary.orders import load_orders
from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.prefetch_templates import with_site_codes
from service.clinical_data.fetching import FetchPlan
from service.clinical_data.refused_searches import RefusalMemory
from service.fhir_client.server_guard import ServerGuards
from service.fhir_client.transport import fhir_session
from service.hook_call import SiteKnowledge
from service.interpreter.rules import RULE_TABLE_VERSION
from service.observability.logging import Event, configure_logging, log
from service.observability.metrics import Metrics
from service.resilience.bulkhead import bulkhead_for
from service.routes.application import Application
from service.routes.cds_hooks import cds_hooks_routes
from service.routes.cross_origin import register_cross_origin
from service.routes.errors import register_errors
from service.routes.evidence_app import evidence_app_routes
from service.routes.feedback import feedback_routes
from service.routes.front_page import front_page_routes
from service.routes.knowledge import knowledge_routes
from service.routes.openapi import openapi_routes
from service.routes.operations import register_operations
from service.routes.request_context import register_calls
from service.routes.sandbox import sandbox_routes
from service.security.client_authentication import client_authenticator
from service.settings import Suggestions, unknown_variables
from service.start_checks import load_parts, make_parts
from service.storage.store import Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import requests

    from service.resilience.bulkhead import Bulkhead
    from service.security.trusted_clients import CdsClient
    from service.settings import Settings
    from service.start_checks import StartedParts


def utc_now() -> datetime:
    """Return the time of a call."""
    return datetime.now(UTC)  # noqa: TID251  the one reader of the clock


def load_tables() -> None:
    """Read and validate every shipped table, once in this process. Raises when one is broken."""
    default_terminology()
    load_orders()
    drugs_in((), ("",))
    load_catalogue()


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    new_id: Callable[[], object] = uuid4,
    session: requests.Session | None = None,
    log_stream: TextIO | None = None,
) -> Flask:
    """Build the service.

    `session` is the HTTP session for FHIR servers, `log_stream` takes the log lines (default:
    standard error).

    Raises SettingsRefused when the environment's settings are wrong or unsafe.
    """
    parts = load_parts() if settings is None else make_parts(settings)
    settings = parts.settings
    configure_logging(log_stream)
    product = _product(parts, clock, new_id, session)
    app = Flask("service")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_request_bytes
    # A redirect to the normalized address would fail every browser's preflight.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.extensions["heme-hooks"] = product
    register_calls(app, new_id, parts.audit)
    register_errors(app)
    app.register_blueprint(cds_hooks_routes(product))
    app.register_blueprint(feedback_routes(product))
    app.register_blueprint(front_page_routes(sandbox=settings.has_sandbox))
    app.register_blueprint(knowledge_routes())
    app.register_blueprint(openapi_routes(product))
    register_operations(app, product)
    if (evidence_app := evidence_app_routes(product)) is not None:
        app.register_blueprint(evidence_app)
    if settings.has_sandbox:
        app.register_blueprint(sandbox_routes(product))
    register_cross_origin(app, product)
    _log_start(product)
    return app


def _log_start(product: Application) -> None:
    """One line that shows an operator the clients, the FHIR servers and the rules."""
    settings, clients = product.settings, product.authenticator.clients.values()
    servers = dict.fromkeys((*_named(settings), *_servers_of(clients)))
    if unknown := unknown_variables():
        log.warning(Event.UNKNOWN_VARIABLE, keys=[problem.rstrip("?") for problem in unknown])
    log.info(
        Event.STARTED,
        environment=settings.environment.value,
        clients=[client.name for client in clients] or [product.anyone.name],
        shadow=[c.name for c in clients if c.shadow] if clients else product.anyone.shadow,
        fhir_servers=list(servers),
        cors_origins=settings.cors_origins,
        prefetch_keys=settings.prefetch_keys.value,
        rule_table=RULE_TABLE_VERSION,
    )


def _servers_of(clients: Iterable[CdsClient]) -> Iterator[str]:
    return (str(base) for client in clients for base in client.fhir_servers)


def _product(
    parts: StartedParts,
    clock: Callable[[], datetime],
    new_id: Callable[[], object],
    session: requests.Session | None,
) -> Application:
    settings, terminology = parts.settings, parts.terminology
    catalogue = load_catalogue()
    plan = FetchPlan(
        with_site_codes(catalogue.templates, terminology),
        RefusalMemory(time.monotonic),
        settings.codes_per_search,
        settings.parallel_searches,
    )
    knowledge = SiteKnowledge(
        terminology,
        settings.findings_off,
        settings.order_intent.value,
        settings.public_url,
        settings.suggestions is Suggestions.GROUPED,
    )
    if session is None:
        session = fhir_session(
            connections=4 * settings.parallel_searches, ca_file=settings.fhir_ca_file
        )
    metrics = Metrics()

    def bulkhead(thing: str) -> Bulkhead:
        return bulkhead_for(settings.threads, metrics.calls_waiting.labels(thing).inc)

    storage = None
    if parts.database is not None:
        storage = Storage(
            parts.database,
            settings.hash_key.get_secret_value(),
            bulkhead=bulkhead("store"),
            on_failure=metrics.store_failed,
        )
    authenticator = client_authenticator(
        parts.clients,
        storage,
        time.monotonic,
        lambda: bulkhead("key-set"),
    )
    return Application(
        settings,
        catalogue,
        knowledge,
        plan,
        session,
        ServerGuards(settings.threads, metrics),
        authenticator,
        storage,
        clock,
        new_id,
        metrics,
    )


def _named(settings: Settings) -> list[str]:
    servers = list(settings.allowed_fhir_servers)
    return servers if settings.is_production else ["loopback", *servers]
