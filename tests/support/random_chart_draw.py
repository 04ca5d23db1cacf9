"""The scenes of the random charts and one chart in the making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.spec.second_reading.chart import Film, Value

if TYPE_CHECKING:
    import random

SEVERE = {"hgb": (6.5, 6.9), "anc": (0.3, 0.49), "wbc": (0.4, 0.49), "plt": (12, 19)}
LOW = {
    "hgb": (7.0, 8.5, 9.9, 10.0, 10.4, 10.5, 10.9, 11.9),
    "anc": (0.5, 0.9, 0.99, 1.0, 1.2, 1.7, 1.79),
    "wbc": (0.5, 0.9, 1.0, 1.9, 2.0, 2.9, 3.0, 3.9),
    "plt": (20, 29, 30, 45, 49, 50, 80, 99, 100, 120, 149),
}
NORMAL = {
    "hgb": (12.0, 12.5, 13.0, 14.2),
    "anc": (1.8, 2.5, 4.0),
    "wbc": (4.0, 6.5, 9.0, 29.0, 30.0, 31.0, 36.0, 50.0, 51.0),
    "plt": (150, 180, 250),
}
SCENES = {
    "plain": 3,
    "index": 5,
    "high b12": 4,
    "low b12": 3,
    "function": 4,
    "iron": 7,
    "unexplained": 4,
    "folate": 2,
    "two lines": 6,
    "two and unknown": 3,
    "hospital": 7,
    "portal": 3,
    "blasts": 4,
    "film": 2,
    "microangiopathy": 4,
    "hlh": 4,
    "fever": 5,
    "agranulocytosis": 4,
    "known": 5,
    "chemotherapy": 6,
    "stale": 4,
    "pregnant": 4,
    "child": 4,
    "treated": 6,
    "looked after": 2,
    "conflict": 2,
    "bounds": 2,
    "old anc": 3,
    "refused": 6,
    "transfused": 2,
    "drafts": 5,
    "gone": 1,
}
ROTATION = tuple(scene for scene, weight in SCENES.items() for _ in range(weight))


class Draw:
    """One chart in the making."""

    def __init__(self, dice: random.Random, scene: str) -> None:
        self.dice = dice
        self.scenes = {scene} | ({dice.choice(ROTATION)} if dice.random() < 0.5 else set())
        self.values: list[Value] = []
        self.films: list[Film] = []
        self.fields: dict[str, Any] = {}

    def about(self, scene: str, otherwise: float = 0.0, chance: float = 1.0) -> bool:
        """Whether the chart is about this, or happens to have some of it."""
        return self.dice.random() < (chance if scene in self.scenes else otherwise)

    def add(self, analyte: str, value: float, days: float, **more: Any) -> None:
        """Add one result, `days` before the anchor of the chart."""
        self.values.append(Value(analyte, value, days, **more))

    def line(self, name: str, low: set[str]) -> float:
        """A value of one count; the severe ones seldom."""
        if {"anc": "white", "wbc": "white"}.get(name, name) not in low:
            return self.dice.choice(NORMAL[name])
        return self.dice.choice((SEVERE if self.dice.random() < 0.09 else LOW)[name])

    def count(self, days: float, low: set[str], missing: set[str]) -> None:
        """One specimen: which lines are low, which were not counted."""
        for name in ("hgb", "plt"):
            if name not in missing:
                self.add(name, self.line(name, low), days)
        if "white" in missing:
            return
        anc, wbc = self.line("anc", low), self.line("wbc", low)
        only_wbc = self.dice.random() < 0.18
        if not only_wbc and self.dice.random() < 0.08:
            share = self.dice.choice((20, 45, 70))
            self.add("neutpct", share, days)
        elif not only_wbc:
            if self.dice.random() < 0.3:
                wbc = self.dice.choice(NORMAL["wbc"])
            self.add("anc", anc, days)
            wbc = max(wbc, anc)
        if only_wbc or self.dice.random() < 0.9 or anc not in {v.value for v in self.values}:
            self.add("wbc", wbc, days)
