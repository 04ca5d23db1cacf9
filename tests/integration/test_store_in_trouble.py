"""A store that is locked, full, read-only, away, silent or without tables: cards go out anyway."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sqlalchemy as sa

from service.storage.database import create_engine
from service.storage.store import feedback, issued_card
from tests.support.databases import PostgreSQL, running_postgresql, upgraded
from tests.support.deadlines import kept
from tests.support.ehr import Ehr, item, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = "storage-not-migrated"


def _lock(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_a_locked_database_delays_no_card_and_acknowledges_no_feedback(sqlite_url: str) -> None:
    ehr = Ehr(sqlite_url, quiet_repeats=True)
    lock = _lock(sqlite_url)
    with kept(5):
        cards = ehr.open_chart()
    assert cards
    refused = ehr.give(item(cards[0]))
    assert refused.status_code == 503
    assert "storage-locked" in refused.text
    lock.execute("ROLLBACK")
    lock.close()
    assert ehr.give(item(cards[0])).status_code == 200
    assert "storage-locked" in ehr.log.getvalue()


def test_a_full_disk_and_a_read_only_file_are_named(sqlite_url: str) -> None:
    ehr = Ehr(sqlite_url)
    card = ehr.open_chart()[0]
    engine = create_engine(sqlite_url)
    pages = engine.connect().exec_driver_sql("PRAGMA page_count").scalar_one()
    engine.dispose()

    for pragma, code in (
        (f"PRAGMA max_page_count = {pages}", "storage-full"),
        ("PRAGMA query_only = ON", "storage-read-only"),
    ):
        broken = Ehr(sqlite_url)
        product_engine = broken.engine
        sa.event.listen(
            product_engine, "connect", lambda connection, _, p=pragma: connection.execute(p)
        )
        answers = [broken.give(*(item({"uuid": str(uuid4())}) for _ in range(500)))]
        assert broken.open_chart(), "cards are answered all the same"
        assert answers[0].status_code == 503
        assert code in answers[0].text
        assert card["uuid"] not in answers[0].text
        product_engine.dispose()


def test_a_missing_migration_is_named_and_cards_are_answered(tmp_path: Path) -> None:
    ehr = Ehr(f"sqlite:///{tmp_path}/none.sqlite3", quiet_repeats=True)
    cards = ehr.open_chart()
    assert cards
    refused = ehr.give(item(cards[0]))
    assert refused.status_code == 503
    assert "storage-not-migrated" in refused.text


def test_without_a_store_feedback_is_refused() -> None:
    ehr = Ehr("")
    cards = ehr.open_chart()
    assert ehr.give(item(cards[0])).status_code == 503


def test_a_lock_of_ten_seconds_holds_up_neither_reading_nor_cards(sqlite_url: str) -> None:
    ehr = Ehr(sqlite_url, quiet_repeats=True)
    ehr.give(item(ehr.open_chart()[0]))
    lock = _lock(sqlite_url)
    assert ehr.open_chart() == [], "what was said before is read beside a writer"
    assert ehr.http.get("/health/ready").status_code == 200
    lock.close()


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    yield from running_postgresql()


def test_postgresql_goes_and_comes_back(server: PostgreSQL) -> None:
    url = upgraded(server.new_database())
    ehr = Ehr(url, quiet_repeats=True)
    before = ehr.open_chart()
    server.stop()
    cards = ehr.open_chart()
    assert len(cards) == len(before)
    refused = ehr.give(item(before[0]))
    assert refused.status_code == 503
    assert "storage-unavailable" in refused.text
    assert "127.0.0.1" not in refused.text + ehr.log.getvalue().replace('"fhir_servers"', "")
    ready = ehr.http.get("/health/ready")
    # No call needs the store without tokens: only feedback waits.
    assert (ready.status_code, ready.get_json()["checks"]["database"]) == (
        200,
        "storage-unavailable",
    )
    assert ehr.http.get("/health/live").status_code == 200
    server.start()
    assert ehr.give(item(before[0])).status_code == 200
    assert ehr.open_chart() == []
    assert ehr.http.get("/health/ready").status_code == 200
    failures = [line for line in ehr.http.get("/metrics").text.splitlines() if "failures_t" in line]
    assert any(line.startswith("heme_hooks_store_failures_total{") for line in failures)
    assert {row["card"] for row in rows(url, feedback)} == {before[0]["uuid"]}


def test_a_postgresql_that_holds_the_line_and_says_nothing_delays_cards_once(
    server: PostgreSQL,
) -> None:
    ehr = Ehr(upgraded(server.new_database()), quiet_repeats=True)
    cards = ehr.open_chart()
    stopped = _processes(server)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        with kept(8):
            assert len(ehr.open_chart()) == len(cards)
            # The silent store is left alone for a while: asked each time, these take a minute.
            for _ in range(30):
                assert len(ehr.open_chart()) == len(cards)
        assert ehr.give(item(cards[0])).status_code == 503
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    assert ehr.give(item(cards[0])).status_code == 200


def _processes(server: PostgreSQL) -> list[int]:
    """The server and its children."""
    main = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    tasks = Path(f"/proc/{main}/task").glob("*/children")
    return [main, *(int(pid) for task in tasks for pid in task.read_text().split())]


def test_a_postgresql_that_may_only_be_read_or_is_locked_is_named(
    postgresql: PostgreSQL,
) -> None:
    url = upgraded(postgresql.new_database())
    ehr = Ehr(url, quiet_repeats=True)
    cards = ehr.open_chart()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE feedback, issued_card IN ACCESS EXCLUSIVE MODE"))
        with kept(5):
            assert len(ehr.open_chart()) == len(cards)
        assert "storage-locked" in ehr.give(item(cards[0])).text
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = engine.url.database
        connection.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    engine.dispose()
    ehr.dispose()
    assert "storage-read-only" in ehr.give(item(cards[0])).text
    assert len(ehr.open_chart()) == len(cards)


def test_a_postgresql_without_tables_is_named(postgresql: PostgreSQL) -> None:
    ehr = Ehr(postgresql.new_database(), quiet_repeats=True)
    cards = ehr.open_chart()
    assert cards
    assert MISSING in ehr.give(item(cards[0])).text
    ready = ehr.http.get("/health/ready")
    assert (ready.status_code, ready.get_json()["checks"]["migrations"]) == (200, MISSING)


def test_where_calls_carry_tokens_a_store_without_tables_is_not_ready(
    new_url: str, clients_file: Path
) -> None:
    ehr = Ehr(new_url, clients_file=clients_file)
    ready = ehr.http.get("/health/ready")
    assert (ready.status_code, ready.get_json()["checks"]["migrations"]) == (503, MISSING)


def test_where_calls_carry_tokens_a_store_that_cannot_be_written_is_not_ready(
    sqlite_url: str, clients_file: Path
) -> None:
    ehr = Ehr(sqlite_url, clients_file=clients_file)
    assert ehr.http.get("/health/ready").status_code == 200
    ehr.dispose()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as locker:
        locker.execute("BEGIN IMMEDIATE")
        ready = ehr.http.get("/health/ready")
    assert ready.status_code == 503
    assert ready.get_json()["checks"]["database"] == "storage-locked"
    assert ehr.http.get("/health/ready").status_code == 200
    assert Ehr(sqlite_url).http.get("/health/ready").status_code == 200


def test_an_older_schema_is_not_ready(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    engine.dispose()
    assert Ehr(url).http.get("/health/ready").get_json()["checks"] == {
        "database": "ok",
        "migrations": MISSING,
        "mappings": "ok",
    }


def test_a_store_that_fails_in_the_middle_keeps_nothing_of_the_request(url: str) -> None:
    ehr = Ehr(url)
    engine = ehr.engine

    def fail(_c: object, _k: object, statement: str, *_: object) -> None:
        if "INSERT INTO feedback_comment" in statement:
            raise sa.exc.OperationalError(statement, {}, OSError("gone"))

    sa.event.listen(engine, "before_cursor_execute", fail)
    commented = item({"uuid": "c2"}) | {"overrideReason": {"userComment": "why"}}
    assert ehr.give(item({"uuid": "c1"}), commented).status_code == 503
    assert rows(url, feedback) == []
    sa.event.remove(engine, "before_cursor_execute", fail)
    assert ehr.give(item({"uuid": "c1"}), commented).status_code == 200
    assert len(rows(url, feedback)) == 2
    assert rows(url, issued_card) == []
