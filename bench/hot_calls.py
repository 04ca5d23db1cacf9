"""Where the time of the two hot calls goes: a profile, taken within this process."""

from __future__ import annotations

import cProfile
import io
import pstats
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.calls import PATH, body, present
from service.app import create_app
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

HOT = ((12, False), (1000, True))
"""Observations, and whether the patient is the normal one."""

SHOWN = 15
_ROOT = Path(__file__).parents[1]
_Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Spot:
    """One function: how often it runs in a call, its own milliseconds, its share of the call."""

    name: str
    runs: float
    milliseconds: float
    share: float


def profile(size: int, calls: int, *, normal: bool) -> list[Spot]:
    """The functions that take most of a call themselves, after as many calls to warm up."""
    settings = Settings(database_url="", audit_log="")
    client = create_app(settings, log_stream=io.StringIO()).test_client()
    data = body(size, present(), normal=normal)
    profiler = cProfile.Profile()
    for profiled in (False, True):
        if profiled:
            profiler.enable()
        for _ in range(calls):
            client.post(PATH, data=data, content_type="application/json")
    profiler.disable()
    return spots(pstats.Stats(profiler).stats, calls)  # type: ignore[attr-defined]


def spots(
    stats: Mapping[_Key, tuple[int, int, float, float, object]], calls: int, shown: int = SHOWN
) -> list[Spot]:
    """The first of a profile, most own time first."""
    whole = sum(row[2] for row in stats.values())
    first = sorted(stats.items(), key=lambda item: -item[1][2])[:shown]
    return [
        Spot(_name(key), row[1] / calls, row[2] / calls * 1000, row[2] / whole)
        for key, row in first
    ]


def _name(key: _Key) -> str:
    """A function as a reader finds it: file of ours or of a package, line, and name."""
    file, line, function = key
    if file == "~":
        return function.strip("<>")
    path = Path(file)
    if path.is_relative_to(_ROOT) and "site-packages" not in path.parts:
        return f"{path.relative_to(_ROOT)}:{line} {function}"
    return f"{Path(*path.parts[-2:])}:{line} {function}"
