"""Hook calls about a sample patient, as a CDS Client would make them."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from service import samples
from service.app import create_app
from service.cds_hooks.bundle_prefetch import read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.settings import Settings
from tests.support.deadlines import AMPLE

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

NOW = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
TEMPLATES = load_catalogue().templates
URL = "/cds-services/pancytopenia-patient-view"
PATIENT_ID = samples.SAMPLES[samples.SEED].patient_id
EMPTY: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": 0}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": PATIENT_ID,
    "gender": "female",
    "birthDate": "1958-02-03",
}


def client(stream: io.StringIO | None = None, **settings: Any) -> FlaskClient:
    """The service at a fixed moment, with settings of its own."""
    made = Settings(**{"call_deadline": AMPLE, **settings})
    app = create_app(made, clock=lambda: NOW, log_stream=stream or io.StringIO())
    return app.test_client()


def call(
    hook: str = "patient-view",
    *,
    prefetch: dict[str, Any] | None = None,
    patient_id: str = PATIENT_ID,
    **fields: Any,
) -> dict[str, Any]:
    """The smallest call of a hook; `fields` are added to it."""
    context: dict[str, Any] = {"userId": "Practitioner/1", "patientId": patient_id}
    if hook != "patient-view":
        context["draftOrders"] = {"resourceType": "Bundle", "entry": []}
    if hook == "order-select":
        context["selections"] = []
    body: dict[str, Any] = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
    }
    if prefetch is not None:
        body["prefetch"] = prefetch
    return body | fields


def seed_prefetch(sample: str = samples.SEED) -> dict[str, Any]:
    """Everything that is known of a sample, the seed's patient by default, under every key."""
    bundle = samples.sample_bundle(sample, NOW)
    prefetch = read_bundle(json.dumps(bundle).encode(), TEMPLATES).prefetch
    return json.loads(json.dumps(prefetch, default=float))  # type: ignore[no-any-return]


def empty_prefetch() -> dict[str, Any]:
    """A patient of whom nothing is recorded."""
    return {key.value: PATIENT if key == "patient" else EMPTY for key in TEMPLATES}


def post(browser: FlaskClient, body: object, url: str = URL, **headers: str) -> TestResponse:
    """Post a call as JSON; bytes go as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body)
    return browser.post(url, data=data, content_type="application/json", headers=headers)


def topics(answer: TestResponse) -> list[str]:
    """The findings of the cards of an answer."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [card["source"]["topic"]["code"] for card in answer.json["cards"]]  # type: ignore[index]
