"""Conditions to facts (clinical-knowledge 3.1 last paragraphs, and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings import loose
from fhir_mappings.chart import source_of
from fhir_mappings.context import Condition, ValueSetName
from fhir_mappings.context_resources import ConditionResource
from fhir_mappings.value_sets import display_of, sets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from fhir_mappings.chart import Chart

_DROPPED = frozenset({"refuted", "entered-in-error"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_REMISSION = ValueSetName.HEMATOLOGIC_MALIGNANCY_IN_REMISSION
_HISTORY = ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY


def read_conditions(chart: Chart, today: date) -> Iterator[Condition]:
    """Yield the patient's Conditions that are in at least one value set.

    Refuted ones and those entered in error are left out; inactive ones stay, with `active` False.
    """
    for resource in chart.of_type(ConditionResource):
        condition = _read(resource, chart, today)
        if condition is not None:
            yield condition


def _read(resource: ConditionResource, chart: Chart, today: date) -> Condition | None:
    code = loose.value(resource.code)
    found = sets_of(loose.codings(code))
    if not found or not chart.is_patient(loose.value(resource.subject)):
        return None
    verification = loose.codes(loose.value(resource.verificationStatus))
    if verification & _DROPPED:
        return None
    in_remission = _REMISSION in found
    abated = _abated(resource, today)
    return Condition(
        sets=_standing(found),
        display=next(iter(loose.texts(code)), "") or display_of(loose.codings(code)),
        active=_is_active(resource, has_abated=abated),
        may_suppress=(
            verification <= {"confirmed"}
            and ValueSetName.NEVER_SUPPRESS not in found
            and not in_remission
            and not abated
        ),
        in_remission=in_remission,
        onset=_onset(resource),
        abated=_abatement_day(resource),
        source=source_of(resource, "Condition"),
    )


def _standing(found: frozenset[ValueSetName]) -> frozenset[ValueSetName]:
    """Let a code that says remission, or personal history, win over the Condition's other codes."""
    if _REMISSION in found:
        return frozenset({_REMISSION, _HISTORY})
    if _HISTORY in found:
        return found - {ValueSetName.HEMATOLOGIC_MALIGNANCY}
    return found


def _is_active(resource: ConditionResource, *, has_abated: bool) -> bool:
    status = loose.codes(loose.value(resource.clinicalStatus))
    return bool(status & _ACTIVE) if status else not has_abated


def _abated(resource: ConditionResource, today: date) -> bool:
    """Whether the record says that the Condition is over; an abatement yet to come does not."""
    on = _abatement_day(resource)
    if on is not None:
        return on <= today
    undated = (
        resource.abatementDateTime,
        resource.abatementPeriod,
        resource.abatementAge,
        resource.abatementRange,
        resource.abatementString,
        resource.abatementBoolean,
    )
    return any(bool(loose.value(each)) for each in undated)


def _abatement_day(resource: ConditionResource) -> date | None:
    period = loose.value(resource.abatementPeriod)
    return (
        loose.day(loose.value(resource.abatementDateTime))
        or loose.day(loose.member(period, "end"))
        or loose.day(loose.member(period, "start"))
    )


def _onset(resource: ConditionResource) -> date | None:
    return (
        loose.day(loose.value(resource.onsetDateTime))
        or loose.day(loose.member(loose.value(resource.onsetPeriod), "start"))
        or loose.day(loose.value(resource.recordedDate))
        or loose.day(loose.value(resource.assertedDate))
    )
