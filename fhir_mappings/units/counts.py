"""Units of blood counts: [a power of ten] [a word for cells] per [a volume] (1.3)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.units import words
from fhir_mappings.units.types import Dimension, Doubt, DoubtKind, ParsedUnit, Spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def one_of(items: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(item) for item in sorted(items, key=len, reverse=True)) + ")"


CELL = one_of(words.CELL_WORDS)
_EXPONENT = r"(?:[2-9]|1[0-2])"
_POWER_SIGN = r"\^+|\*{1,2}|x|\.?e|exp|pow(?:er)?|to(?:the)?(?:power)?(?:of)?|'|\+"
_TEN = rf"(?:1[x*.])?10(?:(?:{_POWER_SIGN})\+?0*)?(?P<ten>{_EXPONENT})"
_E = rf"1?e\+?0*(?P<e>{_EXPONENT})"
_LITERAL = r"(?P<literal>10{2,8}|1)s?"
_WORD = f"(?P<word>{one_of(words.POWER_WORDS)})"
_COUNT = re.compile(
    rf"(?:{CELL}[x*.,-]?)?(?:[x*.]*(?P<power>{_TEN}|{_E}|{_LITERAL}|{_WORD})[.]?)?(?:[x*.-]?{CELL})?"
)
_NO_EXPONENT = re.compile(
    rf"(?:{CELL}[x*.,-]?)?[x*.]*10(?:\^+|\*{{1,2}}|x|e|exp|')?(?P<minus>-\d\d?)?(?:[x*.-]?{CELL})?"
)
_MICROLITER = -6
_ASSUMED_VOLUMES = {3: _MICROLITER, 9: 0}
"""The volume that a laboratory leaves out: thousands per microliter, 10*9 per liter (U13)."""

_USUAL_EXPONENTS: tuple[int, ...] = (3, 9, 6, 4, 2, 0)
"""What a missing number can have been."""


def _count_scale(exponent: int, volume: int) -> ParsedUnit:
    """A count per volume as a multiple of 10*9/L."""
    return ParsedUnit(Dimension.COUNT, Decimal(1).scaleb(exponent - volume - 9))


def _exponents(top: str) -> tuple[int, ...]:
    """Every power of ten that the upper part of a count can stand for; () if it is no count."""
    match = _COUNT.fullmatch(top)
    if match is None:
        return ()
    if match["word"]:
        return words.POWER_WORDS[match["word"]]
    if match["literal"]:
        return (len(match["literal"]) - 1,)
    return (int(match["ten"] or match["e"] or 0),)


def _volume(per: str | None) -> int | None:
    """The power of ten of a liter; None if it is no volume. A `1` before it changes nothing."""
    return None if per is None else words.VOLUMES.get(per.removeprefix("1"))


_VOLUME = one_of(words.VOLUMES)
_WITHOUT_SLASH = re.compile(rf"(?P<top>.+?)\.?(?P<volume>{_VOLUME})")


def _without_slash(text: str) -> tuple[str, int] | None:
    """Split `10*3uL` and `thou.cmm`, which can only mean one thing; `K` before `L` is no count."""
    match = _WITHOUT_SLASH.fullmatch(text)
    if match is None or not _has_power(match["top"]):
        return None
    volume = words.VOLUMES[match["volume"]]
    clear = volume == _MICROLITER or (volume == 0 and match["top"][-1].isdigit())
    return (match["top"], volume) if clear else None


def _has_power(top: str) -> bool:
    match = _COUNT.fullmatch(top)
    return match is not None and bool(match["power"])


def _capital(spelling: Spelling) -> str:
    """The letter of `G/L` and its like as written, a leading times sign apart."""
    return spelling.text.partition("/")[0].lstrip("x*.") if "/" in spelling.text else ""


def read_counts(spelling: Spelling) -> Iterator[ParsedUnit]:
    """Yield every count per volume that a spelling can stand for."""
    top, volume = spelling.top, _volume(spelling.per)
    if spelling.per is None:
        top, volume = _without_slash(spelling.lower) or (top, None)
    if volume is None:
        return
    capital = words.CAPITAL_POWERS.get((_capital(spelling), volume))
    if capital is not None:
        yield _count_scale(capital, volume)
    for exponent in _exponents(top):
        yield _count_scale(exponent, volume)


def doubt_about(spelling: Spelling) -> Doubt | None:
    """Return what a count lacks: its exponent, its volume, its number, or a clear letter."""
    lacking = _NO_EXPONENT.fullmatch(spelling.top)
    volume = _volume(spelling.per)
    if lacking and (volume is not None or spelling.per is None):
        exponents = (int(lacking["minus"][1:]),) if lacking["minus"] else _USUAL_EXPONENTS
        return _of_kind(DoubtKind.NO_EXPONENT, exponents, volume)
    if spelling.per is None:
        return _doubt_without_volume(spelling.top)
    if volume is None:
        return None
    return _of_kind(DoubtKind.LETTER, words.LETTER_POWERS.get(spelling.top, ()), volume)


def _doubt_without_volume(top: str) -> Doubt | None:
    if top in words.VOLUMES:
        return _of_kind(DoubtKind.NO_NUMBER, _USUAL_EXPONENTS, words.VOLUMES[top])
    exponents = words.LETTER_POWERS.get(top) or _exponents(top)
    return _of_kind(DoubtKind.NO_VOLUME, exponents, None, _assumed(top)) if top else None


def _assumed(top: str) -> ParsedUnit | None:
    """Return what a power of ten with its exponent, or a word for thousand, stands for (U13).

    Digits alone may be a number, a lone letter may be anything.
    """
    match = _COUNT.fullmatch(top)
    if match is None or top.isdigit() or match["literal"]:
        return None
    if match["word"]:
        exponent = 3 if match["word"] in words.THOUSANDS else 0
    else:
        exponent = int(match["ten"] or match["e"] or 0)
    volume = _ASSUMED_VOLUMES.get(exponent)
    return None if volume is None else _count_scale(exponent, volume)


def _of_kind(
    kind: DoubtKind,
    exponents: tuple[int, ...],
    volume: int | None,
    assumed: ParsedUnit | None = None,
) -> Doubt | None:
    volumes = (_MICROLITER, 0) if volume is None else (volume,)
    readings = tuple(_count_scale(e, v) for e in exponents for v in volumes)
    return Doubt(kind, readings, assumed) if readings else None
