"""The hook calls that are measured: everything prefetched, no FHIR server takes part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from service import samples
from service.bundle_prefetch import read_bundle
from service.discovery import load_catalogue
from service.samples.large import large_chart

if TYPE_CHECKING:
    from datetime import datetime

_NORMAL = {"718-7": 13.8, "4544-3": 41.0, "787-2": 90.0, "6690-2": 6.2, "751-8": 3.7, "777-3": 240}


def body(observations: int, now: datetime, *, normal: bool = False) -> bytes:
    """A call with so many Observations: the index pattern, or counts that give no card."""
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
    return json.dumps(call, default=float).encode()
