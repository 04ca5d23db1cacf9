"""One patient's record during a backtest: its resources, and what was read of them once."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_mappings.clinical_context.patient import read_patient
from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.panel import DataGroup
from fhir_mappings.r4 import elements
from service.backtest.age_bands import age_band
from service.backtest.as_of import LaboratoryAsOf
from service.backtest.dated import LABORATORY, Clock, open_lines
from service.backtest.rewind import bundle, fulfilments, rewind
from service.backtest.set_aside import key_of
from service.interpreter.assessment.pregnancy import age_in_years
from service.interpreter.interpretation import Facts
from service.interpreter.thresholds import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from fhir_mappings.context import ClinicalContext, Patient
    from fhir_mappings.panel import Panel
    from fhir_mappings.terminology import Terminology
    from service.backtest.dated import Dated
    from service.backtest.moments import Moment
    from service.backtest.plan import Plan, Variant
    from service.backtest.standing import Standing
    from service.interpreter.thresholds import Thresholds


DANGLING = "named but not in the export: "
"""Begins the names of the counters of references that lead nowhere."""


@dataclass(frozen=True, slots=True)
class Run:
    """What every patient of a run is judged with. `hash_key` makes the names in the rows."""

    plan: Plan
    terminology: Terminology
    hash_key: str


def limits_of(variant: Variant) -> Thresholds:
    """Return the limits of a variant: those of the service with what differs."""
    if not variant.thresholds:
        return LIMITS
    changes: dict[str, Any] = {name: Decimal(value) for name, value in variant.thresholds.items()}
    return dataclasses.replace(LIMITS, **changes)


@dataclass(slots=True)
class Record:
    """One patient's resources and what was read of them once."""

    run: Run
    patient_id: str
    hashed: str
    patient: Patient
    resources: list[Dated]
    clock: Clock
    laboratory: LaboratoryAsOf
    context: list[Dated]
    fulfilled: dict[str, datetime]
    counters: Counter[str] = field(default_factory=Counter)
    _known: dict[datetime, Facts] = field(default_factory=dict)

    @property
    def results(self) -> list[Dated]:
        """The results."""
        return [each for each in self.resources if each.kind in LABORATORY]

    def facts_of_results(self, moment: datetime) -> Facts:
        """Return what was known of the laboratory, worked out once a moment."""
        if moment not in self._known:
            self._known[moment] = Facts(self._patient_at(moment), self.laboratory.at(moment))
        return self._known[moment]

    def facts(self, moment: datetime, known: Facts) -> Facts:
        """Return everything that was known, with the laboratory as read already."""
        return dataclasses.replace(known, context=self.context_at(moment))

    def context_at(self, moment: datetime) -> ClinicalContext:
        """Return the context as it stood, read by the reader of hook calls."""
        lines = rewind(self.context, moment, self.clock, self.fulfilled)
        return read_context(
            {DataGroup.CONDITIONS: [bundle(lines)]},
            None,
            (),
            self.patient_id,
            moment,
            self.run.terminology.orderables,
        )

    def _patient_at(self, moment: datetime) -> Patient:
        if not self.patient.deceased:
            return self.patient
        own = [each for each in self.resources if each.kind == "Patient"]
        lines = rewind(own, moment, self.clock, {})
        return read_patient(bundle(lines), self.patient_id)

    def first_day_known(self) -> datetime | None:
        """Return the first moment at which anything of the patient became known."""
        dated = (each.known for each in self.resources if each.known is not None)
        return min((at for at in dated if at.year > 1), default=None)

    def age_at(self, moment: datetime) -> str:
        """Return the band of age at a moment."""
        return age_band(age_in_years(self.patient.birth_date, moment))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one moment under one variant; `standing` None: no card."""

    moment: Moment
    standing: Standing | None
    panel: Panel
    not_answered: str = ""


def open_record(
    run: Run, patient_id: str, hashed: str, lines: Iterable[bytes], visible: timedelta
) -> Record:
    """Open one patient's lines. Raises PatientUnreadable when there is no Patient to be read."""
    clock = Clock(run.plan.zone, visible)
    resources, void = open_lines(lines, clock)
    patient = read_patient(
        bundle(each.raw for each in resources if each.kind == "Patient"), patient_id
    )
    results = [each for each in resources if each.kind in LABORATORY]
    context = [
        each for each in resources if each.kind not in LABORATORY or each.kind == "DiagnosticReport"
    ]
    record = Record(
        run,
        patient_id,
        hashed,
        patient,
        resources,
        clock,
        LaboratoryAsOf(patient_id, patient, results, run.terminology),
        context,
        fulfilments(resources),
    )
    record.counters["entered in error"] = void
    record.counters.update(_dangling(results))
    for each in resources:
        if each.known is None:
            record.counters[f"undated {each.kind}"] += 1
    return record


def _dangling(results: Iterable[Dated]) -> Counter[str]:
    """Count what panels and reports name and the export does not hold: each may be a count."""
    several = list(results)
    present = {each.key for each in several}
    found: Counter[str] = Counter()
    for each in several:
        for element, references in (
            ("hasMember", each.head.hasMember),
            ("result", each.head.result),
        ):
            if references:
                names = (key_of(reference) for reference in elements.items(references))
                found[f"{DANGLING}{element}"] += sum(
                    1 for name in names if name and not name.startswith("#") and name not in present
                )
    return found
