"""One patient's laboratory as of any moment, read once.

The whole record is read once, and for each moment the Panel is cut to what was known then and is
recent enough to matter. That is right only while nothing that was known depends on what was not:
results of one specimen are judged against each other, and reports lend their members time and
specimen. Where one of two such results was known and the other was not, and where a date has no
time of its own, the record is read again as it stood, exactly as in a hook call.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_mappings.laboratory.record import LaboratoryRecord
from fhir_mappings.laboratory.relevant_observations import analytes_named
from fhir_mappings.laboratory.specimens import SAME_SPECIMEN
from fhir_mappings.panel import Analyte, Panel
from fhir_mappings.r4 import elements
from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.backtest.rewind import bundle
from service.backtest.set_aside import key_of
from service.interpreter.windows import LOOK_BACK_OF_A_CARD, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_mappings.context import Patient
    from fhir_mappings.panel import LabResult
    from fhir_mappings.terminology import Terminology
    from service.backtest.dated import Dated

_MEMBERS_MATTER = timedelta(days=92)
_NEVER = datetime.max.replace(tzinfo=UTC)
_REFERENCES = frozenset({"not_delivered", "also_not_delivered"})
"""Parts of a Panel that name what is missing: references, without a day of their own."""
_SLACK = timedelta(days=2)
_LONGEST = max(LOOK_BACK_OF_A_CARD.days, *LOOK_BACK_OF_A_CARD.longer.values()) + _SLACK
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_IRON = "iron"

_FAMILY: dict[Analyte, str] = {
    **dict.fromkeys((Analyte.HEMOGLOBIN, Analyte.HEMATOCRIT), "red cells"),
    **dict.fromkeys(
        (Analyte.LEUKOCYTES, Analyte.NEUTROPHILS, Analyte.NEUTROPHIL_PERCENT), "white cells"
    ),
    **dict.fromkeys(
        (
            Analyte.IRON,
            Analyte.IRON_BINDING_CAPACITY,
            Analyte.UNSATURATED_IRON_BINDING_CAPACITY,
            Analyte.TRANSFERRIN_SATURATION,
            Analyte.TRANSFERRIN,
        ),
        _IRON,
    ),
    **dict.fromkeys(
        (Analyte.BILIRUBIN_TOTAL, Analyte.BILIRUBIN_DIRECT, Analyte.BILIRUBIN_INDIRECT), "bilirubin"
    ),
}
"""Analytes that are judged against each other or computed from each other; any other is alone."""

_ALL_FAMILIES = frozenset({*_FAMILY.values(), *(a.value for a in Analyte if a not in _FAMILY)})


class LaboratoryAsOf:
    """The laboratory of one patient. `results` are Observations, DiagnosticReports, Specimens."""

    def __init__(
        self,
        patient_id: str,
        patient: Patient,
        results: Sequence[Dated],
        terminology: Terminology,
    ) -> None:
        self._patient_id = patient_id
        self._patient = patient
        self._terminology = terminology
        self._lines = [each for each in results if each.known is not None]
        self._whole: _Whole | None = None
        self._opened = False
        self.read_again = 0
        """How often the record had to be read again."""

    def at(self, moment: datetime) -> Panel:
        """Return what the laboratory reader would have said at `moment`."""
        if not self._opened:
            self._whole = self._read_whole()
            self._opened = True
        if self._whole is None or self._whole.depends_on_the_unknown(moment):
            self.read_again += 1
            known = [each.raw for each in self._lines if each.known <= moment]  # type: ignore[operator]
            return self._read(known, moment)
        return self._whole.cut(moment)

    @cached_property
    def everything(self) -> Panel:
        """The Panel of the whole record, nothing left out as old."""
        latest = max((each.known for each in self._lines if each.known), default=_LONG_AGO)
        record = LaboratoryRecord(self._patient_id, latest, self._terminology, self._patient)
        return record.panel([bundle(each.raw for each in self._lines)])

    def _read(self, lines: Iterable[bytes], moment: datetime) -> Panel:
        record = LaboratoryRecord(self._patient_id, moment, self._terminology, self._patient)
        return record.panel([bundle(lines)], look_back=LOOK_BACK_OF_A_CARD)

    def _read_whole(self) -> _Whole | None:
        if any(each.floating for each in self._lines):
            return None
        known = _known_by_key(self._lines)
        try:
            return _Whole(self.everything, known, _unsettled(self._lines, self._terminology))
        except _NotTold:
            return None


class _NotTold(Exception):
    """A fact of the Panel does not say which resource it came from."""


def _known_by_key(lines: Iterable[Dated]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for each in lines:
        if each.known is not None:
            found[each.key] = max(found.get(each.key, each.known), each.known)
    return found


@dataclass(frozen=True, slots=True)
class _Course:
    """The results of one analyte, newest first, with the moment each was known."""

    results: tuple[LabResult, ...]
    ages: tuple[float, ...]
    known: tuple[datetime, ...]
    at_once: bool
    """Whether all were known in the order in which they were taken."""


class _Whole:
    """The Panel of the whole record, ready to be cut."""

    def __init__(
        self,
        panel: Panel,
        known: Mapping[str, datetime],
        unsettled: list[tuple[datetime, datetime]],
    ) -> None:
        self._panel = panel
        self._courses = {
            analyte: _course(results, known) for analyte, results in panel.results.items()
        }
        self._facts = {
            each.name: [(fact, _known_of(fact, known)) for fact in value]
            for each in fields(panel)
            if isinstance(value := getattr(panel, each.name), tuple)
            and each.name not in _REFERENCES
        }
        self._starts = [start for start, _ in unsettled]
        self._ends = [end for _, end in unsettled]
        counts = sorted(
            (known, result.taken)
            for analyte in set(LOOK_BACK_OF_A_CARD.counts.values())
            if (course := self._courses.get(analyte))
            for result, known in zip(course.results, course.known, strict=True)
        )
        self._count_known = [known for known, _ in counts]
        self._count_newest: list[datetime] = []
        newest = _LONG_AGO
        for _, taken in counts:
            newest = max(newest, taken)
            self._count_newest.append(newest)

    def depends_on_the_unknown(self, moment: datetime) -> bool:
        place = bisect_right(self._starts, moment) - 1
        return place >= 0 and moment < self._ends[place]

    def cut(self, moment: datetime) -> Panel:
        place = bisect_right(self._count_known, moment) - 1
        reference = min(self._count_newest[place], moment) if place >= 0 else moment
        since = reference - _LONGEST
        facts: dict[str, Any] = {
            name: tuple(
                fact
                for fact, known in several
                if known <= moment
                and (name != "unreadable" or fact.taken is None or fact.taken >= since)
            )
            for name, several in self._facts.items()
        }
        return replace(self._panel, results=_Cut(self._courses, moment, reference), **facts)


class _Cut(Mapping[Analyte, "tuple[LabResult, ...]"]):
    """The results known at a moment; an analyte is cut when it is asked for."""

    def __init__(
        self, courses: Mapping[Analyte, _Course], moment: datetime, reference: datetime
    ) -> None:
        self._courses = courses
        self._moment = moment
        self._reference = reference
        self._cut: dict[Analyte, tuple[LabResult, ...]] = {}

    def __getitem__(self, analyte: Analyte) -> tuple[LabResult, ...]:
        found = self._of(analyte)
        if not found:
            raise KeyError(analyte)
        return found

    def get(self, analyte: Analyte, default: Any = None) -> Any:  # noqa: ANN401  as Mapping.get
        return self._of(analyte) or default

    def __contains__(self, analyte: object) -> bool:
        return isinstance(analyte, Analyte) and bool(self._of(analyte))

    def __iter__(self) -> Iterator[Analyte]:
        return (analyte for analyte in self._courses if self._of(analyte))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _of(self, analyte: Analyte) -> tuple[LabResult, ...]:
        if analyte not in self._courses:
            return ()
        if analyte not in self._cut:
            self._cut[analyte] = self._cut_one(analyte)
        return self._cut[analyte]

    def _cut_one(self, analyte: Analyte) -> tuple[LabResult, ...]:
        course, moment = self._courses[analyte], self._moment
        since = (
            self._reference
            - LOOK_BACK_OF_A_CARD.longer.get(analyte, LOOK_BACK_OF_A_CARD.days)
            - _SLACK
        )
        first = bisect_left(course.ages, -moment.timestamp())
        last = bisect_right(course.ages, -since.timestamp())
        if course.at_once and (first == len(course.known) or course.known[first] <= moment):
            kept = course.results[first:last]
        else:
            kept = tuple(course.results[n] for n in range(first, last) if course.known[n] <= moment)
        if analyte not in LOOK_BACK_OF_A_CARD.counts.values():
            return kept
        # Of a count one is wanted from before, however old.
        before = next(
            (
                course.results[n]
                for n in range(last, len(course.results))
                if course.known[n] <= moment
            ),
            None,
        )
        return kept if before is None else (*kept, before)


def _course(results: Sequence[LabResult], known: Mapping[str, datetime]) -> _Course:
    when = tuple(_known_of(result, known) for result in results)
    return _Course(
        tuple(results),
        tuple(-result.taken.timestamp() for result in results),
        when,
        all(later >= earlier for later, earlier in itertools.pairwise(when)),
    )


def _known_of(fact: Any, known: Mapping[str, datetime]) -> datetime:  # noqa: ANN401  a Panel fact
    """Raises _NotTold when the fact does not name its resource."""
    sources = getattr(fact, "derived_from", ()) or ((fact.source,) if fact.source else ())
    if not sources:
        raise _NotTold
    try:
        return max(known[source] for source in sources)
    except KeyError:
        raise _NotTold from None


def _unsettled(lines: Sequence[Dated], terminology: Terminology) -> list[tuple[datetime, datetime]]:
    """Return the spans in which only some of what belongs together was known, in order."""
    spans = [
        *_of_specimens(lines, terminology),
        *_of_versions(lines),
        *_of_members(lines, terminology),
        *_of_the_future(lines),
    ]
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _of_the_future(lines: Sequence[Dated]) -> Iterator[tuple[datetime, datetime]]:
    """Between its being known and its own time a result is of the future: unusable, and named."""
    for each in lines:
        if each.taken is not None and each.known is not None and each.taken > each.known:
            yield each.known, each.taken


def _of_specimens(
    lines: Sequence[Dated], terminology: Terminology
) -> Iterator[tuple[datetime, datetime]]:
    by_family: dict[str, list[Dated]] = defaultdict(list)
    for each in lines:
        if each.taken is not None and each.known is not None:
            for family in _families(each, terminology):
                by_family[family].append(each)
    for family, several in by_family.items():
        gap = WINDOWS.iron_together if family == _IRON else SAME_SPECIMEN
        yield from _chains(several, gap)


def _chains(several: list[Dated], gap: timedelta) -> Iterator[tuple[datetime, datetime]]:
    several.sort(key=lambda each: each.taken or _LONG_AGO)
    first = last = _LONG_AGO
    taken = _LONG_AGO
    for each in several:
        at, known = each.taken or _LONG_AGO, each.known or _LONG_AGO
        if at - taken > gap:
            if last > first:
                yield first, last
            first = last = known
        first, last, taken = min(first, known), max(last, known), at
    if last > first:
        yield first, last


def _of_versions(lines: Iterable[Dated]) -> Iterator[tuple[datetime, datetime]]:
    by_key: dict[str, list[datetime]] = defaultdict(list)
    for each in lines:
        if each.known is not None:
            by_key[each.key].append(each.known)
    for moments in by_key.values():
        if len(moments) > 1 and max(moments) > min(moments):
            yield min(moments), max(moments)


def _of_members(
    lines: Iterable[Dated], terminology: Terminology
) -> Iterator[tuple[datetime, datetime]]:
    """A member that says all of itself needs nothing of the report that names it."""
    by_key = {each.key: each for each in lines}
    for each in by_key.values():
        named = [*elements.items(each.head.hasMember), *elements.items(each.head.result)]
        for reference in named:
            key = key_of(reference)
            member = by_key.get(key)
            if each.known is None:
                continue
            known = member.known if member else None
            if known is None or known > each.known:
                # Named, but not there yet, or never: what it may hold is unknown as long as it
                # could matter, as in a call at that moment.
                yield each.known, min(known or _NEVER, each.known + _MEMBERS_MATTER)
            elif member and known < each.known and not _says_all(member, terminology):
                yield known, each.known


def _says_all(member: Dated, terminology: Terminology) -> bool:
    head = member.head
    dated = head.effectiveDateTime or head.effectivePeriod
    if not (head.status and dated and head.issued):
        return False
    named = analytes_named(bytes(member.head.code), terminology)
    return named is None or bool(named)


def _families(each: Dated, terminology: Terminology) -> frozenset[str]:
    head = each.head
    if head.component or head.contained or each.kind == "DiagnosticReport":
        return _ALL_FAMILIES if head.component or head.contained else frozenset()
    named = analytes_named(bytes(head.code), terminology)
    return frozenset(_FAMILY.get(analyte, analyte.value) for analyte in named or ())


class _Coded(msgspec.Struct, frozen=True):
    code: msgspec.Raw = msgspec.Raw()
    component: list[_Coded] = []


_PARTS = msgspec.json.Decoder(list[_Coded])


def analytes_of(each: Dated, terminology: Terminology) -> frozenset[Analyte]:
    """Return the analytes that a result names: by its code, its components, what it contains."""
    found = set(analytes_named(bytes(each.head.code), terminology) or ())
    for inner in (each.head.component, each.head.contained):
        try:
            parts = _PARTS.decode(inner) if inner else []
        except DECODE_ERRORS:
            continue
        for part in parts:
            for one in (part, *part.component):
                found |= analytes_named(bytes(one.code), terminology) or frozenset()
    return frozenset(found)
