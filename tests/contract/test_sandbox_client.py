"""What the public CDS Hooks sandbox sends, taken as it is; other clients are no stricter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from service.storage.migrations import upgrade
from service.storage.store import create_engine
from tests.support.hook_calls import (
    PATIENT_ID,
    client,
    empty_prefetch,
    post,
    seed_prefetch,
    topics,
)

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

BASE = "/cds-services/"
FIRST_DRAFT = {
    "resourceType": "MedicationRequest",
    "id": "request-123",
    "status": "draft",
    "subject": {"reference": f"Patient/{PATIENT_ID}"},
    "authoredOn": "2026-11-03",
}
CHOSEN_DRAFT = {
    **FIRST_DRAFT,
    "intent": "order",
    "category": {"coding": [{"code": "outpatient"}]},
    "reasonCode": {"coding": [{"system": "x", "code": "y"}]},
    "medicationCodeableConcept": {
        "text": "cyanocobalamin 1 MG/ML Injectable Solution",
        "coding": [
            {
                "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                "code": "11248",
                "display": "Vitamin B12",
            }
        ],
    },
    "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": "1"}}]}],
}
IMAGING_DRAFT = {
    "resourceType": "ServiceRequest",
    "id": "example-request-id",
    "status": "draft",
    "code": {"coding": [{}]},
    "reasonCode": [],
    "category": {},
}


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client()


def sandbox_call(hook: str, draft: Any = None, **context: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "hookInstance": "3f1a2b6e-3a1c-4d7e-9b53-0f1d6a5f0a11",
        "hook": hook,
        "fhirServer": "http://127.0.0.1:9/fhir",
        "context": {"patientId": PATIENT_ID, "userId": "Practitioner/COREPRACTITIONER1"},
        "prefetch": seed_prefetch(),
    }
    if draft is not None:
        # Its draftOrders Bundle has no type.
        body["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": draft}]}
    body["context"] |= context
    return body


def url(hook: str) -> str:
    """The sandbox joins a discovery URL that ends in a slash with `/` and the id."""
    return f"{BASE}/pancytopenia-{hook}"


ORIGIN = "https://sandbox.cds-hooks.org"
TOKEN = {"Authorization": "Bearer a.b.c", "Origin": ORIGIN}
ADDRESSES = [
    ("GET", "/cds-services"),
    ("GET", "/cds-services/"),
    ("POST", url("patient-view")),
    ("POST", url("order-select")),
    ("POST", url("order-sign")),
    ("POST", url("patient-view") + "/feedback"),
    ("POST", "/cds-services/pancytopenia-order-sign/feedback"),
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_every_preflight_passes_without_a_token_and_names_authorization(
    browser: FlaskClient, method: str, address: str
) -> None:
    asked = "authorization" if method == "GET" else "authorization,content-type"
    answer = browser.options(
        address,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": asked,
        },
    )
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] in {ORIGIN, "*"}
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    # By the Fetch standard `*` does not stand for Authorization.
    assert {name.strip() for name in allowed.split(",")} >= set(asked.split(","))


@pytest.mark.parametrize(
    ("address", "body", "status"),
    [
        (url("patient-view"), b"{", 400),
        (url("order-select"), {"hook": "order-select"}, 400),
        ("/cds-services/nothing", {}, 404),
        (url("patient-view") + "/feedback", {}, 400),
    ],
)
def test_a_refusal_can_be_read_by_the_page_as_well(
    browser: FlaskClient, address: str, body: object, status: int
) -> None:
    answer = post(browser, body, address, **TOKEN)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] in {ORIGIN, "*"}


def test_discovery_answers_a_page_with_a_token_it_does_not_need(browser: FlaskClient) -> None:
    for address in ("/cds-services", "/cds-services/"):
        answer = browser.get(address, headers=TOKEN)
        assert answer.headers["Access-Control-Allow-Origin"] in {ORIGIN, "*"}
        services = answer.json["services"]  # type: ignore[index]
        assert len({service["id"] for service in services}) == len(services) == 3
        for template in (t for service in services for t in service["prefetch"].values()):
            assert set(re.findall(r"{{(.*?)}}", template)) <= {"context.patientId"}
            names = [pair.partition("=")[0] for pair in template.partition("?")[2].split("&")]
            assert len(set(names)) == len(names)


def test_cards_have_what_the_sandbox_needs_to_accept_and_dismiss(browser: FlaskClient) -> None:
    for card in post(browser, sandbox_call("patient-view"), url("patient-view")).json["cards"]:  # type: ignore[index]
        assert card["uuid"]
        for suggestion in card.get("suggestions", ()):
            assert suggestion["uuid"]
            assert suggestion["label"]
            assert suggestion["actions"]


def test_patient_view_without_authorization_and_encounter(browser: FlaskClient) -> None:
    answer = post(
        browser, sandbox_call("patient-view"), url("patient-view"), Authorization="Bearer a.b.c"
    )
    assert topics(answer)[0] == "index-pattern"


@pytest.mark.parametrize("draft", [FIRST_DRAFT, CHOSEN_DRAFT, IMAGING_DRAFT, {}, None, 7, []])
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_drafts_that_r4_would_refuse_are_no_reason_to_refuse_the_call(
    browser: FlaskClient, hook: str, draft: object
) -> None:
    body = sandbox_call(hook, {} if draft is None else draft)
    if hook == "order-select":
        body["context"]["selections"] = ["MedicationRequest/request-123"]
    # Answered, and silent: the order hooks speak only of the drafts that a finding is about.
    answer = post(browser, body, url(hook))
    assert answer.status_code == 200
    assert set(topics(answer)) <= {"b12-order-without-deficiency"}


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_a_click_on_the_open_tab_sends_no_drafts_and_is_answered_400(
    browser: FlaskClient, hook: str
) -> None:
    answer = post(browser, sandbox_call(hook), url(hook))
    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"][0].startswith("context.")  # type: ignore[index]


def test_one_hooks_call_to_another_hooks_service_is_400(browser: FlaskClient) -> None:
    answer = post(browser, sandbox_call("patient-view"), url("order-sign"))
    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == ["hook"]  # type: ignore[index]


def test_b12_drafted_against_a_high_b12_gives_the_order_card(browser: FlaskClient) -> None:
    body = sandbox_call("order-select", CHOSEN_DRAFT, selections=["MedicationRequest/request-123"])
    assert "b12-order-without-deficiency" in topics(post(browser, body, url("order-select")))


def test_keys_come_in_any_order_and_the_same_call_twice(browser: FlaskClient) -> None:
    body = sandbox_call("patient-view")
    backwards = dict(reversed(body.items())) | {
        "prefetch": dict(reversed(body["prefetch"].items()))
    }
    first, second = (post(browser, each, url("patient-view")) for each in (body, backwards))
    assert topics(first) == topics(second)
    uuids = [{card["uuid"] for card in answer.json["cards"]} for answer in (first, second)]  # type: ignore[index]
    assert not uuids[0] & uuids[1]


def test_a_prefetch_key_that_failed_is_left_out_and_fetched(browser: FlaskClient) -> None:
    body = sandbox_call("patient-view")
    del body["prefetch"]["bloodCounts"]
    # Nothing listens on the discard port: the fetch fails and says so.
    assert post(browser, body, url("patient-view")).status_code == 412


def test_no_prefetch_member_at_all_is_as_an_empty_one(browser: FlaskClient) -> None:
    body = sandbox_call("patient-view")
    del body["prefetch"], body["fhirServer"]
    assert post(browser, body, url("patient-view")).status_code == 412


def test_an_answer_holds_no_null_and_nothing_empty_but_the_cards(browser: FlaskClient) -> None:
    assert post(
        browser, sandbox_call("patient-view") | {"prefetch": empty_prefetch()}, url("patient-view")
    ).json == {"cards": []}

    def check(value: Any) -> None:
        assert value not in (None, "", [], {})
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, dict | list):
                check(item)
            else:
                assert item not in (None, "")

    check(post(browser, sandbox_call("patient-view"), url("patient-view")).json)


def test_its_feedback_is_taken_again_and_again(tmp_path: Path) -> None:
    """Accepted twice, its sibling too, then dismissed: with a reason, and with nothing at all."""
    database = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    upgrade(create_engine(database))
    browser = client(database_url=database)
    answer = post(browser, sandbox_call("patient-view"), url("patient-view"))
    card = answer.json["cards"][-1]  # type: ignore[index]
    accepted = {"card": card["uuid"], "outcome": "accepted"}
    chosen = [{"id": suggestion["uuid"]} for suggestion in card["suggestions"][:2]]
    reason = card["overrideReasons"][0]
    bare_reason = {"reason": {"code": reason["code"], "system": reason["system"]}}
    overridden = {"card": card["uuid"], "outcome": "overridden"}
    for item in (
        {**accepted, "acceptedSuggestions": chosen[:1]},
        {**accepted, "acceptedSuggestions": chosen[:1]},
        {**accepted, "acceptedSuggestions": chosen[1:]},
        {**overridden, "overrideReason": bare_reason},
        overridden,
    ):
        entry = {**item, "outcomeTimestamp": "2026-11-03T09:31:07.123Z"}
        address = url("patient-view") + "/feedback"
        assert post(browser, {"feedback": [entry]}, address, **TOKEN).status_code == 200
