"""FHIR documents as the Panel of one patient at one moment (clinical-definition 1.1).

Each document is a Bundle of any type or a single resource. Neither their order nor repetition
changes the result. Everything reported is in the Panel: as a result, a finding or as `Unreadable`
with its reason; codes that no table knows are left to the mapping report (`readings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import msgspec

from fhir_mappings.clinical_context.patient import PatientUnreadable, names_of, read_patient
from fhir_mappings.laboratory.accepted_results import accept_results
from fhir_mappings.laboratory.envelopes import called, observation_envelope, report_envelope
from fhir_mappings.laboratory.members import incomplete, not_delivered
from fhir_mappings.laboratory.observations import contained_in, read_observation
from fhir_mappings.laboratory.readings import Measured, ReadingContext, Reported
from fhir_mappings.laboratory.relevant_observations import (
    CodeFilter,
    OfKnownCode,
    Relevant,
    relevant_by_age,
    relevant_observations_of,
)
from fhir_mappings.laboratory.reports import read_report
from fhir_mappings.panel import (
    MarrowResult,
    Panel,
    PregnancyObservation,
    Reason,
    SerologyResult,
    SmearFinding,
    Unreadable,
)
from fhir_mappings.r4.bundle_page import Page, Unread, open_page
from fhir_mappings.r4.decoding import Decoded, decode, no_limit
from fhir_mappings.r4.laboratory_resources import (
    LABORATORY_KINDS,
    DiagnosticReport,
    Observation,
    PatientResource,
    Specimen,
)
from fhir_mappings.r4.references import key_candidates, keys_of
from fhir_mappings.r4.subjects import PatientNames
from fhir_mappings.r4.times import read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from fhir_mappings.context import Patient
    from fhir_mappings.laboratory.members import Incomplete
    from fhir_mappings.laboratory.readings import Envelope
    from fhir_mappings.panel import DataGroup, LookBack
    from fhir_mappings.r4.decoding import Reference, Resource
    from fhir_mappings.r4.subjects import NamedPatient
    from fhir_mappings.terminology import Terminology

__all__ = ["LaboratoryRecord", "PatientUnreadable", "read_panel", "read_patient", "readings"]

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_STATUS_AGE = ("registered", "unknown", "preliminary", "final", "amended", "corrected", "cancelled")
"""Which of two statuses of one result came later; entered-in-error is the last of all."""


class _Entry(NamedTuple):
    resource: Any
    full_url: str
    unreadable_fields: frozenset[str]


def read_panel(
    documents: Iterable[bytes] | Mapping[DataGroup, Iterable[bytes]],
    patient_id: str,
    now: datetime,
    terminology: Terminology,
    unavailable: frozenset[DataGroup] = frozenset(),
    patient: Patient | None = None,
) -> Panel:
    """Read every laboratory fact about one patient.

    With documents by data group, a group one of whose documents cannot be read at all becomes
    unavailable. `patient` chooses among reference ranges for age and sex. No document raises an
    error.
    """
    record = LaboratoryRecord(patient_id, now, terminology, patient)
    return record.panel(documents, unavailable)


class LaboratoryRecord:
    """The laboratory pages of one patient in one call, each page and each result read once.

    The second stage of a call brings more pages beside those of the first, and looks further back.
    `server` is the base URL of the call's FHIR server, to tell the patient from another server's of
    the same id.
    `before_each` is called before each resource is read, and may end it all by raising.
    """

    def __init__(
        self,
        patient_id: str,
        now: datetime,
        terminology: Terminology,
        patient: Patient | None = None,
        server: str = "",
        before_each: Callable[[], None] = no_limit,
    ) -> None:
        self._before_each = before_each
        moments = cache(read_moment)
        names = _names(patient_id, patient, server)
        self._chart = ReadingContext(names, now, terminology, patient, read_moment=moments)
        self._code_filter = CodeFilter(terminology, names)
        self._pages: dict[int, tuple[bytes, Page, OfKnownCode]] = {}
        self._decoded: dict[int, Decoded] = {}
        self._reported: dict[int, Sequence[Reported]] = {}
        self.older_counts_unread = False
        """Whether the last panel left out blood counts as old."""

    def panel(
        self,
        documents: Iterable[bytes] | Mapping[DataGroup, Iterable[bytes]],
        unavailable: frozenset[DataGroup] = frozenset(),
        look_back: LookBack | None = None,
    ) -> Panel:
        """Return what these documents say, as `read_panel` does.

        `look_back` says which results nobody will look at, so that they are left unread; None reads
        all.
        """
        grouped = documents.items() if isinstance(documents, Mapping) else [(None, documents)]
        pages: list[tuple[Page, OfKnownCode]] = []
        for group, those in grouped:
            for document in those:
                page, known = self._opened(document)
                pages.append((page, known))
                if group is not None and page.is_unreadable:
                    unavailable |= {group}
        now = self._chart.now
        if look_back is not None:
            relevant = relevant_by_age(pages, now, look_back)
            panel = self._panel(pages, relevant, unavailable)
            self.older_counts_unread = not relevant.left_out.keys().isdisjoint(look_back.counts)
            if relevant.is_enough(panel.results, look_back, now):
                return panel
        self.older_counts_unread = False
        return self._panel(pages, relevant_observations_of(pages), unavailable)

    def _opened(self, document: bytes) -> tuple[Page, OfKnownCode]:
        """The page, opened once; the document is kept, so that no other can have its identity."""
        if id(document) not in self._pages:
            page = open_page(document)
            self._pages[id(document)] = document, page, self._code_filter.known_code(page)
        return self._pages[id(document)][1:]

    def _panel(
        self,
        pages: Sequence[tuple[Page, OfKnownCode]],
        relevant: Relevant,
        unavailable: frozenset[DataGroup],
    ) -> Panel:
        entries, reported = self._read(pages, relevant)
        panel = _panel(reported, self._chart.terminology, unavailable)
        incomplete = tuple(self._incomplete(entries, pages))
        if not incomplete:
            return panel
        missing = not_delivered(incomplete, panel.results, panel.unreadable, self._chart.now)
        return replace(
            panel,
            unreadable=_newest_first([*panel.unreadable, *missing.unreadable]),
            not_delivered=missing.to_read,
            also_not_delivered=missing.also_to_read,
        )

    def _incomplete(
        self, entries: Iterable[_Entry], pages: Iterable[tuple[Page, OfKnownCode]]
    ) -> Iterator[Incomplete]:
        """The panels and reports that name missing members."""
        grouping = [entry for entry in entries if _groups_others(entry.resource)]
        if not grouping:
            return
        delivered = _delivered(pages)
        for entry in grouping:
            envelope, references = _grouped(entry, self._chart)
            code = entry.resource.code
            found = incomplete(code, references, envelope, delivered, self._chart.terminology)
            if found is not None:
                yield found

    def _read(
        self, pages: Iterable[tuple[Page, OfKnownCode]], relevant: Relevant
    ) -> tuple[list[_Entry], list[Reported]]:
        decoded = [page.others for page, _ in pages]
        kept = {id(observation): observation for observation in relevant.kept}
        decoded += [self._decode(observation) for observation in kept.values()]
        entries = _newest_versions(decoded)
        chart = _resolved(entries, self._chart)
        if chart is not self._chart and chart != self._chart:
            self._chart, self._reported = chart, {}
        reported: list[Reported] = []
        for entry in entries:
            key = id(entry.resource)
            if key not in self._reported:
                self._before_each()
                self._reported[key] = _read_entry(entry, chart)
            reported += self._reported[key]
        reported += _not_decoded(decoded)
        return entries, reported

    def _decode(self, observation: Unread) -> Decoded:
        key = id(observation)
        if key not in self._decoded:
            self._before_each()
            one = self._decoded[key] = Decoded()
            observation.read_into(one)
        return self._decoded[key]


def readings(
    documents: Iterable[bytes],
    patient_id: str | None,
    now: datetime,
    terminology: Terminology,
    patient: Patient | None = None,
) -> tuple[Reported, ...]:
    """Everything reported, each with the coding and the unit it came with, for a mapping report.

    `patient_id` None accepts any subject. Nothing is chosen or derived.
    """
    decoded = [decode(document, LABORATORY_KINDS) for document in documents]
    entries = _newest_versions(decoded)
    named = None if patient_id is None else _names(patient_id, patient)
    chart = _resolved(entries, ReadingContext(named, now, terminology, patient))
    found = chain.from_iterable(_read_entry(entry, chart) for entry in entries)
    return (*found, *_not_decoded(decoded))


def _names(patient_id: str, patient: Patient | None, server: str = "") -> PatientNames:
    if patient is not None:
        return names_of(patient, server)
    return PatientNames(patient_id.removeprefix("Patient/"), server=server)


def _read_entry(entry: _Entry, chart: ReadingContext) -> Sequence[Reported]:
    if isinstance(entry.resource, Observation):
        return read_observation(
            entry.resource,
            chart,
            unreadable_fields=entry.unreadable_fields,
            full_url=entry.full_url,
        )
    if isinstance(entry.resource, DiagnosticReport):
        return tuple(read_report(entry.resource, chart, entry.full_url))
    return ()


def _not_decoded(decoded: Iterable[Decoded]) -> Iterator[Reported]:
    for one in decoded:
        for _ in one.undecodable:
            sentence = "Something that was sent is not a readable FHIR resource."
            yield Reported(Unreadable(None, Reason.MALFORMED, sentence))


def _resolved(entries: Sequence[_Entry], chart: ReadingContext) -> ReadingContext:
    """Resolve the references between resources: patients, specimens, members of reports."""
    chart = _with_patients_and_specimens(entries, chart)
    members: dict[str, Envelope] = {}
    for entry in [entry for entry in entries if _groups_others(entry.resource)]:
        envelope, references = _grouped(entry, chart)
        for reference in references if envelope.refusal is None else ():
            for key in key_candidates(reference.reference):
                other = members.get(key)
                if other is None or _later(envelope, other):
                    members[key] = envelope
    return chart if members == chart.report_of else replace(chart, report_of=members)


def _with_patients_and_specimens(
    entries: Iterable[_Entry], chart: ReadingContext
) -> ReadingContext:
    patients: dict[str, NamedPatient] = {}
    specimens: dict[str, Specimen] = {}
    for resource, url, _ in entries:
        if isinstance(resource, PatientResource):
            patients |= dict.fromkeys(keys_of("Patient", resource.id, url), called(resource))
        elif isinstance(resource, Specimen):
            specimens |= dict.fromkeys(keys_of("Specimen", resource.id, url), resource)
    if patients == chart.patients and specimens == chart.specimens:
        return chart
    return replace(chart, patients=patients, specimens=specimens)


def _groups_others(resource: object) -> TypeGuard[DiagnosticReport | Observation]:
    if isinstance(resource, Observation):
        return bool(resource.hasMember)
    return isinstance(resource, DiagnosticReport) and bool(resource.result)


def _grouped(entry: _Entry, chart: ReadingContext) -> tuple[Envelope, Sequence[Reference]]:
    """The envelope of a panel or report, and the references to what it groups."""
    resource, key = entry.resource, ""
    _, beside = contained_in(resource.contained)
    if resource.id:
        key = f"{type(resource).__struct_config__.tag}/{resource.id}"
    if isinstance(resource, DiagnosticReport):
        envelope = report_envelope(
            resource, chart, key=key, contained=beside, full_url=entry.full_url
        )
        return envelope, resource.result
    keys = (key,) if key else ()
    envelope = observation_envelope(
        resource, chart, keys=keys, contained=beside, full_url=entry.full_url
    )
    return envelope, resource.hasMember


def _delivered(pages: Iterable[tuple[Page, OfKnownCode]]) -> frozenset[str]:
    """Every key of an Observation that was sent, whether or not it is read."""
    keys: set[str] = set()
    for page, _ in pages:
        for each in page.observations:
            keys.update(keys_of("Observation", each.resource.id, each.fullUrl or ""))
        for resource, url in zip(page.others.resources, page.others.full_urls, strict=True):
            if isinstance(resource, Observation):
                keys.update(keys_of("Observation", resource.id, url))
    return frozenset(keys)


def _later(one: Envelope, other: Envelope) -> bool:
    return (one.taken or _LONG_AGO, one.blood) > (other.taken or _LONG_AGO, other.blood)


def _newest_versions(decoded: Iterable[Decoded]) -> list[_Entry]:
    """One entry per resource id: the version issued or stored last.

    Observations of different codes are no versions of each other: two results were given one id.
    """
    anonymous: list[_Entry] = []
    by_id: dict[tuple[object, ...], _Entry] = {}
    for one in decoded:
        for resource, url, unreadable_fields in zip(
            one.resources, one.full_urls, one.unreadable_fields, strict=True
        ):
            entry = _Entry(resource, url, unreadable_fields)
            kind = type(resource)
            if not resource.id or kind is PatientResource:
                anonymous.append(entry)
                continue
            key = kind, resource.id, *_codes(resource)
            other = by_id.setdefault(key, entry)
            if other is not entry and _version(entry) > _version(other):
                by_id[key] = entry
    return [*by_id.values(), *anonymous]


def _codes(resource: Resource) -> Iterator[str]:
    if isinstance(resource, Observation):
        yield from sorted({coding.code for coding in resource.code.coding})


def _version(entry: _Entry) -> tuple[object, ...]:
    resource = entry.resource
    if not isinstance(resource, Observation | DiagnosticReport):
        return (entry.full_url, msgspec.json.encode(resource))
    meta = resource.meta
    issued = read_moment(resource.issued)
    stored = read_moment(meta.lastUpdated) if meta else None
    number = meta.versionId if meta else ""
    status = resource.status.strip().lower()
    age = _STATUS_AGE.index(status) if status in _STATUS_AGE else len(_STATUS_AGE)
    return (
        issued.at if issued else _LONG_AGO,
        stored.at if stored else _LONG_AGO,
        int(number) if number.isascii() and number.isdigit() and len(number) < 18 else -1,
        age,
        not entry.unreadable_fields,
        msgspec.json.encode(resource),
        entry.full_url,
    )


def _panel(
    reported: Iterable[Reported], terminology: Terminology, unavailable: frozenset[DataGroup]
) -> Panel:
    found: dict[type, list[Any]] = {}
    for each in reported:
        found.setdefault(type(each.reading), []).append(each.reading)
    measured: list[Measured] = found.get(Measured, [])
    results, refused = accept_results(measured, terminology)
    return Panel(
        results=results,
        unreadable=_newest_first([*found.get(Unreadable, []), *refused]),
        smear=_newest_first(found.get(SmearFinding, [])),
        serology=_newest_first(found.get(SerologyResult, [])),
        marrow=_newest_first(found.get(MarrowResult, [])),
        pregnancy=_newest_first(found.get(PregnancyObservation, [])),
        unavailable=unavailable,
    )


def _newest_first(facts: Collection[Any]) -> tuple[Any, ...]:
    """Sort, and count once what differs only in its place."""
    if len(facts) <= 1:
        return tuple(facts)
    distinct: dict[Any, Any] = {}
    for fact in sorted(facts, key=lambda f: (not f.source, f.source, repr(f))):
        distinct.setdefault(replace(fact, source=""), fact)
    return tuple(
        sorted(distinct.values(), key=lambda f: (-(f.taken or _LONG_AGO).timestamp(), repr(f)))
    )
