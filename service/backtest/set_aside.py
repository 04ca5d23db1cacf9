"""Results of codes that nobody knows: only that they are there, and when, is kept of them.

A report that names such a result is whole. Without this it would seem that a count may hide there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4 import elements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_MARK = b'{"resourceType":"(set aside)"'


class _SetAside(Struct, frozen=True):
    subject: Raw = Raw(b"null")
    results: list[tuple[Raw, Raw, Raw, Raw]] = []


_DECODER = msgspec.json.Decoder(_SetAside)


def unread_line(subject: bytes, results: Sequence[tuple[Raw, ...]]) -> bytes:
    """Return one line for many results of a patient, each its id, effective, period, issued."""
    written = _MARK + b',"subject":' + subject + b',"results":' + msgspec.json.encode(results)
    written += b"}"
    return written.replace(b"\r", b" ").replace(b"\n", b" ")


def is_set_aside(line: bytes) -> bool:
    """Whether a line was written by `unread_line`."""
    return line.startswith(_MARK)


def named_results(lines: Iterable[bytes], named: Collection[str]) -> Iterator[bytes]:
    """Yield those that something names (`Observation/id`), as Observations without a code."""
    if not named:
        return
    for line in lines:
        aside = _DECODER.decode(line)
        for written, effective, period, issued in aside.results:
            name = elements.text(msgspec.json.decode(written))
            if f"Observation/{name}" in named:
                yield msgspec.json.encode(
                    {
                        "resourceType": "Observation",
                        "id": name,
                        "status": "final",
                        "code": {"text": "(of a code that is not read)"},
                        "subject": aside.subject,
                        "effectiveDateTime": effective,
                        "effectivePeriod": period,
                        "issued": issued,
                    }
                )


def key_of(reference: object) -> str:
    """Return `Type/id` of a Reference, without server and version; empty when it has none."""
    written = elements.reference(reference).split("/_history/")[0]
    return "/".join(written.split("/")[-2:])
