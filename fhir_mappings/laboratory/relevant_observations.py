"""Which plain Observations need to be read: those of known codes that are not too old to matter.

Nothing is judged here but code, date and id. What is left out could only have become a result that
nobody looks at; where that is not certain it is kept, and `Relevant.is_enough` says, from what was
accepted, whether all must be read after all. Most of a long record ends here, so the loop over it
does no more than look up each code and each date, which come again and again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import msgspec

from fhir_mappings.r4.decoding import DECODE_ERRORS, CodeableConcept, Reference
from fhir_mappings.r4.subjects import Owner, identifier_key
from fhir_mappings.r4.times import FUTURE_TOLERANCE, Precision, read_moment
from fhir_mappings.terminology import CodeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from fhir_mappings.panel import Analyte, LabResult, LookBack
    from fhir_mappings.r4.bundle_page import Page, Unread
    from fhir_mappings.r4.subjects import PatientNames
    from fhir_mappings.terminology import Terminology

_Read = TypeVar("_Read")
_CONCEPT = msgspec.json.Decoder(CodeableConcept)
_REFERENCE = msgspec.json.Decoder(Reference)

_SLACK = timedelta(days=2)
"""Dates without a time, clocks that differ, and the 24 h in which iron studies belong together."""

_LONGEST_REMEMBERED = 400

Dated = list[tuple["datetime", "Unread"]]


@dataclass(slots=True)
class OfKnownCode:
    """The Observations of one page that have a known code.

    `dated` are those whose age can decide, by the analytes that their codes name; `undated` those
    whose age is not known from effectiveDateTime, whose codes mean something else, or that name
    another patient.
    """

    dated: dict[frozenset[Analyte], Dated] = field(default_factory=dict)
    undated: list[Unread] = field(default_factory=list)


@dataclass(slots=True)
class Relevant:
    """The Observations to read. `left_out` has the newest date of each analyte left out as old."""

    kept: list[Unread] = field(default_factory=list)
    left_out: dict[Analyte, datetime] = field(default_factory=dict)
    newest_count: datetime | None = None

    def is_enough(
        self, results: Mapping[Analyte, tuple[LabResult, ...]], look_back: LookBack, now: datetime
    ) -> bool:
        """Whether nothing that was left out could have changed anything.

        The dates of results decided what to keep, before it was known which would be accepted.
        """
        if not self.left_out:
            return True
        latest = now + FUTURE_TOLERANCE
        times = {
            became: [r.taken for r in results.get(became, ()) if r.taken <= latest]
            for became in look_back.counts.values()
        }
        newest = max((moment for found in times.values() for moment in found), default=None)
        expected = min(self.newest_count or now, now) - timedelta(days=1)
        if newest is not None and newest < expected:
            return False
        for analyte, became in look_back.counts.items():
            left_out = self.left_out.get(analyte)
            if left_out is None:
                continue
            before = [t for t in times[became] if newest and t < newest - look_back.together]
            if not before or max(before) < left_out + timedelta(days=1):
                return False
        return True


class CodeFilter:
    """Select the relevant results of one call; remember what codes, dates and subjects mean.

    One record has the same few codes again and again, in the same bytes: each is read once.
    """

    def __init__(self, terminology: Terminology, names: PatientNames) -> None:
        self._terminology = terminology
        self._names = names
        self._analytes: dict[bytes, frozenset[Analyte] | None] = {}
        self._drawn: dict[str, datetime | None] = {}
        self._patients: dict[bytes, bool] = {}

    def known_code(self, page: Page) -> OfKnownCode:
        """Leave out the unknown codes of one page."""
        known = OfKnownCode()
        dated, undated = known.dated, known.undated
        meanings, dates, patients = self._analytes, self._drawn, self._patients
        for observation in page.observations:
            head = observation.resource
            code = bytes(head.code)
            if code not in meanings:
                meanings[code] = _of_code(code, self._terminology)
            analytes = meanings[code]
            if analytes is None:
                continue
            written = head.effectiveDateTime
            if written not in dates:
                dates[written] = _drawn(written)
            drawn = dates[written]
            subject = bytes(head.subject)
            if subject not in patients:
                patients[subject] = self._is_patient(subject)
            if drawn is None or not analytes or not patients[subject]:
                undated.append(observation)
            elif analytes in dated:
                dated[analytes].append((drawn, observation))
            else:
                dated[analytes] = [(drawn, observation)]
        return known

    def _is_patient(self, subject: bytes) -> bool:
        """Whether the subject clearly names the patient; any other patient must be known."""
        reference = _read(subject, _REFERENCE)
        if reference is None:
            return False
        key = reference.identifier
        identifier = None if key is None else identifier_key(key.system, key.value)
        named = self._names.owner(reference.reference, identifier)
        return named is Owner.PATIENT or reference.reference.lower().startswith("urn:")


def _of_code(code: bytes, terminology: Terminology) -> frozenset[Analyte] | None:
    """The analytes of a code; none where it (also) means something else, None: unknown."""
    if len(code) <= _LONGEST_REMEMBERED:
        return _of_usual_code(code, terminology)
    return _of_usual_code.__wrapped__(code, terminology)


# Laboratories send the same few codes in the same bytes.
@lru_cache(maxsize=4096)
def _of_usual_code(code: bytes, terminology: Terminology) -> frozenset[Analyte] | None:
    if not code:
        return None
    concept = _read(code, _CONCEPT)
    if concept is None:
        return frozenset()
    meant = [terminology.meaning_of(each.system, each.code) for each in concept.coding]
    known = [meaning for meaning in meant if meaning is not None]
    if any(meaning.kind is not CodeKind.ANALYTE for meaning in known):
        return frozenset()
    if not known and any(
        terminology.meaning_without_system(each.system, each.code) for each in concept.coding
    ):
        return frozenset()
    return frozenset(each.analyte for each in known if each.analyte is not None) or None


def _read(raw: bytes, decoder: msgspec.json.Decoder[_Read]) -> _Read | None:
    try:
        return decoder.decode(raw)
    except DECODE_ERRORS:
        return None


def relevant_observations_of(pages: Sequence[tuple[Page, OfKnownCode]]) -> Relevant:
    """Keep what has a known code, whatever its age."""
    relevant = Relevant(_versions(pages))
    for _, known in pages:
        relevant.kept += known.undated
        for those in known.dated.values():
            relevant.kept += [observation for _, observation in those]
    return relevant


def relevant_by_age(
    pages: Sequence[tuple[Page, OfKnownCode]], now: datetime, look_back: LookBack
) -> Relevant:
    """Keep what has a known code and is not older than `look_back`."""
    relevant = Relevant(_versions(pages))
    dated: dict[frozenset[Analyte], Dated] = {}
    for _, known in pages:
        relevant.kept += known.undated
        for analytes, those in known.dated.items():
            dated[analytes] = dated[analytes] + those if analytes in dated else those
    counts = {a: those for a, those in dated.items() if not look_back.counts.keys().isdisjoint(a)}
    latest = now + _SLACK
    drawn_last = [drawn for those in counts.values() for drawn, _ in those if drawn <= latest]
    relevant.newest_count = max(drawn_last, default=None)
    reference = min(relevant.newest_count or now, now)
    days = _days_before(counts, reference - look_back.together - _SLACK, look_back)
    for analytes, those in dated.items():
        span = max(look_back.longer.get(analyte, look_back.days) for analyte in analytes)
        _sort_out(those, analytes, reference - span - _SLACK, days, relevant)
    return relevant


def _sort_out(
    those: Dated, analytes: frozenset[Analyte], since: datetime, days: frozenset[int], to: Relevant
) -> None:
    if all(drawn >= since for drawn, _ in those):
        to.kept += [observation for _, observation in those]
        return
    left_out = [drawn for drawn, _ in those if not (drawn >= since or drawn.toordinal() in days)]
    if not left_out:
        to.kept += [observation for _, observation in those]
        return
    to.kept += [
        observation for drawn, observation in those if drawn >= since or drawn.toordinal() in days
    ]
    newest = max(left_out)
    for analyte in analytes:
        to.left_out[analyte] = max(newest, to.left_out.get(analyte, newest))


def _drawn(written: str) -> datetime | None:
    """When it was drawn, if effectiveDateTime alone decides that (A3)."""
    moment = read_moment(written)
    return moment.at if moment is not None and moment.precision >= Precision.DAY else None


def _days_before(
    counts: Mapping[frozenset[Analyte], Dated], until: datetime, look_back: LookBack
) -> frozenset[int]:
    """The days around the newest count before `until`, of each kind of count."""
    around = range(-_SLACK.days, _SLACK.days + 1)
    days: set[int] = set()
    for analyte in look_back.counts:
        newest = max(
            (
                drawn
                for analytes, those in counts.items()
                if analyte in analytes
                for drawn, _ in those
                if drawn < until
            ),
            default=None,
        )
        if newest is not None:
            days.update(newest.toordinal() + day for day in around)
    return frozenset(days)


def _versions(pages: Iterable[tuple[Page, OfKnownCode]]) -> list[Unread]:
    """Every version of a result that was sent more than once: the reading chooses among them.

    All of them, for a version left out as old or unknown may be the one that holds.
    """
    pages = tuple(pages)
    ids = [each.resource.id for page, _ in pages for each in page.observations]
    ids += [resource.id for page, _ in pages for resource in page.others.resources]
    if len(ids) == len(set(ids)):
        return []
    count = Counter(ids)
    return [
        each
        for page, _ in pages
        for each in page.observations
        if each.resource.id and count[each.resource.id] > 1
    ]


def analytes_named(code: bytes, terminology: Terminology) -> frozenset[Analyte] | None:
    """Return the analytes of a CodeableConcept as sent; none when it means something else.

    None when no code in it is known: such a result is never read.
    """
    return _of_code(code, terminology)
