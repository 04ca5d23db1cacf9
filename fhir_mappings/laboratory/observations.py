"""One FHIR R4 Observation, its components and what it contains, to readings.

Code first (A5), then status, subject, specimen and time (`envelopes`), then the value. Every value
that is there gives exactly one kind of answer: measured, a finding, unreadable with a reason, or
unmapped; nothing is dropped in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from fhir_mappings.laboratory.envelopes import (
    NOTHING_CONTAINED,
    Contained,
    called,
    observation_envelope,
)
from fhir_mappings.laboratory.measurements import measure
from fhir_mappings.laboratory.miscoded_counts import miscoded_count
from fhir_mappings.laboratory.numbers import NoNumber, read_number
from fhir_mappings.laboratory.readings import Measured, Reported, Unmapped
from fhir_mappings.laboratory.refusals import refused
from fhir_mappings.laboratory.serology import read_pregnancy, read_serology
from fhir_mappings.laboratory.share_by_unit import meaning_by_unit
from fhir_mappings.laboratory.smear import (
    finding,
    read_narrative,
    read_notes,
    read_presence,
    words_of,
)
from fhir_mappings.panel import (
    BLOOD_COUNTS,
    UNSURE,
    Analyte,
    DataGroup,
    MarrowResult,
    Reason,
    SmearMethod,
    SmearSet,
    Unreadable,
)
from fhir_mappings.r4.decoding import ResourceKinds, decode
from fhir_mappings.r4.laboratory_resources import Observation, PatientResource, Specimen
from fhir_mappings.r4.references import keys_of
from fhir_mappings.terminology import CodeKind, Role
from fhir_mappings.vocabulary.concepts import classify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from msgspec import Raw

    from fhir_mappings.laboratory.readings import Envelope, Reading, ReadingContext
    from fhir_mappings.r4.laboratory_resources import Component
    from fhir_mappings.r4.subjects import NamedPatient
    from fhir_mappings.terminology import CodeMeaning

_CONTAINED = ResourceKinds(Observation, Specimen, PatientResource)
_BLOOD_COUNT = frozenset({DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL, DataGroup.SMEAR})
_HINTS_ONLY = frozenset({Role.DEPRECATED, Role.POSSIBLE_BLASTS})
_BLAST_ANALYTES = frozenset({Analyte.BLAST_PERCENT, Analyte.BLASTS})


def read_observation(
    observation: Observation,
    chart: ReadingContext,
    *,
    unreadable_fields: frozenset[str] = frozenset(),
    parent: Envelope | None = None,
    beside: Contained = NOTHING_CONTAINED,
    full_url: str = "",
) -> list[Reported]:
    """Read one Observation. `parent` is the resource that contains it, and `beside` it what else.

    Returns nothing for a panel without a value of its own, else one `Reported` per value.
    """
    keys = () if parent else keys_of("Observation", observation.id, full_url)
    within, own = contained_in(observation.contained)
    if beside is not NOTHING_CONTAINED:
        own = Contained({**beside.specimens, **own.specimens}, {**beside.patients, **own.patients})
    envelope = observation_envelope(
        observation,
        chart,
        keys=keys,
        parent=parent,
        contained=own,
        full_url=full_url,
    )
    reported = _read_valued(observation, envelope, chart, unreadable_fields)
    reported += _noted(observation, envelope, chart)
    for component in observation.component:
        reported += _read_valued(component, envelope, chart, frozenset())
    for inner, inner_unreadable_fields in within:
        reported += read_observation(
            inner, chart, unreadable_fields=inner_unreadable_fields, parent=envelope, beside=own
        )
    return reported


def contained_in(
    contained: Sequence[Raw],
) -> tuple[list[tuple[Observation, frozenset[str]]], Contained]:
    """The contained Observations (with what is unreadable in them), and their like."""
    if not contained:
        return [], NOTHING_CONTAINED
    observations: list[tuple[Observation, frozenset[str]]] = []
    specimens: dict[str, Specimen] = {}
    patients: dict[str, NamedPatient] = {}
    for raw in contained:
        decoded = decode(raw, _CONTAINED)
        for resource, unreadable_fields in zip(
            decoded.resources, decoded.unreadable_fields, strict=True
        ):
            reference = "#" + resource.id.removeprefix("#")
            if isinstance(resource, Observation):
                observations.append((resource, unreadable_fields))
            elif isinstance(resource, Specimen):
                specimens[reference] = resource
            elif isinstance(resource, PatientResource):
                patients[reference] = called(resource)
    return observations, Contained(specimens, patients)


def _read_valued(
    valued: Observation | Component,
    envelope: Envelope,
    chart: ReadingContext,
    unreadable_fields: frozenset[str],
) -> list[Reported]:
    classified = classify(valued.code, chart.terminology)
    meaning = classified.meaning
    readings: Sequence[Reading]
    if classified.contradictory:
        sentence = "The codings of this result mean different measurements."
        readings = _refused_code(classified.contradictory, envelope, sentence)
    elif (named := classified.without_system) and named.kind is CodeKind.ANALYTE:
        sentence = "The code is one of LOINC, but its system is not told."
        readings = _refused_code([named], envelope, sentence)
    elif meaning is None:
        readings = _unmeant(valued, envelope, unreadable_fields)
    elif meaning.kind is CodeKind.PANEL:
        readings = ()
    elif meaning.kind is CodeKind.EXCLUDED:
        readings = (Unmapped(excluded=True, looks_like=meaning.analyte),)
    else:
        readings = _readings(valued, meaning, envelope, chart, unreadable_fields)
    unit = _unit_of(valued)
    return [Reported(reading, classified.coding, unit) for reading in readings]


def _noted(observation: Observation, envelope: Envelope, chart: ReadingContext) -> list[Reported]:
    """What the notes on a count, differential or smear of a usable result say (1.5)."""
    if not observation.note or envelope.refusal is not None or envelope.marrow:
        return []
    classified = classify(observation.code, chart.terminology)
    meaning = classified.meaning
    if meaning is None or not _is_of_blood_count(meaning, envelope):
        return []
    return [
        Reported(each, classified.coding, of_note=True)
        for each in read_notes(observation, meaning, envelope)
    ]


def _is_of_blood_count(meaning: CodeMeaning, envelope: Envelope) -> bool:
    if meaning.kind is CodeKind.NARRATIVE:
        return meaning.role is not Role.BLOOD_ONLY or envelope.blood
    of_count = meaning.kind in {CodeKind.ANALYTE, CodeKind.PANEL, CodeKind.SMEAR}
    return of_count and not meaning.groups.isdisjoint(_BLOOD_COUNT)


def _unmeant(
    valued: Observation | Component, envelope: Envelope, unreadable_fields: frozenset[str]
) -> Sequence[Reading]:
    """A code that no table knows, or none that can be read."""
    if "code" in unreadable_fields:
        sentence = "The code of this result cannot be read."
        return (Unreadable(None, Reason.MALFORMED, sentence, taken=envelope.taken),)
    return (Unmapped(),) if _has_own_value(valued, unreadable_fields) else ()


def _readings(
    valued: Observation | Component,
    meaning: CodeMeaning,
    envelope: Envelope,
    chart: ReadingContext,
    unreadable_fields: frozenset[str],
) -> Sequence[Reading]:
    meaning = meaning_by_unit(meaning, valued)
    refusal = _refusal(meaning, envelope)
    if refusal is not None or envelope.taken is None:
        reason, sentence = refusal or (Reason.NO_TIME, "The result has no date or time.")
        shown, meant = _told_by(valued, meaning, envelope, chart, reason)
        return (refused(meaning, envelope, reason, sentence, shown, meant),)
    if meaning.kind is CodeKind.ANALYTE:
        return (_measured(valued, meaning, envelope, chart, unreadable_fields),)
    if meaning.kind is CodeKind.NARRATIVE:
        if meaning.role is Role.BLOOD_ONLY and not envelope.blood:
            return (Unmapped(excluded=True),)
        return _narrated(valued, meaning, envelope, chart)
    return (_finding(valued, meaning, envelope, envelope.taken),)


def _narrated(
    valued: Observation | Component, meaning: CodeMeaning, envelope: Envelope, chart: ReadingContext
) -> Sequence[Reading]:
    """Words only: a number under a narrative's code is some other result, miscoded."""
    words = words_of(valued)
    count = miscoded_count(valued, meaning, envelope, chart.terminology)
    if count is not None:
        return (count,)
    if valued.valueQuantity is not None and valued.valueQuantity.value is not None:
        sentence = "A number was sent where words about a blood film are expected."
        return (refused(meaning, envelope, Reason.VALUE, sentence, words),)
    if not words.strip():
        sentence = "The laboratory sent no words about the blood film."
        return (refused(meaning, envelope, Reason.ABSENT, sentence, ""),)
    return read_narrative(words, meaning.code, envelope)


def _refusal(meaning: CodeMeaning, envelope: Envelope) -> tuple[Reason, str] | None:
    if envelope.refusal is not None:
        return envelope.refusal, envelope.explanation
    if envelope.marrow and meaning.kind is not CodeKind.MARROW:
        if meaning.analyte in BLOOD_COUNTS:
            return Reason.CODE, "The code says blood, and the specimen bone marrow."
        return Reason.SPECIMEN, "The specimen is bone marrow, not blood."
    return None


def _finding(
    valued: Observation | Component, meaning: CodeMeaning, envelope: Envelope, taken: datetime
) -> Reading:
    if meaning.kind is CodeKind.SMEAR:
        return read_presence(valued, meaning, envelope)
    if meaning.kind is CodeKind.SEROLOGY:
        return read_serology(valued, meaning, taken, envelope.source)
    if meaning.kind is CodeKind.PREGNANCY:
        return read_pregnancy(valued, meaning, taken, envelope.source)
    return MarrowResult(meaning.code, taken, envelope.source)


def _measured(
    valued: Observation | Component,
    meaning: CodeMeaning,
    envelope: Envelope,
    chart: ReadingContext,
    unreadable_fields: frozenset[str],
) -> Reading:
    """A number; of blasts the deprecated automated counts and the like only hint (1.2 notes)."""
    reading = measure(valued, meaning, envelope, chart, unreadable_fields)
    if (
        not isinstance(reading, Measured)
        or meaning.role not in _HINTS_ONLY
        or meaning.analyte not in _BLAST_ANALYTES
    ):
        return reading
    result = reading.result
    below = result.comparator is not None and result.comparator.startswith("<")
    present = None if below else result.value > 0
    text = f"{result.reported_value} {result.reported_unit}"
    return finding(envelope, SmearSet.BLAST_FLAG, present, SmearMethod.ANALYSER, meaning.code, text)


def _refused_code(
    meanings: Sequence[CodeMeaning], envelope: Envelope, sentence: str
) -> list[Unreadable]:
    """One refusal per analyte that the codings speak of, so that none of them looks unmeasured."""
    reason, explanation = Reason.CODE, sentence
    if envelope.refusal is not None:
        reason, explanation = envelope.refusal, envelope.explanation
    by_analyte: dict[Analyte | None, CodeMeaning] = {}
    for meaning in meanings:
        by_analyte.setdefault(meaning.analyte, meaning)
    if len(by_analyte) > 1:
        by_analyte.pop(None, None)
    return [refused(meaning, envelope, reason, explanation, "") for meaning in by_analyte.values()]


def _told_by(
    valued: Observation | Component,
    meaning: CodeMeaning,
    envelope: Envelope,
    chart: ReadingContext,
    reason: Reason,
) -> tuple[str, tuple[Decimal, ...]]:
    """Return what was sent, and the value that it would have been if only it could be used.

    Words whose subject cannot be matched are not repeated: they may be about another person.
    """
    try:
        number = read_number(valued)
    except NoNumber as no_number:
        return ("" if reason is Reason.SUBJECT else no_number.reported), ()
    shown = f"{number.text} {number.unit}".strip()
    if reason not in UNSURE or meaning.kind is not CodeKind.ANALYTE:
        return shown, ()
    read = measure(valued, meaning, replace(envelope, taken=envelope.taken or chart.now), chart)
    return shown, read.candidates if isinstance(read, Unreadable) else (read.result.value,)


def _unit_of(valued: Observation | Component) -> str:
    quantity = valued.valueQuantity
    return (quantity.unit or quantity.code).strip() if quantity else ""


def _has_own_value(valued: Observation | Component, unreadable_fields: frozenset[str]) -> bool:
    """An unknown panel has only members; an unknown result has a value or says why it has none."""
    if not getattr(valued, "component", None) and not getattr(valued, "hasMember", None):
        return True
    try:
        read_number(valued, unreadable_fields)
    except NoNumber as refusal:
        return refusal.reason is not Reason.ABSENT
    return True
