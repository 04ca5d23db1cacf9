"""Where a run stands: one line on a terminal with an estimate of the time left, lines in a log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY_ON_A_TERMINAL = 0.5
_EVERY_IN_A_LOG = 60.0
_ENOUGH = 0.02


@dataclass(slots=True)
class Progress:
    """Tells of the stages of a run. `write` prints text without a line end of its own."""

    write: Callable[[str], None]
    terminal: bool
    clock: Callable[[], float] = time.monotonic
    _stage: str = ""
    _began: float = 0.0
    _told: float = field(default=float("-inf"))
    _width: int = 0

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._end_line()
        self._stage, self._began, self._told = name, self.clock(), float("-inf")
        self.at(0, 1)

    def at(self, done: float, whole: float) -> None:
        """Tell how much of the stage is done, now and then."""
        now = self.clock()
        every = _EVERY_ON_A_TERMINAL if self.terminal else _EVERY_IN_A_LOG
        if now - self._told < every and done < whole:
            return
        self._told = now
        self._show(self._text(done, whole, now))

    def note(self, sentence: str) -> None:
        """Tell what the person who runs it must know, on a line of its own."""
        self._end_line()
        self.write(f"{sentence}\n")

    def done(self) -> None:
        """Leave the line."""
        self._end_line()

    def _text(self, done: float, whole: float, now: float) -> str:
        share = done / whole if whole else 1.0
        if not done:
            return self._stage
        text = f"{self._stage}: {100 * share:.0f} %"
        if _ENOUGH <= share < 1:
            text += f", about {_words((now - self._began) / share * (1 - share))} left"
        return text

    def _show(self, text: str) -> None:
        if not self.terminal:
            self.write(f"{text}\n")
            return
        self.write(f"\r{text:<{self._width}}")
        self._width = len(text)

    def _end_line(self) -> None:
        if self.terminal and self._width:
            self.write("\n")
        self._width = 0


def _words(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
