"""Every open vignette of clinical-definition 6, from FHIR resources through HTTP to cards.

Three ways to the same cards: everything prefetched, nothing prefetched, half and half.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from service.app import create_app
from service.settings import Settings
from tests.support.chart_server import ChartServer
from tests.support.vignette_charts import PATIENT, T0, chart, vignette, vignettes

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from pytest_httpserver import HTTPServer

SERVICE = "pancytopenia-patient-view"
SERVICES = json.loads((Path(__file__).parents[3] / "cds-services.json").read_text("utf-8"))
TEMPLATES: dict[str, str] = next(s for s in SERVICES["services"] if s["id"] == SERVICE)["prefetch"]
ORDER_CODES: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "order_codes.json").read_text("utf-8")
)
OVERLAYS = ("neutropenic-fever", "circulating-blasts", "severe-cytopenias")

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(Settings(), clock=lambda: T0).test_client()


def prefetched(resources: list[Resource], keys: list[str]) -> dict[str, Any]:
    """What an EHR that runs the templates of `keys` on this chart would send."""
    return {key: _run(TEMPLATES[key], resources) for key in keys}


def _run(template: str, resources: list[Resource]) -> Resource | None:
    url = urlsplit(template)
    kind, _, instance = url.path.partition("/")
    matches = [r for r in resources if r["resourceType"] == kind]
    if instance:
        return matches[0] if matches else None
    query = parse_qs(url.query)
    if "code" in query:
        wanted = {token.rpartition("|")[2] for token in query["code"][0].split(",")}
        matches = [
            r
            for r in matches
            if wanted & {c.get("code") for c in r.get("code", {}).get("coding", [])}
        ]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": r} for r in matches],
    }


def call(
    client: FlaskClient,
    prefetch: dict[str, Any],
    fhir_server: str | None = None,
    *,
    service: str = SERVICE,
    hook: str = "patient-view",
    context: dict[str, Any] | None = None,
) -> list[Resource]:
    """Make one hook call and return its cards."""
    body: Resource = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": PATIENT} | (context or {}),
        "prefetch": prefetch,
    }
    if fhir_server:
        body["fhirServer"] = fhir_server
    answer = client.post(f"/cds-services/{service}", json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    cards: list[Resource] = answer.get_json()["cards"]
    return cards


def topic(card: Resource) -> str:
    return str(card["source"]["topic"]["code"])


def findings(cards: list[Resource]) -> list[str]:
    """The findings that the cards name, the leading one first."""
    return [each for card in cards for each in card["extension"]["heme-hooks"]["findings"]]


def orders(cards: list[Resource]) -> set[str]:
    """Ids of every order that a suggestion proposes."""
    codes = {
        coding["code"]
        for card in cards
        for suggestion in card.get("suggestions", [])
        for action in suggestion["actions"]
        if action["type"] == "create"
        for coding in action["resource"]["code"].get("coding", [])
    }
    return {order for order, known in ORDER_CODES.items() if codes & set(known)}


def without_ids(cards: list[Resource]) -> Any:
    """Cards without what differs from call to call."""
    if isinstance(cards, list):
        return [without_ids(c) for c in cards]
    if isinstance(cards, dict):
        return {k: without_ids(v) for k, v in cards.items() if k not in {"uuid", "id"}}
    return cards


def check(expected: dict[str, Any], cards: list[Resource]) -> None:
    """Compare cards with what the vignette says."""
    shown = findings(cards)
    assert ("data-quality" in shown) == expected["dataQualityCard"]
    rest = [f for f in shown if f != "data-quality"]
    if expected["top"] is None or "suppressed" in expected["top"] or expected["top"] == "no card":
        assert rest == []
        return
    assert rest[0] == expected["top"]
    assert expected["primary"] in rest
    assert cards[0]["indicator"] == expected["indicator"]
    proposed = orders(cards)
    assert set(expected["mustOrders"]) <= proposed
    assert not set(expected["mustNotOrders"]) & proposed
    if expected["note"] == "no suggestions at all":
        assert not any("suggestions" in c for c in cards)


@pytest.mark.parametrize("name", [v["id"] for v in vignettes()])
def test_a_vignette_gives_its_cards_when_everything_is_prefetched(
    client: FlaskClient, name: str
) -> None:
    given = vignette(name)
    hidden = {"kidneyFunction"} if given["flags"].get("kidney_unavailable") else set()
    cards = call(client, prefetched(chart(given), [key for key in TEMPLATES if key not in hidden]))
    check(given["expected"], cards)


@pytest.mark.parametrize(
    "name",
    [
        v["id"]
        for v in vignettes()
        # A FHIR server does not find by patient what names no patient.
        if not v["flags"].get("kidney_unavailable") and v["id"] not in {"V165", "V166"}
    ],
)
def test_nothing_prefetched_and_half_prefetched_give_the_same_cards(
    client: FlaskClient, httpserver: HTTPServer, name: str
) -> None:
    given = vignette(name)
    resources = chart(given)
    server = ChartServer(httpserver)
    server.resources = resources
    whole = call(client, prefetched(resources, list(TEMPLATES)))
    fetched = call(client, {}, server.base)
    half = call(client, prefetched(resources, list(TEMPLATES)[::2]), server.base)
    assert without_ids(fetched) == without_ids(whole)
    assert without_ids(half) == without_ids(whole)
