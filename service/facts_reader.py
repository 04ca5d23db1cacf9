"""Gathered documents to `Facts`: the laboratory, the patient and the clinical context, typed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_mappings.context_reader import read_context
from fhir_mappings.panel import DataGroup
from fhir_mappings.reader import PatientUnreadable, read_panel, read_patient
from service.clinical_data import OBSERVATION_GROUPS
from service.errors import ClinicalDataUnavailable
from service.interpreter.interpretation import Facts

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_mappings.terminology import Terminology
    from service.cds_hooks import CdsRequest
    from service.clinical_data import ClinicalData

_LABORATORY = (*OBSERVATION_GROUPS, DataGroup.DIAGNOSTIC_REPORTS)
_CONTEXT = tuple(group for group in DataGroup if group not in OBSERVATION_GROUPS)


def read_facts(
    data: ClinicalData, call: CdsRequest, now: datetime, terminology: Terminology
) -> Facts:
    """Read what was gathered.

    Raises ClinicalDataUnavailable when the Patient, without which nothing can be judged, cannot be
    read.
    """
    try:
        patient = read_patient(data.documents(DataGroup.PATIENT)[0], call.patient_id)
    except PatientUnreadable:
        raise ClinicalDataUnavailable(
            "The patient cannot be read",
            code="patient-unreadable",
            details=((DataGroup.PATIENT.value, "the Patient resource cannot be read"),),
        ) from None
    panel = read_panel(
        _laboratory_pages(data), call.patient_id, now, terminology, data.unavailable, patient
    )
    context = read_context(
        {group: data.documents(group) for group in _CONTEXT},
        None if call.draft_orders is None else bytes(call.draft_orders),
        call.selections,
        call.patient_id,
        now,
        terminology.orderables,
    )
    return Facts(
        patient,
        panel,
        replace(context, only_selected=call.hook == "order-select"),
        unavailable=data.unavailable | panel.unavailable,
        user_is_patient=call.user_id.startswith(("Patient/", "RelatedPerson/")),
    )


def _laboratory_pages(data: ClinicalData) -> dict[DataGroup, tuple[bytes, ...]]:
    """Return the laboratory's pages by key; one that several keys share stands under the first.

    Keys share pages when their search by code was refused and one by category took its place.
    """
    seen: set[bytes] = set()
    pages: dict[DataGroup, tuple[bytes, ...]] = {}
    for group in _LABORATORY:
        pages[group] = tuple(page for page in data.documents(group) if page not in seen)
        seen.update(pages[group])
    return pages
