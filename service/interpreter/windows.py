"""Time windows, once, and picking results from them (clinical-definition 2.4 and 3.5).

A day is 24 h and both ends of a window belong to it.
"""

# ruff: noqa: RUF009  each window is a field built by `_window`, not a shared mutable default

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from fhir_mappings.panel import Analyte, DataGroup, LookBack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime


def _window(length: timedelta, meaning: str) -> Any:  # noqa: ANN401
    """Return a dataclass field that carries what the window is for."""
    return field(default=length, metadata={"meaning": meaning})


class WindowRow(NamedTuple):
    """One window as it is printed."""

    name: str
    length: timedelta
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Every window. Ages count back from the call unless the name says otherwise."""

    same_specimen: timedelta = _window(
        timedelta(minutes=15), "results of one specimen at most apart"
    )
    future: timedelta = _window(timedelta(hours=1), "a result ahead of the call is forgiven up to")
    counts_together: timedelta = _window(timedelta(hours=72), "blood counts belong together within")
    current: timedelta = _window(timedelta(days=14), "counts are current up to")
    stale: timedelta = _window(timedelta(days=90), "counts are stale up to, older ones are ignored")
    clumps: timedelta = _window(
        timedelta(hours=72), "clumps make platelets of the same days unreliable"
    )
    neutrophils_with_fever: timedelta = _window(
        timedelta(days=3), "neutrophils that count with fever at most old"
    )
    temperature: timedelta = _window(
        timedelta(hours=24), "temperatures that count as fever at most old"
    )
    smear: timedelta = _window(timedelta(days=30), "blasts and smear findings at most old")
    schistocytes: timedelta = _window(timedelta(days=3), "schistocytes at most old")
    new_blasts: timedelta = _window(timedelta(days=3), "new blasts in a known disorder at most old")
    blasts_before: timedelta = _window(
        timedelta(days=90), "no blasts before, in a known disorder, over"
    )
    severe_before: timedelta = _window(
        timedelta(days=30), "no severe count before, in a known disorder, over"
    )
    pancytopenia_before_from: timedelta = _window(
        timedelta(days=90), "no pancytopenia before, in a known disorder, from"
    )
    pancytopenia_before_until: timedelta = _window(
        timedelta(days=3), "no pancytopenia before, in a known disorder, until"
    )
    ferritin_with_fever: timedelta = _window(
        timedelta(days=7), "ferritin of possible-hlh at most old"
    )
    temperature_with_ferritin: timedelta = _window(
        timedelta(hours=72), "temperatures that count with that ferritin at most old"
    )
    neutrophils_under_drug: timedelta = _window(
        timedelta(days=3), "neutrophils of drug-agranulocytosis at most old"
    )
    course: timedelta = _window(
        timedelta(days=730), "the last value that was not low is looked for over"
    )
    iron_around_anchor: timedelta = _window(
        timedelta(days=30), "iron studies before or after the counts"
    )
    iron_together: timedelta = _window(
        timedelta(hours=24), "iron and TIBC for a computed saturation at most apart"
    )
    vitamins_before_anchor: timedelta = _window(
        timedelta(days=90), "B12, folate, MMA and homocysteine before the counts"
    )
    hemolysis_around_anchor: timedelta = _window(
        timedelta(days=7), "LDH, bilirubin, haptoglobin and reticulocytes around the counts"
    )
    organs_before_anchor: timedelta = _window(
        timedelta(days=90), "creatinine, eGFR and liver tests before the counts"
    )
    both_low_from: timedelta = _window(
        timedelta(days=90), "both lines low before a hospital stay, from"
    )
    both_low_until: timedelta = _window(
        timedelta(days=7), "both lines low before a hospital stay, until"
    )
    red_cells_before_sample: timedelta = _window(
        timedelta(days=7), "red cells transfused before the sample"
    )
    platelets_before_sample: timedelta = _window(
        timedelta(days=3), "platelets transfused before the sample"
    )
    intravenous_iron_before_sample: timedelta = _window(
        timedelta(days=28), "intravenous iron before the iron sample"
    )
    hospice: timedelta = _window(timedelta(days=180), "hospice care recorded at most ago")
    transplant: timedelta = _window(
        timedelta(days=365), "a transplant procedure counts as active for"
    )
    chemotherapy: timedelta = _window(timedelta(days=42), "chemotherapy given at most ago")
    suppressive_drug: timedelta = _window(
        timedelta(days=30), "marrow-suppressive medicines given at most ago"
    )
    agranulocytosis_drug: timedelta = _window(
        timedelta(days=30), "medicines known for agranulocytosis given at most ago"
    )
    heparin: timedelta = _window(timedelta(days=30), "heparin given at most ago")
    b12_medication: timedelta = _window(timedelta(days=180), "B12 medicine given at most ago")
    b12_treatment: timedelta = _window(
        timedelta(days=60), "treated-b12-deficiency: first B12 dose at most ago"
    )
    b12_evidence: timedelta = _window(
        timedelta(days=180), "evidence of B12 deficiency before the first dose at most ago"
    )
    mma_after_first_dose: timedelta = _window(
        timedelta(days=7), "MMA still raised counts against treatment later than"
    )
    growth_factor: timedelta = _window(timedelta(days=14), "growth factors given at most ago")
    marrow_done: timedelta = _window(timedelta(days=180), "marrow examined at most ago")
    order_stands: timedelta = _window(timedelta(days=90), "referral or marrow ordered at most ago")
    order_exists: timedelta = _window(
        timedelta(days=30), "the same order is not proposed again for"
    )
    marked_b12: timedelta = _window(
        timedelta(days=90), "two marked B12 results need no repeat within"
    )
    serology: timedelta = _window(timedelta(days=365), "infection and antibody tests stand for")
    imaging: timedelta = _window(timedelta(days=180), "imaging stands for")
    encounter_ahead: timedelta = _window(timedelta(days=60), "a hematology visit at most ahead")
    pregnancy: timedelta = _window(timedelta(days=300), "a pregnancy recorded at most ago")


WINDOWS = Windows()


def table(windows: Windows = WINDOWS) -> Iterator[WindowRow]:
    """Yield every window in the order of clinical-definition 2.4 and 3.5, to be printed."""
    for item in fields(windows):
        yield WindowRow(item.name, getattr(windows, item.name), item.metadata["meaning"])


LOOK_BACK = LookBack(
    days=max(
        WINDOWS.stale,
        WINDOWS.vitamins_before_anchor,
        WINDOWS.organs_before_anchor,
        WINDOWS.both_low_from,
        WINDOWS.pancytopenia_before_from,
    ),
    together=WINDOWS.counts_together + WINDOWS.same_specimen,
    counts={
        Analyte.HEMOGLOBIN: Analyte.HEMOGLOBIN,
        Analyte.LEUKOCYTES: Analyte.LEUKOCYTES,
        Analyte.NEUTROPHILS: Analyte.NEUTROPHILS,
        Analyte.NEUTROPHIL_PERCENT: Analyte.NEUTROPHILS,
        Analyte.PLATELETS: Analyte.PLATELETS,
    },
    longer={
        Analyte.VITAMIN_B12: WINDOWS.b12_treatment + WINDOWS.b12_evidence,
        Analyte.METHYLMALONATE: WINDOWS.b12_treatment + WINDOWS.b12_evidence,
        Analyte.BLAST_PERCENT: WINDOWS.new_blasts + WINDOWS.blasts_before,
        Analyte.BLASTS: WINDOWS.new_blasts + WINDOWS.blasts_before,
    },
)
"""The longest windows in which laboratory numbers decide. Of the blood counts one before the
current ones is wanted too, however old: severe is new or not (3.1), a line was measured or never.
"""

LOOK_BACK_OF_A_CARD = LookBack(
    days=LOOK_BACK.days,
    together=LOOK_BACK.together,
    counts=LOOK_BACK.counts,
    longer={**LOOK_BACK.longer, **dict.fromkeys(LOOK_BACK.counts, WINDOWS.course)},
)
"""What a card needs beyond it: since when each line is low (3.4)."""


_REACH_OF_COUNTS = max(
    WINDOWS.course,
    WINDOWS.stale + LOOK_BACK.days,
    WINDOWS.new_blasts + WINDOWS.blasts_before,
)

REACH: Mapping[DataGroup, timedelta] = {
    DataGroup.BLOOD_COUNTS: _REACH_OF_COUNTS,
    DataGroup.DIFFERENTIAL: _REACH_OF_COUNTS,
    DataGroup.SMEAR: max(
        WINDOWS.new_blasts + WINDOWS.blasts_before, WINDOWS.stale + WINDOWS.clumps
    ),
    DataGroup.IRON_STUDIES: WINDOWS.stale + WINDOWS.iron_around_anchor + WINDOWS.iron_together,
    DataGroup.VITAMIN_B12: max(
        WINDOWS.stale + WINDOWS.vitamins_before_anchor,
        WINDOWS.b12_treatment + WINDOWS.b12_evidence,
    ),
    DataGroup.HEMOLYSIS: WINDOWS.stale + WINDOWS.hemolysis_around_anchor,
    DataGroup.KIDNEY_FUNCTION: WINDOWS.stale + WINDOWS.organs_before_anchor,
    DataGroup.LIVER_FUNCTION: WINDOWS.stale + WINDOWS.organs_before_anchor,
    DataGroup.TEMPERATURE: max(WINDOWS.temperature, WINDOWS.temperature_with_ferritin),
    DataGroup.PREGNANCY: WINDOWS.pregnancy,
    DataGroup.MARROW_RESULTS: WINDOWS.marrow_done,
}
"""How long before the call a result of the group can decide anything, counts being up to 90 d old.

A group that is not named has results that decide however old they are. Of the blood counts the last
one before can be shown however old it is (`wants_older_counts`).
"""

COUNT_GROUPS = frozenset({DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL})
"""The groups of which an older result than their reach can be shown."""


class Span(NamedTuple):
    """From `start` to `end`, both included."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime | None) -> bool:
        """Whether `moment` lies in the span; None does not."""
        return moment is not None and self.start <= moment <= self.end


class _Taken(Protocol):
    @property
    def taken(self) -> datetime: ...


Dated = TypeVar("Dated", bound=_Taken)


_TAKEN = attrgetter("taken")


def newest_first(items: Iterable[Dated]) -> tuple[Dated, ...]:
    """Sort by specimen time, newest first; stable."""
    return tuple(sorted(items, key=_TAKEN, reverse=True))


def within(items: Iterable[Dated], span: Span) -> tuple[Dated, ...]:
    """Return the items taken in `span`, newest first."""
    return newest_first(item for item in items if span.holds(item.taken))


def days_ago(day: date | None, now: datetime) -> int | None:
    """Whole calendar days from `day` to the day of `now`; negative in the future."""
    return None if day is None else (now.date() - day).days


def recent(day: date | None, now: datetime, window: timedelta) -> bool:
    """Whether `day` is at most `window` ago, and not in the future.

    One day ahead is accepted: a date has no time zone.
    """
    age = days_ago(day, now)
    return age is not None and -1 <= age <= window.days
