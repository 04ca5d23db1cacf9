"""The hook vignettes P01 to P07 of clinical-definition 6, through HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from service.app import create_app
from service.settings import Settings
from tests.functional.calls.test_vignettes_over_http import (
    SERVICES,
    TEMPLATES,
    call,
    findings,
    orders,
    prefetched,
    without_ids,
)
from tests.support.chart_server import ChartServer
from tests.support.vignette_charts import PATIENT, RXNORM, T0, UCUM, chart, concept, vignette

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from pytest_httpserver import HTTPServer

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(Settings(database_url=""), clock=lambda: T0).test_client()


def draft(code: str, text: str = "", resource_id: str = "draft-1") -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": resource_id,
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, code, text=text),
        "subject": {"reference": f"Patient/{PATIENT}"},
    }


def order_context(hook: str, *drafts: Resource, selected: list[str] | None = None) -> Resource:
    context: Resource = {
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": d} for d in drafts]}
    }
    if hook == "order-select":
        context["selections"] = (
            selected if selected is not None else [f"MedicationRequest/{d['id']}" for d in drafts]
        )
    return context


def order_call(
    client: FlaskClient,
    hook: str,
    resources: list[Resource],
    context: Resource,
    server: str | None = None,
) -> list[Resource]:
    sent = {} if server else prefetched(resources, list(TEMPLATES))
    return call(client, sent, server, service=f"pancytopenia-{hook}", hook=hook, context=context)


def test_p01_b12_drafted_while_b12_is_high(client: FlaskClient, httpserver: HTTPServer) -> None:
    resources = chart(vignette("V08"))
    context = order_context("order-select", draft("11248", "cyanocobalamin 1000 ug"))
    cards = order_call(client, "order-select", resources, context)
    assert findings(cards) == ["b12-order-without-deficiency"]
    (card,) = cards
    assert card["indicator"] == "warning"
    assert "1000 pg/mL" in card["summary"]
    server = ChartServer(httpserver)
    server.resources = resources
    fetched = order_call(client, "order-select", resources, context, server.base)
    assert without_ids(fetched) == without_ids(cards)


def test_p01_a_draft_that_is_not_selected_gets_no_order_card(client: FlaskClient) -> None:
    context = order_context("order-select", draft("11248"), selected=["ServiceRequest/other"])
    cards = order_call(client, "order-select", chart(vignette("V08")), context)
    assert cards == []
    signed = order_call(
        client, "order-sign", chart(vignette("V08")), order_context("order-sign", draft("11248"))
    )
    assert "b12-order-without-deficiency" in findings(signed)


def test_p02_iron_drafted_while_deficiency_is_not_proven(client: FlaskClient) -> None:
    context = order_context("order-sign", draft("24947", "ferrous sulfate 325 mg"))
    cards = order_call(client, "order-sign", chart(vignette("V01")), context)
    assert findings(cards) == ["iron-order-without-deficiency"]
    (card,) = cards
    assert card["indicator"] == "warning"
    assert "TSAT" in card["summary"]


def test_p03_iron_drafted_with_proven_deficiency_has_no_order_card(client: FlaskClient) -> None:
    context = order_context("order-sign", draft("24947", "ferrous sulfate"))
    cards = order_call(client, "order-sign", chart(vignette("V16")), context)
    assert cards == []


def _four_lines() -> tuple[Resource, list[Resource], list[Resource]]:
    patient, *rest = chart(vignette("V01"))
    return patient, rest[:4], rest[4:]


def test_p04_a_panel_with_members_reads_as_its_members(
    client: FlaskClient, httpserver: HTTPServer
) -> None:
    patient, lines, rest = _four_lines()
    panel = {
        "resourceType": "Observation",
        "id": "panel",
        "status": "final",
        "code": concept("http://loinc.org", "58410-2"),
        "subject": lines[0]["subject"],
        "effectiveDateTime": lines[0]["effectiveDateTime"],
        "hasMember": [{"reference": f"Observation/{line['id']}"} for line in lines],
    }
    whole = without_ids(call(client, prefetched(chart(vignette("V01")), list(TEMPLATES))))
    resources = [patient, panel, *lines, *rest]
    assert without_ids(call(client, prefetched(resources, list(TEMPLATES)))) == whole
    server = ChartServer(httpserver)
    server.resources = resources
    assert without_ids(call(client, {}, server.base)) == whole


def test_p05_values_as_components_of_a_panel_read_the_same(client: FlaskClient) -> None:
    patient, lines, rest = _four_lines()
    panel = {
        "resourceType": "Observation",
        "id": "panel",
        "status": "final",
        "code": concept("http://loinc.org", "58410-2"),
        "subject": lines[0]["subject"],
        "effectiveDateTime": lines[0]["effectiveDateTime"],
        "component": [{k: line[k] for k in ("code", "valueQuantity")} for line in lines],
    }
    cards = call(client, prefetched([patient, panel, *rest], list(TEMPLATES)))
    whole = call(client, prefetched(chart(vignette("V01")), list(TEMPLATES)))
    assert findings(cards) == findings(whole)
    assert orders(cards) == orders(whole)
    assert [c["summary"] for c in cards] == [c["summary"] for c in whole]


def test_p06_code_and_unit_that_contradict_each_other_are_refused_aloud(
    client: FlaskClient,
) -> None:
    resources = chart(vignette("V01"))
    hemoglobin = resources[1]
    hemoglobin["valueQuantity"] = {
        "value": 8.9,
        "system": UCUM,
        "code": "g/dL",
        "unit": "g/L",
    }
    cards = call(client, prefetched(resources, list(TEMPLATES)))
    assert "data-quality" in findings(cards)
    assert "index-pattern" not in findings(cards)
    assert "incomplete-cbc" in findings(cards)


def test_p07_without_a_birth_date_only_the_data_quality_card_appears(
    client: FlaskClient,
) -> None:
    resources = chart(vignette("V01"))
    del resources[0]["birthDate"]
    cards = call(client, prefetched(resources, list(TEMPLATES)))
    assert findings(cards) == ["data-quality"]
    assert "Age unknown" in cards[0]["summary"]


def test_only_counts_iron_and_b12_prefetched_give_the_seed_s_cards_and_say_what_is_missing(
    client: FlaskClient,
) -> None:
    keys = ["patient", "bloodCounts", "differential", "ironStudies", "vitaminB12"]
    cards = call(client, prefetched(chart(vignette("V01")), keys))
    assert findings(cards) == ["index-pattern"]
    assert {"hematology-referral", "marrow-biopsy"} <= orders(cards)
    assert "Could not check: " in cards[0]["detail"]


def test_every_service_serves_the_same_prefetch_keys() -> None:
    served = [tuple(s["prefetch"]) for s in SERVICES["services"]]
    assert len(set(served)) == 1
    assert json.dumps(SERVICES).count("{{") == json.dumps(SERVICES).count("{{context.patientId}}")
