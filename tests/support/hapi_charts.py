"""Charts written to real servers, and a CDS Client's prefetch from one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

Json = dict[str, Any]
CHUNK = 500


def write(base: str, session: requests.Session, resources: list[Json]) -> None:
    """Write resources under their own ids, a few hundred in one transaction."""
    for start in range(0, len(resources), CHUNK):
        entries = [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in resources[start : start + CHUNK]
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        session.post(base, json=bundle, timeout=300).raise_for_status()


def prefetch_from(
    base: str,
    session: requests.Session,
    templates: Mapping[str, str],
    patient: str,
    page_size: int | None = None,
) -> Json:
    """What a CDS Client prefetches by the templates of discovery: the first page of each search."""
    prefetch = {}
    for key, template in templates.items():
        path, _, query = template.replace("{{context.patientId}}", patient).partition("?")
        asked = dict(parse_qsl(query))
        if page_size and query:
            asked["_count"] = str(page_size)
        answer = session.get(f"{base}/{path}", params=asked, timeout=60)
        answer.raise_for_status()
        prefetch[key] = answer.json()
    return prefetch
