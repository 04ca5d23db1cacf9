"""The searches of one stage on the FHIR server: by code, by category where codes are refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from fhir_mappings.panel import OBSERVATION_GROUPS, DataGroup
from service.clinical_data.parallel import Key, Pages, run_side_by_side
from service.clinical_data.refused_searches import (
    COUNT,
    OPTIONAL,
    is_not_offered,
    is_refusal,
    without_count,
)
from service.clinical_data.search_log import SearchLog
from service.fhir_client.failures import Failure, FailureKind, FetchFailed
from service.fhir_client.responses import look_at
from service.observability.logging import Event, log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from service.cds_hooks.prefetch_template import Template
    from service.clinical_data.refused_searches import RefusalMemory
    from service.fhir_client.deadline import Deadline
    from service.fhir_client.server import FhirServer

_CATEGORIES = {
    DataGroup.TEMPERATURE: ("vital-signs",),
    DataGroup.PREGNANCY: ("laboratory", "social-history"),
}
_LABORATORY = ("laboratory",)

FILM_REPORTS_FROM = timedelta(days=31)
"""The 30 d in which a film counts (clinical-definition 2.4), and a day for time zones."""

FILM_REPORTS_SHARE = 0.4
"""Of the call's time: what an answer can do without must not use up what it needs."""

Tasks = dict[tuple[DataGroup, str], "Callable[[], Pages]"]
Answers = dict[DataGroup, "Pages | Failure"]


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """How to search: the templates, codes in one search, searches at a time, what was learned."""

    templates: Mapping[DataGroup, Template]
    memory: RefusalMemory
    codes_per_search: int = 20
    workers: int = 12


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer for one key. `continues`: it goes on where a prefetched Bundle stopped."""

    answer: Pages | Failure
    continues: bool = False


class Fetcher:
    """Fetches for one patient from one FHIR server within one deadline."""

    def __init__(
        self,
        server: FhirServer,
        patient_id: str,
        deadline: Deadline,
        plan: FetchPlan,
        search_log: SearchLog | None = None,
        now: datetime | None = None,
    ) -> None:
        self.server = server
        self._patient_id = patient_id
        self._deadline = deadline
        self._plan = plan
        self._search_log = search_log or SearchLog()
        self._now = now
        self._categories: dict[str, Pages | Failure] = {}
        self._film_deadline = deadline.part(FILM_REPORTS_SHARE)

    def fetch(self, next_links: Mapping[DataGroup, str | None]) -> dict[DataGroup, Fetched]:
        """Fetch the keys given: from a next link where there is one, else from the start."""
        not_offered = {group for group in next_links if self._is_not_offered(group)}
        fetched = self._fetch({g: link for g, link in next_links.items() if g not in not_offered})
        for group, got in fetched.items():
            if group in OPTIONAL and isinstance(got.answer, Failure) and is_not_offered(got.answer):
                self._note_not_offered(group)
                not_offered.add(group)
        failure = Failure(FailureKind.NOT_OFFERED)
        return fetched | {group: Fetched(failure) for group in not_offered}

    def _is_not_offered(self, group: DataGroup) -> bool:
        return group in OPTIONAL and self._plan.memory.refuses(str(self.server.base), group.value)

    def _note_not_offered(self, group: DataGroup) -> None:
        log.warning(Event.SEARCH_NOT_OFFERED, fhir_host=self.server.base.host, keys=[group.value])
        self._plan.memory.remember(str(self.server.base), group.value)

    def _fetch(self, next_links: Mapping[DataGroup, str | None]) -> dict[DataGroup, Fetched]:
        links = {group: link for group, link in next_links.items() if link is not None}
        tasks = self._searches(group for group in next_links if group not in links)
        answers = self._run(tasks | self._continuations(links))
        broken = {group for group in links if _may_search_anew(answers[group])}
        # A next link expires (HAPI: 410) or is out of reach: search from the beginning.
        answers |= self._run(self._searches(broken))
        answers |= self._instead_of_codes(set(next_links) - (set(links) - broken), answers)
        return {
            group: Fetched(answers[group], group in links and group not in broken)
            for group in next_links
        }

    def _run(self, tasks: Tasks) -> Answers:
        answers: Answers = {}
        for (group, _), answer in self.side_by_side(tasks).items():
            before = answers.get(group, ())
            if isinstance(before, Failure):
                continue
            answers[group] = answer if isinstance(answer, Failure) else (*before, *answer)
        return answers

    def side_by_side(self, tasks: Mapping[Key, Callable[[], Pages]]) -> dict[Key, Pages | Failure]:
        """Run requests of this call at the same time, once the server may be asked."""
        if tasks and (refused := self.server.enter()) is not None:
            return dict.fromkeys(tasks, refused)
        watched = self._search_log.watching(tasks, self._patient_id)
        answers = run_side_by_side(
            watched, self._deadline, self._plan.workers, self._hurried(tasks)
        )
        self._search_log.ended(answers)
        return answers

    def _hurried(self, tasks: Iterable[Key]) -> dict[Key, Deadline]:
        """Film reports may take a share of the time and no more."""
        film = DataGroup.FILM_REPORTS
        return {
            key: self._film_deadline for key in tasks if isinstance(key, tuple) and key[0] is film
        }

    def _server_for(self, group: DataGroup) -> FhirServer:
        is_film = group is DataGroup.FILM_REPORTS
        return self.server.within(self._film_deadline) if is_film else self.server

    def _continuations(self, links: Mapping[DataGroup, str]) -> Tasks:
        tasks: Tasks = {}
        for group, link in links.items():
            query = self._queries(group)[0]
            server = self._server_for(group)
            tasks[group, query] = partial(server.continue_search, query, link)
        return tasks

    def _searches(self, groups: Iterable[DataGroup]) -> Tasks:
        tasks: Tasks = {}
        for group in groups:
            template = self._plan.templates[group]
            if template.is_read:
                tasks[group, ""] = partial(self._read, template.resource_type)
            elif not (self._refuses_codes and group in OBSERVATION_GROUPS):
                for query in self._queries(group):
                    server = self._server_for(group)
                    tasks[group, query] = partial(self._search, query, server)
        return tasks

    def _search(self, query: str, server: FhirServer) -> Pages:
        """Search; where that is refused, again without a page size."""
        base, memory = str(server.base), self._plan.memory
        plain = without_count(query)
        if plain == query or memory.refuses(base, COUNT):
            return server.search(plain)
        try:
            return server.search(query)
        except FetchFailed as failed:
            if not is_refusal(failed.failure):
                raise
            try:
                pages = server.search(plain)
            except FetchFailed:
                raise failed from None
        log.warning(Event.COUNT_REFUSED, fhir_host=self.server.base.host)
        memory.remember(base, COUNT)
        return pages

    def read_members(self, ids: Iterable[str]) -> Pages:
        """Read Observations that panels name, side by side; those that can be had."""
        tasks = {f"Observation/{each}": partial(self._read_member, each) for each in ids}
        answers = self.side_by_side(tasks).values()
        return tuple(
            page for answer in answers if not isinstance(answer, Failure) for page in answer
        )

    def _read_member(self, resource_id: str) -> Pages:
        return (self.server.read("Observation", resource_id),)

    def _read(self, resource_type: str) -> Pages:
        body = self.server.read(resource_type, self._patient_id)
        if look_at(body).id not in {self._patient_id, ""}:
            raise FetchFailed(FailureKind.WRONG_PATIENT)
        return (body,)

    def _queries(self, group: DataGroup) -> tuple[str, ...]:
        template = self._plan.templates[group]
        if group is not DataGroup.FILM_REPORTS:
            return template.queries(self._patient_id, self._plan.codes_per_search)
        # One search: few reports have these codes, and fewer are of the last weeks.
        (query,) = template.queries(self._patient_id, max(len(template.codes), 1))
        if self._now is not None:
            query += f"&date=ge{(self._now - FILM_REPORTS_FROM).date()}"
        return (query,)

    @property
    def _refuses_codes(self) -> bool:
        return self._plan.memory.refuses(str(self.server.base))

    def _instead_of_codes(self, groups: Iterable[DataGroup], answers: Answers) -> Answers:
        """Search by category for the keys whose search by code was refused, now or before."""
        refused = [
            group
            for group in OBSERVATION_GROUPS
            if group in groups and _is_refused(answers.get(group))
        ]
        self._fetch_categories(refused)
        by_category = {group: self._of_categories(group) for group in refused}
        worked = any(not isinstance(answer, Failure) for answer in by_category.values())
        if worked and not self._refuses_codes:
            log.warning(Event.CODE_SEARCH_REFUSED, fhir_host=self.server.base.host)
            self._plan.memory.remember(str(self.server.base))
        return by_category

    def _fetch_categories(self, groups: Iterable[DataGroup]) -> None:
        tasks: dict[str, Callable[[], Pages]] = {}
        for group in groups:
            template = self._plan.templates[group]
            for category in _CATEGORIES.get(group, _LABORATORY):
                if category not in self._categories:
                    query = template.query_by_category(self._patient_id, category)
                    tasks[category] = partial(self._search, query, self.server)
        self._categories |= self.side_by_side(tasks)

    def _of_categories(self, group: DataGroup) -> Pages | Failure:
        pages: Pages = ()
        for category in _CATEGORIES.get(group, _LABORATORY):
            answer = self._categories[category]
            if isinstance(answer, Failure):
                return answer
            pages += answer
        return pages


def _is_refused(answer: Pages | Failure | None) -> bool:
    return answer is None or (isinstance(answer, Failure) and is_refusal(answer))


def _may_search_anew(answer: Pages | Failure) -> bool:
    return isinstance(answer, Failure) and answer.kind is not FailureKind.DEADLINE
