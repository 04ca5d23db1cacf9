"""Medicines to facts: what was given or is being taken, and since when (clinical-definition 5).

A MedicationAdministration counts when in progress or completed; a MedicationStatement or
MedicationRequest when active or completed, a MedicationRequest also when stopped: until then it
was taken. Medicines for skin, eye, ear or bladder are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from fhir_mappings.clinical_context.drug_names import Drug, drugs_in
from fhir_mappings.clinical_context.drug_routes import Route, read_route
from fhir_mappings.clinical_context.patient_resources import (
    NOBODY,
    PatientResources,
    open_chart,
    resource_key,
    source_of,
)
from fhir_mappings.context import Medication, MedicationKind, ValueSetName
from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.context_resources import (
    MedicationAdministrationResource,
    MedicationRecord,
    MedicationRequestResource,
    MedicationStatementResource,
)
from fhir_mappings.vocabulary.value_sets import MEDICATION_TERM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_mappings.r4.decoding import Coding

_ACTIVE = frozenset({"active", "in-progress"})
_COUNTING = {
    MedicationKind.ADMINISTRATION: frozenset({"in-progress", "completed"}),
    MedicationKind.STATEMENT: frozenset({"active", "completed"}),
    MedicationKind.REQUEST: frozenset({"active", "completed", "stopped"}),
}
_NOT_YET_ORDERED = frozenset({"proposal", "option"})
_METHOTREXATE = "methotrexate"
_CLOCK_TOLERANCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Named:
    """What a record calls its medicine: the drugs of the value sets, a name, and the way of giving.

    `unresolved` is the relative reference of a Medication that no document holds.
    """

    drugs: tuple[Drug, ...]
    name: str
    route: Route
    unresolved: str = ""


@dataclass(frozen=True, slots=True)
class _Written:
    """What stands in a record or in the Medication that it refers to, not yet matched."""

    codings: tuple[Coding, ...]
    texts: tuple[str, ...]
    form: object
    unresolved: str


def read_medications(chart: PatientResources, today: date) -> Iterator[Medication]:
    """Yield one fact for each drug of each record of the patient that counts as given."""
    for record, kind in _records(chart):
        if not _counts(record, kind) or not chart.is_patient(record.subject):
            continue
        named = name_medication(record, chart)
        if not named.drugs or named.route.local:
            continue
        active, first, last = _dates(record, today)
        if first is not None and first > today + _CLOCK_TOLERANCE:
            continue
        for drug in named.drugs:
            yield Medication(
                sets=drug.sets,
                name=drug.name,
                kind=kind,
                active=active,
                first=first,
                last=last,
                drug_class=drug.drug_class,
                source=source_of(record, kind),
            )


def unresolved_medication_references(documents: Iterable[bytes]) -> tuple[str, ...]:
    """Return the references `Medication/id` that no document resolves, each once.

    Whoever gathers the data may fetch these and hand them in as further documents.
    """
    chart = open_chart(documents, NOBODY)
    records = (record for record, kind in _records(chart) if _counts(record, kind))
    found = (_written(record, chart).unresolved for record in records)
    return tuple(dict.fromkeys(each for each in found if each))


def name_medication(record: MedicationRecord, chart: PatientResources) -> Named:
    """Say which medicine a record is about.

    By medicationCodeableConcept, else by the Medication that medicationReference names, else by
    the display of the reference.
    """
    written = _written(record, chart)
    texts = written.texts
    route = read_route(texts, written.form, _dosages(record))
    by_site = (coding.code for coding in written.codings if coding.system == MEDICATION_TERM)
    drugs = tuple(_by_dose(drug, route) for drug in drugs_in(written.codings, (*texts, *by_site)))
    name = drugs[0].name if drugs else next(iter(texts), "")
    return Named(drugs, name, route, written.unresolved)


def _written(record: MedicationRecord, chart: PatientResources) -> _Written:
    concept = record.medicationCodeableConcept
    form, unresolved = None, ""
    codings, texts = chart.codings(concept), loose.texts(concept)
    if not codings and not texts:
        pointer = record.medicationReference
        written = loose.reference(pointer)
        medication = chart.medication(written, record)
        if medication is not None:
            form = medication.form
            concepts = [medication.code, *_active_ingredients(medication.ingredient)]
            codings = tuple(c for each in concepts for c in chart.codings(each))
            texts = tuple(t for each in concepts for t in loose.texts(each))
        elif resource_key(written).startswith("Medication/"):
            unresolved = resource_key(written)
        if not codings and not texts:
            texts = tuple(t for t in (loose.text(loose.member(pointer, "display")),) if t)
    return _Written(codings, texts, form, unresolved)


def _by_dose(drug: Drug, route: Route) -> Drug:
    if drug.name != _METHOTREXATE or not route.is_chemotherapy_dose:
        return drug
    return Drug(drug.name, frozenset({ValueSetName.MYELOSUPPRESSIVE_CHEMOTHERAPY}), drug.drug_class)


def _active_ingredients(ingredients: object) -> list[Any]:
    return [
        loose.member(each, "itemCodeableConcept")
        for each in loose.items(ingredients)
        if loose.member(each, "isActive") is not False
    ]


def _records(chart: PatientResources) -> Iterator[tuple[MedicationRecord, MedicationKind]]:
    kinds = {
        MedicationRequestResource: MedicationKind.REQUEST,
        MedicationStatementResource: MedicationKind.STATEMENT,
        MedicationAdministrationResource: MedicationKind.ADMINISTRATION,
    }
    for resource in chart.resources:
        if isinstance(resource, MedicationRecord):
            chart.before_each()
            yield resource, kinds[type(resource)]


def _counts(record: MedicationRecord, kind: MedicationKind) -> bool:
    if not loose.codes(record.status) & _COUNTING[kind]:
        return False
    if isinstance(record, MedicationRequestResource):
        intent = loose.codes(record.intent)
        return record.doNotPerform is not True and not intent & _NOT_YET_ORDERED
    return True


def _dosages(record: MedicationRecord) -> list[Any]:
    if isinstance(record, MedicationRequestResource):
        return loose.items(record.dosageInstruction)
    if isinstance(record, MedicationStatementResource | MedicationAdministrationResource):
        return loose.items(record.dosage)
    return []


def _dates(record: MedicationRecord, today: date) -> tuple[bool, date | None, date | None]:
    """Return whether it is being taken, and the first and last day that the record mentions.

    A single date (authoredOn, effectiveDateTime) is both. Only a Period without an end, or with
    one still to come, leaves the last day open, and only while the record is active.
    """
    status = loose.codes(record.status)
    single, period = _written_dates(record)
    start, end = loose.day(loose.member(period, "start")), loose.day(loose.member(period, "end"))
    over = end is not None and end < today
    active = bool(status & _ACTIVE) and not over
    first = start or single or end
    if active and start:
        return active, first, None
    last = min(end, today) if end else single or start
    if first and last:
        last = max(first, last)
    return active, first, last


def _written_dates(record: MedicationRecord) -> tuple[date | None, Any]:
    """Return the single date and the Period of a record."""
    if isinstance(record, MedicationRequestResource):
        repeats = (
            loose.member(each, "timing", "repeat", "boundsPeriod") for each in _dosages(record)
        )
        return loose.day(record.authoredOn), next((r for r in repeats if r), None)
    if isinstance(record, MedicationStatementResource):
        single = loose.day(record.effectiveDateTime)
        period = record.effectivePeriod
        asserted = None if period else loose.day(record.dateAsserted)
        return single or asserted, period
    if isinstance(record, MedicationAdministrationResource):
        return loose.day(record.effectiveDateTime), record.effectivePeriod
    return None, None
