"""One HTTP request, answered within a deadline and a size or failed; no redirect is followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError, NameResolutionError

from service.fhir_client.failures import FailureKind, FetchFailed
from service.fhir_client.responses import read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir_client.deadline import Deadline
    from service.fhir_client.responses import ByteBudget

_REDIRECTS = range(300, 400)


def send(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    deadline: Deadline,
    budget: ByteBudget,
    form: Mapping[str, str] | None = None,
) -> bytes:
    """Return the body of a successful answer (200) to a GET, or to a POST of a form.

    Raises FetchFailed.
    """
    left = deadline.remaining
    if not left:
        raise FetchFailed(FailureKind.DEADLINE)
    with deadline.watch():
        try:
            with session.request(
                "GET" if form is None else "POST",
                url,
                data=form,
                headers=dict(headers),
                timeout=(left, left),
                stream=True,
                allow_redirects=False,
            ) as response:
                _check_status(response.status_code)
                return _body(response, deadline, budget)
        except (RequestException, HTTPError, OSError) as error:
            kind = kind_of(error) if deadline.remaining else FailureKind.DEADLINE
            raise FetchFailed(kind) from None


def _body(response: requests.Response, deadline: Deadline, budget: ByteBudget) -> bytes:
    try:
        return read_body(response, deadline, budget)
    except (RequestException, HTTPError, OSError):
        in_time = deadline.remaining
        kind = FailureKind.BROKEN_OFF if in_time else FailureKind.DEADLINE
        raise FetchFailed(kind) from None


def kind_of(error: Exception) -> FailureKind:
    """Return which failure an error of a connection is."""
    if isinstance(error, requests.Timeout):
        return FailureKind.DEADLINE
    if isinstance(error, requests.exceptions.SSLError):
        return FailureKind.TLS
    cause = error.args[0] if error.args else None
    unresolved = isinstance(getattr(cause, "reason", None), NameResolutionError)
    return FailureKind.NAME if unresolved else FailureKind.CONNECTION


def _check_status(status: int) -> None:
    if status in _REDIRECTS:
        raise FetchFailed(FailureKind.REDIRECT, status)
    if status != requests.codes.ok:
        raise FetchFailed(FailureKind.STATUS, status)
