"""A bound on how many threads one slow thing holds."""

from __future__ import annotations

import threading
import time

import pytest

from service.resilience.bulkhead import Bulkhead, Full
from tests.support.deadlines import AMPLE, SLACK, kept


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_within_the_places_nobody_waits() -> None:
    bulkhead = Bulkhead(2, 0)
    with bulkhead.place(0), bulkhead.place(0):
        assert not bulkhead.is_idle
    assert bulkhead.is_idle


def test_beyond_the_places_of_a_silent_thing_nobody_is_let_in() -> None:
    clock = Clock()
    bulkhead = Bulkhead(1, 0, timer=clock)
    bulkhead.enter(10)
    with pytest.raises(Full):
        bulkhead.enter(10)


def test_a_place_that_becomes_free_is_taken_by_who_waits() -> None:
    bulkhead = Bulkhead(1, 1, patience=AMPLE)
    bulkhead.enter(0)
    threading.Timer(0.1, bulkhead.leave).start()
    begun = time.monotonic()
    bulkhead.enter(AMPLE)
    assert 0.05 < time.monotonic() - begun < AMPLE - 1


def test_nobody_waits_longer_than_the_thing_is_silent() -> None:
    bulkhead = Bulkhead(1, 1, patience=0.2)
    bulkhead.enter(0)
    with kept(0.2), pytest.raises(Full):
        bulkhead.enter(2 * SLACK)


def test_while_it_answers_any_number_may_wait() -> None:
    bulkhead = Bulkhead(1, 0, patience=5)
    bulkhead.enter(0)
    bulkhead.answered()
    entered = threading.Semaphore(0)

    def wait() -> None:
        with bulkhead.place(5):
            entered.release()

    threads = [threading.Thread(target=wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    bulkhead.leave(answered=True)
    for thread in threads:
        thread.join(10)
    assert entered._value == 20
    assert bulkhead.is_idle


def test_no_waiter_outlasts_its_own_limit() -> None:
    bulkhead = Bulkhead(1, 1, patience=60)
    bulkhead.enter(0)
    with pytest.raises(Full):
        bulkhead.enter(0.05)


def test_an_error_inside_gives_the_place_back_and_is_no_answer() -> None:
    bulkhead = Bulkhead(1, 0, timer=Clock())
    with pytest.raises(ValueError, match="x"), bulkhead.place(0):
        raise ValueError("x")
    bulkhead.enter(0)
    with pytest.raises(Full):
        bulkhead.enter(0)


def test_every_coming_and_going_is_told() -> None:
    changes: list[int] = []
    bulkhead = Bulkhead(1, 1, patience=0.01, on_change=changes.append)
    with bulkhead.place(0), pytest.raises(Full):
        bulkhead.enter(1)
    assert sum(changes) == 0
    assert max(sum(changes[:n]) for n in range(1, len(changes))) == 2
