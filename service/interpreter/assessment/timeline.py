"""The facts with their reference times: what every part of the assessment asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhir_mappings.panel import (
    BLOOD_COUNTS,
    NO_STATEMENT,
    Analyte,
    Flag,
    Reason,
)
from service.interpreter.windows import Span, newest_first

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime, timedelta
    from decimal import Decimal

    from fhir_mappings.context import Condition, ValueSetName
    from fhir_mappings.panel import DataGroup, LabResult, Unreadable
    from service.interpreter.interpretation import Facts
    from service.interpreter.thresholds import Thresholds
    from service.interpreter.windows import Windows


LOW_FLAGS = frozenset({Flag.LOW, Flag.CRITICALLY_LOW})


@dataclass(frozen=True, slots=True)
class Timeline:
    """One patient at `now`. `anchor` is the newest blood count, at most 90 d old (2.4).

    `last_count` is that count whatever its age. `pregnant` and `trimester` follow 2.5.
    """

    facts: Facts
    now: datetime
    limits: Thresholds
    windows: Windows
    unavailable: frozenset[DataGroup]
    age: int | None
    child: bool
    anchor: datetime | None = None
    last_count: datetime | None = None
    pregnant: bool = False
    trimester: int | None = None

    @property
    def reference(self) -> datetime:
        """What windows count from: the anchor, without one the call."""
        return self.anchor or self.now

    @property
    def latest(self) -> datetime:
        """The latest specimen time that is accepted."""
        return self.now + self.windows.future

    def unknown(self, analyte: Analyte) -> bool:
        """Whether the analyte's data group could not be retrieved."""
        return analyte.group in self.unavailable

    def every(self, analyte: Analyte) -> tuple[LabResult, ...]:
        """All accepted results of the analyte, newest first; none when it is unknown."""
        results = self.facts.panel.results.get(analyte)
        if not results or self.unknown(analyte):
            return ()
        latest = self.latest
        return newest_first([result for result in results if result.taken <= latest])

    def drawn_in(self, analyte: Analyte, span: Span) -> set[datetime]:
        """Return when the accepted results of the analyte in the span were drawn."""
        if self.unknown(analyte):
            return set()
        start, end = span[0], min(span[1], self.latest)
        results = self.facts.panel.results.get(analyte, ())
        return {result.taken for result in results if start <= result.taken <= end}

    def newest(self, analyte: Analyte, span: Span | None) -> LabResult | None:
        """Return the newest accepted result in the span (A7)."""
        results = self.facts.panel.results.get(analyte)
        if not results or span is None or self.unknown(analyte):
            return None
        # Called about a hundred times in a call: one pass, no sorting.
        found: LabResult | None = None
        start, end = span[0], min(span[1], self.latest)
        for result in results:
            if start <= result.taken <= end and (found is None or result.taken > found.taken):
                found = result
        return found

    def unreadable(self, analyte: Analyte, span: Span | None) -> tuple[Unreadable, ...]:
        """Return results of the analyte in the span that were sent and cannot be used (A10).

        One without a time, or of the future, counts as of today. One that is only registered says
        nothing if the span has a result.
        """
        if not self.facts.panel.unreadable:
            return ()
        found = tuple(
            item
            for item in self.facts.panel.unreadable
            if item.analyte is analyte
            and item.reason not in NO_STATEMENT
            and (item.taken is None or (span is not None and span.holds(self.drawn(item))))
        )
        window = self.counts_span if analyte in BLOOD_COUNTS else span
        return tuple(
            item
            for item in found
            if item.reason is not Reason.STATUS
            or (usable := self.newest(analyte, window)) is None
            or self.is_later(item, usable)
        )

    def is_later(self, item: Unreadable, usable: LabResult) -> bool:
        """Whether a number that cannot be used is later than the 72 h in which another stands."""
        together = self.windows.counts_together
        return bool(item.reported) and usable.taken < self.drawn(item) - together

    def without_statement(
        self, analytes: Container[Analyte | None], span: Span
    ) -> tuple[Unreadable, ...]:
        """Return what was sent of the analytes in the span but is not this patient's."""
        return tuple(
            item
            for item in self.facts.panel.unreadable
            if item.reason in NO_STATEMENT
            and item.analyte in analytes
            and (item.taken is None or span.holds(self.drawn(item)))
        )

    def drawn(self, item: Unreadable) -> datetime:
        """Return when a result that cannot be used was drawn, today at the latest."""
        return min(item.taken or self.now, self.now)

    def since(self, analyte_window_start: datetime) -> Span:
        """From a moment to the call."""
        return Span(analyte_window_start, self.latest)

    def _around_anchor(self, around: timedelta) -> Span:
        return Span(self.reference - around, min(self.reference + around, self.latest))

    @property
    def counts_span(self) -> Span | None:
        """The 72 h that end at the anchor."""
        if self.anchor is None:
            return None
        return Span(self.anchor - self.windows.counts_together, self.anchor)

    @property
    def data_quality_span(self) -> Span:
        """The 90 d in which a refused blood count matters (3.3)."""
        return self.since(self.now - self.windows.stale)

    @property
    def iron_span(self) -> Span:
        """30 d around the anchor."""
        return self._around_anchor(self.windows.iron_around_anchor)

    @property
    def vitamin_span(self) -> Span:
        """From 90 d before the anchor to the call."""
        return self.since(self.reference - self.windows.vitamins_before_anchor)

    @property
    def hemolysis_span(self) -> Span:
        """7 d around the anchor."""
        return self._around_anchor(self.windows.hemolysis_around_anchor)

    @property
    def organ_span(self) -> Span:
        """From 90 d before the anchor to the call."""
        return self.since(self.reference - self.windows.organs_before_anchor)

    @property
    def smear_span(self) -> Span:
        """The last 30 d."""
        return self.since(self.now - self.windows.smear)

    @property
    def schistocytes_span(self) -> Span:
        """The last 3 d."""
        return self.since(self.now - self.windows.schistocytes)

    def upper_limit(
        self, result: LabResult | None, low: Decimal, high: Decimal, fixed: Decimal
    ) -> Decimal:
        """The laboratory's upper limit when it lies in `low` to `high`, else `fixed` (2.6)."""
        interval = None if result is None else result.interval
        own = None if interval is None else interval.high
        return self._own_or_fixed(own, low, high, fixed)

    def lower_limit(
        self, result: LabResult | None, low: Decimal, high: Decimal, fixed: Decimal
    ) -> Decimal:
        """The laboratory's lower limit when it lies in `low` to `high`, else `fixed` (2.6)."""
        interval = None if result is None else result.interval
        own = None if interval is None else interval.low
        return self._own_or_fixed(own, low, high, fixed)

    def _own_or_fixed(
        self, own: Decimal | None, low: Decimal, high: Decimal, fixed: Decimal
    ) -> Decimal:
        if self.pregnant or own is None or not low <= own <= high:
            return fixed
        return own

    def conditions(self, *sets: ValueSetName, active: bool = True) -> tuple[Condition, ...]:
        """Return the conditions in any of the sets, in chart order; only active ones by default."""
        if not self.facts.context.conditions:
            return ()
        wanted = frozenset(sets)
        return tuple(
            condition
            for condition in self.facts.context.conditions
            if condition.sets & wanted and (condition.active or not active)
        )


def newest_count(facts: Facts, latest: datetime) -> datetime | None:
    """Return when the newest accepted Hgb, WBC, ANC or platelets were drawn."""
    times = [
        result.taken
        for analyte in BLOOD_COUNTS
        for result in facts.panel.results.get(analyte, ())
        if result.taken <= latest
    ]
    return max(times, default=None)
