"""The public keys of CDS Clients, from an https URL or a file.

An unreachable key server neither lets anyone in nor holds a worker: one fetch at a time, a short
limit on waiting for it, and no new try for a while after a failure.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import jwt
from jwt import PyJWK, PyJWKClient

from service.errors import ClientNotAuthenticated
from service.security.key_files import KEY_FILE_ERRORS, keys_in, signs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.security.trusted_clients import CdsClient

FETCH_SECONDS = 2.0
COOL_DOWN_SECONDS = 15.0


class KeySet(Protocol):
    """Finds one public key."""

    def key(self, kid: str) -> PyJWK:
        """Return the key of that id. Raises ClientNotAuthenticated."""
        ...


def key_set_of(client: CdsClient, monotonic: Callable[[], float]) -> KeySet:
    """Return the key set that the client's row names."""
    if client.jwks_url is not None:
        return UrlKeySet(client.jwks_url, monotonic)
    assert client.jwks_file is not None  # noqa: S101  load_clients made sure
    return FileKeySet(client.jwks_file)


class FileKeySet:
    """Keys in a JSON file; read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._read_at = -1
        self._keys: dict[str, PyJWK] = {}

    def key(self, kid: str) -> PyJWK:
        """Return the key of that id. Raises ClientNotAuthenticated."""
        with self._lock:
            self._refresh()
            return _found(self._keys.get(kid))

    def _refresh(self) -> None:
        try:
            changed = self._path.stat().st_mtime_ns
            if changed == self._read_at:
                return
            self._keys = keys_in(self._path)
        except KEY_FILE_ERRORS as error:
            raise _unavailable() from error
        self._read_at = changed


class UrlKeySet:
    """Keys from a URL, cached for five minutes by PyJWT."""

    def __init__(self, url: str, monotonic: Callable[[], float]) -> None:
        self._client = PyJWKClient(url, timeout=FETCH_SECONDS)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="key-set")
        self._monotonic = monotonic
        self._rest_until = 0.0
        self._fetching: Future[PyJWK] | None = None
        self._lock = Lock()

    def key(self, kid: str) -> PyJWK:
        """Return the key of that id. Raises ClientNotAuthenticated."""
        known = self._cached(kid)
        if known is not None:
            return known
        if self._monotonic() < self._rest_until:
            raise _unavailable()
        with self._lock:
            if self._fetching is None or self._fetching.done():
                self._fetching = self._pool.submit(self._client.get_signing_key, kid)
            fetching = self._fetching
        try:
            fetching.result(FETCH_SECONDS)
        except jwt.PyJWKClientConnectionError as error:
            raise self._rest() from error
        except jwt.PyJWKClientError as error:
            if self._cached(kid) is None:
                raise _unknown() from error
        except (FutureTimeout, jwt.PyJWTError, ValueError, RecursionError, OSError) as error:
            raise self._rest() from error
        return _found(self._cached(kid))

    def _cached(self, kid: str) -> PyJWK | None:
        cache = self._client.jwk_set_cache
        keys = cache.get() if cache is not None else None
        if keys is None:
            return None
        return next((key for key in keys.keys if key.key_id == kid and signs(key)), None)

    def _rest(self) -> ClientNotAuthenticated:
        self._rest_until = self._monotonic() + COOL_DOWN_SECONDS
        return _unavailable()


def _found(key: PyJWK | None) -> PyJWK:
    if key is None:
        raise _unknown()
    return key


def _unknown() -> ClientNotAuthenticated:
    return ClientNotAuthenticated(
        "The token's 'kid' is not in the client's key set", code="unknown-key"
    )


def _unavailable() -> ClientNotAuthenticated:
    return ClientNotAuthenticated(
        "The client's key set cannot be read, so nobody can be let in", code="key-set-unavailable"
    )
