"""Whether this service can do its work: store, migrations, mappings; and is not about to stop.

If clients call with tokens, no call is answered without a writable store, where the id of each
token is kept. Otherwise cards do not need it, and only feedback is refused.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from fhir_mappings.panel import DataGroup
from service.error_codes import ErrorCode
from service.errors import StorageUnavailable
from service.storage.migrations import is_current
from service.storage.store import used_token

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fhir_mappings.terminology import Terminology
    from service.storage.store import Storage

_OURS = "readiness"
"""Belongs to no client: the row has expired before it is written."""

STOPPING = "heme_hooks.stopping"
"""In the WSGI environment of a request: whether this instance has been told to stop."""

OK = "ok"
NO_STORE = "not configured"


def checks(
    storage: Storage | None, terminology: Terminology, *, calls_write: bool
) -> dict[str, str]:
    """Each check with `ok`, or with the stable code of what is wrong."""
    return {
        **_store_checks(storage, calls_write=calls_write),
        "mappings": _mappings(terminology),
    }


def is_ready(results: dict[str, str], *, calls_write: bool) -> bool:
    """Whether calls can be answered; `calls_write`: whether each of them writes to the store."""
    needed = results if calls_write else {"mappings": results["mappings"]}
    return all(result in {OK, NO_STORE} for result in needed.values())


def _store_checks(storage: Storage | None, *, calls_write: bool) -> dict[str, str]:
    if storage is None:
        return {"database": NO_STORE, "migrations": NO_STORE}
    try:
        with storage.transaction(only_reads=not calls_write, hurried=True) as connection:
            current = is_current(connection)
            if current and calls_write:
                _write(storage, connection)
    except StorageUnavailable as error:
        if error.code == ErrorCode.STORAGE_NOT_MIGRATED:
            return {"database": OK, "migrations": error.code}
        return {"database": error.code, "migrations": "not known"}
    return {"database": OK, "migrations": OK if current else ErrorCode.STORAGE_NOT_MIGRATED}


def _write(storage: Storage, connection: Connection) -> None:
    """Write as a call does, and take it back: a full disk is noticed only then."""
    ours = (used_token.c.issuer == _OURS) & (used_token.c.jti == _OURS)
    connection.execute(sa.delete(used_token).where(ours))
    row = {"issuer": _OURS, "jti": _OURS, "expires_at": datetime.fromtimestamp(0, UTC)}
    connection.execute(storage.insert_once(used_token).values(row))


def _mappings(terminology: Terminology) -> str:
    return OK if terminology.codes_of(DataGroup.BLOOD_COUNTS) else "mappings-empty"
