"""Single requests of the doctor to a FHIR server, with details that a hook call does not read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from service.fhir_client.deadline import Deadline
from service.fhir_client.failures import Failure, FailureKind, FetchFailed
from service.fhir_client.request import kind_of
from service.fhir_client.responses import ByteBudget, Document, look_at, read_body

if TYPE_CHECKING:
    from service.base_urls import BaseUrl

SECONDS = 20.0
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: the status, its clock, the body and what it is.

    `failure` says why it cannot be used; `document` is None where the body is not JSON.
    """

    status: int
    clock: datetime | None
    body: bytes
    document: Document | None

    @property
    def failure(self) -> Failure | None:
        """Why this answer cannot be used, None where it can."""
        if 300 <= self.status < 400:
            return Failure(FailureKind.REDIRECT, self.status)
        if self.status != requests.codes.ok:
            return Failure(FailureKind.STATUS, self.status)
        if self.document is None:
            return Failure(FailureKind.NOT_JSON)
        return Failure(FailureKind.OUTCOME) if self.document.has_error else None


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks one FHIR server, with one access token."""

    base: BaseUrl
    session: requests.Session
    access_token: str | None = None

    def get(self, path: str) -> Answer:
        """Ask for a path below the base URL. Raises FetchFailed when no answer comes."""
        deadline = Deadline(SECONDS)
        headers = {"Accept": "application/fhir+json", "Cache-Control": "no-cache"}
        if self.access_token is not None:
            headers["Authorization"] = f"Bearer {self.access_token}"
        with deadline.enforced(), deadline.watch():
            try:
                with self.session.get(
                    f"{self.base}/{path}",
                    headers=headers,
                    timeout=(SECONDS, SECONDS),
                    stream=True,
                    allow_redirects=False,
                ) as response:
                    body = read_body(response, deadline, ByteBudget(MAX_BYTES))
                    clock = _clock(response.headers.get("Date"))
                    return Answer(response.status_code, clock, body, _document(body))
            except (RequestException, HTTPError, OSError) as error:
                raise FetchFailed(kind_of(error)) from None


def _document(body: bytes) -> Document | None:
    try:
        return look_at(body)
    except FetchFailed:
        return None


def _clock(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
