"""Backtests in trouble: workers that are slow, that die, a kernel that fails.

Each `load` stands for the loading of the terminology in a worker, and breaks the worker by the way.
As a program: `python -m tests.support.backtest_faults FAULT ARGUMENTS OF heme-hooks backtest`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest import judging, local_engine, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fhir_mappings.terminology import Terminology

MARKED = "p07"
"""The patient at whom the faults strike."""

_judge = judging.judge
_lines_of = workers.lines_of
_interpret = judging.interpret


def dying(marker: Path) -> Terminology:
    """A worker dies at the marked patient, every time; each death leaves a line in `marker`."""

    def judge(run: Any, patient: str, lines: Any) -> Any:
        if patient == MARKED:
            with marker.open("a", encoding="ascii") as file:
                file.write("died\n")
            os.kill(os.getpid(), signal.SIGKILL)
        return _judge(run, patient, lines)

    local_engine.judge = judge
    return default_terminology()


def dying_once(marker: Path) -> Terminology:
    """A worker dies at the marked patient, the first time."""
    return default_terminology() if marker.exists() else dying(marker)


def failing() -> Terminology:
    """The interpreter fails at the marked patient, with a value in the message."""

    def judge(run: Any, patient: str, lines: Any) -> Any:
        judging.interpret = _fail if patient == MARKED else _interpret
        return _judge(run, patient, lines)

    local_engine.judge = judge
    return default_terminology()


def _fail(*_: Any, **__: Any) -> Any:
    raise ArithmeticError("hemoglobin 8.9 of p07")


def slow_judging() -> Terminology:
    """Each patient takes a while."""

    def judge(run: Any, patient: str, lines: Any) -> Any:
        time.sleep(0.2)
        return _judge(run, patient, lines)

    local_engine.judge = judge
    return default_terminology()


def slow_reading() -> Terminology:
    """Each line takes a while."""

    def lines_of(piece: Any) -> Iterator[bytes]:
        for line in _lines_of(piece):
            time.sleep(0.02)
            yield line

    workers.lines_of = lines_of
    return default_terminology()


FAULTS: dict[str, Callable[[], Terminology]] = {
    "none": default_terminology,
    "slow-judging": slow_judging,
    "slow-reading": slow_reading,
}


def dying_at(marker: Path, *, once: bool = False) -> Callable[[], Terminology]:
    """What a run loads its terminology with, so that its workers die."""
    return partial(dying_once if once else dying, marker)


def main() -> None:
    """Run the command with a fault in its workers."""
    from service.cli import main as heme_hooks
    from service.commands import backtest

    fault = FAULTS[sys.argv[1]]
    backtest._terminology = lambda _: fault
    heme_hooks(["backtest", *sys.argv[2:]])


if __name__ == "__main__":
    from tests.support import backtest_faults

    backtest_faults.main()  # what goes to the workers must not be of `__main__`
