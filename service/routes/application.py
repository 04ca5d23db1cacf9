"""What the routes share, built once in `create_app`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import request

from service.base_urls import parse_base_url
from service.cds_hooks.prefetch_dates import as_filled_on, dated_keys
from service.clinical_data.fetching import Fetcher
from service.clinical_data.gathering import ClinicalDataSource
from service.feedback.card_memory import CardMemory
from service.feedback.showings import Periods
from service.fhir_client.server import FetchLimits, FhirServer
from service.security.trusted_clients import anonymous
from service.settings import Suggestions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import requests

    from fhir_mappings.panel import DataGroup
    from service.cds_hooks.discovery import Catalogue
    from service.cds_hooks.messages import CdsRequest, CdsService
    from service.cds_hooks.prefetch_template import Template
    from service.clinical_data.fetching import FetchPlan
    from service.clinical_data.search_log import SearchLog
    from service.fhir_client.deadline import Deadline
    from service.fhir_client.server_guard import ServerGuards
    from service.hook_call import SiteKnowledge
    from service.observability.metrics import Metrics
    from service.security.client_authentication import ClientAuthenticator
    from service.security.trusted_clients import CdsClient
    from service.settings import Settings
    from service.storage.store import Storage


@dataclass(frozen=True, slots=True)
class Application:
    """The running product. `session` is for FHIR servers, `fhir_servers` what is
    known of them; `clock` gives the time of a call.

    `anyone` is the client of calls that need no token.
    """

    settings: Settings
    catalogue: Catalogue
    knowledge: SiteKnowledge
    plan: FetchPlan
    session: requests.Session
    fhir_servers: ServerGuards
    authenticator: ClientAuthenticator
    storage: Storage | None
    clock: Callable[[], datetime]
    new_id: Callable[[], object]
    metrics: Metrics
    anyone: CdsClient = field(init=False)
    dated_keys: frozenset[DataGroup] = field(init=False)
    """The prefetch keys for which discovery asks by date."""

    def __post_init__(self) -> None:
        settings = self.settings
        object.__setattr__(self, "anyone", anonymous(settings))
        dated = dated_keys(wanted=settings.prefetch_dates, every_key=settings.serves_every_key)
        object.__setattr__(self, "dated_keys", dated)

    def templates_of_clients(self) -> dict[DataGroup, Template]:
        """Return the searches of a CDS Client that fills our discovery's templates now."""
        return as_filled_on(self.clock().date(), self.plan.templates, self.dated_keys)

    def client(self) -> CdsClient:
        """Return the CDS Client of the request. Raises ClientNotAuthenticated."""
        if not self.authenticator.clients:
            return self.anyone
        return self.authenticator.authenticate(
            request.headers.get("Authorization"), self._audiences(), self.clock()
        )

    def knowledge_for(self, client: CdsClient) -> SiteKnowledge:
        """Return the site's vocabulary and settings, with what the client's row says otherwise."""
        if client.suggestions is None:
            return self.knowledge
        grouped = client.suggestions is Suggestions.GROUPED
        return replace(self.knowledge, grouped_suggestions=grouped)

    def _audiences(self) -> set[str]:
        """The URL of the endpoint, as clients know it; never the Host header in production."""
        audiences = {f"{self.settings.public_url}{request.path}"}
        if not self.settings.is_production:
            audiences.add(request.base_url)
        return audiences

    def data_source(
        self, call: CdsRequest, deadline: Deadline, searches: SearchLog, now: datetime
    ) -> ClinicalDataSource:
        """Return what gathers the data of one call; `searches` takes note of what is asked."""
        if call.fhir_server is None:
            return ClinicalDataSource(call, self.plan.templates, dated=self.dated_keys)
        settings = self.settings
        base = parse_base_url(call.fhir_server)
        server = FhirServer(
            base,
            self.session,
            deadline,
            access_token=call.authorization.access_token if call.authorization else None,
            limits=FetchLimits(
                settings.max_search_bytes, settings.max_pages, settings.max_call_bytes
            ),
            visit=self.fhir_servers.visit(base, deadline),
        )
        fetcher = Fetcher(server, call.patient_id, deadline, self.plan, searches, now)
        return ClinicalDataSource(call, self.plan.templates, fetcher, self.dated_keys)

    def memory(self, client: CdsClient, service: CdsService) -> CardMemory:
        """Return what is remembered of this client's calls of this service."""
        settings = self.settings
        periods = Periods(
            timedelta(days=settings.repeat_days),
            timedelta(hours=settings.critical_rest_hours),
            timedelta(days=settings.known_rest_days),
        )
        return CardMemory(self.storage, client, service.id, periods)
