"""The migration to the states of cards, from a store that the version before it made.

`stores/revision_0001.json` holds its rows: five patients of worked examples, charts opened, held
back and in shadow mode, an order signed, feedback given. The moments are those of `T0`.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.feedback.report import feedback_report
from service.storage import migrations
from service.storage.store import (
    Storage,
    create_engine,
    feedback,
    feedback_comment,
    feedback_suggestion,
    issued_card,
    issued_suggestion,
)
from tests.functional.calls.test_vignettes_over_http import topic
from tests.support.ehr import ORDER_SIGN, Ehr, item, rows
from tests.support.vignette_charts import T0

FORMER: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "stores" / "revision_0001.json").read_text("utf-8")
)
MOMENTS = {"issued_at", "outcome_timestamp", "received_at"}
MISSING = "storage-not-migrated"
SUGGESTIONS = {row["uuid"]: row["label"] for row in FORMER["issued_suggestion"]}


def _insert(url: str, tables: dict[str, list[dict[str, Any]]]) -> None:
    engine = create_engine(url)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            given = tables.get(table.name)
            if given:
                connection.execute(sa.insert(table), [_decoded(row) for row in given])
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("SELECT setval('feedback_id_seq', 1000)")
    engine.dispose()


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name in MOMENTS else value
        for name, value in row.items()
    }


def _upgrade(url: str, revision: str = "head") -> None:
    engine = create_engine(url)
    migrations.upgrade(engine, revision)
    engine.dispose()


@pytest.fixture
def former(new_url: str) -> str:
    """A store of the version before, with its rows."""
    _upgrade(new_url, "0001")
    _insert(new_url, FORMER)
    return new_url


@pytest.fixture
def migrated(former: str) -> str:
    _upgrade(former)
    return former


def _by_uuid(found: list[Any]) -> dict[str, Any]:
    return {row["uuid"]: row for row in found}


def test_nothing_is_lost(migrated: str) -> None:
    cards = _by_uuid(rows(migrated, issued_card))
    assert set(cards) == {row["uuid"] for row in FORMER["issued_card"]}
    kept = set(FORMER["issued_card"][0]) - {"finding", "evidence", "evidence_states"}
    for former_row in FORMER["issued_card"]:
        wanted = _decoded({name: former_row[name] for name in kept})
        assert {name: cards[former_row["uuid"]][name] for name in kept} == wanted
    for table in (feedback, feedback_comment, feedback_suggestion):
        found = [dict(row) for row in rows(migrated, table)]
        assert found == [_decoded(row) for row in FORMER[table.name]]
    suggestions = rows(migrated, issued_suggestion)
    assert {row["uuid"]: json.loads(row["orders"]) for row in suggestions} == {
        uuid: [label] for uuid, label in SUGGESTIONS.items()
    }


def test_each_card_counts_for_its_finding_with_its_states(migrated: str) -> None:
    names = ("findings", "neutrophils", "platelets", "drugs", "referral", "marrow", "data_quality")
    found = {
        (row["topic"], row["indicator"], *(row[name] for name in names))
        for row in rows(migrated, issued_card)
    }
    index, blasts = '["index-pattern"]', '["circulating-blasts"]'
    severe = '["severe-cytopenias"]'
    mild = ("mild", "mild", "[]")
    assert found >= {
        ("index-pattern", "warning", index, *mild, "urgent", None, None),
        ("marrow-evaluation", "warning", index, *mild, None, "urgent", None),
        ("work-up", "warning", index, *mild, None, None, None),
        ("severe-cytopenias", "critical", severe, "severe", "mild", "[]", "stat", None, None),
        ("marrow-evaluation", "critical", index, "severe", "mild", "[]", None, "stat", None),
        ("circulating-blasts", "critical", blasts, "normal", "mild", "[]", "stat", None, None),
        ("incomplete-cbc", "info", '["incomplete-cbc"]', "moderate", None, "[]", None, None, None),
        ("data-quality", "info", '["data-quality"]', None, None, "[]", None, None, "info"),
        (
            "b12-order-without-deficiency",
            "warning",
            *('["b12-order-without-deficiency"]', None, None, "[]", None, None, None),
        ),
    }


@pytest.mark.parametrize(
    "states", ["", "{", "[]", "null", '{"lines": 3, "orders": {}, "overlays": 1}']
)
def test_evidence_that_cannot_be_read_leaves_the_states_open(new_url: str, states: str) -> None:
    _upgrade(new_url, "0001")
    row = FORMER["issued_card"][0]
    marrow = {"uuid": "m", "topic": "marrow-evaluation", "evidence_states": states}
    _insert(new_url, {"issued_card": [row | {"evidence_states": states}, row | marrow]})
    _upgrade(new_url)
    cards = _by_uuid(rows(new_url, issued_card))
    assert cards[row["uuid"]]["findings"] == '["index-pattern"]'
    assert cards[row["uuid"]]["platelets"] is None
    assert cards["m"]["marrow"] == "unknown"


def test_what_was_answered_before_rests_after(migrated: str) -> None:
    ehr = Ehr(migrated, quiet_repeats=True)

    def open_chart(name: str, patient: str, hours: float, user: str = "Practitioner/1") -> Any:
        ehr.now = T0 + timedelta(hours=hours)
        return ehr.open_chart(name, patient=patient, user=user)

    assert open_chart("V01", "p1", 5) == [], "overridden by this user"
    assert open_chart("V01", "p1", 5, "Practitioner/2") == [], "already known, for all"
    assert open_chart("V01", "p1", 7 * 24 + 1, "Practitioner/2") != []
    assert open_chart("V03", "p2", 5) == [], "critical, answered: rests"
    assert open_chart("V03", "p2", 27) != []
    assert open_chart("V26", "p3", 5) == [], "an info that was shown"
    assert open_chart("V01", "p6", 5) != [], "only its work-up was answered"
    ehr.now = T0 + timedelta(hours=5)
    assert "b12-order-without-deficiency" not in map(topic, ehr.sign_vitamin_b12()), "answered"


def test_feedback_on_a_former_card_is_taken(migrated: str) -> None:
    ehr = Ehr(migrated)
    uuid = next(row["uuid"] for row in FORMER["issued_card"] if row["service"] in ORDER_SIGN)
    ehr.now = T0 + timedelta(days=1)
    assert ehr.give(item({"uuid": uuid}), service=ORDER_SIGN).status_code == 200


def test_the_report_names_former_topics_and_orders_as_they_were(migrated: str) -> None:
    engine = create_engine(migrated)
    day = timedelta(days=1)
    report = feedback_report(Storage(engine, "key"), T0 - day, T0 + day, small_group=1)
    engine.dispose()
    rows_of = {row.finding: row for row in report.rows}
    assert set(rows_of) == {row["topic"] for row in FORMER["issued_card"]}
    shown = [row for row in FORMER["issued_card"] if row["disposition"] == "shown"]
    for finding, row in rows_of.items():
        assert row.shown == sum(1 for each in shown if each["topic"] == finding)
    assert rows_of["index-pattern"].reasons == {"already-known": 1}
    accepted = {row.order for row in report.orders if row.accepted}
    chosen = {row["suggestion"] for row in FORMER["feedback_suggestion"]}
    assert accepted == {SUGGESTIONS[uuid] for uuid in chosen}


def test_before_the_upgrade_cards_go_out_and_feedback_is_kept(former: str) -> None:
    ehr = Ehr(former, quiet_repeats=True)
    assert ehr.http.get("/health/ready").get_json()["checks"]["migrations"] == MISSING
    ehr.now = T0 + timedelta(hours=5)
    card = ehr.open_chart("V01", patient="p1")[0]
    assert ehr.give(item(card)).status_code == 200
    _upgrade(former)
    assert len(rows(former, feedback)) == len(FORMER["feedback"]) + 1
    assert ehr.http.get("/health/ready").get_json()["checks"]["migrations"] == "ok"


def test_calls_during_the_upgrade_are_answered(former: str) -> None:
    row = FORMER["issued_card"][0]
    many = [row | {"uuid": f"c{n}", "patient_hash": f"p{n}"} for n in range(5_000)]
    _insert(former, {"issued_card": many})
    ehr = Ehr(former, quiet_repeats=True)
    with ThreadPoolExecutor(1) as pool:
        upgrade = pool.submit(_upgrade, former)
        answers = 0
        while not upgrade.done():
            assert ehr.open_chart("V10", patient="p9") != []
            answers += 1
        upgrade.result()
    assert answers
    card = ehr.open_chart("V10", patient="p9")[0]
    assert ehr.give(item(card)).status_code == 200
    assert len(rows(former, issued_card)) > len(FORMER["issued_card"]) + len(many)
