"""One chart with its states: what overlays and modifiers ask of it (3.2, 3.5)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tests.spec.second_reading import chemistry, lines
from tests.spec.second_reading.lines import Counts, least, over, yes

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Chart, Film, Value


class Patient:
    """One chart with its states, each worked out once."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.counts: Counts = lines.counts(chart)
        self.anchor = 0.0 if self.counts.anchor is None else self.counts.anchor

    @cached_property
    def b12(self) -> str:
        return chemistry.b12(self.chart, self.anchor)

    @cached_property
    def b12_open(self) -> bool:
        """Undecided (A9): B12 is neither LOW nor not LOW."""
        return chemistry.b12_open(self.chart, self.anchor)

    @cached_property
    def func(self) -> str:
        return chemistry.function(self.chart, self.anchor)[0]

    @cached_property
    def iron(self) -> str:
        return chemistry.iron(self.chart, self.anchor)

    @cached_property
    def severe(self) -> list[str]:
        return lines.severe(self.counts)

    @cached_property
    def anc_below_1(self) -> bool:
        return yes(self.counts.anc, 1.0)

    @cached_property
    def portal(self) -> bool:
        """M1: portal hypertension, or liver disease with a large spleen."""
        return self.chart.portal_hypertension

    @cached_property
    def constitutional(self) -> bool:
        """M3."""
        fever = self.chart.fever or self.chart.temperature(1)
        if self.chart.stay_days is not None:
            fever = fever and self.anc_below_1
        return self.chart.night_sweats or fever

    @cached_property
    def red_film(self) -> bool:
        """DYSPLASIA, TEARDROP or NRBC on a film of the last 30 days."""
        newest: dict[str, Film] = {}
        for film in sorted(self.chart.films, key=lambda each: -each.days):
            if film.days <= 30:
                newest[film.kind] = film
        kinds = ("DYSPLASIA", "TEARDROP", "NRBC")
        return any(kind in newest and newest[kind].present for kind in kinds)

    @cached_property
    def chemotherapy(self) -> bool:
        days = self.chart.chemotherapy_days
        return self.chart.chemotherapy_condition or (days is not None and days <= 42)

    def white(self) -> Value | None:
        return self.counts.anc or self.counts.wbc


def neutropenic_fever(p: Patient) -> bool:
    result = p.counts.anc or p.counts.wbc
    if result is None or result.days > 3:
        return False
    low = yes(p.counts.anc, 0.5) if p.counts.anc else yes(p.counts.wbc, 1.0)
    return low and (p.chart.temperature(1) or p.chart.febrile_neutropenia)


def microangiopathy(p: Patient) -> bool:
    platelets = p.counts.plt
    if not (p.counts.low_plt and p.counts.current and yes(platelets, 100)):
        return False
    seen = [f for f in p.chart.films if f.kind == "SCHISTO" and f.days <= 3]
    newest = min(seen, key=lambda film: film.days, default=None)
    if newest is None or not newest.present:
        return False
    ldh = p.chart.newest("ldh", p.anchor + 7, p.anchor - 7)
    haptoglobin = p.chart.newest("hapt", p.anchor + 7, p.anchor - 7)
    hemolysis = over(ldh, 250) or yes(haptoglobin, 30)
    return not newest.little or (yes(platelets, 50) and hemolysis)


def hlh(p: Patient) -> bool:
    ferritin = p.chart.newest("ferr", 7)
    hot = p.chart.temperature(3) or p.chart.fever or p.chart.febrile_neutropenia
    return bool(p.counts.pattern) and p.counts.current and least(ferritin, 10_000) and hot


def agranulocytosis(p: Patient) -> bool:
    anc = p.counts.anc
    if anc is None or anc.conflict or anc.days > 3 or not yes(anc, 0.5):
        return False
    return p.chart.agranulocytosis_drug and not p.chart.disorder and not p.chemotherapy


def marrow_exists(chart: Chart) -> bool:
    return chart.marrow_days is not None and chart.marrow_days <= 180


def referral_exists(chart: Chart) -> bool:
    return chart.referral_days is not None and chart.referral_days <= 90


def red_flag(p: Patient, overlays: list[str]) -> bool:
    """M1's red flags, history apart."""
    flags = {"circulating-blasts", "severe-cytopenias"}
    return bool(flags & set(overlays)) or p.red_film or p.constitutional
