"""Whether this service can do its work: store, migrations, mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import DataGroup
from service.errors import StorageUnavailable
from service.storage.migrations import is_current

if TYPE_CHECKING:
    from fhir_mappings.terminology import Terminology
    from service.storage.store import Storage

OK = "ok"
NO_STORE = "not configured"


def checks(storage: Storage | None, terminology: Terminology) -> dict[str, str]:
    """Each check with `ok`, or with the stable code of what is wrong."""
    return {**_store_checks(storage), "mappings": _mappings(terminology)}


def is_ready(results: dict[str, str]) -> bool:
    """Whether every check passed; a service that needs no store is ready without one."""
    return all(result in {OK, NO_STORE} for result in results.values())


def _store_checks(storage: Storage | None) -> dict[str, str]:
    if storage is None:
        return {"database": NO_STORE, "migrations": NO_STORE}
    try:
        with storage.transaction(only_reads=True, hurried=True) as connection:
            current = is_current(connection)
    except StorageUnavailable as error:
        if error.code == "storage-not-migrated":
            return {"database": OK, "migrations": error.code}
        return {"database": error.code, "migrations": "not known"}
    return {"database": OK, "migrations": OK if current else "storage-not-migrated"}


def _mappings(terminology: Terminology) -> str:
    return OK if terminology.codes_of(DataGroup.BLOOD_COUNTS) else "mappings-empty"
