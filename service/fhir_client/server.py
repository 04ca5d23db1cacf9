"""One FHIR server during one hook call: reads and searches, complete or failed."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from service.fhir_client.failures import FailureKind, FetchFailed
from service.fhir_client.paging import PageTrail, next_page_url
from service.fhir_client.request import send
from service.fhir_client.responses import ByteBudget, look_at
from service.observability.trace_context import current_trace

if TYPE_CHECKING:
    import requests

    from service.base_urls import BaseUrl
    from service.fhir_client.deadline import Deadline
    from service.fhir_client.failures import Failure
    from service.fhir_client.responses import Document
    from service.fhir_client.server_guard import ServerVisit


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What may be read: decoded bytes and pages of one search, decoded bytes of one call."""

    search_bytes: int = 32 * 1024 * 1024
    pages: int = 100
    call_bytes: int = 128 * 1024 * 1024


class FhirServer:
    """The FHIR server of one call. Lives as long as the call; the token goes nowhere else.

    Each method raises FetchFailed. A search that could not be followed to its end fails as a whole:
    a part must not look complete.
    """

    def __init__(
        self,
        base: BaseUrl,
        session: requests.Session,
        deadline: Deadline,
        *,
        access_token: str | None = None,
        limits: FetchLimits | None = None,
        visit: ServerVisit | None = None,
    ) -> None:
        self.base = base
        self._session = session
        self._deadline = deadline
        self._access_token = access_token
        self._limits = limits or FetchLimits()
        self._visit = visit
        self._call_budget = ByteBudget(self._limits.call_bytes)

    def __repr__(self) -> str:
        return "FhirServer()"

    def within(self, deadline: Deadline) -> FhirServer:
        """The same server in the same call, for requests that end earlier."""
        hurried = copy.copy(self)
        hurried._deadline = deadline
        return hurried

    def enter(self) -> Failure | None:
        """Take a place among the calls that wait for this server; a Failure when there is none."""
        return self._visit.enter() if self._visit is not None else None

    def leave(self) -> None:
        """End the use of the server by this call."""
        if self._visit is not None:
            self._visit.leave()

    def read(self, resource_type: str, resource_id: str) -> bytes:
        """Read one resource (FHIR R4, http.html#read)."""
        path = f"{quote(resource_type, safe='')}/{quote(resource_id, safe='')}"
        body = self._get(f"{self.base}/{path}", self._budget(), search=False)
        document = look_at(body)
        if document.has_error:
            raise FetchFailed(FailureKind.OUTCOME)
        if document.resource_type != resource_type:
            raise FetchFailed(FailureKind.NOT_FHIR)
        return body

    def search(self, query: str) -> tuple[bytes, ...]:
        """Run a search such as `Observation?patient=1&code=...` (already encoded), every page."""
        return self._pages(f"{self.base}/{query}")

    def first_page(self, query: str) -> bytes:
        """Run a search and return its first page only, for a person who narrows it down."""
        body = self._get(f"{self.base}/{query}", self._budget())
        _check_page(body)
        return body

    def continue_search(self, query: str, next_link: str) -> tuple[bytes, ...]:
        """Follow the next link of a page that the CDS Client prefetched for `query`."""
        return self._pages(next_page_url(self.base, f"{self.base}/{query}", next_link))

    def _pages(self, url: str) -> tuple[bytes, ...]:
        trail = PageTrail(self._limits.pages)
        budget = self._budget()
        pages: list[bytes] = []
        following: str | None = url
        while following is not None:
            trail.step(following)
            body = self._get(following, budget)
            link = _check_page(body).next_link
            pages.append(body)
            following = None if link is None else next_page_url(self.base, following, link)
        return tuple(pages)

    def _budget(self) -> ByteBudget:
        return ByteBudget(self._limits.search_bytes, self._call_budget)

    def _get(self, url: str, budget: ByteBudget, *, search: bool = True) -> bytes:
        if self._visit is None:
            return self._fetch(url, budget)
        with self._visit.request(search=search):
            return self._fetch(url, budget)

    def _fetch(self, url: str, budget: ByteBudget) -> bytes:
        return send(self._session, url, self._headers(), self._deadline, budget)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "application/fhir+json, application/json;q=0.9",
            "Accept-Encoding": "gzip",
            # HAPI answers a search from its store for 60 s unless asked for a fresh one.
            "Cache-Control": "no-cache",
        }
        if (trace := current_trace.get()) is not None:
            headers["traceparent"] = trace.traceparent
        if self._access_token is not None:
            headers["Authorization"] = f"Bearer {self._access_token}"
        return headers


def _check_page(body: bytes) -> Document:
    document = look_at(body)
    if document.has_error:
        raise FetchFailed(FailureKind.OUTCOME)
    if document.resource_type != "Bundle":
        raise FetchFailed(FailureKind.NOT_FHIR)
    return document
