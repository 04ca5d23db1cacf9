"""The data of one call, in two stages: what was prefetched, and the rest from the FHIR server."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fhir_mappings.panel import DataGroup
from service.cds_hooks.prefetched import Prefetched, read_prefetched
from service.clinical_data.gathered import (
    FIRST_STAGE,
    SECOND_STAGE,
    ClinicalData,
    DataSource,
    GroupData,
)
from service.clinical_data.medication_references import with_medications
from service.fhir_client.failures import Failure, FailureKind
from service.interpreter.windows import COUNT_GROUPS
from service.observability.logging import Event, log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.cds_hooks.messages import CdsRequest
    from service.cds_hooks.prefetch_template import Template
    from service.clinical_data.fetching import Fetched, Fetcher

_FILM = DataGroup.FILM_REPORTS


class ClinicalDataSource:
    """Gathers for one call, which closes it. `fetcher` is None without a fhirServer.

    `dated` are the keys whose prefetch may hold only the time in which results decide.
    """

    def __init__(
        self,
        call: CdsRequest,
        templates: Mapping[DataGroup, Template],
        fetcher: Fetcher | None = None,
        dated: frozenset[DataGroup] = frozenset(),
    ) -> None:
        self._call = call
        self._templates = templates
        self._fetcher = fetcher
        self._dated = dated
        self._failures: Mapping[DataGroup, Failure] = {}
        self._members: set[str] = set()
        self._not_used: dict[DataGroup, str] = {}

    def first_stage(self) -> ClinicalData:
        """Patient, blood counts, differential, film and film reports.

        Prefetched diagnostic reports are used too: a count may be only in a report, and the film
        reports are among them.
        """
        reports = self._prefetched(DataGroup.DIAGNOSTIC_REPORTS)
        if reports.usable and reports.next_link is None:
            groups = self._gather(group for group in FIRST_STAGE if group is not _FILM)
            groups[DataGroup.DIAGNOSTIC_REPORTS] = GroupData(DataSource.PREFETCH, reports.documents)
        else:
            groups = self._gather(FIRST_STAGE)
        return self._gathered(groups)

    def with_reports(self, data: ClinicalData) -> ClinicalData:
        """Every diagnostic report, where no count was found anywhere else."""
        if DataGroup.DIAGNOSTIC_REPORTS in data.groups or self._fetcher is None:
            return data
        return self._gathered({**data.groups, **self._gather([DataGroup.DIAGNOSTIC_REPORTS])})

    def with_members(self, data: ClinicalData, ids: Iterable[str]) -> ClinicalData:
        """The Observations that panels and reports name, read by id beside the counts.

        One that cannot be read stays missing; the reader knows that.
        """
        if self._fetcher is None:
            return data
        wanted = [each for each in ids if each not in self._members]
        self._members.update(wanted)
        if not (pages := self._fetcher.read_members(wanted)):
            return data
        counts = data.groups[DataGroup.BLOOD_COUNTS]
        counts = replace(counts, documents=(*counts.documents, *pages))
        return self._gathered({**data.groups, DataGroup.BLOOD_COUNTS: counts})

    def second_stage(self, data: ClinicalData) -> ClinicalData:
        """Everything else, added to the first stage."""
        missing = [group for group in SECOND_STAGE if group not in data.groups]
        gathered = with_medications(self._gather(missing), self._fetcher)
        return self._gathered({**data.groups, **gathered})

    def with_older_counts(self, data: ClinicalData) -> ClinicalData:
        """The blood counts of every age, where only the newer ones were prefetched.

        What cannot be fetched is left as it was prefetched: it is what a finding rests on.
        """
        prefetched = {
            group: None
            for group in COUNT_GROUPS & self._dated
            if data.groups[group].source in {DataSource.PREFETCH, DataSource.BOTH}
        }
        if self._fetcher is None or not prefetched:
            return data
        fetched = self._fetcher.fetch(prefetched)
        older = {
            group: GroupData(DataSource.BOTH, (*data.documents(group), *got.answer))
            for group, got in fetched.items()
            if not isinstance(got.answer, Failure)
        }
        if len(older) < len(prefetched):
            log.warning(Event.OLDER_COUNTS_UNAVAILABLE, fhir_host=self._fetcher.server.base.host)
        return self._gathered({**data.groups, **older})

    def close(self) -> None:
        """End the use of the FHIR server by this call, and log what could not be had."""
        if self._fetcher is not None:
            self._fetcher.server.leave()
        self._log_gaps()

    def _log_gaps(self) -> None:
        """One line for what was wrong with the prefetch, and one for what is unavailable."""
        if self._not_used:
            reasons = [f"{group.value}: {why}" for group, why in self._not_used.items()]
            log.warning(Event.PREFETCH_NOT_USED, keys=reasons)
        kinds = [
            f"{group.value}={_kind(failure)}"
            for group, failure in self._failures.items()
            if failure.kind is not FailureKind.NOT_OFFERED  # said once, when it was found out
        ]
        if kinds:
            log.warning(Event.DATA_UNAVAILABLE, keys=kinds)

    def _gathered(self, groups: Mapping[DataGroup, GroupData]) -> ClinicalData:
        """Film reports are known once every report is: they are a part of them."""
        reports = groups.get(DataGroup.DIAGNOSTIC_REPORTS)
        film = groups.get(_FILM)
        if reports is not None and reports.failure is None and (film is None or film.failure):
            groups = {**groups, _FILM: GroupData(reports.source)}
        data = ClinicalData(groups)
        self._failures = data.failures
        return data

    def _gather(self, groups: Iterable[DataGroup]) -> dict[DataGroup, GroupData]:
        prefetched = {group: self._prefetched(group) for group in groups}
        wanted = {
            group: value.next_link
            for group, value in prefetched.items()
            if not value.usable or value.next_link is not None
        }
        fetched = self._fetcher.fetch(wanted) if self._fetcher and wanted else {}
        return {
            group: _group_data(value, fetched.get(group)) for group, value in prefetched.items()
        }

    def _prefetched(self, group: DataGroup) -> Prefetched:
        value = read_prefetched(
            self._call.prefetch.get(group), self._templates[group], self._call.patient_id
        )
        if self._is_doubtful(group, value):
            value = Prefetched(usable=False, why_not="an empty Bundle for a template with a date")
        if not value.usable and value.why_not:
            self._not_used[group] = value.why_not
        return value

    def _is_doubtful(self, group: DataGroup, value: Prefetched) -> bool:
        """Whether an empty answer is asked for again without a date.

        A CDS Client that does not know `today()` searches for it as it stands and finds nothing;
        and a search by date does not find a result that has no time of its own.
        """
        return group in self._dated and self._fetcher is not None and value.is_empty


def _group_data(prefetched: Prefetched, fetched: Fetched | None) -> GroupData:
    if fetched is None:
        if prefetched.usable and prefetched.next_link is None:
            return GroupData(DataSource.PREFETCH, prefetched.documents)
        return _unavailable(prefetched, Failure(FailureKind.NO_FHIR_SERVER))
    if isinstance(fetched.answer, Failure):
        return _unavailable(prefetched, fetched.answer)
    if fetched.continues:
        return GroupData(DataSource.BOTH, (*prefetched.documents, *fetched.answer))
    return GroupData(DataSource.FHIR_SERVER, fetched.answer)


def _unavailable(prefetched: Prefetched, failure: Failure) -> GroupData:
    why = "the prefetched Bundle has a next link" if prefetched.usable else prefetched.why_not
    return GroupData(DataSource.UNAVAILABLE, failure=dataclasses.replace(failure, prefetched=why))


def _kind(failure: Failure) -> str:
    return failure.kind.value + (f" {failure.status}" if failure.status else "")
