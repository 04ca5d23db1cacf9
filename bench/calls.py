"""The hook calls that are measured: everything prefetched, no FHIR server takes part."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from service import samples
from service.cds_hooks.bundle_prefetch import encode, read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.samples.large import large_chart

SERVICE = "pancytopenia-patient-view"
PATH = f"/cds-services/{SERVICE}"

_NORMAL = {"718-7": 13.8, "4544-3": 41.0, "787-2": 90.0, "6690-2": 6.2, "751-8": 3.7, "777-3": 240}
_EXPLAIN = {"heme-hooks": {"explain": True}}


def present() -> datetime:
    """The moment of a run: what a chart calls recent must be recent for the servers too."""
    return datetime.fromtimestamp(time.time(), tz=UTC)


def body(
    observations: int, now: datetime, *, normal: bool = False, explained: bool = False
) -> bytes:
    """A call with this many Observations: the index pattern, or counts that give no card."""
    chart = large_chart("bench", now, observations)
    if normal:
        for resource in chart[1:8]:
            code = resource["code"]["coding"][0]["code"]
            if code in _NORMAL:
                resource["valueQuantity"]["value"] = _NORMAL[code]
    document = json.dumps({"resourceType": "Bundle", "entry": [{"resource": r} for r in chart]})
    file = read_bundle(document.encode(), load_catalogue().templates, "bench")
    call = samples.hook_call(samples.SEED, now, prefetch=file.prefetch)
    call["context"]["patientId"] = "bench"
    if explained:
        call["extension"] = _EXPLAIN
    return json.dumps(call, default=float).encode()


def sample_calls(now: datetime) -> list[bytes]:
    """One call for each sample and its hook, everything prefetched."""
    templates = load_catalogue().templates
    calls = []
    for name in samples.NAMES:
        document = encode(samples.sample_bundle(name, now))
        prefetch = read_bundle(document, templates).prefetch
        calls.append(encode(samples.hook_call(name, now, prefetch=prefetch)))
    return calls
