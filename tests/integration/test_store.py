"""Feedback, quiet repeats and the report, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from service.cds_hooks.messages import Card, Coding, Indicator, Source, Suggestion
from service.errors import ClientNotAllowed, InvalidHookCall, StorageUnavailable
from service.feedback.card_evidence import CardEvidence, evidence_of
from service.feedback.issued_cards import remember
from service.feedback.received import record_feedback
from service.feedback.repeats import HELD, SHADOW, SHOWN, Viewer, Window, hold_back
from service.feedback.report import feedback_report
from service.feedback.report_text import as_csv, as_json, as_table
from service.feedback.request import parse_feedback
from service.interpreter.interpretation import (
    B12State,
    CellLine,
    CellLineFact,
    CellLineState,
    FindingIndicator,
    FiredFinding,
    FunctionState,
    Grade,
    Interpretation,
    IronState,
    Pattern,
    States,
)
from service.storage import migrations
from service.storage.retention import prune
from service.storage.store import (
    Storage,
    create_engine,
    feedback,
    feedback_comment,
    issued_card,
    metadata,
)
from tests.support.databases import running_postgresql

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
PERIOD = timedelta(days=30)
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


def card(topic: str = "index-pattern", indicator: Indicator = Indicator.WARNING) -> Card:
    return Card(
        uuid=str(uuid4()),
        summary="Pancytopenia",
        indicator=indicator,
        source=Source(label="heme-hooks", topic=Coding(code=topic, system="urn:x")),
        suggestions=(Suggestion(label="Refer", uuid=str(uuid4())),),
        selectionBehavior="any",
    )


def evidence(hemoglobin: Grade = Grade.MODERATE) -> CardEvidence:
    lines = {line: CellLineFact(line, CellLineState.LOW, Grade.MODERATE) for line in CellLine}
    lines[CellLine.HEMOGLOBIN] = CellLineFact(CellLine.HEMOGLOBIN, CellLineState.LOW, hemoglobin)
    states = States(
        lines, Pattern.PANCYTOPENIA, B12State.MARKED, IronState.INDEX, FunctionState.UNKNOWN
    )
    found = FiredFinding("index-pattern", FindingIndicator.WARNING, "", "Pancytopenia", ())
    return evidence_of(Interpretation(states, finding=found))


class Screen:
    """One user in front of one patient: what the service shows on each opening of the chart."""

    def __init__(self, store: Storage, user: str = "Practitioner/1") -> None:
        self.store = store
        self.viewer = viewer(user=user)

    def open(
        self,
        day: float,
        indicator: Indicator = Indicator.WARNING,
        hemoglobin: Grade = Grade.MODERATE,
        topics: tuple[str, ...] = ("index-pattern",),
    ) -> list[Card]:
        now = NOW + timedelta(days=day)
        cards = [card(topic, indicator) for topic in topics]
        found = evidence(hemoglobin)
        outcome = hold_back(cards, found, self.store, self.viewer, Window(now, PERIOD))
        dispositions = [
            *((c, SHOWN) for c in outcome.shown),
            *((held.card, HELD) for held in outcome.held),
        ]
        remember(self.store, self.viewer, dispositions, found, "2026.11.0", now)
        return list(outcome.shown)

    def answer(self, shown: Card, outcome: str, day: float) -> None:
        now = NOW + timedelta(days=day)
        item: dict[str, Any] = {
            "card": shown.uuid,
            "outcome": outcome,
            "outcomeTimestamp": now.isoformat(),
        }
        if outcome == "accepted":
            item["acceptedSuggestions"] = [{"id": shown.suggestions[0].uuid}]
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


def count(store: Storage, table: sa.Table) -> int:
    with store.transaction(only_reads=True) as connection:
        number: int = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        return number


def test_two_weeks_in_the_life_of_a_warning(store: Storage) -> None:
    screen = Screen(store)
    (first,) = screen.open(0)
    (again,) = screen.open(0.1)
    screen.answer(again, "overridden", 0.2)
    assert screen.open(1) == [], "overridden: quiet"
    assert screen.open(2) == [], "a new CBC of the same meaning: still quiet"
    (changed,) = screen.open(5, hemoglobin=Grade.MILD)
    screen.answer(changed, "accepted", 5.1)
    assert screen.open(6, hemoglobin=Grade.MILD) == [], "accepted: quiet"
    severe = screen.open(
        13,
        Indicator.CRITICAL,
        Grade.SEVERE,
        ("severe-cytopenias", "index-pattern"),
    )
    assert len(severe) == 2
    for shown in severe:
        screen.answer(shown, "overridden", 13.1)
    again_severe = screen.open(
        14, Indicator.CRITICAL, Grade.SEVERE, ("severe-cytopenias", "index-pattern")
    )
    assert len(again_severe) == 2, "critical is shown although overridden"
    assert first.uuid != again.uuid


def test_an_unanswered_warning_is_shown_every_time_and_an_info_once(store: Storage) -> None:
    screen = Screen(store)
    assert all(len(screen.open(day)) == 1 for day in range(4))
    info = Screen(store, "Practitioner/2")
    assert len(info.open(0, Indicator.INFO)) == 1
    assert info.open(1, Indicator.INFO) == []
    assert len(info.open(2, Indicator.INFO, Grade.MILD)) == 1
    assert len(info.open(33, Indicator.INFO, Grade.MILD)) == 1, "after the period, again"


def test_evidence_that_changes_and_returns_is_news_again(store: Storage) -> None:
    screen = Screen(store)
    screen.answer(screen.open(0)[0], "overridden", 0.1)
    screen.open(1, hemoglobin=Grade.SEVERE)
    assert len(screen.open(2)) == 1


def test_quiet_for_one_user_is_not_quiet_for_another(store: Storage) -> None:
    screen = Screen(store)
    screen.answer(screen.open(0)[0], "overridden", 0.1)
    assert screen.open(1) == []
    assert len(Screen(store, "Practitioner/2").open(1)) == 1


def test_companion_cards_are_quiet_with_their_finding(store: Storage) -> None:
    screen = Screen(store)
    topics = ("index-pattern", "marrow-evaluation", "work-up")
    finding, *_companions = screen.open(0, topics=topics)
    screen.answer(finding, "overridden", 0.1)
    assert screen.open(1, topics=topics) == []


def test_feedback_is_stored_once_however_often_it_is_sent(store: Storage) -> None:
    item = overridden("c1", overrideReason={"reason": {"code": "other", "system": "urn:x"}})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send(store, [item]), range(24)))
    send(store, [item, item])
    assert count(store, feedback) == 1
    send(store, [overridden("c1", outcomeTimestamp="2026-06-15T12:00:01Z")])
    assert count(store, feedback) == 2


def test_several_cards_in_one_request_are_stored_or_refused_together(store: Storage) -> None:
    remember(store, viewer("other-ehr"), [(c := card(), SHOWN)][:1], evidence(), "v", NOW)
    with pytest.raises(ClientNotAllowed):
        send(store, [overridden("unknown"), overridden(c.uuid)])
    assert count(store, feedback) == 0


def test_feedback_on_an_unknown_card_is_kept_as_unmatched(store: Storage) -> None:
    send(store, [overridden("never-issued")])
    report = feedback_report(store, NOW - PERIOD, NOW + PERIOD)
    assert report.unmatched_feedback == 1


def test_feedback_sent_to_another_service_is_refused(store: Storage) -> None:
    other = Viewer("ehr", "pancytopenia-order-sign", "u", "p")
    remember(store, other, [(issued := card(), SHOWN)], evidence(), "v", NOW)
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
            evidence(),
            "2026.11.0",
            NOW,
        )
        if patient < 2:
            reason = {"reason": {"code": "already-known", "system": "urn:x"}}
            send(store, [overridden(issued.uuid, overrideReason=reason)])
    remember(store, viewer(), [(card("bicytopenia"), SHOWN)], evidence(), "v", NOW)
    report = feedback_report(store, NOW - PERIOD, NOW + PERIOD)
    small, row = report.rows
    assert (row.shown, row.held_back, row.shadow) == (6, 6, 6)
    assert (row.overridden, row.unanswered) == (2, 4)
    assert row.reasons == {"already-known": 2}
    assert small.small
    for text in (as_table(report), as_csv(report), as_json(report)):
        assert "already-known" in text
    assert json.loads(as_json(report))["rows"][0] == {
        "topic": "bicytopenia",
        "client": "ehr",
        "ruleTableVersion": "v",
        "small": True,
    }


def test_nothing_of_the_patient_is_stored(store: Storage) -> None:
    hashed = store.hashed("ehr", "Patient/marker-patient")
    seen = Viewer("ehr", SERVICE, store.hashed("ehr", "Practitioner/marker-user"), hashed)
    remember(store, seen, [(card(), SHOWN)], evidence(), "v", NOW)
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


def test_evidence_that_changed_to_another_finding_and_back_is_news(store: Storage) -> None:
    screen = Screen(store)
    screen.answer(screen.open(0)[0], "overridden", 0.1)
    assert screen.open(1) == []
    screen.open(2, hemoglobin=Grade.SEVERE, topics=("incomplete-workup",))
    assert len(screen.open(3)) == 1, "another finding stood in between"


def test_feedback_of_another_client_on_an_unknown_card_never_counts_for_it(store: Storage) -> None:
    issued = card()
    send(store, [overridden(issued.uuid)], client="elsewhere")
    for patient in range(5):
        seen = Viewer("ehr", SERVICE, "user", f"patient {patient}")
        shown = issued if patient == 0 else card()
        remember(store, seen, [(shown, SHOWN)], evidence(), "v", NOW)
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
        "AND user_hash = 'u' AND issued_at > '2026-01-01' ORDER BY issued_at DESC LIMIT 10"
    )
    explain = "EXPLAIN" if store.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with store.transaction(only_reads=True) as connection:
        if store.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = repr(connection.exec_driver_sql(f"{explain} {query}").all())
    assert "issued_card_seen" in plan
