"""Signs of units that a wrong code page has damaged, restored (clinical-definition 1.3, U2).

The micro sign, superscripts and the times sign lie outside ASCII. Written in one encoding and read
in another they become a few other signs, always the same ones: `Î¼`, `Âµ`, `┬╡`, `æ` were a mu.
What a damaged sign must have been is worked out here once, for the encodings in use; anything else
is left as it is.
"""

from __future__ import annotations

import re
from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MICRO = "µμ"
_POWERS = "¹²³⁰⁴⁵⁶⁷⁸⁹"
_OTHERS = "×·°‰−–"
_SIGNS = frozenset(_MICRO + _POWERS + _OTHERS)
_READ_AS = (
    *("cp1252", "latin-1", "mac_roman", "cp437", "cp850", "cp852", "iso8859-2", "iso8859-7"),
    *("iso8859-9", "iso8859-15", "cp1250", "cp1251", "cp1253", "cp1254", "koi8-r"),
)
"""Encodings that UTF-8 is mistaken for."""

_SINGLE_BYTE = ("cp1252", "cp437", "cp850", "mac_roman", "cp1253", "iso8859-2")
"""Single-byte encodings that are mistaken for each other."""

_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\[xX]([0-9a-fA-F]{2})\\?|((?:%[0-9a-fA-F]{2}){1,4})")
_BEFORE_UNIT = r"(?=\s?(?:[lLgG]|mol|Mol|MOL|kat|[mM][³3^]|cat|[iI]?[uU]/))"
_AFTER_BASE = r"(?<=10)|(?<=10\^)|(?<=10\*)|(?<=mm)|(?<=m)"


def _byte_by_byte(data: bytes, encoding: str) -> str:
    """Decode as browsers do: a byte without a letter becomes the control character it numbers."""
    return "".join(_letter(byte, encoding) for byte in data)


def _letter(byte: int, encoding: str) -> str:
    try:
        return bytes((byte,)).decode(encoding)
    except UnicodeDecodeError:
        return chr(byte)


def _spoiled_by_utf8(sign: str) -> Iterator[str]:
    """Yield what UTF-8 becomes when it is read as something else, once or twice over."""
    for encoding in _READ_AS:
        once = _byte_by_byte(sign.encode("utf-8"), encoding)
        yield once
        # Control characters are often dropped on the way.
        yield "".join(letter for letter in once if letter.isprintable())
        yield _byte_by_byte(once.encode("utf-8"), encoding)


def _spoiled_byte(sign: str) -> Iterator[str]:
    """Yield the other letters that one byte stands for."""
    for written, read in permutations(_SINGLE_BYTE, 2):
        try:
            yield sign.encode(written).decode(read)
        except UnicodeError:
            continue


def _multibyte() -> dict[str, str]:
    table: dict[str, str] = {}
    for sign in _MICRO + _POWERS + _OTHERS:
        for spoiled in _spoiled_by_utf8(sign):
            if len(spoiled) > 1 and not spoiled.isascii():
                table.setdefault(spoiled, sign)
    return table


def _one_letter(signs: str) -> dict[str, str]:
    return {
        spoiled: sign
        for sign in signs
        for spoiled in _spoiled_byte(sign)
        if len(spoiled) == 1 and not spoiled.isascii() and spoiled not in _SIGNS
    }


def _any_of(table: dict[str, str]) -> str:
    return "|".join(re.escape(each) for each in sorted(table, key=len, reverse=True))


_WHOLE = _multibyte()
_WHOLE_PATTERN = re.compile(_any_of(_WHOLE))
_SPOILED_MICRO = _one_letter(_MICRO)
_MICRO_PATTERN = re.compile(f"(?:{_any_of(_SPOILED_MICRO)}|\ufffd|\\?){_BEFORE_UNIT}")
_SPOILED_POWERS = _one_letter("¹²³")
_POWER_PATTERN = re.compile(f"(?:{_AFTER_BASE})(?:{_any_of(_SPOILED_POWERS)})")


def _unescaped(found: re.Match[str]) -> str:
    """Return the sign that a program's escape stands for, if it is one of ours; else the escape."""
    if found[3]:
        data = bytes.fromhex(found[3].replace("%", ""))
        sign = data.decode("utf-8", "ignore") or data.decode("latin-1")
    else:
        sign = chr(int(found[1] or found[2], 16))
    return sign if sign in _SIGNS else found[0]


def restored(text: str) -> str:
    """Return a unit's text with every damaged sign restored that can only have been one sign."""
    if "\\" in text or "%" in text:
        text = _ESCAPED.sub(_unescaped, text)
    if text.isascii() and "?" not in text:
        return text
    text = _WHOLE_PATTERN.sub(lambda found: _WHOLE[found[0]], text)
    text = _POWER_PATTERN.sub(lambda found: _SPOILED_POWERS[found[0]], text)
    return _MICRO_PATTERN.sub("µ", text)
