"""Cards remembered, feedback taken, repeats held back and clients told apart, through HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from service.storage.store import feedback, feedback_comment, issued_card, metadata
from tests.functional.calls.test_vignettes_over_http import TEMPLATES, prefetched, topic
from tests.support.ehr import ORDER_SIGN, SERVICE, Ehr, item, rows
from tests.support.vignette_charts import PATIENT, T0, chart, vignette


def test_feedback_on_issued_cards_is_stored_before_it_is_acknowledged(url: str) -> None:
    ehr = Ehr(url)
    cards = ehr.open_chart()
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
    assert '"held_back":3' in ehr.log.getvalue()


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
    first, second, third = ehr.open_chart()
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
        assert ehr.open_chart("V50") == []
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
