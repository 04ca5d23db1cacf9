"""A CDS Client in front of one service with one store, and what the store holds."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service.app import create_app
from service.settings import Settings
from service.storage.database import create_engine
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, prefetched
from tests.support.vignette_charts import PATIENT, RXNORM, T0, chart, vignette

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from service.storage.store import Storage

SERVICE = "/cds-services/pancytopenia-patient-view"
ORDER_SIGN = "/cds-services/pancytopenia-order-sign"


KNOWN = {
    "code": "already-known",
    "system": "https://heme-hooks.org/fhir/CodeSystem/override-reason",
}
"""An override reason that our cards offer."""

OPEN: list[Ehr] = []
"""Every client made since they were last closed."""


class Ehr:
    """A CDS Client in front of one service with one store."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.log = io.StringIO()
        self.now = T0
        app = create_app(
            Settings(database_url=url, **settings), clock=lambda: self.now, log_stream=self.log
        )
        self.http: FlaskClient = app.test_client()
        OPEN.append(self)
        self.sign: Callable[[str], dict[str, str]] = lambda _: {}

    def post(self, path: str, body: Any) -> TestResponse:
        """Post a body, with a token when the client signs its calls."""
        return self.http.post(path, json=body, headers=self.sign(f"http://localhost{path}"))

    def open_chart(
        self,
        name: str = "V01",
        user: str = "Practitioner/1",
        patient: str = PATIENT,
        resources: list[dict[str, Any]] | None = None,
    ) -> list[dict[str, Any]]:
        """Make a patient-view call with a vignette's chart, or with these resources; its cards."""
        context = {"userId": user, "patientId": patient}
        return self.call(SERVICE, "patient-view", context, resources or chart(vignette(name)))

    def sign_vitamin_b12(self, name: str = "V01") -> list[dict[str, Any]]:
        """Make an order-sign call of the same user, who gives vitamin B12."""
        draft = {
            "resourceType": "MedicationRequest",
            "id": "draft-b12",
            "status": "draft",
            "intent": "order",
            "subject": {"reference": f"Patient/{PATIENT}"},
            "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "11248"}]},
        }
        context = {
            "userId": "Practitioner/1",
            "patientId": PATIENT,
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft}]},
        }
        return self.call(ORDER_SIGN, "order-sign", context, chart(vignette(name)))

    def call(
        self, path: str, hook: str, context: dict[str, Any], resources: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Make one hook call, everything prefetched; its cards."""
        prefetch = json.dumps(prefetched(resources, list(TEMPLATES)))
        body = {
            "hook": hook,
            "hookInstance": str(uuid4()),
            "context": context,
            "prefetch": json.loads(
                prefetch.replace(f'"{PATIENT}"', f'"{context["patientId"]}"').replace(
                    f"Patient/{PATIENT}", f"Patient/{context['patientId']}"
                )
            ),
        }
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        cards: list[dict[str, Any]] = answer.get_json()["cards"]
        return cards

    @property
    def storage(self) -> Storage | None:
        """The store of the running product."""
        storage: Storage | None = self.http.application.extensions["heme-hooks"].storage
        return storage

    @property
    def engine(self) -> sa.Engine:
        """The engine of the running product."""
        assert self.storage is not None
        return self.storage.engine

    def dispose(self) -> None:
        """Close the connections that wait in the pool."""
        if self.storage is not None:
            self.storage.engine.dispose()

    def give(self, *items: dict[str, Any], service: str = SERVICE) -> TestResponse:
        """Send feedback."""
        return self.post(f"{service}/feedback", {"feedback": list(items)})


def item(card: dict[str, Any], outcome: str = "overridden") -> dict[str, Any]:
    """One feedback on a card, given five seconds after the call."""
    made = {
        "card": card["uuid"],
        "outcome": outcome,
        "outcomeTimestamp": "2026-06-15T12:00:05.000Z",
    }
    if outcome == "accepted":
        made["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
    return made


def rows(url: str, table: sa.Table) -> list[Any]:
    """Every row of a table."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(sa.select(table)).mappings())
    engine.dispose()
    return found


KEYS = {name: ec.generate_private_key(ec.SECP384R1()) for name in ("north", "south")}


def write_clients(tmp_path: Path) -> Path:
    """A clients file with north and, in shadow mode, south, and their key sets."""
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
    """Return what gives the headers of a call of this client, each with a token of its own."""

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
