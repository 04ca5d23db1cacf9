"""Feedback, quiet repeats and the report, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from service.cds_hooks.messages import Action, Card, Indicator, Suggestion
from service.errors import ClientNotAllowed, InvalidHookCall, StorageUnavailable
from service.feedback.issued_cards import remember
from service.feedback.received import record_feedback
from service.feedback.repeats import HELD, SHADOW, SHOWN, Viewer, hold_back
from service.feedback.report import feedback_report
from service.feedback.report_text import as_csv, as_json, as_table, orders_as_csv
from service.feedback.request import parse_feedback
from service.feedback.showings import Periods
from service.interpreter.interpretation import (
    B12State,
    CellLine,
    CellLineFact,
    CellLineState,
    FunctionState,
    Grade,
    Interpretation,
    IronState,
    Pattern,
    Priority,
    ProposedOrder,
    States,
)
from service.storage import migrations
from service.storage.store import (
    Storage,
    create_engine,
    feedback,
    feedback_comment,
    issued_card,
    issued_suggestion,
    metadata,
    prune,
)
from tests.support.cards import card
from tests.support.changing import replace
from tests.support.databases import running_postgresql
from tests.support.ehr import KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
PERIOD = timedelta(days=30)
PERIODS = Periods(PERIOD)
SERVICE = "pancytopenia-patient-view"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Storage]:
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("store")
        engine = create_engine(f"sqlite:///{folder}/store.sqlite3")
        migrations.upgrade(engine)
        yield Storage(engine, "key")
        engine.dispose()
        return
    for server in running_postgresql():
        engine = create_engine(server.url)
        migrations.upgrade(engine)
        yield Storage(engine, "key")
        engine.dispose()


@pytest.fixture
def store(database: Storage) -> Storage:
    with database.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
    return database


def viewer(client: str = "ehr", user: str = "Practitioner/1") -> Viewer:
    return Viewer(client, SERVICE, f"hash of {user}", "hash of patient")


def found(
    platelets: Grade = Grade.MODERATE,
    hemoglobin: Grade = Grade.MODERATE,
    priority: Priority = Priority.URGENT,
) -> Interpretation:
    lines = {line: CellLineFact(line, CellLineState.LOW, Grade.MODERATE) for line in CellLine}
    for line, grade in ((CellLine.HEMOGLOBIN, hemoglobin), (CellLine.PLATELETS, platelets)):
        lines[line] = CellLineFact(line, CellLineState.LOW, grade)
    states = States(
        lines, Pattern.PANCYTOPENIA, B12State.MARKED, IronState.INDEX, FunctionState.UNKNOWN
    )
    orders = tuple(
        ProposedOrder(order, priority) for order in ("hematology-referral", "marrow-biopsy")
    )
    return Interpretation(states, orders=orders)


class Screen:
    """One user in front of one patient: what the service shows on each opening of the chart."""

    def __init__(self, store: Storage, user: str = "Practitioner/1") -> None:
        self.store = store
        self.viewer = viewer(user=user)

    def open(
        self,
        day: float,
        indicator: Indicator = Indicator.WARNING,
        findings: tuple[str, ...] = ("index-pattern",),
        **states: Any,
    ) -> list[Card]:
        now = NOW + timedelta(days=day)
        cards = [card(*findings, indicator=indicator)]
        interpretation = found(**states)
        outcome = hold_back(cards, interpretation, self.store, self.viewer, now, PERIODS)
        dispositions = [
            *((c, SHOWN) for c in outcome.shown),
            *((held.card, HELD) for held in outcome.held),
        ]
        remember(self.store, self.viewer, dispositions, interpretation, "2026.12.0", now)
        return list(outcome.shown)

    def answer(self, shown: Card, outcome: str, day: float, reason: str = "") -> None:
        now = NOW + timedelta(days=day)
        item: dict[str, Any] = {
            "card": shown.uuid,
            "outcome": outcome,
            "outcomeTimestamp": now.isoformat(),
        }
        if outcome == "accepted":
            item["acceptedSuggestions"] = [{"id": shown.suggestions[0].uuid}]
        if reason:
            item["overrideReason"] = {"reason": {"code": reason, "system": "urn:x"}}
        send(self.store, [item], now=now)


def send(
    store: Storage, items: list[dict[str, Any]], client: str = "ehr", now: datetime = NOW
) -> None:
    parsed = parse_feedback(json.dumps({"feedback": items}).encode())
    record_feedback(store, parsed, client=client, service=SERVICE, now=now)


def overridden(uuid: str, **more: Any) -> dict[str, Any]:
    return {
        "card": uuid,
        "outcome": "overridden",
        "outcomeTimestamp": "2026-06-15T12:00:00.123Z",
    } | more


def accept(store: Storage, shown: Card, suggestion: str) -> None:
    item = {"card": shown.uuid, "outcome": "accepted", "outcomeTimestamp": NOW.isoformat()}
    send(store, [item | {"acceptedSuggestions": [{"id": suggestion}]}])


def count(store: Storage, table: sa.Table) -> int:
    with store.transaction(only_reads=True) as connection:
        number: int = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        return number


def test_two_weeks_in_the_life_of_a_warning(store: Storage) -> None:
    screen = Screen(store)
    (first,) = screen.open(0)
    (again,) = screen.open(0.1)
    assert first.uuid != again.uuid
    screen.answer(again, "overridden", 0.2)
    assert screen.open(1) == [], "overridden: quiet"
    assert screen.open(2, platelets=Grade.MILD) == [], "an improvement is no news"
    assert screen.open(3, hemoglobin=Grade.SEVERE) == [], "nor is hemoglobin"
    assert screen.open(4) == [], "nor that an improvement is over"
    (worse,) = screen.open(5, platelets=Grade.SEVERE)
    (still,) = screen.open(6, platelets=Grade.SEVERE)
    screen.answer(still, "accepted", 6.1)
    assert screen.open(7, platelets=Grade.SEVERE) == [], "accepted: quiet"
    (urgent,) = screen.open(8, platelets=Grade.SEVERE, priority=Priority.STAT)
    screen.answer(urgent, "accepted", 8.1)
    assert screen.open(9, priority=Priority.STAT) == []
    both = ("severe-cytopenias", "index-pattern")
    (severe,) = screen.open(10, Indicator.CRITICAL, both)
    (severe,) = screen.open(10.1, Indicator.CRITICAL, both)
    screen.answer(severe, "overridden", 10.2)
    assert screen.open(11.1, Indicator.CRITICAL, both) == [], "answered: rests for 24 hours"
    assert len(screen.open(11.3, Indicator.CRITICAL, both)) == 1
    assert worse.uuid != severe.uuid


def test_an_unanswered_warning_is_shown_every_time_and_an_info_once(store: Storage) -> None:
    screen = Screen(store)
    assert all(len(screen.open(day)) == 1 for day in range(4))
    info = Screen(store, "Practitioner/2")
    assert len(info.open(0, Indicator.INFO)) == 1
    assert info.open(1, Indicator.INFO) == []
    assert info.open(2, Indicator.INFO, platelets=Grade.MILD) == []
    assert len(info.open(3, Indicator.INFO, platelets=Grade.SEVERE)) == 1
    assert len(info.open(34, Indicator.INFO)) == 1, "after the period, again"


def test_quiet_for_one_user_is_not_quiet_for_another(store: Storage) -> None:
    screen = Screen(store)
    screen.answer(screen.open(0)[0], "overridden", 0.1, "not-appropriate-for-patient")
    assert screen.open(1) == []
    assert len(Screen(store, "Practitioner/2").open(1)) == 1


@pytest.mark.parametrize("reason", ["already-known", "work-up-in-progress"])
def test_what_is_known_to_one_is_quiet_for_all_users_for_seven_days(
    store: Storage, reason: str
) -> None:
    screen, other = Screen(store), Screen(store, "Practitioner/2")
    screen.answer(screen.open(0)[0], "overridden", 1, reason)
    assert other.open(2) == []
    assert other.open(7.9, Indicator.INFO) == []
    assert len(other.open(3, Indicator.CRITICAL)) == 1
    assert len(other.open(3, platelets=Grade.SEVERE)) == 1
    assert len(other.open(8.1)) == 1


def test_the_last_reason_counts(store: Storage) -> None:
    screen, other = Screen(store), Screen(store, "Practitioner/2")
    (shown,) = screen.open(0)
    screen.answer(shown, "overridden", 0.1, "already-known")
    screen.answer(shown, "overridden", 0.2, "result-wrong")
    assert len(other.open(1)) == 1
    screen.answer(shown, "overridden", 1.1, "already-known")
    assert other.open(2) == []


def test_known_elsewhere_is_not_known_here(store: Storage) -> None:
    elsewhere = Screen(store)
    elsewhere.viewer = viewer("another hospital")
    (shown,) = elsewhere.open(0)
    known = overridden(shown.uuid, overrideReason={"reason": KNOWN})
    send(store, [known], client="another hospital")
    assert elsewhere.open(1) == []
    assert len(Screen(store).open(1)) == 1


def test_feedback_is_stored_once_however_often_it_is_sent(store: Storage) -> None:
    item = overridden("c1", overrideReason={"reason": {"code": "other", "system": "urn:x"}})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send(store, [item]), range(24)))
    send(store, [item, item])
    assert count(store, feedback) == 1
    send(store, [overridden("c1", outcomeTimestamp="2026-06-15T12:00:01Z")])
    assert count(store, feedback) == 2


def test_several_cards_in_one_request_are_stored_or_refused_together(store: Storage) -> None:
    remember(store, viewer("other-ehr"), [(c := card(), SHOWN)], found(), "v", NOW)
    with pytest.raises(ClientNotAllowed):
        send(store, [overridden("unknown"), overridden(c.uuid)])
    assert count(store, feedback) == 0


def test_feedback_on_an_unknown_card_is_kept_as_unmatched(store: Storage) -> None:
    send(store, [overridden("never-issued")])
    report = feedback_report(store, NOW - PERIOD, NOW + PERIOD)
    assert report.unmatched_feedback == 1


def test_feedback_sent_to_another_service_is_refused(store: Storage) -> None:
    other = Viewer("ehr", "pancytopenia-order-sign", "u", "p")
    remember(store, other, [(issued := card(), SHOWN)], found(), "v", NOW)
    with pytest.raises(InvalidHookCall):
        send(store, [overridden(issued.uuid)])


def test_comments_stand_apart_and_are_pruned_by_age(store: Storage) -> None:
    send(store, [overridden("c1", overrideReason={"userComment": "Mrs Example, see note"})])
    assert count(store, feedback_comment) == 1
    assert prune(store, NOW - timedelta(days=1)) == 0
    assert prune(store, NOW + timedelta(days=1)) == 1
    assert count(store, feedback) == 1


def test_the_report_counts_outcomes_and_hides_small_groups(store: Storage) -> None:
    for patient in range(6):
        seen = Viewer("ehr", SERVICE, "user", f"patient {patient}")
        issued = card()
        remember(
            store,
            seen,
            [(issued, SHOWN), (card(), HELD), (card(), SHADOW)],
            found(),
            "2026.11.0",
            NOW,
        )
        if patient < 2:
            reason = {"reason": {"code": "already-known", "system": "urn:x"}}
            send(store, [overridden(issued.uuid, overrideReason=reason)])
    remember(store, viewer(), [(card("bicytopenia"), SHOWN)], found(), "v", NOW)
    report = feedback_report(store, NOW - PERIOD, NOW + PERIOD)
    small, row = report.rows
    assert (row.finding, row.shown, row.held_back, row.shadow) == ("index-pattern", 6, 6, 6)
    assert (row.overridden, row.unanswered) == (2, 4)
    assert row.reasons == {"already-known": 2}
    assert small.small
    for text in (as_table(report), as_csv(report), as_json(report)):
        assert "already-known" in text
    assert json.loads(as_json(report))["rows"][0] == {
        "finding": "bicytopenia",
        "client": "ehr",
        "ruleTableVersion": "v",
        "small": True,
    }


def test_a_card_counts_for_its_leading_finding_and_is_named_under_the_others(
    store: Storage,
) -> None:
    for patient in range(5):
        seen = Viewer("ehr", SERVICE, "user", f"patient {patient}")
        both = card("severe-cytopenias", "index-pattern", indicator=Indicator.CRITICAL)
        remember(store, seen, [(both, SHOWN)], found(), "v", NOW)
    index, severe = feedback_report(store, NOW - PERIOD, NOW + PERIOD).rows
    assert (severe.finding, severe.shown, severe.also) == ("severe-cytopenias", 5, 0)
    assert (index.finding, index.shown, index.also, index.small) == ("index-pattern", 0, 5, False)
    assert index.unanswered == 0


def test_accepting_a_group_accepts_each_of_its_orders(store: Storage) -> None:
    tests = ("peripheral-smear", "reticulocytes", "ldh")
    for patient in range(5):
        seen = Viewer("ehr", SERVICE, "user", f"patient {patient}")
        remember(store, seen, [(shown := card(orders=tests), SHOWN)], found(), "v", NOW)
        remember(store, seen, [(held := card(orders=tests), HELD)], found(), "v", NOW)
        if patient < 2:
            accept(store, shown, shown.suggestions[2].uuid)
        elif patient == 2:
            # What another card proposed cannot be accepted with this one.
            accept(store, shown, held.suggestions[2].uuid)
    report = feedback_report(store, NOW - PERIOD, NOW + PERIOD)
    counted = {row.order: (row.proposed, row.accepted) for row in report.orders}
    assert counted == {
        "hematology-referral": (5, 0),
        "marrow-biopsy": (5, 0),
        "peripheral-smear": (5, 2),
        "reticulocytes": (5, 2),
        "ldh": (5, 2),
    }
    assert "peripheral-smear,ehr,v,5,2" in orders_as_csv(report)
    assert "reticulocytes" in as_table(report)
    assert {"order": "ldh", "client": "ehr", "ruleTableVersion": "v"} | {
        "proposed": 5,
        "accepted": 2,
    } in json.loads(as_json(report))["orders"]


def test_orders_of_a_small_group_are_hidden(store: Storage) -> None:
    remember(store, viewer(), [(shown := card(), SHOWN)], found(), "v", NOW)
    accept(store, shown, shown.suggestions[0].uuid)
    report = feedback_report(store, NOW - PERIOD, NOW + PERIOD)
    assert all(row.small for row in report.orders)
    assert "hematology-referral,ehr,v,< 5 patients," in orders_as_csv(report)
    assert '"accepted"' not in as_json(report)


def test_a_removed_draft_is_counted_without_its_name(store: Storage) -> None:
    removal = Suggestion(
        "Remove the drafted cyanocobalamin",
        str(uuid4()),
        actions=(Action("delete", "Remove", resourceId="MedicationRequest/draft"),),
    )
    about_draft = replace(card("b12-order-without-deficiency"), suggestions=(removal,))
    remember(store, viewer(), [(about_draft, SHOWN)], found(), "v", NOW)
    with store.transaction(only_reads=True) as connection:
        (row,) = connection.execute(sa.select(issued_suggestion)).all()
    assert json.loads(row.orders) == ["remove-draft"]


def test_nothing_of_the_patient_is_stored(store: Storage) -> None:
    hashed = store.hashed("ehr", "Patient/marker-patient")
    seen = Viewer("ehr", SERVICE, store.hashed("ehr", "Practitioner/marker-user"), hashed)
    remember(store, seen, [(card(), SHOWN)], found(), "v", NOW)
    with store.transaction(only_reads=True) as connection:
        rows = connection.execute(sa.select(issued_card)).all()
    assert "marker" not in repr(rows)
    assert store.hashed("ehr", "Patient/marker-patient") == hashed
    assert Storage(store.engine, "another key").hashed("ehr", "Patient/marker-patient") != hashed


def test_a_database_without_its_tables_is_named(tmp_path: Any) -> None:
    empty = Storage(create_engine(f"sqlite:///{tmp_path}/none.sqlite3"), "key")
    with pytest.raises(StorageUnavailable) as caught:
        send(empty, [overridden("c")])
    assert caught.value.code == "storage-not-migrated"
    assert not (tmp_path / "none.sqlite3").exists()
    (tmp_path / "none.sqlite3").touch()
    with pytest.raises(StorageUnavailable) as caught:
        send(empty, [overridden("c")])
    assert caught.value.code == "storage-not-migrated"
    empty.engine.dispose()


def test_another_finding_in_between_is_news_and_its_end_is_none(store: Storage) -> None:
    screen = Screen(store)
    screen.answer(screen.open(0)[0], "overridden", 0.1)
    assert screen.open(1) == []
    assert len(screen.open(2, findings=("incomplete-workup",))) == 1
    assert screen.open(3) == []


def test_feedback_of_another_client_on_an_unknown_card_never_counts_for_it(store: Storage) -> None:
    issued = card()
    send(store, [overridden(issued.uuid)], client="elsewhere")
    for patient in range(5):
        seen = Viewer("ehr", SERVICE, "user", f"patient {patient}")
        shown = issued if patient == 0 else card()
        remember(store, seen, [(shown, SHOWN)], found(), "v", NOW)
    report = feedback_report(store, NOW - PERIOD, NOW + PERIOD)
    assert (report.rows[0].overridden, report.unmatched_feedback) == (0, 1)


def test_two_requests_with_the_same_cards_in_another_order_do_not_wait_crosswise(
    store: Storage,
) -> None:
    items = [overridden(f"c{n}") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(lambda n: send(store, items if n % 2 else items[::-1]), range(16))
        assert list(done) == [None] * 16
    assert count(store, feedback) == 40


def test_four_upgrades_at_once_make_one_schema(new_url: str) -> None:
    def run(_: int) -> None:
        engine = create_engine(new_url)
        migrations.upgrade(engine)
        engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [None] * 4
    engine = create_engine(new_url)
    with engine.connect() as connection:
        assert migrations.is_current(connection)
    assert set(sa.inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()


def test_the_migrations_make_the_tables_that_the_code_expects(store: Storage) -> None:
    inspector = sa.inspect(store.engine)
    for table in metadata.sorted_tables:
        there = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert there == {column.name: column.nullable for column in table.columns}
        names = {index["name"] for index in inspector.get_indexes(table.name)}
        assert names >= {index.name for index in table.indexes}


def test_the_look_back_of_a_call_uses_an_index(store: Storage) -> None:
    query = (
        "SELECT topic FROM issued_card WHERE client = 'c' AND patient_hash = 'p' "
        "AND issued_at > '2026-01-01' ORDER BY issued_at DESC LIMIT 10"
    )
    explain = "EXPLAIN" if store.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with store.transaction(only_reads=True) as connection:
        if store.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = repr(connection.exec_driver_sql(f"{explain} {query}").all())
    assert "issued_card_of_patient" in plan
