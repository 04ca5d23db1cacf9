"""Clients told apart: their tokens, cards, switches and FHIR servers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service.storage import issued_card
from tests.functional.vignette_charts import PATIENT, T0
from tests.integration.ehr import SERVICE, Ehr, item, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEYS = {name: ec.generate_private_key(ec.SECP384R1()) for name in ("north", "south")}


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    text = ""
    for name, key in KEYS.items():
        public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": name}
        (tmp_path / f"{name}.json").write_text(json.dumps({"keys": [public]}))
        text += (
            f'[[clients]]\nname = "{name}"\nissuer = "https://{name}.example"\n'
            f'jwks_file = "{name}.json"\nshadow = {str(name == "south").lower()}\n'
            f'fhir_servers = ["https://{name}.example/fhir"]\n'
            f'cors_origins = ["https://{name}.example"]\n'
        )
    (tmp_path / "clients.toml").write_text(text)
    return tmp_path / "clients.toml"


def signer(name: str) -> Callable[[str], dict[str, str]]:
    def sign(url: str) -> dict[str, str]:
        claims = {
            "iss": f"https://{name}.example",
            "aud": url,
            "iat": int(T0.timestamp()),
            "exp": int((T0 + timedelta(minutes=5)).timestamp()),
            "jti": str(uuid4()),
        }
        token = jwt.encode(claims, KEYS[name], "ES384", {"kid": name})
        return {"Authorization": f"Bearer {token}"}

    return sign


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
