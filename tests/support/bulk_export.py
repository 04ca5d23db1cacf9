"""A Bulk Data client of a few lines: start an export, wait for it, keep its files as they come."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import requests

SECONDS = 180
_ASYNC = {"Prefer": "respond-async", "Accept": "application/fhir+json"}


def fetch_export(
    base: str, session: requests.Session, types: str, patients: Iterable[str], folder: Path
) -> dict[str, Any]:
    """Fetch an export of some patients into a folder; the manifest, which is kept too."""
    asked = [{"name": "_type", "valueString": types}] + [
        {"name": "patient", "valueReference": {"reference": f"Patient/{each}"}} for each in patients
    ]
    started = session.post(
        f"{base}/Patient/$export",
        json={"resourceType": "Parameters", "parameter": asked},
        headers=_ASYNC,
        timeout=60,
    )
    assert started.status_code == 202, started.text
    manifest = _finished(started.headers["Content-Location"], session)
    folder.mkdir(parents=True)
    for entry in manifest["output"]:
        answer = session.get(
            entry["url"], headers={"Accept": "application/fhir+ndjson"}, timeout=60
        )
        answer.raise_for_status()
        name = entry["url"].rpartition("/")[2]
        (folder / f"{name}.ndjson").write_bytes(answer.content)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return manifest


def _finished(status: str, session: requests.Session) -> dict[str, Any]:
    end = time.monotonic() + SECONDS
    while True:
        answer = session.get(status, headers={"Accept": "application/json"}, timeout=60)
        if answer.status_code != 202:
            assert answer.status_code == 200, answer.text
            manifest: dict[str, Any] = answer.json()
            return manifest
        assert time.monotonic() < end, answer.headers.get("X-Progress", answer.text)
        time.sleep(0.5)
