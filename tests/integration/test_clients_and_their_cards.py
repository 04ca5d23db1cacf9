"""Clients told apart: their tokens, cards, switches and FHIR servers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from service.storage.store import issued_card
from tests.support.ehr import SERVICE, Ehr, item, rows, signer
from tests.support.vignette_charts import PATIENT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def two(url: str, clients_file: Path) -> Ehr:
    ehr = Ehr(url, clients_file=clients_file)
    ehr.sign = signer("north")
    return ehr


def test_a_named_client_needs_its_token_on_calls_and_feedback(two: Ehr) -> None:
    cards = two.open_chart()
    assert two.give(item(cards[0])).status_code == 200
    two.sign = lambda _: {}
    for path in (SERVICE, f"{SERVICE}/feedback"):
        refused = two.post(path, {})
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.get_json()["resourceType"] == "OperationOutcome"
    assert two.http.get("/cds-services").status_code == 200
    for url, code in (("http://localhost/cds-services", 401), (f"http://localhost{SERVICE}", 401)):
        two.sign = lambda _, url=url: signer("north")(url)
        assert two.post(f"{SERVICE}/feedback", {}).status_code == code


def test_each_client_has_its_own_switches_and_cards(two: Ehr, url: str) -> None:
    cards = two.open_chart()
    two.sign = signer("south")
    assert two.open_chart() == [], "south is in shadow mode"
    refused = two.give(item(cards[0]))
    assert refused.status_code == 403
    assert {row["client"] for row in rows(url, issued_card)} == {"north", "south"}


def test_a_client_may_name_only_its_own_fhir_servers(two: Ehr) -> None:
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "fhirServer": "https://south.example/fhir",
    }
    refused = two.post(SERVICE, body)
    assert refused.status_code == 403
    two.sign = signer("south")
    body["fhirServer"] = "http://127.0.0.1:9/fhir"
    assert two.post(SERVICE, body).status_code == 403
