"""The data of one call as gathered: documents per prefetch key, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from fhir_mappings.panel import DataGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.fhir_client.failures import Failure

FIRST_STAGE = (
    DataGroup.PATIENT,
    DataGroup.BLOOD_COUNTS,
    DataGroup.DIFFERENTIAL,
    DataGroup.SMEAR,
    DataGroup.FILM_REPORTS,
)
SECOND_STAGE = tuple(group for group in DataGroup if group not in FIRST_STAGE)

_ALL = tuple(DataGroup)
_EVERY = frozenset(DataGroup)


class DataSource(StrEnum):
    """Where the data of a key came from."""

    PREFETCH = "prefetch"
    FHIR_SERVER = "fhirServer"
    BOTH = "prefetch and fhirServer"
    NOT_ASKED = "not asked"
    UNAVAILABLE = "unavailable"


class GroupData(Struct, frozen=True):
    """One key: its documents, their source, and why it is unavailable when it is."""

    source: DataSource
    documents: tuple[bytes, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ClinicalData:
    """All keys of one call. A key that is missing here was not asked for."""

    groups: Mapping[DataGroup, GroupData] = field(default_factory=dict)

    def documents(self, group: DataGroup) -> tuple[bytes, ...]:
        """The documents of a key, none when it is unavailable or was not asked for."""
        data = self.groups.get(group)
        return data.documents if data is not None else ()

    @property
    def failures(self) -> dict[DataGroup, Failure]:
        """The keys that were asked for unsuccessfully, in their order."""
        failed = {g: data.failure for g, data in self.groups.items() if data.failure is not None}
        return {group: failed[group] for group in _ALL if group in failed} if failed else {}

    @property
    def unavailable(self) -> frozenset[DataGroup]:
        """The keys of which nothing is known: failed, or not asked for."""
        known = (group for group, data in self.groups.items() if data.failure is None)
        return _EVERY.difference(known)

    def described(self) -> dict[str, str]:
        """Per key in words: where its data came from, or why it is missing."""
        failures = self.failures
        return {
            group.value: self.source_of(group).value
            + (f": {failures[group].sentence}" if group in failures else "")
            for group in _ALL
        }

    @property
    def sources(self) -> dict[str, str]:
        """Where the data of each key came from that was asked for."""
        return {group: data.source for group, data in self.groups.items()}

    def source_of(self, group: DataGroup) -> DataSource:
        """Where the key's data came from."""
        data = self.groups.get(group)
        return data.source if data is not None else DataSource.NOT_ASKED
