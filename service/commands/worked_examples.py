"""Which rules the shipped sample patients reach, found by asking the service itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from io import StringIO
from typing import Any

from service import samples
from service.app import create_app
from service.cds_client.explanation_text import explanation_in
from service.cds_hooks.bundle_prefetch import encode, read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.settings import Environment, Settings

_DAY = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


@cache
def responses() -> dict[str, dict[str, Any]]:
    """Return the response, with its explanation, for each sample patient on one fixed day."""
    settings = Settings(
        environment=Environment.DEVELOPMENT,
        explanations=True,
        findings_off=frozenset(),
        site_mappings=None,
        public_url="",
        clients_file=None,
        database_url="",
    )
    client = create_app(settings, clock=lambda: _DAY, log_stream=StringIO()).test_client()
    answers: dict[str, dict[str, Any]] = {}
    for name in samples.NAMES:
        body = _call(name)
        path = f"/cds-services/pancytopenia-{body['hook']}"
        answer = client.post(path, data=encode(body), content_type="application/json")
        answers[name] = json.loads(answer.data) if answer.status_code == HTTPStatus.OK else {}
    return answers


def rules_reached() -> dict[str, str]:
    """Return each rule that fires for a sample patient, with the first such sample."""
    reached: dict[str, str] = {}
    for name, response in responses().items():
        for rule in sorted(_fired(response)):
            reached.setdefault(rule, name)
    return reached


def _call(name: str) -> dict[str, Any]:
    bundle = encode(samples.sample_bundle(name, _DAY))
    chart = read_bundle(bundle, load_catalogue().templates)
    call = samples.hook_call(name, _DAY, prefetch=chart.prefetch)
    return {**call, "extension": {"heme-hooks": {"explain": True}}}


def _fired(response: dict[str, Any]) -> set[str]:
    topics = {card["source"]["topic"]["code"] for card in response.get("cards", [])}
    rules = explanation_in(response).get("rules", [])
    return topics | {rule["id"] for rule in rules if rule.get("outcome") == "fired"}
