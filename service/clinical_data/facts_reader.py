"""Gathered documents to `Facts`: the laboratory, the patient and the clinical context, typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.clinical_context.patient import names_of
from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.laboratory.record import LaboratoryRecord, PatientUnreadable, read_patient
from fhir_mappings.panel import CONTEXT_GROUPS, OBSERVATION_GROUPS, DataGroup
from service.clinical_data.reading_budget import ReadingBudget
from service.error_codes import ErrorCode
from service.errors import ClinicalDataUnavailable
from service.interpreter.interpretation import Facts
from service.interpreter.windows import LOOK_BACK, LOOK_BACK_OF_A_CARD

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from fhir_mappings.context import Patient
    from fhir_mappings.panel import LookBack
    from fhir_mappings.terminology import Terminology
    from service.cds_hooks.messages import CdsRequest
    from service.clinical_data.gathered import ClinicalData

_LABORATORY = (*OBSERVATION_GROUPS, DataGroup.FILM_REPORTS, DataGroup.DIAGNOSTIC_REPORTS)


class FactsReader:
    """Reads what was gathered for one call, after each stage; every page is read once."""

    def __init__(
        self,
        call: CdsRequest,
        now: datetime,
        terminology: Terminology,
        budget: Callable[[], None] | None = None,
    ) -> None:
        self._budget = budget or ReadingBudget()
        self._call = call
        self._now = now
        self._terminology = terminology
        self._patient: Patient | None = None
        self._laboratory: LaboratoryRecord | None = None

    @property
    def older_counts_unread(self) -> bool:
        """Whether what was read last left out blood counts that nothing depends on but a course."""
        return self._laboratory is not None and self._laboratory.older_counts_unread

    def read_course(self, data: ClinicalData) -> Facts:
        """Return what `read` does, with all that a card wants of the course of the counts."""
        return self._read(data, LOOK_BACK_OF_A_CARD)

    def read(self, data: ClinicalData) -> Facts:
        """Return the facts of all that was gathered so far.

        Raises ClinicalDataUnavailable when the Patient, without which nothing can be judged,
        cannot be read, or when reading takes more than the call's budget.
        """
        return self._read(data, LOOK_BACK)

    def _read(self, data: ClinicalData, look_back: LookBack) -> Facts:
        call, now, terminology = self._call, self._now, self._terminology
        patient = self._patient = self._patient or _patient(data, call.patient_id)
        if self._laboratory is None:
            self._laboratory = LaboratoryRecord(
                call.patient_id,
                now,
                terminology,
                patient,
                call.fhir_server or "",
                self._budget,
            )
        panel = self._laboratory.panel(
            _laboratory_pages(data),
            data.unavailable,
            # A call that asks for its evidence is shown the whole course of the results.
            None if call.wants_explanation else look_back,
        )
        context = read_context(
            {group: data.documents(group) for group in CONTEXT_GROUPS},
            None if call.draft_orders is None else bytes(call.draft_orders),
            call.selections,
            call.patient_id,
            now,
            terminology.orderables,
            only_selected=call.hook == "order-select",
            site_codes=terminology.context,
            names=names_of(patient, call.fhir_server or ""),
            before_each=self._budget,
        )
        return Facts(
            patient,
            panel,
            context,
            unavailable=data.unavailable | panel.unavailable,
            user_is_patient=call.user_id.startswith(("Patient/", "RelatedPerson/")),
        )


def _patient(data: ClinicalData, patient_id: str) -> Patient:
    try:
        return read_patient(data.documents(DataGroup.PATIENT)[0], patient_id)
    except PatientUnreadable:
        raise ClinicalDataUnavailable(
            "The patient cannot be read",
            code=ErrorCode.PATIENT_UNREADABLE,
            details=((DataGroup.PATIENT.value, "the Patient resource cannot be read"),),
        ) from None


def _laboratory_pages(data: ClinicalData) -> dict[DataGroup, tuple[bytes, ...]]:
    """Return the laboratory's pages by key; one that several keys share is under the first.

    Keys share pages when their search by code was refused and one by category took its place.
    """
    # Compared by their length first: the hash of a page costs as much as passing over it.
    seen: dict[int, list[bytes]] = {}
    pages: dict[DataGroup, tuple[bytes, ...]] = {}
    for group in _LABORATORY:
        pages[group] = tuple(
            page for page in data.documents(group) if page not in seen.get(len(page), ())
        )
        for page in pages[group]:
            seen.setdefault(len(page), []).append(page)
    return pages
