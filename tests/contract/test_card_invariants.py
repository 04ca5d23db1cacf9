"""What CDS Hooks, FHIR R4 and our own budgets demand of every card, for every chart that we have.

Specification: CDS Hooks 2.0, 'CDS Service Response', and the invariants of the 3.0 ballot.
"""

from __future__ import annotations

import json
import re
from io import StringIO
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from service import samples
from service.app import create_app
from service.cards.words import words
from service.cds_hooks.bundle_prefetch import encode, read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.interpreter.rules import FINDINGS
from service.settings import Settings
from tests.support.vignette_charts import PATIENT, T0, chart, vignettes

TEMPLATES = load_catalogue().templates
FINDING = "https://heme-hooks.org/fhir/CodeSystem/finding"
ORDER_FINDINGS = {"b12-order-without-deficiency", "iron-order-without-deficiency"}
MOST_WORDS = 120
CODES_IN_CAPITALS = re.compile(
    r"\b(MARKED|ELEVATED|BORDERLINE|IDX|IDX_B|ACD|UNK|DEF|NOTDEF|CONF|PAN|BI|BIINC|MASKED|MISSING"
    r"|PARTIAL|LOWIRON_INDET|HIGH_SAT|ID_TRUE|SCHISTO|NRBC|TEARDROP|R\d+|OWN|M\d+)\b"
)
PLAIN_WORDS = {"pregnancy", "bicytopenia", "pediatric"}
"""Findings whose names are words that a text may use."""

BRITISH = re.compile(
    r"\w*(?:haem|anaemi|leukaemi|tumour|oedema|diarrhoea|colour)\w*", re.IGNORECASE
)

CASES = [f"sample {name}" for name in samples.NAMES] + [
    f"vignette {given['id']}" for given in vignettes()
]


@pytest.fixture(scope="module")
def client():
    app = create_app(
        Settings(public_url="https://hooks.example/base", database_url=""),
        clock=lambda: T0,
        log_stream=StringIO(),
    )
    return app.test_client()


def hook_call(case):
    kind, name = case.split(" ", 1)
    if kind == "sample":
        prefetch = read_bundle(encode(samples.sample_bundle(name, T0)), TEMPLATES).prefetch
        return samples.hook_call(name, T0, prefetch=prefetch)
    given = next(each for each in vignettes() if each["id"] == name)
    entries = [{"resource": resource} for resource in chart(given)]
    document = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "prefetch": read_bundle(document.encode(), TEMPLATES).prefetch,
    }


@pytest.fixture(scope="module", params=CASES)
def response(request, client):
    call = hook_call(request.param)
    answer = client.post(
        f"/cds-services/pancytopenia-{call['hook']}",
        data=encode(call),
        content_type="application/json",
    )
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def all_suggestions(response):
    return [s for card in response["cards"] for s in card.get("suggestions", [])]


def test_nothing_in_the_response_is_null_or_empty_but_the_list_of_cards(response):
    def empties(value, path):
        if value in (None, "", [], {}):
            yield path
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from empties(item, f"{path}.{key}")
        elif isinstance(value, list):
            for place, item in enumerate(value):
                yield from empties(item, f"{path}[{place}]")

    found = [path for path in empties(response, "") if path != ".cards"]
    assert found == []


def test_every_summary_is_one_line_of_at_most_139_characters(response):
    for card in response["cards"]:
        assert 0 < len(card["summary"]) < 140
        assert "\n" not in card["summary"]
        assert "{" not in card["summary"]


def test_every_indicator_is_of_the_specification(response):
    assert all(card["indicator"] in {"info", "warning", "critical"} for card in response["cards"])


def test_every_source_and_link_is_absolute_and_every_topic_known(response):
    for card in response["cards"]:
        assert card["source"]["label"] == "heme-hooks"
        topic = card["source"]["topic"]
        assert topic["system"] == FINDING
        assert topic["code"] in {*FINDINGS}
        urls = [card["source"]["url"], *(link["url"] for link in card["links"])]
        for url in urls:
            assert urlsplit(url)[:2] == ("https", "hooks.example")
        for link in card["links"]:
            assert link["label"]
            assert link["type"] == "absolute"
            assert "appContext" not in link
            assert urlsplit(link["url"]).fragment in FINDINGS


def test_cards_with_suggestions_have_a_selection_behavior_and_others_none(response):
    for card in response["cards"]:
        assert ("selectionBehavior" in card) == ("suggestions" in card)
        assert card.get("selectionBehavior", "any") == "any"


def test_uuids_are_uuids_and_never_given_twice(response):
    uuids = [card["uuid"] for card in response["cards"]]
    uuids += [suggestion["uuid"] for suggestion in all_suggestions(response)]
    assert len({UUID(uuid) for uuid in uuids}) == len(uuids)


def test_every_override_reason_has_code_system_and_display(response):
    for card in response["cards"]:
        for reason in card["overrideReasons"]:
            assert set(reason) == {"code", "system", "display"}


def actions_of(response, kind):
    return [a for s in all_suggestions(response) for a in s["actions"] if a["type"] == kind]


def test_every_suggestion_creates_or_deletes_and_never_both(response):
    for suggestion in all_suggestions(response):
        kinds = {action["type"] for action in suggestion["actions"]}
        assert kinds in ({"create"}, {"delete"})
        assert all(action["description"] for action in suggestion["actions"])


def test_creates_are_valid_r4_draft_service_requests(response):
    for action in actions_of(response, "create"):
        assert "resourceId" not in action
        draft = action["resource"]
        ServiceRequest.model_validate(draft)
        assert draft["status"] == "draft"
        assert draft["intent"] == "proposal"
        assert draft["priority"] in {"routine", "urgent", "asap", "stat"}
        assert draft["subject"]["reference"].startswith("Patient/")
        assert draft["reasonCode"]
        assert not {"id", "reason"} & set(draft)
        for reference in draft.get("supportingInfo", []):
            assert re.fullmatch(r"Observation/[A-Za-z0-9\-.]{1,64}", reference["reference"])


def test_deletes_name_a_drafted_medicine_and_carry_no_resource(response):
    for action in actions_of(response, "delete"):
        assert "resource" not in action
        assert re.fullmatch(r"MedicationRequest/[A-Za-z0-9\-.]{1,64}", action["resourceId"])


def test_the_marrow_secondary_causes_and_removals_are_never_recommended(response):
    for suggestion in all_suggestions(response):
        start = suggestion["label"].split(" ")[0]
        expected = True if start in {"Refer", "First"} else None
        assert suggestion.get("isRecommended") is expected


def test_nothing_is_done_by_itself(response):
    assert "systemActions" not in response
    for suggestion in all_suggestions(response):
        several = len(suggestion["actions"]) > 1
        assert suggestion.get("actionSelectionBehavior") == ("any" if several else None)


def test_a_patient_has_one_card_and_it_names_its_findings(response):
    leading = [card["source"]["topic"]["code"] for card in response["cards"]]
    about_orders = [topic for topic in leading if topic in ORDER_FINDINGS]
    assert len(leading) <= 1 or leading == about_orders
    assert len(leading) == len(set(leading))
    for card, topic in zip(response["cards"], leading, strict=True):
        findings = card["extension"]["heme-hooks"]["findings"]
        assert findings[0] == topic
        assert set(findings) <= set(FINDINGS)
        assert "data-quality" not in findings[:-1]


def test_no_order_is_proposed_twice(response):
    descriptions = [action["description"] for action in actions_of(response, "create")]
    assert len(descriptions) == len(set(descriptions))


def test_a_card_keeps_to_its_budget(response):
    for card in response["cards"]:
        assert words(card["detail"]) <= MOST_WORDS
        assert len(card.get("suggestions", [])) <= 4
        for suggestion in card.get("suggestions", []):
            assert 0 < len(suggestion["label"]) <= 100


def test_every_detail_says_what_it_is_and_no_probability(response):
    for card in response["cards"]:
        detail = card["detail"]
        assert detail.endswith("Decision support, not a diagnosis.")
        assert "\n\nAvoid: " in f"\n\n{detail}"
        assert not re.search(r"\bprobability\b|\d\s?% (likely|chance|risk)", detail)
        assert "None" not in detail
        assert "<" not in detail


def test_a_card_speaks_to_a_physician(response):
    for card in response["cards"]:
        labels = [suggestion["label"] for suggestion in card.get("suggestions", [])]
        for text in (card["summary"], card["detail"], *labels):
            assert not CODES_IN_CAPITALS.search(text)
            assert not BRITISH.search(text)
            assert not re.search(r"\d{4}-\d{2}-\d{2}", text)
            assert not re.search(r"[{}]|10\\?\*\d", text)
            assert not any(finding in text for finding in FINDINGS if finding not in PLAIN_WORDS)
