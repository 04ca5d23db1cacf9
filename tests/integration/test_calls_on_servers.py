"""Real hook calls on real FHIR servers: the same cards whatever was prefetched, and from wherever.

The service runs in this process; the FHIR servers are real and reached over sockets.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from service import samples
from service.app import create_app
from service.cds_hooks.bundle_prefetch import read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.samples.large import large_chart
from service.settings import Settings
from tests.support.hapi_charts import prefetch_from, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import requests
    from flask.testing import FlaskClient

SERVICES = {
    "patient-view": "pancytopenia-patient-view",
    "order-select": "pancytopenia-order-select",
}
MARROW = "Marrow aspirate and biopsy"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def loaded(fhir_server: str, session: requests.Session, now: datetime) -> Iterator[str]:
    """A server with every sample."""
    samples.load(fhir_server, session, now)
    yield fhir_server
    samples.remove(fhir_server, session)


@pytest.fixture(scope="module")
def client(now: datetime) -> FlaskClient:
    """The service, patient with a busy machine."""
    return create_app(Settings(call_deadline=60), clock=lambda: now).test_client()


def answered(client: FlaskClient, call: Json) -> list[Json]:
    """The cards of one call."""
    answer = client.post(f"/cds-services/{SERVICES[call['hook']]}", json=call)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    cards: list[Json] = json.loads(answer.data)["cards"]
    return cards


def topics(cards: list[Json]) -> list[str]:
    """The findings that the cards name, the leading one first."""
    return [each for card in cards for each in card["extension"]["heme-hooks"]["findings"]]


def gist(cards: list[Json]) -> list[Any]:
    """The cards without what is new in every answer: uuids, and ids of drafted resources."""
    return [_without_ids(card) for card in cards]


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_ids(v) for k, v in value.items() if k not in {"uuid", "id"}}
    if isinstance(value, list):
        return [_without_ids(part) for part in value]
    return value


def _expect(cards: list[Json], name: str) -> None:
    sample = samples.SAMPLES[name]
    said = topics(cards)
    assert tuple(said) == sample.findings
    labels = [each["label"] for card in cards for each in card.get("suggestions", [])]
    assert any(label.startswith(MARROW) for label in labels) == sample.marrow
    if sample.findings:
        assert cards[0]["indicator"] == sample.indicator


@pytest.mark.parametrize("name", samples.NAMES)
def test_nothing_prefetched_gives_the_samples_findings(
    loaded: str, client: FlaskClient, now: datetime, name: str
) -> None:
    cards = answered(client, samples.hook_call(name, now, fhir_server=loaded))
    _expect(cards, name)


@pytest.mark.parametrize(
    "name", ["index-pattern", "severe-counts", "cirrhosis", "blasts", "normal"]
)
def test_all_or_half_prefetched_gives_the_same_cards(
    loaded: str, client: FlaskClient, session: requests.Session, now: datetime, name: str
) -> None:
    bare = answered(client, samples.hook_call(name, now, fhir_server=loaded))
    whole = prefetch_from(loaded, session, _templates(), samples.SAMPLES[name].patient_id)
    half = dict(list(whole.items())[::2])
    for prefetch in (whole, half):
        call = samples.hook_call(name, now, fhir_server=loaded, prefetch=prefetch)
        assert gist(answered(client, call)) == gist(bare)


def test_the_rest_of_a_prefetched_first_page_is_fetched(
    loaded: str, client: FlaskClient, session: requests.Session, now: datetime
) -> None:
    """Three entries a page: HAPI continues at `?_getpages=`, the embedded server at `_offset`."""
    patient = samples.SAMPLES["index-pattern"].patient_id
    pages = prefetch_from(loaded, session, _templates(), patient, page_size=3)
    more = [k for k, v in pages.items() if any(x["relation"] == "next" for x in v.get("link", ()))]
    assert {"bloodCounts", "ironStudies"} <= set(more)
    bare = answered(client, samples.hook_call("index-pattern", now, fhir_server=loaded))
    call = samples.hook_call("index-pattern", now, fhir_server=loaded, prefetch=pages)
    assert gist(answered(client, call)) == gist(bare)


def test_where_hapi_has_forgotten_a_search_it_is_made_anew(
    hapi: str, client: FlaskClient, session: requests.Session, now: datetime
) -> None:
    """A page asked for too late is gone (410): what was prefetched of the search is not enough."""
    samples.load(hapi, session, now, ["index-pattern"])
    patient = samples.SAMPLES["index-pattern"].patient_id
    pages = prefetch_from(hapi, session, _templates(), patient, page_size=3)
    for bundle in pages.values():
        for link in bundle.get("link", ()):
            link["url"] = re.sub(r"_getpages=[0-9a-f-]+", f"_getpages={uuid4()}", link["url"])
    forgotten = next(x["url"] for x in pages["bloodCounts"]["link"] if x["relation"] == "next")
    assert session.get(forgotten, timeout=60).status_code == 410
    bare = answered(client, samples.hook_call("index-pattern", now, fhir_server=hapi))
    call = samples.hook_call("index-pattern", now, fhir_server=hapi, prefetch=pages)
    assert gist(answered(client, call)) == gist(bare)


@pytest.mark.parametrize("name", samples.NAMES)
def test_cards_from_a_server_are_the_cards_from_a_file(
    loaded: str, client: FlaskClient, now: datetime, name: str
) -> None:
    sample = samples.SAMPLES[name]
    document = json.dumps(samples.sample_bundle(name, now)).encode()
    file = read_bundle(document, load_catalogue().templates, sample.patient_id)
    prefetch = json.loads(json.dumps(file.prefetch, default=float))
    from_file = answered(client, samples.hook_call(name, now, prefetch=prefetch))
    from_server = answered(client, samples.hook_call(name, now, fhir_server=loaded))
    assert gist(from_file) == gist(from_server)


@pytest.fixture(scope="module")
def large(loaded: str, session: requests.Session, now: datetime) -> str:
    """The index pattern on top of more than five thousand other results."""
    chart = large_chart("large-chart", now, 5_200)
    write(loaded, session, chart)
    return "large-chart"


def test_a_chart_of_thousands_of_results_gives_the_same_finding(
    loaded: str, client: FlaskClient, now: datetime, large: str
) -> None:
    call = samples.hook_call("index-pattern", now, fhir_server=loaded)
    call["context"]["patientId"] = large
    assert "index-pattern" in topics(answered(client, call))


def test_renewed_samples_are_seen_at_once(
    fhir_server: str, client: FlaskClient, session: requests.Session, now: datetime
) -> None:
    """HAPI serves a repeated search from a cache for a minute unless told otherwise."""
    call = samples.hook_call("two-lines-high-b12", now, fhir_server=fhir_server)
    samples.load(fhir_server, session, now - timedelta(days=200), ["two-lines-high-b12"])
    assert answered(client, call) == []
    samples.load(fhir_server, session, now, ["two-lines-high-b12"])
    assert topics(answered(client, call))[0] == "bicytopenia-high-b12"


def _templates() -> dict[str, str]:
    catalogue = load_catalogue()
    service = next(s for s in catalogue.services if s.id == SERVICES["patient-view"])
    return dict(service.prefetch)
