"""The HTTP session for FHIR servers: pooled connections, bounded retries, nothing remembered.

`trust_env` is off: a netrc entry would replace the call's token, and a proxy of the environment
would see it. What a hospital needs (its certificate authority) is a setting.
"""

from __future__ import annotations

import logging
import socket
import time
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    InvalidHeader,
    MaxRetryError,
    NewConnectionError,
    ResponseError,
)
from urllib3.util.connection import allowed_gai_family
from urllib3.util.retry import Retry

from service.fhir_client.deadline import current_watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse, HTTPResponse

LONGEST_WAIT = 2.0
"""Seconds at most between two attempts; a server that asks for longer is not asked again."""

RETRIED_STATUSES = (408, 429, 500, 502, 503, 504)
"""As smart-on-fhir/cumulus-fhir-support: Oracle Health also answers 500 to temporary trouble."""


MOST_ADDRESSES = 8
"""Of one host that are tried."""


class _WatchedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, super()._new_conn)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        _watch(self)
        return super().getresponse()


class _WatchedTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = _connect(self, super()._new_conn)
        if (watch := current_watch.get()) is not None:
            watch.attach_before_handshake(sock)
        return sock

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        _watch(self)
        return super().getresponse()


def _connect(connection: HTTPConnection, connect: Callable[[], socket.socket]) -> socket.socket:
    """Connect to the first address of the host that answers; the addresses share the time.

    urllib3 gives each of them all of it: one that is silent would leave no time for the next, and
    several would outlast the call. Raises urllib3's errors of a connection.
    """
    watch = current_watch.get()
    if watch is None:
        return connect()
    name, deadline = connection._dns_host, watch.deadline
    try:
        found = socket.getaddrinfo(
            name.strip("[]"), connection.port, allowed_gai_family(), socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        return connect()  # which says what is wrong with the name
    addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))[:MOST_ADDRESSES]
    try:
        for after, address in zip(reversed(range(len(addresses))), addresses, strict=True):
            connection._dns_host = address
            # Nought would mean not to wait at all, and another error.
            connection.timeout = max(deadline.remaining / (after + 1), 0.001)
            try:
                sock = connect()
            except (ConnectTimeoutError, NewConnectionError):
                if not after:
                    raise
            else:
                sock.settimeout(max(deadline.remaining, 0.001))
                return sock
        return connect()
    finally:
        connection._dns_host = name


def _watch(connection: HTTPConnection) -> None:
    watch = current_watch.get()
    if watch is not None and connection.sock is not None:
        watch.attach(connection.sock)


class _WatchedPool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _WatchedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection


class BoundedRetry(Retry):
    """Retries that end with the call's deadline and never wait longer than `LONGEST_WAIT`."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """As Retry.increment; raises MaxRetryError when there is no time for another attempt."""
        following = super().increment(method, url, response, error, _pool, _stacktrace)
        wait = following.wait_before(response)
        watch = current_watch.get()
        left = LONGEST_WAIT if watch is None else min(LONGEST_WAIT, watch.deadline.remaining)
        if wait >= left and _pool is not None:
            raise MaxRetryError(_pool, url or "", error or ResponseError("no time to try again"))
        return following

    def wait_before(self, response: BaseHTTPResponse | None) -> float:
        """Seconds to wait: what the server asks for, else the back-off."""
        try:
            asked = None if response is None else self.get_retry_after(response)
        except InvalidHeader:
            asked = None
        return self.get_backoff_time() if asked is None else asked

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait before the next attempt."""
        time.sleep(self.wait_before(response))


class FhirAdapter(HTTPAdapter):
    """An adapter whose sockets the call's deadline can cut."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  as requests
        """Set up the pools with the watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _WatchedPool, "https": _WatchedTlsPool}


def fhir_session(*, connections: int, ca_file: Path | None = None) -> requests.Session:
    """Return a session for FHIR servers that keeps no cookie, no token and no environment."""
    # urllib3 writes the URL, and with it the patient's id, into its warnings.
    for name in ("urllib3", "requests"):
        logging.getLogger(name).disabled = True
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    if ca_file is not None:
        session.verify = str(ca_file)
    retry = BoundedRetry(
        total=2,
        connect=1,
        read=1,
        redirect=0,
        status=2,
        other=0,
        allowed_methods=frozenset({"GET"}),
        status_forcelist=RETRIED_STATUSES,
        backoff_factor=0.1,
        raise_on_status=False,
        raise_on_redirect=False,
    )
    adapter = FhirAdapter(
        pool_connections=16, pool_maxsize=connections, max_retries=retry, pool_block=False
    )
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
