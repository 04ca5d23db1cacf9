"""Which plain Observations need be read: those of known codes that are not too old to matter.

Nothing is judged here but code, date and id. What is left out could only have become a result
that nobody looks at; where that is not certain it is kept, and `Sieved.is_enough` tells from what
was accepted whether all had better be read. Most of a long record ends here, so the loop over it
does no more than look up each code and each date, which come again and again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from fhir_mappings.references import patient_id_of
from fhir_mappings.terminology import CodeKind
from fhir_mappings.times import FUTURE_TOLERANCE, Precision, read_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from fhir_mappings.pages import HeadConcept, Page, PlainObservation
    from fhir_mappings.panel import Analyte, LabResult, LookBack
    from fhir_mappings.terminology import Terminology

_SLACK = timedelta(days=2)
"""Dates without a time, clocks that differ, and the 24 h in which iron studies belong together."""

Dated = list[tuple["datetime", "PlainObservation"]]


@dataclass(slots=True)
class Sifted:
    """The Observations of one page that have a known code.

    `dated` are those whose age can decide, by the analytes that their codes name; `undated` those
    whose age is not known from effectiveDateTime, whose codes mean something else, or that name
    another patient.
    """

    dated: dict[frozenset[Analyte], Dated] = field(default_factory=dict)
    undated: list[PlainObservation] = field(default_factory=list)


@dataclass(slots=True)
class Sieved:
    """The Observations to read. `left_out` has the newest date of each analyte left out as old."""

    kept: list[PlainObservation] = field(default_factory=list)
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


class Sifter:
    """Sifts the pages of one call; remembers what their codes, dates and subjects mean."""

    def __init__(self, terminology: Terminology, patient_id: str | None) -> None:
        self._terminology = terminology
        self._patient_id = patient_id
        self._analytes: dict[tuple[str, str], frozenset[Analyte] | None] = {}
        self._drawn: dict[tuple[str, str], datetime | None] = {}

    def sift(self, page: Page) -> Sifted:
        """Leave out the unknown codes of one page."""
        sifted = Sifted()
        dated, undated, dates = sifted.dated, sifted.undated, self._drawn
        for observation in page.observations:
            head = observation[0]
            analytes = self._of_code(head.code)
            if analytes is None:
                continue
            subject = head.subject
            about = (head.effectiveDateTime, subject.reference if subject is not None else "")
            if about not in dates:
                dates[about] = self._drawn_from_patient(*about)
            drawn = dates[about]
            if drawn is None or not analytes:
                undated.append(observation)
            elif analytes in dated:
                dated[analytes].append((drawn, observation))
            else:
                dated[analytes] = [(drawn, observation)]
        return sifted

    def _drawn_from_patient(self, written: str, subject: str) -> datetime | None:
        """When it was drawn, if effectiveDateTime alone settles that (A3).

        What names another patient is always read: that it was sent at all must be known.
        """
        named = patient_id_of(subject, {})
        if named != self._patient_id and not subject.lower().startswith("urn:"):
            return None
        moment = read_moment(written)
        return moment.at if moment is not None and moment.precision >= Precision.DAY else None

    def _of_code(self, code: HeadConcept) -> frozenset[Analyte] | None:
        """The analytes of a code; none where it (also) means something else, None: unknown."""
        known: list[frozenset[Analyte]] = []
        for coding in code.coding:
            key = (coding.system, coding.code)
            if key not in self._analytes:
                self._analytes[key] = _meant(key, self._terminology)
            found = self._analytes[key]
            if found is not None:
                known.append(found)
        if len(known) <= 1:
            return known[0] if known else None
        return frozenset().union(*known) if all(known) else frozenset()


def sieve(pages: Sequence[tuple[Page, Sifted]]) -> Sieved:
    """Keep what has a known code, whatever its age."""
    sieved = Sieved(_versions(pages))
    for _, sifted in pages:
        sieved.kept += sifted.undated
        for those in sifted.dated.values():
            sieved.kept += [observation for _, observation in those]
    return sieved


def sieve_by_age(
    pages: Sequence[tuple[Page, Sifted]], now: datetime, look_back: LookBack
) -> Sieved:
    """Keep what has a known code and is not older than `look_back`."""
    sieved = Sieved(_versions(pages))
    dated: dict[frozenset[Analyte], Dated] = {}
    for _, sifted in pages:
        sieved.kept += sifted.undated
        for analytes, those in sifted.dated.items():
            dated[analytes] = dated[analytes] + those if analytes in dated else those
    counts = {a: those for a, those in dated.items() if not look_back.counts.keys().isdisjoint(a)}
    latest = now + _SLACK
    drawn_last = [drawn for those in counts.values() for drawn, _ in those if drawn <= latest]
    sieved.newest_count = max(drawn_last, default=None)
    reference = min(sieved.newest_count or now, now)
    days = _days_before(counts, reference - look_back.together - _SLACK, look_back)
    for analytes, those in dated.items():
        span = max(look_back.longer.get(analyte, look_back.days) for analyte in analytes)
        _sort_out(those, analytes, reference - span - _SLACK, days, sieved)
    return sieved


def _sort_out(
    those: Dated, analytes: frozenset[Analyte], since: datetime, days: frozenset[int], to: Sieved
) -> None:
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


def _versions(pages: Iterable[tuple[Page, Sifted]]) -> list[PlainObservation]:
    """Every version of a result that is there in several: the reading chooses among them.

    All of them, for a version left out as old or unknown may be the one that holds.
    """
    pages = tuple(pages)
    ids = [each[0].id for page, _ in pages for each in page.observations]
    ids += [resource.id for page, _ in pages for resource in page.others.resources]
    if len(ids) == len(set(ids)):
        return []
    count = Counter(ids)
    return [
        each
        for page, _ in pages
        for each in page.observations
        if each[0].id and count[each[0].id] > 1
    ]


def _meant(coding: tuple[str, str], terminology: Terminology) -> frozenset[Analyte] | None:
    meaning = terminology.meaning_of(*coding)
    if meaning is None:
        return None
    if meaning.kind is not CodeKind.ANALYTE or meaning.analyte is None:
        return frozenset()
    return frozenset({meaning.analyte})
