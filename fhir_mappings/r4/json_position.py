"""Where a JSON document stops being JSON, for the person who wrote the file."""

from __future__ import annotations

import json
import re

_BYTE = re.compile(r"\(byte (\d+)\)")


def json_fault(document: bytes, error: Exception) -> str:
    """Return what is wrong and where, as lines and columns from 1: `line 3, column 9`.

    `error` is one of DECODE_ERRORS that decoding `document` raised.
    """
    if isinstance(error, RecursionError):
        return "nested too deeply"
    try:
        document.decode()
    except UnicodeDecodeError as wrong:
        return f"not UTF-8 at {_place(document, wrong.start)}"
    at = _first_fault(document, error)
    if at >= len(document.rstrip()):
        return f"broken off at {_place(document, at)}"
    return _place(document, at)


def _first_fault(document: bytes, error: Exception) -> int:
    """Return the byte at fault; msgspec counts to the end of a word, the standard library not."""
    try:
        json.loads(document)
    except json.JSONDecodeError as found:
        return len(document.decode()[: found.pos].encode())
    except (ValueError, RecursionError):
        pass
    byte = _BYTE.search(str(error))
    return int(byte[1]) if byte else len(document)


def _place(document: bytes, at: int) -> str:
    line = document.count(b"\n", 0, at) + 1
    column = at - document.rfind(b"\n", 0, at)
    return f"line {line}, column {column}"
