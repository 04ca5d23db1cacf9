"""Time windows, once, and picking results from them (clinical-knowledge 2.4 and 3.5).

A day is 24 h and both ends of a window belong to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from fhir_mappings.panel import Analyte, LookBack

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Every window. Ages count back from the call unless the name says otherwise."""

    same_specimen: timedelta = timedelta(minutes=15)
    future: timedelta = timedelta(hours=1)
    counts_together: timedelta = timedelta(hours=72)
    current: timedelta = timedelta(days=14)
    stale: timedelta = timedelta(days=90)
    clumps: timedelta = timedelta(hours=72)
    neutrophils_with_fever: timedelta = timedelta(days=3)
    temperature: timedelta = timedelta(hours=24)
    smear: timedelta = timedelta(days=30)
    schistocytes: timedelta = timedelta(days=3)
    new_blasts: timedelta = timedelta(days=3)
    blasts_before: timedelta = timedelta(days=90)
    severe_before: timedelta = timedelta(days=30)
    pancytopenia_before_from: timedelta = timedelta(days=90)
    pancytopenia_before_until: timedelta = timedelta(days=3)
    ferritin_with_fever: timedelta = timedelta(days=7)
    temperature_with_ferritin: timedelta = timedelta(hours=72)
    neutrophils_under_drug: timedelta = timedelta(days=3)
    course: timedelta = timedelta(days=730)
    iron_around_anchor: timedelta = timedelta(days=30)
    iron_together: timedelta = timedelta(hours=24)
    vitamins_before_anchor: timedelta = timedelta(days=90)
    hemolysis_around_anchor: timedelta = timedelta(days=7)
    organs_before_anchor: timedelta = timedelta(days=90)
    both_low_from: timedelta = timedelta(days=90)
    both_low_until: timedelta = timedelta(days=7)
    red_cells_before_sample: timedelta = timedelta(days=7)
    platelets_before_sample: timedelta = timedelta(days=3)
    intravenous_iron_before_sample: timedelta = timedelta(days=28)
    hospice: timedelta = timedelta(days=180)
    transplant: timedelta = timedelta(days=365)
    chemotherapy: timedelta = timedelta(days=42)
    suppressive_drug: timedelta = timedelta(days=30)
    agranulocytosis_drug: timedelta = timedelta(days=30)
    heparin: timedelta = timedelta(days=30)
    b12_medication: timedelta = timedelta(days=180)
    b12_treatment: timedelta = timedelta(days=60)
    b12_evidence: timedelta = timedelta(days=180)
    mma_after_first_dose: timedelta = timedelta(days=7)
    growth_factor: timedelta = timedelta(days=14)
    marrow_done: timedelta = timedelta(days=180)
    order_stands: timedelta = timedelta(days=90)
    encounter_ahead: timedelta = timedelta(days=60)
    pregnancy: timedelta = timedelta(days=300)


WINDOWS = Windows()

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
        **dict.fromkeys(
            (
                Analyte.HEMOGLOBIN,
                Analyte.LEUKOCYTES,
                Analyte.NEUTROPHILS,
                Analyte.NEUTROPHIL_PERCENT,
                Analyte.PLATELETS,
            ),
            WINDOWS.course,
        ),
    },
)
"""The longest windows in which laboratory numbers count. Of the blood counts one before the
current ones is wanted too, however old: when the line was not low (cards.md), or measured at all.
"""


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


def newest_first(items: Iterable[Dated]) -> tuple[Dated, ...]:
    """Sort by specimen time, newest first; stable."""
    return tuple(sorted(items, key=lambda item: item.taken, reverse=True))


def within(items: Iterable[Dated], span: Span) -> tuple[Dated, ...]:
    """Return the items taken in `span`, newest first."""
    return newest_first(item for item in items if span.holds(item.taken))


def days_ago(day: date | None, now: datetime) -> int | None:
    """Whole calendar days from `day` to the day of `now`; negative in the future."""
    return None if day is None else (now.date() - day).days


def recent(day: date | None, now: datetime, window: timedelta) -> bool:
    """Whether `day` is at most `window` ago, and not in the future.

    One day ahead is forgiven: a date has no time zone.
    """
    age = days_ago(day, now)
    return age is not None and -1 <= age <= window.days
