"""Encounters and Appointments to facts (clinical-definition 3.2 bicytopenia, M5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mappings.clinical_context.hospital_stays import class_of
from fhir_mappings.clinical_context.patient_resources import source_of
from fhir_mappings.context import Encounter
from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.context_resources import AppointmentResource, EncounterResource
from fhir_mappings.vocabulary.value_sets import sets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.clinical_context.patient_resources import PatientResources

_VOID = frozenset({"entered-in-error", "cancelled", "noshow"})


def read_encounters(chart: PatientResources) -> Iterator[Encounter]:
    """Yield the patient's Encounters and Appointments, except those that never took place."""
    for resource in chart.of_type(EncounterResource):
        status = loose.codes(resource.status)
        if status & _VOID or not chart.is_patient(resource.subject):
            continue
        period = resource.period
        participants = loose.items(resource.participant)
        roles = [loose.member(each, "type") for each in participants]
        leaving = loose.member(resource.hospitalization, "dischargeDisposition")
        yield Encounter(
            kind=class_of(resource, chart.site),
            status=next(iter(status), ""),
            start=loose.moment(loose.member(period, "start")),
            end=loose.moment(loose.member(period, "end")),
            sets=_sets(chart, resource.type, resource.serviceType, leaving, *roles),
            source=source_of(resource, "Encounter"),
        )
    yield from _appointments(chart)


def _appointments(chart: PatientResources) -> Iterator[Encounter]:
    for resource in chart.of_type(AppointmentResource):
        status = loose.codes(resource.status)
        participants = loose.items(resource.participant)
        actors = [loose.member(each, "actor") for each in participants]
        if status & _VOID or not any(chart.is_patient(actor) for actor in actors):
            continue
        asked = next(iter(loose.items(resource.requestedPeriod)), None)
        yield Encounter(
            kind="",
            status=next(iter(status), ""),
            start=loose.moment(resource.start) or loose.moment(loose.member(asked, "start")),
            end=loose.moment(resource.end) or loose.moment(loose.member(asked, "end")),
            sets=_sets(
                chart,
                *(raw for raw in (resource.serviceCategory, resource.serviceType)),
                *(raw for raw in (resource.specialty, resource.appointmentType)),
                *(loose.member(each, "type") for each in participants),
            ),
            is_appointment=True,
            source=source_of(resource, "Appointment"),
        )


def _sets(chart: PatientResources, *elements: object) -> frozenset[Any]:
    return frozenset().union(*(sets_of(chart.codings(element)) for element in elements))
