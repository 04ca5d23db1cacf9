"""What the routes share, built once in `create_app`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import request

from service.feedback.card_memory import CardMemory
from service.feedback.showings import Periods
from service.security.trusted_clients import anonymous

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import requests

    from service.cds_hooks.discovery import Catalogue
    from service.cds_hooks.messages import CdsService
    from service.clinical_data.fetching import FetchPlan
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "anyone", anonymous(self.settings))

    def client(self) -> CdsClient:
        """Return the CDS Client of the request. Raises ClientNotAuthenticated."""
        if not self.authenticator.clients:
            return self.anyone
        return self.authenticator.authenticate(
            request.headers.get("Authorization"), self._audiences(), self.clock()
        )

    def _audiences(self) -> set[str]:
        """The URL of the endpoint, as clients know it; never the Host header in production."""
        audiences = {f"{self.settings.public_url}{request.path}"}
        if not self.settings.is_production:
            audiences.add(request.base_url)
        return audiences

    def memory(self, client: CdsClient, service: CdsService) -> CardMemory:
        """Return what is remembered of this client's calls of this service."""
        settings = self.settings
        periods = Periods(
            timedelta(days=settings.repeat_days),
            timedelta(hours=settings.critical_rest_hours),
            timedelta(days=settings.known_rest_days),
        )
        return CardMemory(self.storage, client, service.id, periods)
