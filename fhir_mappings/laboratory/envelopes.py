"""Status, subject, specimen and time: whether a result counts at all (clinical-definition 1.1)."""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from fhir_mappings.laboratory.readings import Envelope
from fhir_mappings.panel import Reason
from fhir_mappings.r4.references import key_candidates
from fhir_mappings.r4.subjects import NamedPatient, Owner, identifier_keys
from fhir_mappings.r4.times import FUTURE_TOLERANCE, Precision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from fhir_mappings.laboratory.readings import ReadingContext
    from fhir_mappings.r4.decoding import CodeableConcept, Period, Reference
    from fhir_mappings.r4.laboratory_resources import (
        DiagnosticReport,
        Observation,
        PatientResource,
        Specimen,
    )

USED_STATUSES = frozenset({"final", "amended", "corrected", "preliminary", "unknown"})
"""A1; everything else, and no status at all, is set aside."""

_WITHDRAWN = frozenset({"cancelled", "canceled", "entered-in-error"})

_REPORT_STATUSES = {"partial": "preliminary", "appended": "amended"}
_NOT_THE_PATIENT = re.compile(
    r"\b(fo?etus|fo?etal|cord|umbilical|bldco|donors?|donation|blood products?|product unit|bpu)\b"
)
_MARROW = re.compile(r"\bmarrow\b")
_BLOOD = re.compile(r"\b(blood|bld|bldv|bldc|wb)\b")
_CORD_BLOOD_SNOMED = "122556008"
_WORD_GAPS = re.compile(r"[^a-z0-9]+")
_LONGEST_REMEMBERED = 400


class Contained(NamedTuple):
    """What a resource contains that others in it may refer to, by `#id`."""

    specimens: Mapping[str, Specimen] = MappingProxyType({})
    patients: Mapping[str, NamedPatient] = MappingProxyType({})


NOTHING_CONTAINED = Contained()


class _Specimen(NamedTuple):
    """What words say of a specimen."""

    blood: bool
    marrow: bool
    not_the_patient: bool


def observation_envelope(
    observation: Observation,
    chart: ReadingContext,
    *,
    keys: Sequence[str] = (),
    parent: Envelope | None = None,
    contained: Contained = NOTHING_CONTAINED,
    full_url: str = "",
) -> Envelope:
    """Judge an Observation. `parent` is the resource that contains it, `keys` its own references.

    A report or panel that names an Observation lends it its time when it has none.
    """
    reporter = parent
    if reporter is None and chart.report_of:
        reporter = next((chart.report_of[key] for key in keys if key in chart.report_of), None)
    status = observation.status.strip().lower() or (parent.status if parent else "")
    taken, issued, has_time = _times(observation, chart, observation.effectiveInstant)
    if reporter is not None:
        has_time = has_time if taken else reporter.has_time
        taken, issued = taken or reporter.taken, issued or reporter.issued
    specimens = (observation.specimen,) if observation.specimen else ()
    specimen = _specimen_facts(specimens, observation.code, chart, contained)
    refusal = parent and _inherited(observation, parent)
    if refusal is None:
        owner = Owner.PATIENT
        if parent is None or _says_whose(observation.subject):
            owner = chart.owner(
                observation.subject, contained=contained.patients, full_url=full_url
            )
        refusal = (
            _not_this_patient(owner, status, observation.focus, specimen, chart)
            or _unsure(owner, status)
            or _time_refusal(taken, chart.now)
        )
    return Envelope(
        status=status,
        taken=taken,
        issued=issued,
        source=keys[0] if observation.id and keys and parent is None else "",
        refusal=refusal[0] if refusal else None,
        explanation=refusal[1] if refusal else "",
        blood=specimen.blood or (reporter is not None and reporter.blood),
        marrow=specimen.marrow or (reporter is not None and reporter.marrow),
        has_time=has_time,
    )


def report_envelope(
    report: DiagnosticReport,
    chart: ReadingContext,
    *,
    key: str = "",
    contained: Contained = NOTHING_CONTAINED,
    full_url: str = "",
) -> Envelope:
    """Judge a DiagnosticReport."""
    status = report.status.strip().lower()
    taken, issued, has_time = _times(report, chart)
    specimen = _specimen_facts(report.specimen, report.code, chart, contained)
    envelope = Envelope(
        status=_REPORT_STATUSES.get(status, status),
        taken=taken,
        issued=issued,
        source=key,
        blood=specimen.blood,
        marrow=specimen.marrow,
        has_time=has_time,
    )
    owner = chart.owner(report.subject, contained=contained.patients, full_url=full_url)
    refusal = _not_this_patient(owner, envelope.status, (), specimen, chart)
    return _refused(envelope, refusal or _unsure(owner, envelope.status))


def with_time_checked(envelope: Envelope, now: datetime) -> Envelope:
    """Refuse a report without a time of its own; its contents may still have one."""
    return envelope if envelope.refusal else _refused(envelope, _time_refusal(envelope.taken, now))


def _refused(envelope: Envelope, refusal: tuple[Reason, str] | None) -> Envelope:
    if refusal is None:
        return envelope
    return replace(envelope, refusal=refusal[0], explanation=refusal[1])


def called(patient: PatientResource) -> NamedPatient:
    """Return the keys by which an included Patient can be matched with the hook's."""
    return NamedPatient(
        patient.id, identifier_keys((each.system, each.value) for each in patient.identifier)
    )


def _says_whose(subject: Reference | None) -> bool:
    return subject is not None and bool(subject.reference.strip() or subject.identifier)


def _inherited(observation: Observation, parent: Envelope) -> tuple[Reason, str] | None:
    """What applies to the container and to its contents, unless these say otherwise."""
    reason = parent.refusal
    if reason is None or reason in {Reason.NO_TIME, Reason.FUTURE}:
        return None
    if reason is Reason.SUBJECT and _says_whose(observation.subject):
        return None
    if reason is Reason.STATUS and observation.status.strip():
        return None
    return reason, parent.explanation


def _not_this_patient(
    owner: Owner,
    status: str,
    focus: Iterable[Reference],
    specimen: _Specimen,
    chart: ReadingContext,
) -> tuple[Reason, str] | None:
    """Why a result says nothing about this patient: another's, withdrawn, of a donor or a fetus."""
    if owner is Owner.OTHER:
        return Reason.OTHER_PATIENT, "The result is about another patient."
    if status in _WITHDRAWN:
        return Reason.WITHDRAWN, f"The status of this result is {status}."
    if specimen.not_the_patient:
        return Reason.SPECIMEN, "The specimen is of a fetus, a cord, a donor or a blood product."
    return _focus_refusal(focus, chart)


def _unsure(owner: Owner, status: str) -> tuple[Reason, str] | None:
    """Why it is unknown whether a result may be used (A10)."""
    if owner is Owner.UNKNOWN:
        return Reason.SUBJECT, "The result does not say whose it is in a way that can be matched."
    if status in USED_STATUSES:
        return None
    wording = "is registered: no result yet" if status == "registered" else "is none that is known"
    return Reason.STATUS, f"The status of this result {wording}."


def _focus_refusal(focus: Iterable[Reference], chart: ReadingContext) -> tuple[Reason, str] | None:
    for reference in focus:
        if "BiologicallyDerivedProduct/" in reference.reference:
            return Reason.SPECIMEN, "The focus of the result is a blood product."
        is_other = chart.owner(reference) is Owner.OTHER
        if is_other or "RelatedPerson/" in reference.reference:
            return Reason.OTHER_PATIENT, "The focus of the result is another person."
        if _NOT_THE_PATIENT.search(_plain(reference.display)):
            return Reason.SPECIMEN, "The focus of the result is not the patient."
    return None


def _time_refusal(taken: datetime | None, now: datetime) -> tuple[Reason, str] | None:
    if taken is None:
        return Reason.NO_TIME, "The result has no date or time that can be read."
    if taken > now + FUTURE_TOLERANCE:
        return Reason.FUTURE, "The result is dated in the future."
    return None


def _times(
    resource: Observation | DiagnosticReport, chart: ReadingContext, instant: str = ""
) -> tuple[datetime | None, datetime | None, bool]:
    """(taken, issued, whether taken has a time of day) by A3.

    A coarse effective date gives way to an exact `issued`.
    """
    now, read = chart.now, chart.read_moment
    issued = read(resource.issued) if resource.issued else None
    seen_issued = issued.seen_from(now) if issued else None
    first = read(resource.effectiveDateTime) if resource.effectiveDateTime else None
    if first is not None and first.precision >= Precision.DAY:
        return first.seen_from(now), seen_issued, first.precision is Precision.MOMENT
    period: Period | None = resource.effectivePeriod
    texts = [resource.effectiveDateTime, instant]
    texts += [period.end, period.start] if period else []
    moments = [moment for moment in map(read, texts) if moment is not None]
    exact = [moment for moment in moments if moment.precision >= Precision.DAY]
    coarse = [moment for moment in moments if moment.precision == Precision.MONTH]
    dated = [issued] if issued and issued.precision >= Precision.DAY else []
    chosen = next(iter(exact + dated + coarse), None)
    if chosen is None:
        return None, seen_issued, True
    return chosen.seen_from(now), seen_issued, chosen.precision is Precision.MOMENT


def _specimen_facts(
    specimens: Iterable[Reference],
    code: CodeableConcept,
    chart: ReadingContext,
    contained: Contained,
) -> _Specimen:
    """What the words about the specimen and the code's own words say."""
    found: list[str] = []
    for reference in specimens:
        found.append(reference.display)
        for key in key_candidates(reference.reference):
            specimen = contained.specimens.get(key) or chart.specimens.get(key)
            if specimen is not None:
                site = specimen.collection.bodySite if specimen.collection else None
                found += [*_concept_words(specimen.type), *_concept_words(site)]
                break
    text = " ".join(found + _concept_words(code))
    return (
        _specimen_named_in(text)
        if len(text) <= _LONGEST_REMEMBERED
        else _specimen_named_in.__wrapped__(text)
    )


# The words are those of codes and specimens, the same few again and again.
@lru_cache(maxsize=1024)
def _specimen_named_in(text: str) -> _Specimen:
    words = _plain(text)
    return _Specimen(
        blood=_BLOOD.search(words) is not None,
        marrow=_MARROW.search(words) is not None,
        not_the_patient=_NOT_THE_PATIENT.search(words) is not None,
    )


def _concept_words(concept: CodeableConcept | None) -> list[str]:
    if concept is None:
        return []
    words = [concept.text]
    for coding in concept.coding:
        words += coding.display, "cord" if coding.code == _CORD_BLOOD_SNOMED else coding.code
    return words


def _plain(text: str) -> str:
    return _WORD_GAPS.sub(" ", text.lower())
