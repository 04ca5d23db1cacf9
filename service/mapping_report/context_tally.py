"""Counting how Conditions, medicines, procedures and encounters are read, by code.

As for results, nothing of a patient is kept: codes and their names, and numbers of entries. An
entry without any code is counted by what its words were read as, its words are not shown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from fhir_mappings.clinical_context.condition_words import named_in
from fhir_mappings.clinical_context.hospital_stays import STAYS, VISITS, class_of
from fhir_mappings.clinical_context.medications import name_medication
from fhir_mappings.clinical_context.patient_resources import PatientResources, open_chart
from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.code_systems import is_condition_system
from fhir_mappings.r4.context_resources import (
    ConditionResource,
    EncounterResource,
    MedicationRecord,
    ProcedureResource,
)
from fhir_mappings.r4.subjects import PatientNames
from fhir_mappings.vocabulary.site_context import is_unread
from fhir_mappings.vocabulary.value_sets import sets_of
from service.mapping_report.codings import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_mappings.context import ValueSetName
    from fhir_mappings.r4.decoding import Coding
    from fhir_mappings.terminology import Terminology
    from service.mapping_report.inputs import ChartDocuments

MOST_ROWS = 20_000


class Kind(StrEnum):
    """Which part of the context a code belongs to."""

    CONDITION = "Condition"
    MEDICINE = "medicine"
    PROCEDURE = "Procedure"
    ENCOUNTER = "Encounter"


class How(StrEnum):
    """What an entry was read by."""

    CODE = "by code"
    WORDS = "by words"
    NOT = "not read"
    NEVER = "never read"


class ContextKey(NamedTuple):
    """One code as sent; empty where there is none."""

    kind: Kind
    system: str
    code: str


class Reading(NamedTuple):
    """How one entry was read; `as_what` names value sets, a medicine or a class."""

    how: How
    as_what: tuple[str, ...] = ()


@dataclass(slots=True)
class ContextRow:
    """Everything that was counted for one code."""

    key: ContextKey
    display: str = ""
    count: int = 0
    read_as: Counter[Reading] = field(default_factory=Counter)

    def number(self, how: How) -> int:
        """How many entries were read this way."""
        return sum(number for reading, number in self.read_as.items() if reading.how is how)


@dataclass(slots=True)
class ContextTally:
    """The part of the report about everything that is not a result."""

    terminology: Terminology
    rows: dict[ContextKey, ContextRow] = field(default_factory=dict)
    beyond: int = 0

    def add(self, chart: ChartDocuments) -> None:
        """Count one chart."""
        resources = open_chart(
            chart.documents, PatientNames(chart.patient_id), self.terminology.context
        )
        for kind, codings, reading in _readings(resources):
            self._count(kind, codings, reading)

    def _count(self, kind: Kind, codings: tuple[Coding, ...], reading: Reading) -> None:
        coding = _telling(codings)
        system, code = (coding.system.strip(), short(coding.code)) if coding else ("", "")
        key = ContextKey(kind, system if code else "", code)
        row = self.rows.get(key)
        if row is None:
            if len(self.rows) >= MOST_ROWS:
                self.beyond += 1
                return
            row = self.rows[key] = ContextRow(key)
        row.display = row.display or (short(coding.display) if coding and code else "")
        row.count += 1
        row.read_as[reading] += 1


def _telling(codings: Iterable[Coding]) -> Coding | None:
    """The coding that a value set knows, else the first one."""
    codings = tuple(coding for coding in codings if coding.code)
    return next((each for each in codings if sets_of((each,))), next(iter(codings), None))


def _readings(chart: PatientResources) -> Iterator[tuple[Kind, tuple[Coding, ...], Reading]]:
    for resource in chart.resources:
        if isinstance(resource, ConditionResource):
            yield Kind.CONDITION, loose.codings(resource.code), _condition(resource.code, chart)
        elif isinstance(resource, ProcedureResource):
            codings = loose.codings(resource.code)
            yield Kind.PROCEDURE, codings, _by_code(sets_of(chart.codings(resource.code)))
        elif isinstance(resource, EncounterResource):
            yield Kind.ENCOUNTER, *_encounter(resource, chart)
        elif isinstance(resource, MedicationRecord):
            yield Kind.MEDICINE, *_medicine(resource, chart)


def _by_code(sets: frozenset[ValueSetName]) -> Reading:
    return Reading(How.CODE, tuple(sorted(sets))) if sets else Reading(How.NOT)


def _condition(code: object, chart: PatientResources) -> Reading:
    sets, sent = sets_of(chart.codings(code)), loose.codings(code)
    if sets:
        return _by_code(sets)
    if is_unread(sent, chart.site):
        return Reading(How.NEVER)
    if any(coding.code and is_condition_system(coding.system) for coding in sent):
        return Reading(How.NOT)
    named = named_in(loose.texts(code))
    if named is None or named.denied:
        return Reading(How.NOT)
    return Reading(How.WORDS, tuple(sorted(named.sets)))


def _medicine(
    record: MedicationRecord, chart: PatientResources
) -> tuple[tuple[Coding, ...], Reading]:
    named = name_medication(record, chart)
    sent = loose.codings(record.medicationCodeableConcept)
    if not named.drugs:
        return sent, Reading(How.NEVER if is_unread(sent, chart.site) else How.NOT)
    coded = sets_of(chart.codings(record.medicationCodeableConcept))
    names = tuple(dict.fromkeys(drug.name for drug in named.drugs))
    return sent, Reading(How.CODE if coded else How.WORDS, names)


def _encounter(
    resource: EncounterResource, chart: PatientResources
) -> tuple[tuple[Coding, ...], Reading]:
    kind = class_of(resource, chart.site)
    sent = loose.class_codings(resource.class_)
    if kind not in STAYS | VISITS:
        return sent, Reading(How.NOT)
    by_class = class_of(EncounterResource(class_=resource.class_), chart.site)
    named = any(coding.display for coding in sent)
    bare = EncounterResource(class_=[{"system": c.system, "code": c.code} for c in sent])
    by_code = by_class == kind and (not named or class_of(bare, chart.site) == kind)
    return sent, Reading(How.CODE if by_code else How.WORDS, (kind,))
