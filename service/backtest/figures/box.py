"""The verdict box: the limits that the committee set, each met or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.backtest.figures.part import LimitMet
from service.backtest.small_groups import FEW, HIDDEN, is_small

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.backtest.figures.part import Measures
    from service.backtest.plan import Limit

_COUNTS = ("missed", "open_loops")


def verdict_box(limits: Iterable[Limit], measures: Measures) -> tuple[LimitMet, ...]:
    """Return each limit with what was found."""
    return tuple(_one(limit, measures) for limit in limits)


def _one(limit: Limit, measures: Measures) -> LimitMet:
    key = limit.measure
    if key.startswith("missed_"):
        key = "missed " + key.removeprefix("missed_").replace("_", " ")
    value = measures.values.get(key, 0 if key.startswith("missed ") else None)
    words = [
        f"{word} {bound:g}"
        for word, bound in (("at most", limit.at_most), ("at least", limit.at_least))
        if bound is not None
    ]
    name = limit.measure.replace("_", " ")
    if value is None:
        return LimitMet(name, ", ".join(words), "cannot be told", None)
    met = (limit.at_most is None or value <= limit.at_most) and (
        limit.at_least is None or value >= limit.at_least
    )
    if limit.measure.startswith(_COUNTS) and is_small(int(value)):
        return LimitMet(name, ", ".join(words), FEW, met)
    return LimitMet(name, ", ".join(words), HIDDEN if key in measures.few else f"{value:g}", met)
