"""Fetching a key set over HTTP: one deadline for all of it, a limit on its size, no redirect.

A proxy of the environment is used, as for anything but FHIR servers, and the certificates that the
system trusts: unlike a FHIR request, this one contains no secret.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import requests
from requests.exceptions import RequestException
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from service.fhir_client.deadline import Deadline
from service.fhir_client.failures import FetchFailed
from service.fhir_client.responses import ByteBudget, read_body
from service.fhir_client.transport import FhirAdapter
from service.security.key_files import KEY_FILE_ERRORS, keys_of

if TYPE_CHECKING:
    from jwt import PyJWK

FETCH_SECONDS = 2.0
"""For connecting, reading and everything between."""

MAX_BYTES = 256 * 1024
"""A set of four hundred RSA keys; each is read, which takes time."""


class KeySetNotFetched(Exception):
    """The key server could not be reached in time, or sent no key set."""


def fetch_keys(url: str, seconds: float = FETCH_SECONDS) -> dict[str, PyJWK]:
    """Return the signature keys of the set at a URL by their 'kid'. Raises KeySetNotFetched."""
    deadline = Deadline(seconds)
    try:
        with deadline.enforced(), deadline.watch(), _session(url) as session:
            return keys_of(_body(session, url, deadline))
    except (RequestException, HTTPError, FetchFailed, *KEY_FILE_ERRORS):
        raise KeySetNotFetched from None


def _body(session: requests.Session, url: str, deadline: Deadline) -> bytes:
    left = deadline.remaining
    with session.get(
        url,
        headers={"Accept": "application/jwk-set+json, application/json;q=0.9"},
        timeout=(left, left),
        stream=True,
        allow_redirects=False,
    ) as response:
        if response.status_code != requests.codes.ok:
            raise KeySetNotFetched
        return read_body(response, deadline, ByteBudget(MAX_BYTES))


class _KeyAdapter(FhirAdapter):
    """Trusts what the system trusts, besides the authorities that come with requests."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  as requests
        """Set up the pools."""
        super().init_poolmanager(*args, **kwargs, ssl_context=ssl.create_default_context())


def _session(url: str) -> requests.Session:
    session = requests.Session()
    # No netrc: what it holds is not for key servers.
    session.trust_env = False
    session.proxies.update(get_environ_proxies(url))
    session.mount("http://", FhirAdapter(max_retries=0))
    session.mount("https://", _KeyAdapter(max_retries=0))
    return session
