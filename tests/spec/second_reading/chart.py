"""A patient as the second reading sees one: plain numbers in canonical units, days before the call.

Nothing here is shared with the product, so that a slip in one of the two shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

COUNTS = ("hgb", "wbc", "anc", "plt")
QUARTER = 15 / 1440
"""15 minutes in days: results this close come from one specimen."""


@dataclass(frozen=True)
class Value:
    """One result. `days` before the call; `bound` is a comparator; `low` and `high` the range.

    `refused`: why it cannot be used ("unit": an exclusion of 1.3; "absent": another reason of A10;
    "void": cancelled or entered in error), empty where it can.
    """

    analyte: str
    value: float
    days: float
    bound: str = ""
    status: str = "final"
    low: float | None = None
    high: float | None = None
    flag: str = ""
    refused: str = ""
    conflict: bool = False
    date_only: bool = False

    def below(self, limit: float) -> bool | None:
        """A9: is the true value below the limit? None: not to be told."""
        if self.bound in {"<", "<="}:
            certain = self.value <= limit if self.bound == "<" else self.value < limit
            return True if certain else None
        if self.bound in {">", ">="}:
            return False if self.value >= limit else None
        return self.value < limit

    def above(self, limit: float) -> bool | None:
        """A9: is the true value above the limit? None: not to be told."""
        if self.bound == ">":
            return True if self.value >= limit else None
        if self.bound == ">=":
            return True if self.value > limit else None
        if self.bound in {"<", "<="}:
            return False if self.value <= limit else None
        return self.value > limit


@dataclass(frozen=True)
class Film:
    """One film result: BLASTS, DYSPLASIA, TEARDROP, NRBC, PLT_CLUMP or SCHISTO.

    `amount` is the word that was sent: "absent", a little one (1.5) or any other.
    """

    kind: str
    amount: str
    days: float

    @property
    def present(self) -> bool:
        return self.amount != "absent"

    @property
    def little(self) -> bool:
        return self.amount in {"occasional", "rare", "few", "slight"}


@dataclass(frozen=True)
class Chart:
    """Everything about one patient. Days count back from the call; None: not so."""

    sex: str = "female"
    age: int = 67
    pregnant: bool = False
    trimester: int | None = None
    values: tuple[Value, ...] = ()
    films: tuple[Film, ...] = ()
    deceased: bool = False
    portal_user: bool = False
    hospice: bool = False
    palliative: bool = False
    disorder: bool = False
    provisional_disorder: bool = False
    history: bool = False
    chemotherapy_days: int | None = None
    chemotherapy_condition: bool = False
    stay_days: float | None = None
    portal_hypertension: bool = False
    splenomegaly: bool = False
    kidney_disease: bool = False
    kidney_unavailable: bool = False
    suppressive_drug: bool = False
    agranulocytosis_drug: bool = False
    drug_pancytopenia: bool = False
    b12_first: int | None = None
    b12_last: int | None = None
    b12_tablets: bool = False
    b12_deficiency: bool = False
    red_cells_days: float | None = None
    platelets_days: float | None = None
    intravenous_iron_days: int | None = None
    fever: bool = False
    febrile_neutropenia: bool = False
    night_sweats: bool = False
    marrow_days: float | None = None
    referral_days: int | None = None
    drafts: tuple[str, ...] = ()
    note: dict[str, str] = field(default_factory=dict)
    """What a test wants to remember about the chart; it decides nothing."""

    def usable(self, analyte: str) -> list[Value]:
        """Accepted results, newest first, one a specimen time (A7, A8)."""
        found = [v for v in self.values if v.analyte == analyte and not v.refused and v.days >= 0]
        found.sort(key=lambda v: v.days)
        kept: list[Value] = []
        for value in found:
            if kept and value.days - kept[-1].days <= QUARTER:
                kept[-1] = one_of(kept[-1], value)
            else:
                kept.append(value)
        return kept

    def newest(self, analyte: str, oldest: float, youngest: float = 0) -> Value | None:
        """The newest accepted result drawn between so many days before the call."""
        for value in self.usable(analyte):
            if youngest <= value.days <= oldest:
                return value
        return None

    def temperature(self, days: float) -> bool:
        """Any temperature of 38.0 Cel or more in the last days."""
        return any(v.value >= 38.0 and v.days <= days for v in self.usable("temp"))


def one_of(first: Value, second: Value) -> Value:
    """A7 and A8: which of two results of one analyte and time governs."""
    corrected = {"corrected", "amended"}
    if (first.status in corrected) != (second.status in corrected):
        return first if first.status in corrected else second
    lower, higher = sorted((first, second), key=lambda v: v.value)
    apart = higher.value - lower.value > higher.value / 10
    apart = apart and not (first.date_only and second.date_only)
    marked = apart and lower.status not in corrected and lower.analyte in COUNTS
    return Value(**{**lower.__dict__, "conflict": lower.conflict or higher.conflict or marked})


def neutrophils(chart: Chart) -> list[Value]:
    """1.4: every neutrophil count, direct or from WBC and the share of the same specimen."""
    direct = chart.usable("anc")
    made = []
    for share in chart.usable("neutpct"):
        for wbc in chart.usable("wbc"):
            if abs(wbc.days - share.days) <= QUARTER and not any(
                abs(d.days - wbc.days) <= QUARTER for d in direct
            ):
                product = wbc.value * share.value / 100
                made.append(Value("anc", product, wbc.days, status=wbc.status))
    return sorted([*direct, *made], key=lambda v: v.days)
