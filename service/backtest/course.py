"""What the rest of one patient's record shows: what was done, proven, treated, and when.

Everything is read by the readers of hook calls; each fact counts from the day on which it was
known or done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte
from fhir_mappings.r4 import elements
from service.interpreter.answer.existing_results import ANALYTES_OF_ORDER
from service.interpreter.assessment.assess import assess, open_chart
from service.interpreter.assessment.cell_lines import assess_lines
from service.interpreter.interpretation import (
    HEMATOLOGY_REFERRAL,
    MARROW_BIOPSY,
    B12State,
    CellLineState,
    FunctionState,
    IronState,
)
from service.interpreter.thresholds import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from fhir_mappings.context import ClinicalContext
    from fhir_mappings.panel import Panel
    from service.backtest.diseases import Disease
    from service.backtest.moments import Moment
    from service.backtest.patient_record import Record
    from service.interpreter.interpretation import States

_FAR = datetime(9998, 12, 31, tzinfo=UTC)
_MEDICINES = frozenset(
    {ValueSetName.B12_MEDICATION, ValueSetName.IRON_MEDICATION, ValueSetName.INTRAVENOUS_IRON}
)
_BEGUN_AFTER = timedelta(days=180)
"""A medicine is begun when none of its kind was seen for so long."""

_PROVING = (Analyte.VITAMIN_B12, Analyte.METHYLMALONATE, Analyte.FERRITIN)


@dataclass(frozen=True, slots=True)
class Treatment:
    """The begin of a B12 or iron medicine."""

    at: datetime
    is_b12: bool


class Course:
    """The whole record of one patient, looked at only as far as somebody asks."""

    def __init__(
        self, record: Record, counts: Sequence[Moment], diseases: Sequence[Disease]
    ) -> None:
        self.record = record
        self.counts = [moment.at for moment in counts]
        self.diseases = diseases
        self._states: dict[datetime, States] = {}
        self._normal: dict[datetime, bool] = {}

    @cached_property
    def context(self) -> ClinicalContext:
        """The context at the end of the record."""
        return self.record.context_at(_FAR)

    @cached_property
    def panel(self) -> Panel:
        """The laboratory at the end of the record."""
        return self.record.laboratory.everything

    @cached_property
    def _known(self) -> dict[str, datetime]:
        return {each.key: each.known for each in self.record.resources if each.known is not None}

    @cached_property
    def last_known(self) -> datetime | None:
        """The last moment at which anything of the patient became known."""
        dated = [at for at in self._known.values() if at.year > 1]
        return max(dated, default=None)

    @cached_property
    def died(self) -> datetime | None:
        """When the patient died, None when no date tells."""
        own = [each for each in self.record.resources if each.kind == "Patient"]
        written = [each.parsed.get("deceasedDateTime") for each in own]
        return next((at for text in written if (at := self.record.clock.at(text))), None)

    @cached_property
    def marrows(self) -> list[datetime]:
        """When the marrow was examined."""
        done = [
            each.performed
            for each in self.context.procedures
            if ValueSetName.MARROW_PROCEDURES in each.sets and each.performed is not None
        ]
        return sorted([*done, *(each.taken for each in self.panel.marrow)])

    @cached_property
    def hematology(self) -> list[datetime]:
        """When hematology was asked, seen or booked."""
        found = [
            each.authored
            for each in self.context.orders
            if each.authored is not None
            and (
                ValueSetName.HEMATOLOGY_REFERRALS in each.sets or HEMATOLOGY_REFERRAL in each.orders
            )
        ]
        for each in self.context.encounters:
            if ValueSetName.HEMATOLOGY_ENCOUNTERS not in each.sets:
                continue
            at = self._known.get(each.source) if each.is_appointment else each.start
            # An appointment that does not say when it was made counts from the visit itself.
            at = at if at is not None and at.year > 1 else each.start
            if at is not None:
                found.append(at)
        return sorted(found)

    @cached_property
    def treatments(self) -> list[Treatment]:
        """When B12 or iron was begun."""
        found: list[Treatment] = []
        for is_b12 in (True, False):
            kinds = (
                {ValueSetName.B12_MEDICATION}
                if is_b12
                else _MEDICINES - {ValueSetName.B12_MEDICATION}
            )
            last: date | None = None
            given = (each for each in self.context.medications if each.sets & kinds and each.first)
            for each in sorted(given, key=lambda medicine: medicine.first or _FAR.date()):
                if each.first is None:
                    continue
                if last is None or each.first - last > _BEGUN_AFTER:
                    found.append(Treatment(_morning(each.first), is_b12))
                last = max(last or each.first, each.last or each.first)
        return sorted(found, key=lambda treatment: treatment.at)

    def tests(self, orders: Iterable[str]) -> list[datetime]:
        """When one of these tests was ordered, or its result was taken."""
        wanted = set(orders) - {HEMATOLOGY_REFERRAL, MARROW_BIOPSY}
        found = [
            each.authored
            for each in self.context.orders
            if each.authored is not None and each.orders & wanted
        ]
        for order in sorted(wanted):
            for analyte in ANALYTES_OF_ORDER.get(order, ()):
                found += [result.taken for result in self.panel.results.get(analyte, ())]
        if "peripheral-smear" in wanted:
            found += [finding.taken for finding in self.panel.smear]
        return sorted(found)

    def b12_was_high(self, at: datetime) -> bool:
        """Whether B12 was high by the interpreter's own state when a medicine was begun."""
        return self._states_at(at).b12 in {B12State.ELEVATED, B12State.MARKED}

    def proven(self, start: datetime, end: datetime) -> str:
        """Return the first deficiency that results known from `start` to `end` prove."""
        moments = {start}
        for analyte in _PROVING:
            for result in self.panel.results.get(analyte, ()):
                known = self._known.get(result.source, result.taken)
                if start <= known <= end:
                    moments.add(known)
        for at in sorted(moments):
            states = self._states_at(at)
            if states.b12 is B12State.LOW:
                return "B12 low"
            if states.function is FunctionState.DEFICIENT:
                return "MMA high"
            if states.iron is IronState.TRUE_DEFICIENCY:
                return "iron deficiency"
        return ""

    def recovered(self, start: datetime, within: timedelta) -> bool:
        """Whether a count after `start` showed all three lines normal."""
        return any(self._is_normal(at) for at in self.counts if start < at <= start + within)

    def _states_at(self, at: datetime) -> States:
        """The interpreter's states by the results known at a moment; episodes share moments."""
        if at not in self._states:
            self._states[at] = assess(self.record.facts_of_results(at), at).states
        return self._states[at]

    def _is_normal(self, at: datetime) -> bool:
        if at not in self._normal:
            lines = assess_lines(open_chart(self.record.facts_of_results(at), at, LIMITS))
            self._normal[at] = all(fact.state is CellLineState.NORMAL for fact in lines.values())
        return self._normal[at]


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def first_after(moments: Iterable[datetime], start: datetime, end: datetime) -> datetime | None:
    """Return the first moment after `start`, up to `end`."""
    return next((at for at in sorted(moments) if start < at <= end), None)


def text_of(element: object) -> Iterator[str]:
    """Yield the texts of a concept."""
    yield from elements.texts(element)
