"""Charts of three sizes on a FHIR server, for `bench.hapi_searches`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from service.samples.catalog import put
from service.samples.large import large_chart

if TYPE_CHECKING:
    import requests

SIZES = (50, 1000, 5000)
IN_ONE_TRANSACTION = 500
LAST_VISIT = timedelta(days=10)

Json = dict[str, Any]


def patient_of(size: int, *, normal: bool) -> str:
    """The patient's id."""
    return f"bench-{size}-{'normal' if normal else 'abnormal'}"


def chart_of(size: int, now: datetime, *, normal: bool) -> list[Json]:
    """`size` Observations: years of normal visits, and the index pattern unless `normal`."""
    patient = patient_of(size, normal=normal)
    if not normal:
        return large_chart(patient, now, size)
    person, *results = large_chart(patient, now, size + 50)
    usual = [one for one in results if not _is_of(one, now)]
    return [person, *usual[:size]]


def _is_of(observation: Json, now: datetime) -> bool:
    return now - datetime.fromisoformat(observation["effectiveDateTime"]) < LAST_VISIT


def load(base: str, session: requests.Session, now: datetime) -> None:
    """Write every chart under its own ids."""
    for size in SIZES:
        for normal in (False, True):
            write(base, session, chart_of(size, now, normal=normal))


def write(base: str, session: requests.Session, resources: list[Json]) -> None:
    """Write resources, some hundreds in one transaction. Raises requests.HTTPError."""
    for start in range(0, len(resources), IN_ONE_TRANSACTION):
        entries = [put(resource) for resource in resources[start : start + IN_ONE_TRANSACTION]]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        session.post(base, json=bundle, timeout=600).raise_for_status()
