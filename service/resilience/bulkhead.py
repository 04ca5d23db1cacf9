"""A bound on how many threads of a worker one slow thing can hold (the bulkhead pattern).

A limited number of callers use the thing at a time. Others wait for a place only while the thing
answers somebody; when it has been silent for a while, they are refused at once, and the thread is
free for calls that do not need it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 1.0
"""Seconds without an answer to anybody after which nobody waits for a place any more."""


class Full(Exception):
    """No place is free, and waiting for one is not worth a thread."""


class Bulkhead:
    """Places for the callers of one thing.

    `places`: callers at the same time. `waiting`: further callers that may wait for a place before
    the thing has answered anybody; once it answers, any number may. `on_change` is called for each
    one that comes (1) or goes (-1), waiting or inside.
    """

    def __init__(
        self,
        places: int,
        waiting: int,
        *,
        patience: float = PATIENCE,
        timer: Callable[[], float] = time.monotonic,
        on_change: Callable[[int], None] = lambda _change: None,
    ) -> None:
        self._places = places
        self._waiting_limit = waiting
        self._patience = patience
        self._timer = timer
        self._on_change = on_change
        self._condition = Condition()
        self._inside = 0
        self._waiting = 0
        self._begun = timer()
        self._answered = float("-inf")

    @property
    def is_idle(self) -> bool:
        """Whether nobody is inside or waiting."""
        return not (self._inside or self._waiting)

    @contextmanager
    def place(self, limit: float) -> Iterator[None]:
        """Hold a place for the block; leaving it without an error counts as an answer.

        Raises Full when there is none within `limit` seconds.
        """
        self.enter(limit)
        answered = False
        try:
            yield
            answered = True
        finally:
            self.leave(answered=answered)

    def enter(self, limit: float) -> None:
        """Take a place. Raises Full when there is none within `limit` seconds."""
        end = self._timer() + limit
        with self._condition:
            if self._inside >= self._places:
                self._wait(end)
            elif self._inside == 0:
                self._begun = self._timer()
            self._inside += 1
            self._on_change(1)

    def answered(self) -> None:
        """Record that the thing answered somebody."""
        with self._condition:
            self._answered = self._timer()

    def leave(self, *, answered: bool = False) -> None:
        """Give the place back."""
        with self._condition:
            if answered:
                self._answered = self._timer()
            self._inside -= 1
            self._on_change(-1)
            self._condition.notify()

    def _wait(self, end: float) -> None:
        if self._waiting >= self._waiting_limit and not self._answers(self._answered):
            raise Full
        self._waiting += 1
        self._on_change(1)
        try:
            while self._inside >= self._places:
                now = self._timer()
                heard = max(self._answered, self._begun)
                if now >= end or not self._answers(heard):
                    raise Full
                self._condition.wait(min(end, heard + self._patience) - now)
        finally:
            self._waiting -= 1
            self._on_change(-1)

    def _answers(self, heard: float) -> bool:
        return self._timer() - heard < self._patience


def bulkhead_for(
    threads: int,
    on_change: Callable[[int], None] = lambda _change: None,
    timer: Callable[[], float] = time.monotonic,
) -> Bulkhead:
    """Return the bound of a worker with so many threads: half of them inside, a quarter waiting."""
    return Bulkhead(max(1, threads // 2), max(1, threads // 4), timer=timer, on_change=on_change)
