"""Which rules the shipped sample patients reach, found by asking the service itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from io import StringIO
from typing import Any

from service import samples
from service.app import create_app
from service.bundle_prefetch import encode, read_bundle
from service.discovery import load_catalogue
from service.explanation_text import explanation_in
from service.settings import Settings

_DAY = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@cache
def rules_reached() -> frozenset[str]:
    """Return the ids of the rules that fire for at least one sample patient."""
    settings = Settings(explanations=True, findings_off=frozenset())
    client = create_app(settings, clock=lambda: _DAY, log_stream=StringIO()).test_client()
    reached: set[str] = set()
    for name in samples.NAMES:
        body = _call(name)
        path = f"/cds-services/pancytopenia-{body['hook']}"
        answer = client.post(path, data=encode(body), content_type="application/json")
        reached |= _fired(json.loads(answer.data)) if answer.status_code == 200 else set()
    return frozenset(reached)


def _call(name: str) -> dict[str, Any]:
    bundle = encode(samples.sample_bundle(name, _DAY))
    chart = read_bundle(bundle, load_catalogue().templates)
    call = samples.hook_call(name, _DAY, prefetch=chart.prefetch)
    return {**call, "extension": {"heme-hooks": {"explain": True}}}


def _fired(response: dict[str, Any]) -> set[str]:
    topics = {card["source"]["topic"]["code"] for card in response["cards"]}
    rules = explanation_in(response).get("rules", [])
    return topics | {rule["id"] for rule in rules if rule.get("outcome") == "fired"}
