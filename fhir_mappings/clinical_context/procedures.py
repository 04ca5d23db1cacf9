"""Procedures, and imaging reports, to facts (clinical-definition 3.5 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.clinical_context.patient_resources import source_of
from fhir_mappings.context import ImagingReport, Procedure, ValueSetName
from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.code_systems import ICD_9_CM, normal_code, normal_system
from fhir_mappings.r4.context_resources import ProcedureResource, ReportResource
from fhir_mappings.vocabulary.value_sets import display_of, sets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from fhir_mappings.clinical_context.patient_resources import PatientResources
    from fhir_mappings.r4.decoding import Coding

_NOT_DONE = frozenset({"entered-in-error", "not-done"})
_REPORTED = frozenset({"final", "amended", "corrected", "appended", "preliminary", "partial"})
_IMAGING_ORDERS = {
    ValueSetName.IMAGING_ULTRASOUND_ABDOMEN: "ultrasound-abdomen",
    ValueSetName.IMAGING_CT_ABDOMEN_PELVIS: "ct-abdomen-pelvis",
}


def read_procedures(chart: PatientResources) -> Iterator[Procedure]:
    """Yield the patient's Procedures in at least one value set, with their FHIR status.

    Those entered in error or not done are left out. `performed` is the end of a period, or its
    start while it has no end.
    """
    for resource in chart.of_type(ProcedureResource):
        code = resource.code
        found = sets_of(filter(_is_no_procedure_volume, chart.codings(code)))
        status = loose.codes(resource.status)
        if not found or status & _NOT_DONE or not chart.is_patient(resource.subject):
            continue
        yield Procedure(
            sets=found,
            display=next(iter(loose.texts(code)), "") or display_of(chart.codings(code)),
            status=next(iter(status), ""),
            performed=when(resource.performedDateTime, resource.performedPeriod),
            source=source_of(resource, "Procedure"),
        )


def read_imaging(chart: PatientResources) -> Iterator[ImagingReport]:
    """Yield the reports that show an imaging order to be done already."""
    for resource in chart.of_type(ReportResource):
        found = sets_of(chart.codings(resource.code))
        orders = [order for name, order in _IMAGING_ORDERS.items() if name in found]
        status = loose.codes(resource.status)
        if not orders or not status & _REPORTED:
            continue
        taken = when(resource.effectiveDateTime, resource.effectivePeriod)
        taken = taken or loose.moment(resource.issued)
        if taken and chart.is_patient(resource.subject):
            source = source_of(resource, "DiagnosticReport")
            yield from (ImagingReport(order, taken, source) for order in orders)


def when(date_time: object, period: object) -> datetime | None:
    """Return the moment of a dateTime, else the end, else the start of a Period."""
    return (
        loose.moment(date_time)
        or loose.moment(loose.member(period, "end"))
        or loose.moment(loose.member(period, "start"))
    )


def _is_no_procedure_volume(coding: Coding) -> bool:
    """Keep an ICD-9-CM code on a Procedure only when it is a V code.

    Its procedure volume shares the system URI, and without dots 20.01 (an ear operation) would
    begin like 200.1 (a lymphoma). No procedure code begins with V.
    """
    return normal_system(coding.system) != ICD_9_CM or normal_code(coding.code).startswith("V")
