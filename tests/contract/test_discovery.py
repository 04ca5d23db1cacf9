"""GET /cds-services as the specification asks (CDS Hooks 2.0, Discovery and Prefetch Template)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from service.cds_hooks.messages import CdsService
from tests.support.hook_calls import client

CORE = {
    "patient",
    "bloodCounts",
    "differential",
    "ironStudies",
    "vitaminB12",
    "conditions",
    "medicationRequests",
    "procedures",
    "serviceRequests",
}
SECOND = {
    "smear",
    "filmReports",
    "hemolysis",
    "kidneyFunction",
    "liverFunction",
    "temperature",
    "serology",
    "pregnancy",
    "marrowResults",
    "medicationAdministrations",
    "medicationStatements",
    "encounters",
    "appointments",
    "diagnosticReports",
}


def discover(url: str = "/cds-services", **settings: Any) -> list[dict[str, Any]]:
    answer = client(**settings).get(url)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert list(answer.json) == ["services"]
    return list(answer.json["services"])


SERVICES = discover()


@pytest.mark.parametrize("url", ["/cds-services/", "/cds-services//"])
def test_a_trailing_slash_does_not_matter(url: str) -> None:
    assert discover(url) == SERVICES


def test_the_three_services_are_there_with_their_hooks() -> None:
    assert {service["id"]: service["hook"] for service in SERVICES} == {
        "pancytopenia-patient-view": "patient-view",
        "pancytopenia-order-select": "order-select",
        "pancytopenia-order-sign": "order-sign",
    }


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service["id"])
def test_every_service_has_what_a_client_needs(service: dict[str, Any]) -> None:
    for name in ("id", "hook", "title", "description", "usageRequirements"):
        assert isinstance(service[name], str)
        assert service[name].strip()
    assert service["version"] == "2.0.1"
    assert service["hookVersion"] == "1.0", "patient-view, order-select and order-sign, June 2026"
    assert set(service) <= set(CdsService.__struct_fields__)


def test_the_core_keys_are_served() -> None:
    for service in SERVICES:
        assert set(service["prefetch"]) == CORE


def test_all_keys_are_served_when_asked_for() -> None:
    for service in discover(prefetch_keys="all"):
        assert set(service["prefetch"]) == CORE | SECOND


@pytest.mark.parametrize("service", discover(prefetch_keys="all"), ids=lambda s: s["id"])
def test_templates_stay_in_what_every_client_can_run(service: dict[str, Any]) -> None:
    for key, template in service["prefetch"].items():
        tokens = re.findall(r"\{\{.*?\}\}", template)
        assert tokens == ["{{context.patientId}}"], key
        path, _, query = template.partition("?")
        if query:
            names = [part.partition("=")[0] for part in query.split("&")]
            assert len(names) == len(set(names)), key
            assert set(names) <= {"patient", "code", "_count"}, key
            assert re.fullmatch("[A-Z][A-Za-z]+", path), key
        else:
            assert path == "Patient/{{context.patientId}}"


DATED = {"bloodCounts", "differential", "ironStudies", "vitaminB12"}


@pytest.mark.parametrize("keys", ["core", "all"])
def test_by_default_no_template_computes_a_date(keys: str) -> None:
    """A client of CDS Hooks 2.0 would search for the token as it stands."""
    for service in discover(prefetch_keys=keys):
        assert not [t for t in service["prefetch"].values() if "date=" in t or "today" in t]


def test_where_it_is_switched_on_what_grows_with_the_years_is_asked_for_by_date() -> None:
    for plain, service in zip(SERVICES, discover(prefetch_dates=True), strict=True):
        assert {key for key, text in service["prefetch"].items() if "date=" in text} == DATED
        for key, template in service["prefetch"].items():
            undated, _, date = template.partition("&date=")
            assert undated == plain["prefetch"][key]
            assert not date or re.fullmatch(r"ge\{\{today\(\) - [0-9]+ days\}\}", date), key


def test_without_fhir_access_the_counts_are_asked_for_whole() -> None:
    """An older count that a card shows could not be fetched."""
    for service in discover(prefetch_dates=True, prefetch_keys="all"):
        dated = {key for key, text in service["prefetch"].items() if "date=" in text}
        assert dated >= {"ironStudies", "vitaminB12", "kidneyFunction"}
        assert not dated & {"bloodCounts", "differential", "conditions", "procedures", "serology"}


def test_nothing_empty_and_nothing_null_is_served() -> None:
    def check(value: object) -> None:
        assert value not in (None, "", [], {})
        inner = value.values() if isinstance(value, dict) else value
        for item in inner if isinstance(value, dict | list) else ():
            check(item)

    check(json.loads(json.dumps(SERVICES)))
