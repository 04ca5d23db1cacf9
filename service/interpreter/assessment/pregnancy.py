"""Age, pregnancy and trimester (clinical-definition 1.4, 2.5)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.context import ValueSetName
from fhir_mappings.panel import DataGroup
from service.interpreter.windows import newest_first

if TYPE_CHECKING:
    from datetime import date, datetime

    from fhir_mappings.panel import PregnancyObservation
    from service.interpreter.assessment.timeline import Timeline

_SECOND_TRIMESTER_WEEKS = 14
_THIRD_TRIMESTER_WEEKS = 28
_TERM_WEEKS = 40
_LONGEST_WEEKS = 44
_OVERDUE = timedelta(weeks=_LONGEST_WEEKS - _TERM_WEEKS)
_WEEK = Decimal(7 * 24 * 3600)


def age_in_years(birth_date: date | None, now: datetime) -> int | None:
    """Return whole years at `now`; None without a birth date or with one in the future."""
    if birth_date is None:
        return None
    today = now.date()
    had_birthday = (today.month, today.day) >= (birth_date.month, birth_date.day)
    years = today.year - birth_date.year - (not had_birthday)
    return years if years >= 0 else None


def is_pregnant(chart: Timeline) -> bool:
    """Whether the patient is pregnant, as far as the record says.

    A status or a positive test of the last 300 d counts until a later negative one or a delivery.
    """
    if chart.conditions(ValueSetName.PREGNANCY_STATE):
        return True
    for observation in _recent(chart):
        if observation.pregnant is not None:
            return observation.pregnant and not _delivered(chart, observation.taken)
    return False


def pregnancy_unknown(chart: Timeline) -> bool:
    """Whether a pregnancy may be recorded in data that could not be retrieved."""
    hidden = {DataGroup.PREGNANCY, DataGroup.CONDITIONS}
    return not chart.pregnant and not chart.child and bool(hidden & chart.unavailable)


def _recent(chart: Timeline) -> tuple[PregnancyObservation, ...]:
    span = chart.since(chart.now - chart.windows.pregnancy)
    observations = (item for item in chart.facts.panel.pregnancy if span.holds(item.taken))
    return newest_first(observations)


def _delivered(chart: Timeline, since: datetime) -> bool:
    """Whether an estimated delivery date recorded since then is long enough past."""
    return any(
        item.delivery_date is not None
        and item.taken >= since
        and item.delivery_date + _OVERDUE < chart.now.date()
        for item in _recent(chart)
    )


def trimester_of(chart: Timeline) -> int | None:
    """Return 1, 2 or 3 at the time of the blood count, None without a gestational age."""
    for observation in _recent(chart):
        weeks = _weeks_at(observation, chart.reference)
        if weeks is not None and 0 <= weeks <= _LONGEST_WEEKS:
            if weeks < _SECOND_TRIMESTER_WEEKS:
                return 1
            return 2 if weeks < _THIRD_TRIMESTER_WEEKS else 3
    return None


def _weeks_at(observation: PregnancyObservation, moment: datetime) -> Decimal | None:
    if observation.gestational_weeks is not None:
        passed = Decimal(int((moment - observation.taken).total_seconds()))
        return observation.gestational_weeks + passed / _WEEK
    if observation.delivery_date is not None:
        return _TERM_WEEKS - Decimal((observation.delivery_date - moment.date()).days) / 7
    return None
