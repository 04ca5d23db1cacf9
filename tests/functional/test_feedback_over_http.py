"""Cards remembered, feedback taken, repeats held back and clients told apart, through HTTP."""

from __future__ import annotations

import io
import json
import sqlite3
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service import migrations
from service.app import create_app
from service.settings import Settings
from service.storage import create_engine, feedback, issued_card
from tests.functional.test_vignettes_over_http import TEMPLATES, prefetched, topic
from tests.functional.vignette_charts import PATIENT, T0, chart, vignette

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

SERVICE = "/cds-services/pancytopenia-patient-view"


class Ehr:
    """A CDS Client in front of one service with one store."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.log = io.StringIO()
        self.now = T0
        app = create_app(
            Settings(database_url=url, **settings), clock=lambda: self.now, log_stream=self.log
        )
        self.http: FlaskClient = app.test_client()
        self.sign: Callable[[str], dict[str, str]] = lambda _: {}

    def post(self, path: str, body: Any) -> TestResponse:
        return self.http.post(path, json=body, headers=self.sign(f"http://localhost{path}"))

    def open_chart(
        self, name: str = "V01", user: str = "Practitioner/1", **more: Any
    ) -> list[dict[str, Any]]:
        body = {
            "hook": "patient-view",
            "hookInstance": str(uuid4()),
            "context": {"userId": user, "patientId": PATIENT},
            "prefetch": prefetched(chart(vignette(name)), list(TEMPLATES)),
        }
        answer = self.post(SERVICE, body | more)
        assert answer.status_code == 200, answer.text
        cards: list[dict[str, Any]] = answer.get_json()["cards"]
        return cards

    def give(self, *items: dict[str, Any]) -> TestResponse:
        return self.post(f"{SERVICE}/feedback", {"feedback": list(items)})


def item(card: dict[str, Any], outcome: str = "overridden") -> dict[str, Any]:
    made = {
        "card": card["uuid"],
        "outcome": outcome,
        "outcomeTimestamp": "2026-06-15T12:00:05.000Z",
    }
    if outcome == "accepted":
        made["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
    return made


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/store.sqlite3"
    engine = create_engine(made)
    migrations.upgrade(engine)
    engine.dispose()
    return made


def rows(url: str, table: sa.Table) -> list[Any]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.execute(sa.select(table)).mappings())
    engine.dispose()
    return found


def test_feedback_on_issued_cards_is_stored_before_it_is_acknowledged(url: str) -> None:
    ehr = Ehr(url)
    cards = ehr.open_chart()
    answer = ehr.give(item(cards[0], "accepted"), item(cards[1]), item(cards[0], "accepted"))
    assert answer.status_code == 200
    assert answer.data == b""
    stored = {(row["card"], row["outcome"]) for row in rows(url, feedback)}
    assert stored == {(cards[0]["uuid"], "accepted"), (cards[1]["uuid"], "overridden")}
    assert {row["topic"] for row in rows(url, issued_card)} == {topic(c) for c in cards}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "feedback"),
        ({"feedback": []}, "feedback"),
        ({"feedback": {}}, "feedback"),
        ({"feedback": [{}]}, "feedback"),
        ({"feedback": [item({"uuid": "c"}) | {"outcome": "ignored"}]}, "outcome"),
        ({"feedback": [item({"uuid": "c"}) | {"outcome": "accepted"}]}, "acceptedSuggestions"),
        (
            {"feedback": [item({"uuid": "c"}) | {"outcomeTimestamp": "yesterday"}]},
            "outcomeTimestamp",
        ),
        ({"feedback": [item({"uuid": "c"}) | {"overrideReason": {}}]}, "overrideReason"),
        ({"feedback": [item({"uuid": ""})]}, "card"),
    ],
)
def test_malformed_feedback_is_refused_and_the_field_named(url: str, body: Any, field: str) -> None:
    ehr = Ehr(url)
    answer = ehr.post(f"{SERVICE}/feedback", body)
    assert answer.status_code == 400
    outcome = answer.get_json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert field in json.dumps(outcome)
    assert rows(url, feedback) == []


def test_feedback_to_an_unknown_service_is_404(url: str) -> None:
    assert Ehr(url).post("/cds-services/none/feedback", {}).status_code == 404


def test_quiet_repeats_are_held_back_and_explained(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True)
    cards = ehr.open_chart()
    assert len(ehr.open_chart()) == len(cards), "unanswered: shown again"
    ehr.give(item(cards[0]))
    ehr.now = T0 + timedelta(hours=1)
    assert ehr.open_chart() == []
    assert ehr.open_chart(user="Practitioner/2") != []
    assert {topic(c) for c in ehr.open_chart("V03")} >= {"severe-cytopenias", "index-pattern"}
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "prefetch": prefetched(chart(vignette("V03")), list(TEMPLATES)),
    }
    assert ehr.post(SERVICE, body).get_json()["cards"] != [], "critical: always"
    assert '"held_back": 3' in ehr.log.getvalue()


def test_shadow_mode_works_and_shows_nothing(url: str) -> None:
    ehr = Ehr(url, shadow=True)
    assert ehr.open_chart() == []
    assert ehr.open_chart("V03") == []
    kept = rows(url, issued_card)
    assert {row["disposition"] for row in kept} == {"shadow"}
    assert {row["finding"] for row in kept} == {"index-pattern"}


def test_nothing_in_the_store_names_the_patient(url: str, tmp_path: Path) -> None:
    Ehr(url).open_chart()
    content = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    for text in (PATIENT.encode(), b"Practitioner/1", b"8.9"):
        assert text not in content


def _lock(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_a_locked_database_delays_no_card_and_acknowledges_no_feedback(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True)
    lock = _lock(url)
    started = time.monotonic()
    cards = ehr.open_chart()
    assert cards
    assert time.monotonic() - started < 3
    refused = ehr.give(item(cards[0]))
    assert refused.status_code == 503
    assert "storage-locked" in refused.text
    lock.execute("ROLLBACK")
    lock.close()
    assert ehr.give(item(cards[0])).status_code == 200
    assert "storage-locked" in ehr.log.getvalue()


def test_a_full_disk_and_a_read_only_file_are_named(url: str) -> None:
    ehr = Ehr(url)
    card = ehr.open_chart()[0]
    engine = create_engine(url)
    pages = engine.connect().exec_driver_sql("PRAGMA page_count").scalar_one()
    engine.dispose()

    for pragma, code in (
        (f"PRAGMA max_page_count = {pages}", "storage-full"),
        ("PRAGMA query_only = ON", "storage-read-only"),
    ):
        broken = Ehr(url)
        product_engine = _engine_of(broken)
        sa.event.listen(
            product_engine, "connect", lambda connection, _, p=pragma: connection.execute(p)
        )
        answers = [broken.give(*(item({"uuid": str(uuid4())}) for _ in range(500)))]
        assert broken.open_chart(), "cards are answered all the same"
        assert answers[0].status_code == 503
        assert code in answers[0].text
        assert card["uuid"] not in answers[0].text
        product_engine.dispose()


def _engine_of(ehr: Ehr) -> sa.Engine:
    product = ehr.http.application.extensions["heme-hooks"]
    engine: sa.Engine = product.storage.engine
    return engine


def test_a_missing_migration_is_named_and_cards_are_answered(tmp_path: Path) -> None:
    ehr = Ehr(f"sqlite:///{tmp_path}/none.sqlite3", quiet_repeats=True)
    cards = ehr.open_chart()
    assert cards
    refused = ehr.give(item(cards[0]))
    assert refused.status_code == 503
    assert "storage-not-migrated" in refused.text


def test_without_a_store_feedback_is_refused(tmp_path: Path) -> None:
    ehr = Ehr("")
    cards = ehr.open_chart()
    assert ehr.give(item(cards[0])).status_code == 503


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
