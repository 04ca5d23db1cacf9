"""The iron state (clinical-definition 2.3, first match wins)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import Analyte, Note
from service.interpreter.assessment.cell_lines import red_cells_before
from service.interpreter.assessment.medications import given_between
from service.interpreter.interpretation import IronState
from service.interpreter.logic import single_state

if TYPE_CHECKING:
    from decimal import Decimal

    from fhir_mappings.context import Medication, Procedure
    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class IronStudies:
    """The results that the iron state rests on, and what confounds them.

    Each the newest of the window: the saturation alone needs iron and TIBC of one day (1.4, 2.4).
    """

    iron: LabResult | None = None
    capacity: LabResult | None = None
    saturation: LabResult | None = None
    ferritin: LabResult | None = None
    red_cells: tuple[Procedure, ...] = ()
    intravenous_iron: tuple[Medication, ...] = ()

    @property
    def sample(self) -> LabResult | None:
        """The sample from whose time earlier transfusions and iron are counted."""
        return self.iron or self.saturation or self.capacity or self.ferritin


def read_iron_studies(chart: Timeline) -> IronStudies:
    """Pick the iron studies of the 30 d around the anchor."""
    span = chart.iron_span
    iron = chart.newest(Analyte.IRON, span)
    capacity = chart.newest(Analyte.IRON_BINDING_CAPACITY, span)
    studies = IronStudies(
        iron=iron,
        capacity=capacity,
        saturation=_computed_saturation(iron, capacity, chart)
        or chart.newest(Analyte.TRANSFERRIN_SATURATION, span),
        ferritin=chart.newest(Analyte.FERRITIN, span),
    )
    sample = studies.sample
    if sample is None:
        return studies
    return replace(
        studies,
        red_cells=red_cells_before(chart, sample),
        intravenous_iron=_intravenous_iron(sample, chart),
    )


def _computed_saturation(
    iron: LabResult | None, capacity: LabResult | None, chart: Timeline
) -> LabResult | None:
    """Return what iron and TIBC of one day give: it goes before a reported saturation (1.4)."""
    apart = chart.windows.iron_together
    if iron is None or capacity is None or abs(iron.taken - capacity.taken) > apart:
        return None
    computed = (
        each
        for each in chart.every(Analyte.TRANSFERRIN_SATURATION)
        if Note.TSAT_COMPUTED in each.notes and abs(each.taken - iron.taken) <= apart
    )
    return min(computed, key=lambda each: abs(each.taken - iron.taken), default=None)


def _intravenous_iron(sample: LabResult, chart: Timeline) -> tuple[Medication, ...]:
    day = sample.taken.date()
    first = day - chart.windows.intravenous_iron_before_sample
    return given_between(chart, first, day, ValueSetName.INTRAVENOUS_IRON)


def iron_state(studies: IronStudies, chart: Timeline) -> IronState:
    """Return the iron state; MISSING when a bound leaves several open."""
    if studies.red_cells or studies.intravenous_iron:
        return IronState.CONFOUNDED
    limits = chart.limits
    low = iron_lower_limit(studies.iron, chart)
    capacity = studies.capacity
    bounds = _Bounds(
        limits,
        low,
        *capacity_limits(capacity, chart),
        measured=studies.sample is not None,
    )
    state = single_state(
        bounds.classify,
        (studies.iron, (low,)),
        (capacity, (bounds.capacity_low, bounds.capacity_high)),
        (studies.saturation, (limits.tsat_low, limits.tsat_normal, limits.tsat_high)),
        (studies.ferritin, (limits.ferritin_deficient, limits.ferritin_replete)),
    )
    return state or IronState.MISSING


def iron_lower_limit(iron: LabResult | None, chart: Timeline) -> Decimal:
    """Return below what iron is low, ug/dL: the laboratory's own limit where it is usable."""
    limits = chart.limits
    return chart.lower_limit(iron, limits.lab_iron_min, limits.lab_iron_max, limits.iron_low)


def capacity_limits(capacity: LabResult | None, chart: Timeline) -> tuple[Decimal, Decimal]:
    """Return the lower and upper limit of TIBC, ug/dL, chosen in the same way."""
    limits = chart.limits
    return (
        chart.lower_limit(
            capacity, limits.lab_tibc_low_min, limits.lab_tibc_low_max, limits.tibc_low
        ),
        chart.upper_limit(
            capacity, limits.lab_tibc_high_min, limits.lab_tibc_high_max, limits.tibc_high
        ),
    )


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The limits of one patient's iron studies; classifies exact values."""

    limits: Thresholds
    iron_low: Decimal
    capacity_low: Decimal
    capacity_high: Decimal
    measured: bool

    def classify(
        self,
        iron: Decimal | None,
        capacity: Decimal | None,
        saturation: Decimal | None,
        ferritin: Decimal | None,
    ) -> IronState:
        if ferritin is not None and ferritin < self.limits.ferritin_deficient:
            return IronState.TRUE_DEFICIENCY
        if saturation is not None and saturation > self.limits.tsat_high:
            return IronState.HIGH_SATURATION
        if iron is None:
            return IronState.PARTIAL if self.measured else IronState.MISSING
        if iron < self.iron_low:
            return self._iron_low(capacity, saturation, ferritin)
        return self._iron_not_low(capacity, saturation)

    def _iron_low(
        self, capacity: Decimal | None, saturation: Decimal | None, ferritin: Decimal | None
    ) -> IronState:
        if capacity is None:
            return IronState.PARTIAL
        if capacity > self.capacity_high:
            deficient = saturation is not None and saturation < self.limits.tsat_normal
            return IronState.TRUE_DEFICIENCY if deficient else IronState.PARTIAL
        if capacity < self.capacity_low:
            return IronState.CHRONIC_DISEASE
        return self._capacity_normal(saturation, ferritin)

    def _capacity_normal(self, saturation: Decimal | None, ferritin: Decimal | None) -> IronState:
        if saturation is None:
            return IronState.PARTIAL
        if saturation >= self.limits.tsat_normal:
            return IronState.INDEX
        if saturation >= self.limits.tsat_low:
            return IronState.INDEX_BORDERLINE
        replete = ferritin is not None and ferritin >= self.limits.ferritin_replete
        return IronState.CHRONIC_DISEASE if replete else IronState.LOW_INDETERMINATE

    def _iron_not_low(self, capacity: Decimal | None, saturation: Decimal | None) -> IronState:
        if saturation is None or saturation >= self.limits.tsat_low:
            return IronState.NORMAL
        high = capacity is not None and capacity > self.capacity_high
        return IronState.TRUE_DEFICIENCY if high else IronState.LOW_INDETERMINATE
