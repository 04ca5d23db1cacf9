"""How much a call may hold beside its bytes: a body of tiny entries costs far more than its size.

Measured: 16 MiB of empty entries take half a minute of a worker, 1,000 Observations milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.error_codes import ErrorCode
from service.errors import RequestTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable

VALUES_PER_ENTRY = 100
"""At most this many JSON values for each entry on average; a real Observation has 20 to 60."""


class _Entries(Struct):
    entry: list[Raw] | None = None


_ENTRIES = msgspec.json.Decoder(_Entries)


def check_values(body: bytes, most_entries: int) -> None:
    """Raise RequestTooLarge for more JSON values than a chart of that many entries can have.

    Counts punctuation, texts included, so it costs almost nothing and errs on the safe side.
    """
    most = most_entries * VALUES_PER_ENTRY
    # Every mark is a byte: most bodies are too short to be counted at all.
    if len(body) > most and sum(body.count(mark) for mark in (b",", b"{", b"[")) > most:
        raise RequestTooLarge("The body holds too many JSON values", code=ErrorCode.TOO_MANY_VALUES)


def check_entries(body: bytes, documents: Iterable[Raw], most_entries: int) -> None:
    """Raise RequestTooLarge when the prefetched Bundles hold more entries than allowed."""
    if body.count(b"{") <= most_entries:
        return
    entries = 0
    for document in documents:
        entries += _entries_in(document)
        if entries > most_entries:
            raise RequestTooLarge("The prefetched Bundles hold too many entries")


def _entries_in(document: Raw) -> int:
    try:
        return len(_ENTRIES.decode(document).entry or ())
    except DECODE_ERRORS:
        return 0  # no Bundle; a reader says so
