"""Conditions to facts (clinical-definition 3.1 last paragraphs, and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.clinical_context.condition_words import named_in
from fhir_mappings.clinical_context.patient_resources import source_of
from fhir_mappings.context import Condition, ValueSetName
from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.code_systems import is_condition_system
from fhir_mappings.r4.context_resources import ConditionResource
from fhir_mappings.vocabulary.site_context import is_unread
from fhir_mappings.vocabulary.value_sets import display_of, sets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from fhir_mappings.clinical_context.condition_words import Named
    from fhir_mappings.clinical_context.patient_resources import PatientResources

_DROPPED = frozenset({"refuted", "entered-in-error"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_REMISSION = ValueSetName.HEMATOLOGIC_MALIGNANCY_IN_REMISSION
_HISTORY = ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY


def read_conditions(chart: PatientResources, today: date) -> Iterator[Condition]:
    """Yield the patient's Conditions that are in at least one value set.

    Refuted ones and those entered in error are left out; inactive ones stay, with `active` False.
    """
    for resource in chart.of_type(ConditionResource):
        condition = _read(resource, chart, today)
        if condition is not None:
            yield condition


def _read(resource: ConditionResource, chart: PatientResources, today: date) -> Condition | None:
    code = resource.code
    codings = chart.codings(code)
    found = sets_of(codings)
    words = None if found else _in_words(resource, chart)
    sets = words.sets if words else found
    if not sets or not chart.is_patient(resource.subject):
        return None
    verification = loose.codes(resource.verificationStatus)
    if verification & _DROPPED or (words and words.denied):
        return None
    doubted = bool(words and words.doubted)
    in_remission = _REMISSION in found or bool(words and words.in_remission)
    certain = verification <= {"confirmed"} and not doubted
    return Condition(
        sets=_standing(sets, past=bool(words and words.history)),
        display=next(iter(loose.texts(code)), "") or display_of(codings),
        active=_is_active(resource, today) and not (words and words.history),
        may_suppress=certain and ValueSetName.NEVER_SUPPRESS not in found,
        in_remission=in_remission and _is_malignancy(sets),
        onset=_onset(resource),
        abated=_abatement_day(resource),
        source=source_of(resource, "Condition"),
        in_words=words is not None,
        doubted=doubted,
    )


def _in_words(resource: ConditionResource, chart: PatientResources) -> Named | None:
    """What the words of a Condition name that has no code of a known system (5)."""
    codings = loose.codings(resource.code)
    coded = any(coding.code and is_condition_system(coding.system) for coding in codings)
    if coded or is_unread(codings, chart.site):
        return None
    return named_in(loose.texts(resource.code))


def _is_malignancy(sets: frozenset[ValueSetName]) -> bool:
    return bool(sets & {ValueSetName.HEMATOLOGIC_MALIGNANCY, _REMISSION})


def _standing(found: frozenset[ValueSetName], *, past: bool) -> frozenset[ValueSetName]:
    """Let a code of remission or personal history win over the Condition's other codes."""
    if _REMISSION in found:
        return frozenset({_REMISSION, _HISTORY})
    if past and ValueSetName.HEMATOLOGIC_MALIGNANCY in found:
        found |= {_HISTORY}
    if _HISTORY in found:
        return found - {ValueSetName.HEMATOLOGIC_MALIGNANCY}
    return found


def _is_active(resource: ConditionResource, today: date) -> bool:
    """Whether the Condition is active.

    An abatement that lies in the past contradicts the status active (R4 invariant con-4) and wins:
    a status that nobody updated must not silence a card.
    """
    status = loose.codes(resource.clinicalStatus)
    on = _abatement_day(resource)
    if on is not None and on > today:
        return not status or bool(status & _ACTIVE)
    if status:
        return bool(status & _ACTIVE) and on is None
    return not _has_abatement(resource)


def _has_abatement(resource: ConditionResource) -> bool:
    elements = (
        resource.abatementDateTime,
        resource.abatementPeriod,
        resource.abatementAge,
        resource.abatementRange,
        resource.abatementString,
        resource.abatementBoolean,
    )
    return any(bool(each) for each in elements)


def _abatement_day(resource: ConditionResource) -> date | None:
    period = resource.abatementPeriod
    return (
        loose.day(resource.abatementDateTime)
        or loose.day(loose.member(period, "end"))
        or loose.day(loose.member(period, "start"))
    )


def _onset(resource: ConditionResource) -> date | None:
    return (
        loose.day(resource.onsetDateTime)
        or loose.day(loose.member(resource.onsetPeriod, "start"))
        or loose.day(resource.recordedDate)
        or loose.day(resource.assertedDate)
    )
