"""What the app asks of an EHR's servers, within the bounds that hold for FHIR servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.fhir_client.deadline import Deadline
from service.fhir_client.failures import FetchFailed
from service.fhir_client.request import send
from service.fhir_client.responses import ByteBudget

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from service.base_urls import BaseUrl
    from service.fhir_client.server_guard import ServerGuards

MAX_BYTES = 64 * 1024
"""Of a smart-configuration and of a token response; each has a few hundred bytes."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How servers are asked: the session, the bounds on waits, and the seconds of one request."""

    session: requests.Session
    guards: ServerGuards
    seconds: float

    def ask(self, waits_for: BaseUrl, url: str, form: Mapping[str, str] | None = None) -> bytes:
        """Return the JSON text that a server answers; `waits_for` names it to the bounds.

        A form is posted once and never again. Raises FetchFailed.
        """
        deadline = Deadline(self.seconds)
        visit = self.guards.visit(waits_for, deadline)
        try:
            if (refused := visit.enter()) is not None:
                raise FetchFailed(refused.kind)
            headers = {"Accept": "application/json"}
            with deadline.enforced(), visit.request(search=False):
                return send(self.session, url, headers, deadline, ByteBudget(MAX_BYTES), form)
        finally:
            visit.leave()
