"""Cards remembered, feedback taken, repeats held back and clients told apart, through HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.feedback.report import feedback_report
from service.storage.store import (
    feedback,
    feedback_comment,
    issued_card,
    issued_suggestion,
    metadata,
)
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, prefetched, topic
from tests.support.ehr import KNOWN, ORDER_SIGN, SERVICE, Ehr, item, rows
from tests.support.vignette_charts import PATIENT, T0, chart, vignette


def test_feedback_on_issued_cards_is_stored_before_it_is_acknowledged(url: str) -> None:
    ehr = Ehr(url)
    cards = [*ehr.open_chart(), *ehr.open_chart("V06", patient="p2")]
    answer = ehr.give(item(cards[0], "accepted"), item(cards[1]), item(cards[0], "accepted"))
    assert answer.status_code == 200
    assert (answer.mimetype, answer.get_json()) == ("application/json", {})
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
    (card,) = ehr.open_chart()
    assert len(ehr.open_chart()) == 1, "unanswered: shown again"
    ehr.give(item(card))
    ehr.now = T0 + timedelta(hours=1)
    assert ehr.open_chart() == []
    assert '"held_back":1' in ehr.log.getvalue()
    assert ehr.open_chart(user="Practitioner/2") != []
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "prefetch": prefetched(chart(vignette("V01")), list(TEMPLATES)),
        "extension": {"heme-hooks": {"explain": True}},
    }
    answer = ehr.post(SERVICE, body).get_json()
    assert answer["cards"] == []
    (held,) = answer["extension"]["heme-hooks"]["heldBack"]
    assert held["reason"] == "answered by this user on 2026-06-15; nothing is worse"
    (severe,) = ehr.open_chart("V03")
    assert severe["extension"]["heme-hooks"]["findings"][:2] == [
        "severe-cytopenias",
        "index-pattern",
    ], "critical: shown, for it is worse"


def test_shadow_mode_works_and_shows_nothing(url: str) -> None:
    ehr = Ehr(url, shadow=True)
    assert ehr.open_chart() == []
    assert ehr.open_chart("V03") == []
    kept = rows(url, issued_card)
    assert {row["disposition"] for row in kept} == {"shadow"}
    assert {row["findings"] for row in kept} >= {'["index-pattern"]'}


def test_nothing_in_the_store_names_the_patient(url: str) -> None:
    ehr = Ehr(url)
    ehr.give(item(ehr.open_chart()[0], "accepted"))
    content = repr([rows(url, table) for table in metadata.sorted_tables])
    assert "index-pattern" in content
    for text in (PATIENT, "Practitioner/1", "8.9"):
        assert text not in content


@pytest.mark.parametrize(
    "changed",
    [
        {"card": "Mrs Example"},
        {"card": "c\x00"},
        {"outcomeTimestamp": "2026-06-15T12:00:05"},
        {"outcomeTimestamp": "2026-02-30T12:00:05Z"},
        {"overrideReason": {"reason": {"display": "no code"}}},
        {"overrideReason": {"userComment": "NUL \x00"}},
        {"overrideReason": {"userComment": "x" * 10_001}},
    ],
)
def test_what_no_database_could_keep_is_the_clients_mistake(
    sqlite_url: str, changed: dict[str, Any]
) -> None:
    assert Ehr(sqlite_url).give(item({"uuid": "c"}) | changed).status_code == 400


def test_a_reason_comes_with_or_without_display_and_a_comment_alone(url: str) -> None:
    ehr = Ehr(url)
    first, second, third = (ehr.open_chart(patient=f"p{n}")[0] for n in range(3))
    reason = first["overrideReasons"][0]
    bare = {"code": reason["code"], "system": reason["system"]}
    assert "display" in reason
    answer = ehr.give(
        item(first) | {"overrideReason": {"reason": reason, "userComment": "see note"}},
        item(second) | {"overrideReason": {"reason": bare}},
        item(third) | {"overrideReason": {"userComment": "known since 2019"}},
    )
    assert answer.status_code == 200
    assert [row["reason_code"] for row in rows(url, feedback)].count(reason["code"]) == 2
    assert {row["comment"] for row in rows(url, feedback_comment)} == {
        "see note",
        "known since 2019",
    }
    assert "note" not in ehr.log.getvalue()


def test_prose_in_the_place_of_a_code_is_not_kept(url: str) -> None:
    ehr = Ehr(url)
    reason = {"code": "Mrs Example knows", "system": "see Mrs Example"}
    assert ehr.give(item({"uuid": "c"}) | {"overrideReason": {"reason": reason}}).status_code == 200
    (row,) = rows(url, feedback)
    assert (row["reason_code"], row["reason_system"]) == ("unlisted", None)


def test_the_same_instant_is_the_same_feedback_however_it_is_spelled(url: str) -> None:
    ehr = Ehr(url)
    for text in (
        "2026-06-15T12:00:05Z",
        "2026-06-15t12:00:05.000z",
        "2026-06-15T14:00:05.000000+02:00",
        "2026-06-15T12:00:05.000000000Z",
    ):
        assert ehr.give(item({"uuid": "c"}) | {"outcomeTimestamp": text}).status_code == 200
    assert len(rows(url, feedback)) == 1
    other = item({"uuid": "c"}) | {"outcomeTimestamp": "2026-06-15T12:00:05.000001Z"}
    assert ehr.give(other).status_code == 200
    assert len(rows(url, feedback)) == 2


def test_the_last_outcome_of_a_card_counts_in_the_report(url: str) -> None:
    ehr = Ehr(url)
    for number in range(5):
        card = ehr.open_chart(patient=f"p{number}")[0]
        later = {"outcomeTimestamp": "2026-06-15T13:00:00Z"}
        ehr.give(item(card, "accepted") | later)
        ehr.give(item(card))
    page = ehr.http.get("/feedback/report").text
    assert "accepted: 5" in page
    assert "overridden: no-reason: 5" not in page


def test_in_shadow_mode_a_repeat_is_not_counted_as_a_card_that_would_have_been_shown(
    url: str,
) -> None:
    ehr = Ehr(url, shadow=True, quiet_repeats=True)
    for _ in range(3):
        assert ehr.open_chart("V21") == []
    kept = [row["disposition"] for row in rows(url, issued_card)]
    assert kept == ["shadow", "held back", "held back"], "an info card would be shown once"


def test_draft_orders_of_an_order_hook_do_not_make_the_chart_news(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True)
    ehr.give(item(ehr.open_chart()[0]))
    assert ehr.open_chart() == []
    signed = ehr.sign_vitamin_b12()
    assert [topic(card) for card in signed] == ["b12-order-without-deficiency"]
    assert ehr.give(item(signed[0]), service=ORDER_SIGN).status_code == 200
    assert ehr.sign_vitamin_b12() == []
    assert ehr.open_chart() == []


def test_a_card_is_kept_by_its_findings_and_states(url: str) -> None:
    ehr = Ehr(url)
    ehr.open_chart("V03")
    (row,) = rows(url, issued_card)
    assert json.loads(row["findings"])[:2] == ["severe-cytopenias", "index-pattern"]
    assert (row["neutrophils"], row["referral"], row["marrow"]) == ("severe", "stat", "stat")
    proposed = [json.loads(each["orders"]) for each in rows(url, issued_suggestion)]
    assert ["hematology-referral"] in proposed
    assert ["marrow-biopsy"] in proposed
    assert any({"peripheral-smear", "reticulocytes", "ldh"} <= set(group) for group in proposed)


@pytest.mark.parametrize("suggestions", ["grouped", "single"])
def test_accepting_a_suggestion_accepts_each_of_its_orders(url: str, suggestions: str) -> None:
    ehr = Ehr(url, suggestions=suggestions)
    for number in range(5):
        (card,) = ehr.open_chart(patient=f"p{number}")
        tests = next(
            each
            for each in card["suggestions"]
            if "smear" in each["label"].lower() and each["actions"][0]["type"] == "create"
        )
        accepted = item(card, "accepted") | {"acceptedSuggestions": [{"id": tests["uuid"]}]}
        assert ehr.give(accepted).status_code == 200
    storage = ehr.storage
    assert storage is not None
    report = feedback_report(storage, T0 - timedelta(days=1), T0 + timedelta(days=1))
    counted = {row.order: (row.proposed, row.accepted) for row in report.orders}
    assert counted["hematology-referral"] == (5, 0)
    assert counted["peripheral-smear"] == (5, 5)
    assert counted["reticulocytes"] == (5, 5 if suggestions == "grouped" else 0)
    page = ehr.http.get("/feedback/report").text
    assert '<th scope="row">peripheral-smear</th>' in page


def test_a_removed_draft_is_an_answer_to_the_order_card(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True)
    (signed,) = ehr.sign_vitamin_b12()
    removal = signed["suggestions"][0]
    assert removal["actions"][0]["type"] == "delete"
    kept = {each["uuid"]: json.loads(each["orders"]) for each in rows(url, issued_suggestion)}
    assert kept[removal["uuid"]] == ["remove-draft"]
    assert ehr.give(item(signed, "accepted"), service=ORDER_SIGN).status_code == 200
    assert ehr.sign_vitamin_b12() == []
    assert len(ehr.open_chart()) == 1, "nothing was said about the patient yet"


def test_already_known_on_an_order_card_holds_nothing(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True)
    (card,) = ehr.open_chart()
    (signed,) = ehr.sign_vitamin_b12()
    known = item(signed) | {"overrideReason": {"reason": KNOWN}}
    assert ehr.give(known, service=ORDER_SIGN).status_code == 200
    assert len(ehr.open_chart()) == 1
    assert len(ehr.open_chart(user="Practitioner/2")) == 1
    ehr.give(item(card) | {"overrideReason": {"reason": KNOWN}})
    assert ehr.open_chart(user="Practitioner/2") == []
