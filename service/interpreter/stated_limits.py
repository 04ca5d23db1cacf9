"""Limits and windows inside sentences, filled in from the tables when the sentence is said.

A text names them by their fields: `{anc_severe}` is a limit in its canonical unit, `{stale:days}`
or `{temperature:hours}` the length of a window. Filled from the tables that judged the patient, a
sentence cannot state another limit than the one that was used.
"""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from service.interpreter.thresholds import LIMITS, Thresholds
from service.interpreter.windows import WINDOWS, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

_NAME = re.compile(r"\{(\w+)\}")
_VALUES_OF_A_PATIENT = frozenset({"anc", "plt"})
"""Limits whose name a summary uses for the patient's own value."""

_UNITS = {
    "days": timedelta(days=1),
    "hours": timedelta(hours=1),
    "minutes": timedelta(minutes=1),
}


class _Length(timedelta):
    """A window that formats as a whole number of the unit named, `{stale:days}`."""

    def __format__(self, unit: str) -> str:
        number, rest = divmod(self, _UNITS[unit])
        if rest:
            raise ValueError(f"{self!s} is no whole number of {unit}")
        return str(number)


def with_standing_limits(text: str) -> str:
    """Return the text with the standing limits filled in and every other placeholder left alone."""
    return _NAME.sub(lambda found: _standing(found[0], found[1]), text)


def _standing(placeholder: str, name: str) -> str:
    known = _values(LIMITS, WINDOWS)
    return str(known[name]) if name in known and name not in _VALUES_OF_A_PATIENT else placeholder


def stated(text: str, limits: Thresholds = LIMITS, windows: Windows = WINDOWS) -> str:
    """Return the text with its limits and windows filled in.

    Raises KeyError for a name that is in neither table, ValueError for a window that is no whole
    number of the unit named.
    """
    return text.format_map(_values(limits, windows)) if "{" in text else text


@lru_cache(maxsize=32)
def _values(limits: Thresholds, windows: Windows) -> Mapping[str, Decimal | timedelta]:
    lengths = {
        each.name: _Length(seconds=getattr(windows, each.name).total_seconds())
        for each in fields(windows)
    }
    return {each.name: getattr(limits, each.name) for each in fields(limits)} | lengths
