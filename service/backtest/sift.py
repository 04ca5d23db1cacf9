"""A line of an export to whose it is: the patient, or the alias under which the patient stands.

Lines that nothing reads go no further and are counted: other resource types, results of codes that
nobody knows, lines that name no patient, lines that are no FHIR resource at all.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.laboratory.relevant_observations import analytes_named
from fhir_mappings.r4 import elements
from fhir_mappings.r4.decoding import DECODE_ERRORS
from fhir_mappings.r4.lenient import parse_json
from fhir_mappings.r4.references import patient_id_of
from service.backtest.dated import READ_TYPES
from service.backtest.set_aside import unread_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.terminology import Terminology
    from service.backtest.export import Piece

LONGEST_LINE = 128 * 1024 * 1024
"""A longer line is not read."""

LONGEST_KEPT = 4 * 1024 * 1024
"""A longer resource is not read even after attachments were taken out of it."""

NOBODY = "Patient/"
"""Whose the lines are that name no patient, where such are kept."""

_NO_ID = (b"", b'""', b"null")
_LINE_HELD = 4096
MOST_SET_ASIDE = 20_000
"""So many results that nobody reads are held in memory before they are written."""

_LONG = 256 * 1024
_LONGEST_CODE = 1000
_LONGEST_TYPE = 60
_REMEMBERED = 50_000
_DAY = len("2026-01-01")
_MEDICINES = frozenset({"MedicationRequest", "MedicationStatement", "MedicationAdministration"})
_TEXT_TYPES = ("text/plain", "")


_NULL = Raw(b"null")


class _Peek(Struct, frozen=True, gc=False):
    """What tells whose a line is, and whether anybody reads it; all else is passed over."""

    resourceType: str = ""
    id: Raw = Raw()
    subject: Raw = Raw()
    code: Raw = Raw()
    component: Raw = Raw()
    hasMember: Raw = Raw()
    contained: Raw = Raw()
    result: Raw = Raw()
    effectiveDateTime: Raw = _NULL
    effectivePeriod: Raw = _NULL
    issued: Raw = _NULL


class _More(Struct, frozen=True, gc=False):
    """What is asked only of types that are few."""

    id: Any = ""
    participant: Any = None
    medicationReference: Any = None
    identifier: Any = None
    link: Any = None
    issued: Any = None
    recordedDate: Any = None
    authoredOn: Any = None
    period: Any = None
    performedDateTime: Any = None


_PEEK = msgspec.json.Decoder(_Peek)
_MORE = msgspec.json.Decoder(_More)


class Sifted(NamedTuple):
    """One line that is read. `who` is `Patient/id` or an identifier; `refers`: its Medication."""

    who: str
    refers: str
    line: bytes


class Alias(NamedTuple):
    """Another name of a patient: an identifier, or the id of a record that this one replaces."""

    name: str
    patient: str


class Shared(NamedTuple):
    """A Medication: it belongs to nobody, and is read with what refers to it."""

    key: str
    line: bytes


@dataclass(slots=True)
class Counts:
    """What was counted of one file or of all. `days` are results by day, `types` lines by type."""

    lines: int = 0
    types: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    days: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    unread: Counter[bytes] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Add what was counted elsewhere."""
        self.lines += other.lines
        for name in ("types", "kept", "days", "unreadable", "unread"):
            getattr(self, name).update(getattr(other, name))
        for kind, day in other.first.items():
            self.first[kind] = min(self.first.get(kind, day), day)
        for kind, day in other.last.items():
            self.last[kind] = max(self.last.get(kind, day), day)


class Sifter:
    """Sifts lines and counts. What is no patient's own line is gathered in `aliases`, `shared`.

    With `every_code`, for a mapping report, results of codes that nobody knows are kept as well,
    and what names no patient is kept under `NOBODY`.
    """

    def __init__(self, terminology: Terminology, *, every_code: bool = False) -> None:
        self._terminology = terminology
        self._every = every_code
        self._counts = Counts()
        self.aliases: list[Alias] = []
        self.shared: list[Shared] = []
        self._known: dict[bytes, bool] = {}
        self._whose: dict[bytes, str] = {}
        self._aside: dict[tuple[str, bytes], list[tuple[Raw, ...]]] = {}
        self._days: dict[bytes, int] = {}
        self._aside_size = 0

    @property
    def counts(self) -> Counts:
        """What was counted until now."""
        for day, number in self._days.items():
            self._count_day("Observation", day, number)
        self._days.clear()
        return self._counts

    def sift(self, line: bytes) -> Sifted | None:
        """Return a line that is read, with whose it is; None when it is not, which is counted."""
        line = line.strip()
        if not line:
            return None
        counts = self._counts
        counts.lines += 1
        try:
            if not line.isascii():
                line = line.decode().removeprefix("\ufeff").encode()
            peek = _PEEK.decode(line)
        except DECODE_ERRORS as error:
            self._unreadable(line, error)
            return None
        try:
            return self._sifted(line, peek)
        except (*DECODE_ERRORS, ValueError):  # ValueError: json's own errors
            counts.unreadable["a part that cannot be read"] += 1
            return None

    def _sifted(self, line: bytes, peek: _Peek) -> Sifted | None:
        """Raises ValueError or RecursionError for a part that is read only now."""
        counts, kind = self._counts, peek.resourceType
        if kind != "Observation":
            return self._sift_other(line, peek)
        counts.types[kind] += 1
        day = bytes(peek.effectiveDateTime)[1:11]
        self._days[day] = self._days.get(day, 0) + 1
        is_whole = not (peek.component or peek.hasMember or peek.contained)
        if is_whole and not self._every and not self._is_read(bytes(peek.code)):
            self._set_aside(line, peek)
            return None
        return self._own(line, peek)

    @property
    def is_full(self) -> bool:
        """Whether so many results were set aside that they are to be written."""
        return self._aside_size >= MOST_SET_ASIDE

    def set_aside(self) -> Iterator[Sifted]:
        """Yield what is left of results of codes that nobody knows: that they are there, and when.

        A report may name them, and what it names is then not missing.
        """
        for (who, subject), several in self._aside.items():
            yield Sifted(who, "", unread_line(subject, several))
        self._aside.clear()
        self._aside_size = 0

    def _set_aside(self, line: bytes, peek: _Peek) -> None:
        subject = bytes(peek.subject)
        who = self._subject(subject, peek)
        if not who or bytes(peek.id) in _NO_ID:
            return
        result: tuple[Raw, ...] = (
            peek.id,
            peek.effectiveDateTime,
            peek.effectivePeriod,
            peek.issued,
        )
        if len(line) > _LINE_HELD:  # the parts of a line hold all of it
            result = tuple(each.copy() for each in result)
        key = who, subject
        several = self._aside.get(key)
        if several is None:
            several = self._aside[key] = []
        several.append(result)
        self._aside_size += 1

    def _own(self, line: bytes, peek: _Peek, who: str = "", refers: str = "") -> Sifted | None:
        counts = self._counts
        if bytes(peek.id) in _NO_ID and not self._every:
            counts.unreadable["no id"] += 1
            return None
        who = who or self._subject(bytes(peek.subject), peek) or (NOBODY if self._every else "")
        if not who:
            counts.unreadable["names no patient"] += 1
            return None
        if len(line) > _LONG and not (line := self._shortened(line)):
            return None
        counts.kept[peek.resourceType] += 1
        # Only blanks between elements can hold it, and the files of the engines end lines there.
        return Sifted(who, refers, line.replace(b"\r", b" "))

    def _sift_other(self, line: bytes, peek: _Peek) -> Sifted | None:
        kind, counts = peek.resourceType, self._counts
        if not kind or len(kind) > _LONGEST_TYPE or not kind.isalpha():
            counts.unreadable["no resource type"] += 1
            return None
        if kind not in READ_TYPES:
            counts.types[kind] += 1
            return None
        more = _MORE.decode(line)
        counts.types[kind] += 1
        self._count_day(kind, _day_of(peek, more))
        if kind == "Medication":
            counts.kept[kind] += 1
            self.shared.append(Shared(f"Medication/{elements.text(more.id)}", line))
            return None
        who = refers = ""
        if bytes(peek.id) in _NO_ID and not self._every:
            counts.unreadable["no id"] += 1
            return None
        if kind == "Patient":
            who = f"Patient/{elements.text(more.id)}"
            self.aliases += _aliases(who, more)
        elif kind == "Appointment":
            actors = [elements.member(each, "actor") for each in elements.items(more.participant)]
            who = next((found for each in actors if (found := _of_reference(each))), "")
        elif kind in _MEDICINES:
            refers = _medication(more)
        return self._own(line, peek, who, refers)

    def _subject(self, subject: bytes, peek: _Peek) -> str:
        who = self._whose.get(subject)
        if who is None:
            element = msgspec.json.decode(subject) if subject else None
            who = _of_reference(element) or _of_contained(element, peek.contained)
            if elements.reference(element).startswith("#"):
                return who
            if len(self._whose) >= _REMEMBERED:
                self._whose.clear()
            self._whose[subject] = who
        return who

    def _unreadable(self, line: bytes, error: Exception) -> None:
        what = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "no JSON object"
        self._counts.unreadable["longer than 128 MB" if len(line) > LONGEST_LINE else what] += 1

    def _count_day(self, kind: str, day: bytes, number: int = 1) -> None:
        counts = self._counts
        if len(day) != _DAY or not day[:4].isdigit():
            return
        text = day.decode("ascii", "replace")
        if kind == "Observation":
            counts.days[text] += number
        if text < counts.first.get(kind, "9999"):
            counts.first[kind] = text
        if text > counts.last.get(kind, ""):
            counts.last[kind] = text

    def _is_read(self, code: bytes) -> bool:
        known = self._known.get(code)
        if known is None:
            known = analytes_named(code, self._terminology) is not None
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[code] = known
        if not known:
            self._counts.unread[code[:_LONGEST_CODE]] += 1
        return known

    def _shortened(self, line: bytes) -> bytes:
        """A long resource without the attachments that nobody reads; empty when it stays long."""
        if len(line) <= _LONG:
            return line
        resource = parse_json(line)
        for form in elements.items(resource.get("presentedForm")):
            kind = elements.text(elements.member(form, "contentType")).split(";")[0].strip().lower()
            if isinstance(form, dict) and kind not in _TEXT_TYPES:
                form.pop("data", None)
        resource.pop("text", None)
        shorter = _EXACT.encode(resource)
        line = min(line, shorter, key=len)
        if len(line) > LONGEST_KEPT:
            self._counts.unreadable["longer than 4 MB without attachments"] += 1
            return b""
        return line


_EXACT = msgspec.json.Encoder(decimal_format="number")


def _day_of(peek: _Peek, more: _More) -> bytes:
    written = bytes(peek.effectiveDateTime)[1:11]
    if len(written) == _DAY:
        return written
    several = (
        more.issued,
        more.recordedDate,
        more.authoredOn,
        more.performedDateTime,
        elements.member(more.period, "start"),
    )
    return next((text[:_DAY].encode() for each in several if (text := elements.text(each))), b"")


def _medication(more: _More) -> str:
    written = elements.reference(more.medicationReference).split("/_history/")[0]
    return "/".join(written.split("/")[-2:]) if "Medication/" in written else ""


def _of_reference(element: Any) -> str:  # noqa: ANN401  any JSON value
    if not isinstance(element, dict):
        return ""
    written = element.get("reference")
    if isinstance(written, str) and written:
        found = patient_id_of(written, {})
        return f"Patient/{found}" if found else ""
    return _identifier(element.get("identifier"))


def _of_contained(subject: object, contained: Raw) -> str:
    """Return whom a subject that is contained in the resource names."""
    local = elements.reference(subject)
    if not local.startswith("#") or not contained:
        return ""
    for each in elements.items(msgspec.json.decode(contained)):
        if elements.text(elements.member(each, "id")).lstrip("#") == local[1:]:
            named = (
                _identifier(one) for one in elements.items(elements.member(each, "identifier"))
            )
            return next((name for name in named if name), "")
    return ""


def _identifier(element: object) -> str:
    system = elements.text(elements.member(element, "system"))
    value = elements.text(elements.member(element, "value"))
    return f"identifier|{system}|{value}" if value and system else ""


def _aliases(who: str, more: _More) -> Iterator[Alias]:
    for each in elements.items(more.identifier):
        if name := _identifier(each):
            yield Alias(name, who)
    for link in elements.items(more.link):
        if elements.text(elements.member(link, "type")) == "replaces":
            other = _of_reference(elements.member(link, "other"))
            if other:
                yield Alias(other, who)


def coding_of(code: bytes) -> str:
    """Return a code that nobody reads, as `system|code`."""
    try:
        concept = msgspec.json.decode(code) if code else {}
    except DECODE_ERRORS:
        return "(unreadable code)"
    first = next(iter(elements.codings(concept)), None)
    return f"{first.system}|{first.code}"[:120] if first else "(text only)"


def lines_of(piece: Piece) -> Iterator[bytes]:
    """Yield the lines that begin in a piece of a file. Raises OSError, EOFError, zlib.error."""
    if piece.file.is_packed:
        with gzip.open(piece.file.path, "rb") as lines:
            yield from (line for line, _ in _bounded(lines))
        return
    with piece.file.path.open("rb") as lines:
        place = 0
        if piece.start:
            # The line that runs across belongs to the piece in which it begins.
            lines.seek(piece.start - 1)
            place = piece.start - 1 + sum(size for _, size in islice(_bounded(lines), 1))
        if place >= piece.end:
            return
        for line, size in _bounded(lines):
            yield line
            place += size
            if place >= piece.end:
                return


class _Readable(Protocol):
    def readline(self, size: int, /) -> bytes: ...


def _bounded(lines: _Readable) -> Iterator[tuple[bytes, int]]:
    """Yield lines, of one that is too long no more than tells that it is, with their whole size."""
    while line := lines.readline(LONGEST_LINE + 1):
        size = len(line)
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = lines.readline(LONGEST_LINE + 1)
            size += len(rest)
        yield line, size


UNREADABLE_FILE = (OSError, EOFError, zlib.error)
"""What a file that cannot be read to its end raises."""
