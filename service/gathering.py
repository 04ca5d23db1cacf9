"""The data of one call, in two stages: what was prefetched, and the rest from the FHIR server."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_mappings.panel import DataGroup
from service.clinical_data import (
    FIRST_STAGE,
    SECOND_STAGE,
    ClinicalData,
    DataSource,
    GroupData,
)
from service.fhir_failures import Failure, FailureKind
from service.medication_references import with_medications
from service.observability import Event, log
from service.prefetch import read_prefetched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.cds_hooks import CdsRequest
    from service.code_search import Template
    from service.fetching import Fetched, Fetcher
    from service.prefetch import Prefetched


class ClinicalDataSource:
    """Gathers for one call. `fetcher` is None when the call gives no fhirServer."""

    def __init__(
        self,
        call: CdsRequest,
        templates: Mapping[DataGroup, Template],
        fetcher: Fetcher | None = None,
    ) -> None:
        self._call = call
        self._templates = templates
        self._fetcher = fetcher

    def first_stage(self) -> ClinicalData:
        """Patient, blood counts, differential and film.

        Prefetched diagnostic reports are taken along: a count may stand in nothing but a report.
        """
        groups = self._gather(FIRST_STAGE)
        reports = self._prefetched(DataGroup.DIAGNOSTIC_REPORTS)
        if reports.usable and reports.next_link is None:
            groups[DataGroup.DIAGNOSTIC_REPORTS] = GroupData(DataSource.PREFETCH, reports.documents)
        return ClinicalData(groups)

    def second_stage(self, data: ClinicalData) -> ClinicalData:
        """Everything else, added to the first stage."""
        missing = [group for group in SECOND_STAGE if group not in data.groups]
        gathered = with_medications(self._gather(missing), self._fetcher)
        return ClinicalData({**data.groups, **gathered})

    def _gather(self, groups: Iterable[DataGroup]) -> dict[DataGroup, GroupData]:
        prefetched = {group: self._prefetched(group) for group in groups}
        wanted = {
            group: value.next_link
            for group, value in prefetched.items()
            if not value.usable or value.next_link is not None
        }
        fetched = self._fetcher.fetch(wanted) if self._fetcher and wanted else {}
        return {
            group: _group_data(group, value, fetched.get(group))
            for group, value in prefetched.items()
        }

    def _prefetched(self, group: DataGroup) -> Prefetched:
        value = read_prefetched(
            self._call.prefetch.get(group), self._templates[group], self._call.patient_id
        )
        if not value.usable and value.why_not:
            log.warning(Event.PREFETCH_NOT_USED, key=group.value, reason=value.why_not)
        return value


def _group_data(group: DataGroup, prefetched: Prefetched, fetched: Fetched | None) -> GroupData:
    if fetched is None:
        if prefetched.usable and prefetched.next_link is None:
            return GroupData(DataSource.PREFETCH, prefetched.documents)
        return _unavailable(group, prefetched, Failure(FailureKind.NO_FHIR_SERVER))
    if isinstance(fetched.answer, Failure):
        return _unavailable(group, prefetched, fetched.answer)
    if fetched.continues:
        return GroupData(DataSource.BOTH, (*prefetched.documents, *fetched.answer))
    return GroupData(DataSource.FHIR_SERVER, fetched.answer)


def _unavailable(group: DataGroup, prefetched: Prefetched, failure: Failure) -> GroupData:
    why = "the prefetched Bundle has a next link" if prefetched.usable else prefetched.why_not
    failure = replace(failure, prefetched=why)
    log.warning(
        Event.DATA_UNAVAILABLE, key=group.value, kind=failure.kind.value, status=failure.status
    )
    return GroupData(DataSource.UNAVAILABLE, failure=failure)
