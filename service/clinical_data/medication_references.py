"""Medications that medication resources only refer to, fetched for their names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from fhir_mappings.clinical_context.medications import (
    name_medication,
    unresolved_medication_references,
)
from fhir_mappings.clinical_context.patient_resources import NOBODY, open_chart
from fhir_mappings.panel import MEDICATION_GROUPS, DataGroup
from fhir_mappings.r4.context_resources import MedicationRecord
from service.clinical_data.gathered import DataSource, GroupData
from service.fhir_client.failures import Failure, FailureKind
from service.observability.logging import Event, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.clinical_data.fetching import Fetcher
    from service.clinical_data.parallel import Pages

MOST_REFERENCES = 60
"""Medications fetched for one call at most."""

Groups = dict[DataGroup, GroupData]


def with_medications(groups: Groups, fetcher: Fetcher | None) -> Groups:
    """Add the Medications that the medication keys refer to.

    A key that still holds a medicine without any name is unavailable in part: its documents are
    kept, because they are true, and its failure says that there is more.
    """
    medications = {group: groups[group] for group in MEDICATION_GROUPS if group in groups}
    documents = tuple(page for data in medications.values() for page in data.documents)
    references = unresolved_medication_references(documents)
    if not references:
        return groups
    fetched = _fetch(references[:MOST_REFERENCES], fetcher)
    found = tuple(page for pages in fetched.values() for page in pages)
    return groups | {
        group: _completed(data, found, (*documents, *found)) for group, data in medications.items()
    }


def _fetch(references: tuple[str, ...], fetcher: Fetcher | None) -> dict[str, Pages]:
    if fetcher is None:
        return {}
    tasks: dict[str, Callable[[], Pages]] = {
        reference: partial(_read, fetcher, reference) for reference in references
    }
    fetched: dict[str, Pages] = {}
    for reference, answer in fetcher.side_by_side(tasks).items():
        if isinstance(answer, Failure):
            log.warning(Event.MEDICATION_NOT_READ, kind=answer.kind.value, status=answer.status)
        else:
            fetched[reference] = answer
    return fetched


def _read(fetcher: Fetcher, reference: str) -> Pages:
    resource_type, _, resource_id = reference.partition("/")
    return (fetcher.server.read(resource_type, resource_id),)


def _completed(data: GroupData, found: Pages, everything: Pages) -> GroupData:
    if data.failure is not None:
        return data
    if _nameless(data.documents, everything):
        failure = Failure(FailureKind.MEDICATION_REFERENCE)
        data = replace(data, source=DataSource.UNAVAILABLE, failure=failure)
    # Every key gets all of them: a Medication is identified by its reference.
    return replace(data, documents=(*data.documents, *found))


def _nameless(documents: Pages, everything: Pages) -> bool:
    """Whether a record that counts has neither a code, nor a text, nor a readable Medication."""
    open_references = set(unresolved_medication_references(documents)) & set(
        unresolved_medication_references(everything)
    )
    if not open_references:
        return False
    chart = open_chart(everything, NOBODY)
    named = (
        name_medication(resource, chart)
        for resource in chart.resources
        if isinstance(resource, MedicationRecord)
    )
    return any(each.unresolved in open_references and not each.name for each in named)
