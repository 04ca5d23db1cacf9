"""The public keys of CDS Clients, from an https URL or a file.

An unreachable key server neither lets anyone in nor blocks a worker: one fetch at a time with a
deadline for the whole of it, a bound on the calls that wait for it, and no new try for a while
after a failure. Keys are fetched again before they are too old: nobody notices a short outage.
"""

from __future__ import annotations

import math
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from service.error_codes import ErrorCode
from service.errors import ClientNotAuthenticated
from service.resilience.bulkhead import Full
from service.security.key_fetch import FETCH_SECONDS, KeySetNotFetched, fetch_keys
from service.security.key_files import KEY_FILE_ERRORS, keys_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jwt import PyJWK

    from service.resilience.bulkhead import Bulkhead
    from service.security.trusted_clients import CdsClient

COOL_DOWN_SECONDS = 15.0
"""Between a fetch that failed and the next one."""

KEPT_SECONDS = 300.0
"""How long a fetched key is trusted."""

FRESH_SECONDS = 240.0
"""After which keys are fetched again, while calls use the old ones."""

UNKNOWN_SECONDS = 30.0
"""Between two fetches for the sake of an unknown 'kid'."""


class KeySet(Protocol):
    """Finds one public key."""

    def key(self, kid: str) -> PyJWK:
        """Return the key of that id. Raises ClientNotAuthenticated."""
        ...


def key_set_of(
    client: CdsClient, monotonic: Callable[[], float], bulkhead: Callable[[], Bulkhead]
) -> KeySet:
    """Return the key set that the client's row names; `bulkhead` makes the bound on its waits."""
    if client.jwks_url is not None:
        return UrlKeySet(partial(fetch_keys, client.jwks_url), monotonic, bulkhead())
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
    """Keys from a URL, kept for five minutes; a minute before that they are fetched again."""

    def __init__(
        self,
        fetch: Callable[[], dict[str, PyJWK]],
        monotonic: Callable[[], float],
        bulkhead: Bulkhead,
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._bulkhead = bulkhead
        self._lock = Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = float("-inf")
        self._rest_until = float("-inf")
        self._fetching: Event | None = None

    def key(self, kid: str) -> PyJWK:
        """Return the key of that id. Raises ClientNotAuthenticated."""
        age = self._monotonic() - self._fetched_at
        if age > KEPT_SECONDS:
            self._wait_for_fetch()
            return self._known(kid)
        if age > FRESH_SECONDS:
            self._begin_fetch()
        if kid not in self._keys and age > UNKNOWN_SECONDS:
            self._wait_for_fetch()
        return self._known(kid)

    def _known(self, kid: str) -> PyJWK:
        if self._monotonic() - self._fetched_at > KEPT_SECONDS:
            raise _unavailable()
        return _found(self._keys.get(kid))

    def _wait_for_fetch(self) -> None:
        """Fetch, or wait for the fetch that runs; return also when it failed."""
        fetching = self._begin_fetch()
        if fetching is None:
            return
        try:
            with self._bulkhead.place(FETCH_SECONDS):
                fetching.wait(FETCH_SECONDS)
        except Full:
            raise _unavailable() from None

    def _begin_fetch(self) -> Event | None:
        """Return the end of the fetch that runs, None while nothing is tried after a failure."""
        with self._lock:
            if self._fetching is None and self._monotonic() >= self._rest_until:
                self._fetching = Event()
                Thread(target=self._run, name="key-set", daemon=True).start()
            return self._fetching

    def _run(self) -> None:
        keys: dict[str, PyJWK] | None = None
        try:
            keys = self._fetch()
        except KeySetNotFetched:
            pass
        finally:
            self._end_fetch(keys)

    def _end_fetch(self, keys: dict[str, PyJWK] | None) -> None:
        with self._lock:
            fetching, self._fetching = self._fetching, None
            if keys is None:
                self._rest_until = self._monotonic() + COOL_DOWN_SECONDS
            else:
                self._keys, self._fetched_at = keys, self._monotonic()
        if fetching is not None:
            fetching.set()


def _found(key: PyJWK | None) -> PyJWK:
    if key is None:
        raise _unknown()
    return key


def _unknown() -> ClientNotAuthenticated:
    return ClientNotAuthenticated(
        "The token's 'kid' is not in the client's key set", code=ErrorCode.UNKNOWN_KEY
    )


def _unavailable() -> ClientNotAuthenticated:
    return ClientNotAuthenticated(
        "The client's key set cannot be read, so the token cannot be checked",
        code=ErrorCode.KEY_SET_UNAVAILABLE,
        retry_after=math.ceil(COOL_DOWN_SECONDS),
    )
