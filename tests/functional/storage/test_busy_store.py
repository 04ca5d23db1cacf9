"""A store that answers nobody holds half of a worker's threads at most."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from service.errors import StorageUnavailable
from service.resilience.bulkhead import bulkhead_for
from service.storage.store import Storage, create_engine
from tests.support.deadlines import until
from tests.support.tokens import database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    engine = create_engine(database(tmp_path))
    yield Storage(engine, "key", bulkhead=bulkhead_for(8))
    engine.dispose()


def test_a_locked_store_holds_four_of_eight_threads(storage: Storage, tmp_path: Path) -> None:
    locker = sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    seen: list[tuple[str, int]] = []

    def use() -> None:
        try:
            with storage.transaction():
                pass
        except StorageUnavailable as error:
            seen.append((error.code, error.retry_after))

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: len(seen) >= 16)
    at_once = list(seen)
    locker.close()
    for thread in threads:
        thread.join(20)
    assert len(at_once) == 16
    assert {code for code, _ in at_once} == {"storage-busy"}
    assert {after for _, after in at_once} == {1}
    assert len(seen) == 16


def test_a_busy_store_that_answers_refuses_nobody(storage: Storage) -> None:
    failed: list[str] = []

    def use() -> None:
        try:
            for _ in range(5):
                with storage.transaction():
                    time.sleep(0.005)
        except StorageUnavailable as error:
            failed.append(error.code)

    with storage.transaction():
        pass
    threads = [threading.Thread(target=use) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
