"""Deadlines of tests: a short one where being late is what is tested, an ample one elsewhere.

A busy machine adds seconds to everything, so no test asks for less than `SLACK` beside a deadline.
What must be late is late by far more: it lasts for `LATE`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AMPLE = 30.0
SLACK = 15.0
LATE = 60.0


@contextmanager
def kept(deadline: float) -> Iterator[None]:
    """The block ends within `deadline` seconds, and what a busy machine adds."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < deadline + SLACK


def until(holds: Callable[[], bool], seconds: float = SLACK) -> None:
    """Wait until something holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
