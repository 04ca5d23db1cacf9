"""The resources of one patient, each with the moment from which it was known.

An export shows the record as it is now; when a resource became known is told by its own dates.
A day without a time begins, for a result, with the day; what could silence a card counts from the
day after, so that nothing is known too early.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4 import elements
from fhir_mappings.r4.decoding import DECODE_ERRORS
from fhir_mappings.r4.lenient import parse_json
from fhir_mappings.r4.times import Precision, read_moment
from service.backtest.set_aside import is_set_aside, key_of, named_results

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from fhir_mappings.r4.times import Moment

LABORATORY = frozenset({"Observation", "DiagnosticReport", "Specimen"})
"""What the laboratory record reads; a DiagnosticReport is context as well."""

_moment = lru_cache(maxsize=4096)(read_moment)
"""The results of a specimen, and all of one patient, share their times."""

_VOID = "entered-in-error"
_DAY = timedelta(days=1)


class Head(Struct, frozen=True, gc=False):
    """The dates of a resource of any type that is read, as written."""

    resourceType: str = ""
    id: Any = ""
    meta: Any = None
    code: Raw = Raw()
    component: Raw = Raw()
    contained: Raw = Raw()
    hasMember: Any = None
    result: Any = None
    status: Any = None
    verificationStatus: Any = None
    encounter: Any = None
    effectiveDateTime: Any = None
    effectivePeriod: Any = None
    effectiveInstant: Any = None
    issued: Any = None
    recordedDate: Any = None
    assertedDate: Any = None
    onsetDateTime: Any = None
    onsetPeriod: Any = None
    authoredOn: Any = None
    occurrenceDateTime: Any = None
    dateAsserted: Any = None
    performedDateTime: Any = None
    performedPeriod: Any = None
    period: Any = None
    created: Any = None
    start: Any = None


_HEAD = msgspec.json.Decoder(Head)


@dataclass(slots=True, eq=False)
class Dated:
    """One resource. `known` None: no date tells when it was known.

    `taken` is the time of the specimen (results only). `floating`: some date of a result has no
    time or no time zone, so that what it means depends on the moment of the call.
    """

    raw: bytes
    head: Head
    known: datetime | None
    taken: datetime | None = None
    floating: bool = False
    _parsed: Any = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """The FHIR type."""
        return self.head.resourceType

    @property
    def key(self) -> str:
        """`Type/id`, as references name it; empty without an id."""
        return f"{self.kind}/{self.head.id}" if self.head.id else ""

    @property
    def parsed(self) -> dict[str, Any]:
        """The whole resource as plain values with exact numbers, parsed once."""
        if self._parsed is None:
            found = parse_json(self.raw)
            self._parsed = found if isinstance(found, dict) else {}
        parsed: dict[str, Any] = self._parsed
        return parsed


@dataclass(frozen=True, slots=True)
class Clock:
    """How dates of the export become moments at this site."""

    zone: ZoneInfo
    visible_after: timedelta

    def at(self, element: object, *, day_after: bool = False) -> datetime | None:
        """Return the moment of a FHIR date or time, None when it tells none.

        A day begins at its first minute, or, with `day_after`, counts from the next one on.
        """
        text = elements.text(element)
        found = _moment(text) if text else None
        return None if found is None else self._point(found, day_after=day_after)

    def _point(self, found: Moment, *, day_after: bool) -> datetime:
        if found.precision == Precision.MOMENT:
            if found.zoned:
                return found.at.astimezone(UTC)
            return found.at.replace(tzinfo=self.zone).astimezone(UTC)
        day = found.at.date()
        if found.precision == Precision.DAY and not day_after:
            return datetime.combine(day, time(), self.zone).astimezone(UTC)
        return datetime.combine(day + _DAY, time(), self.zone).astimezone(UTC)

    def period_end(self, period: object, *, day_after: bool = False) -> datetime | None:
        """Return the end of a Period."""
        return self.at(elements.member(period, "end"), day_after=day_after)

    def period_start(self, period: object, *, day_after: bool = False) -> datetime | None:
        """Return the start of a Period."""
        return self.at(elements.member(period, "start"), day_after=day_after)


def open_lines(lines: Iterable[bytes], clock: Clock) -> tuple[list[Dated], int]:
    """Return the resources of one patient in an order of their own, and how many are void.

    The order of lines never matters: they are sorted, and what came twice counts once. Of the
    versions of one context resource the newest stays; the laboratory's reader chooses among
    results itself, as of each moment.
    """
    every = sorted(set(lines))
    heads = _heads(raw for raw in every if not is_set_aside(raw))
    named = _named(head for _, head in heads)
    heads += _heads(named_results(filter(is_set_aside, every), named))
    kept = _newest_versions(heads)
    ends = {
        f"Encounter/{head.id}": clock.period_end(head.period)
        for _, head in kept
        if head.resourceType == "Encounter"
    }
    dated: list[Dated] = []
    void = 0
    for raw, head in kept:
        if _VOID in elements.codes(head.status) or _VOID in elements.codes(head.verificationStatus):
            void += 1
            continue
        dated.append(_dated(raw, head, clock, ends))
    return dated, void


def _named(heads: Iterable[Head]) -> frozenset[str]:
    """Return what panels and reports name, as `Type/id`."""
    return frozenset(
        key_of(reference)
        for head in heads
        if head.hasMember or head.result
        for reference in (*elements.items(head.hasMember), *elements.items(head.result))
    )


def _heads(lines: Iterable[bytes]) -> list[tuple[bytes, Head]]:
    return [
        (raw, head)
        for raw in lines
        if (head := _head(raw)) is not None and head.id and head.resourceType in READ_TYPES
    ]


def _head(raw: bytes) -> Head | None:
    try:
        return _HEAD.decode(raw)
    except DECODE_ERRORS:
        return None


def _newest_versions(heads: list[tuple[bytes, Head]]) -> list[tuple[bytes, Head]]:
    newest: dict[tuple[str, str], tuple[bytes, Head]] = {}
    results: list[tuple[bytes, Head]] = []
    for raw, head in heads:
        if head.resourceType in LABORATORY:
            results.append((raw, head))
            continue
        key = head.resourceType, str(head.id)
        other = newest.setdefault(key, (raw, head))
        if _version(head, raw) > _version(other[1], other[0]):
            newest[key] = raw, head
    return [*newest.values(), *results]


def _version(head: Head, raw: bytes) -> tuple[datetime, int, bytes]:
    meta = head.meta
    stored = read_moment(elements.text(elements.member(meta, "lastUpdated")))
    number = elements.text(elements.member(meta, "versionId"))
    return (
        stored.at if stored else datetime.min.replace(tzinfo=UTC),
        int(number) if number.isascii() and number.isdigit() and len(number) < 18 else -1,
        raw,
    )


def _dated(raw: bytes, head: Head, clock: Clock, ends: dict[str, datetime | None]) -> Dated:
    if head.resourceType in {"Observation", "DiagnosticReport"}:
        return _result(raw, head, clock)
    return Dated(raw, head, _KNOWN[head.resourceType](head, clock, ends))


def _result(raw: bytes, head: Head, clock: Clock) -> Dated:
    """When its specimen was taken and when it was known: issued, never before it was taken."""
    period = head.effectivePeriod
    known, taken, floating = _times(
        clock,
        elements.text(head.issued),
        elements.text(head.effectiveDateTime),
        elements.text(head.effectiveInstant),
        elements.text(elements.member(period, "end")) if period else "",
        elements.text(elements.member(period, "start")) if period else "",
    )
    return Dated(raw, head, known, taken, floating=floating)


@lru_cache(maxsize=4096)
def _times(
    clock: Clock, issued_as: str, *taken_as: str
) -> tuple[datetime | None, datetime | None, bool]:
    """Return when a result was known and taken, and whether a date of it floats.

    The results of a specimen share their times.
    """
    issued = clock.at(issued_as)
    taken = next((at for at in map(clock.at, taken_as) if at is not None), None)
    floating = any(map(_is_floating, (*taken_as, issued_as)))
    if issued is None:
        known = None if taken is None else taken + clock.visible_after
    else:
        known = issued if taken is None else max(issued, taken)
    return known, taken or issued, floating


def _is_floating(text: str) -> bool:
    found = _moment(text) if text else None
    return found is not None and not (found.zoned and found.precision == Precision.MOMENT)


_Ends = dict[str, datetime | None]


def _always(_head: Head, _clock: Clock, _ends: _Ends) -> datetime:
    return datetime.min.replace(tzinfo=UTC)


def _condition(head: Head, clock: Clock, ends: _Ends) -> datetime | None:
    for written in (
        head.recordedDate,
        head.assertedDate,
        head.onsetDateTime,
        elements.member(head.onsetPeriod, "start"),
    ):
        if (at := clock.at(written, day_after=True)) is not None:
            return at
    named = elements.reference(head.encounter).split("/_history/")[0]
    return ends.get("/".join(named.split("/")[-2:]))


def _request(head: Head, clock: Clock, _ends: _Ends) -> datetime | None:
    return clock.at(head.authoredOn, day_after=True) or clock.at(
        head.occurrenceDateTime, day_after=True
    )


def _statement(head: Head, clock: Clock, _ends: _Ends) -> datetime | None:
    return (
        clock.at(head.dateAsserted, day_after=True)
        or clock.period_start(head.effectivePeriod, day_after=True)
        or clock.at(head.effectiveDateTime, day_after=True)
    )


def _administration(head: Head, clock: Clock, _ends: _Ends) -> datetime | None:
    return clock.at(head.effectiveDateTime, day_after=True) or clock.period_start(
        head.effectivePeriod, day_after=True
    )


def _procedure(head: Head, clock: Clock, _ends: _Ends) -> datetime | None:
    return (
        clock.at(head.performedDateTime, day_after=True)
        or clock.period_end(head.performedPeriod, day_after=True)
        or clock.period_start(head.performedPeriod, day_after=True)
    )


def _encounter(head: Head, clock: Clock, _ends: _Ends) -> datetime | None:
    return clock.period_start(head.period)


def _appointment(head: Head, clock: Clock, ends: _Ends) -> datetime:
    return clock.at(head.created, day_after=True) or _always(head, clock, ends)


_KNOWN = {
    "Patient": _always,
    "Specimen": _always,
    "Medication": _always,
    "Condition": _condition,
    "MedicationRequest": _request,
    "ServiceRequest": _request,
    "MedicationStatement": _statement,
    "MedicationAdministration": _administration,
    "Procedure": _procedure,
    "Encounter": _encounter,
    "Appointment": _appointment,
}
READ_TYPES = frozenset(_KNOWN) | LABORATORY
"""The types of resources that a backtest reads."""
