"""How much CPU the reading of one call may take, whatever its chart is made of.

Each text has a length limit, but a body may hold many of them: 16 MiB of film reports take longer
than any EHR waits, and hold up the other calls of the worker meanwhile.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from service.error_codes import ErrorCode
from service.errors import ClinicalDataUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

READING_SECONDS = 2.5
"""Of CPU, so that a busy machine refuses no chart. 20,000 usual results take half a second."""


class ReadingBudget:
    """Told before each resource that is read; raises ClinicalDataUnavailable when it is spent."""

    def __init__(
        self, seconds: float | None = None, timer: Callable[[], float] = time.thread_time
    ) -> None:
        self._timer = timer
        self._end = timer() + (READING_SECONDS if seconds is None else seconds)

    def __call__(self) -> None:
        """Go on, or end the call: half of a chart must not pass for the whole."""
        if self._timer() > self._end:
            raise ClinicalDataUnavailable(
                "The chart holds more than can be read in the time of a call",
                code=ErrorCode.CHART_TOO_COSTLY,
            )
