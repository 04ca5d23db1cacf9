"""The grammar of unit spellings (clinical-definition 1.3).

`parse` reads one spelling in every way that makes sense, without knowing the analyte. Masses,
amounts of substance and enzyme activities are [a unit] per [a volume]; blood counts are in
`counts.py`; the rest are small fixed vocabularies. Which of the readings an analyte allows is
decided in `units.py`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.units import words
from fhir_mappings.units.counts import CELL, doubt_about, one_of, read_counts
from fhir_mappings.units.filtration import filtration_rates
from fhir_mappings.units.spelling import (
    MAX_LENGTH,
    clean,
    in_two_spellings,
    without_annotations,
    without_brackets,
)
from fhir_mappings.units.types import Dimension, Parse, ParsedUnit, Spelling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def parse(text: str) -> Parse:
    """Read a spelling in every way that makes sense; an empty Parse when there is none."""
    cleaned = clean(text)
    result = _parse_clean(without_brackets(cleaned))
    if not result.readings and result.doubt is None:
        bare = without_annotations(cleaned)
        if bare:
            return _parse_clean(bare)
        twice = in_two_spellings(cleaned)
        if twice:
            return _same_in_both(*twice)
    return result


def is_unit(text: str) -> bool:
    """Whether a text is a unit of some quantity, clear or not."""
    if len(text) > MAX_LENGTH:
        return False
    parsed = parse(text)
    return bool(parsed.readings) or parsed.doubt is not None


def _same_in_both(one: str, other: str) -> Parse:
    """Return the readings that two spellings of one unit have in common."""
    others = _parse_clean(other).readings
    return Parse(tuple(each for each in _parse_clean(one).readings if each in others))


def _parse_clean(cleaned: str) -> Parse:
    spelling = _spelling(cleaned)
    readings = {reading: None for parser in _PARSERS for reading in parser(spelling)}
    return Parse(tuple(readings), None if readings else doubt_about(spelling))


# --- words to one notation -----------------------------------------------------------------------

_VOLUME = "|".join(re.escape(v) for v in sorted(words.VOLUMES, key=len, reverse=True))
_INVERSE_VOLUME = re.compile(rf"[.*/]?(?<![a-z])({_VOLUME})(?:\^|\*\*)?-1$")
_INVERSE_CUBE = re.compile(r"[.*/]?mm(?:\^|\*\*?)?-3$")
_INVERSE_MINUTE = re.compile(r"[.*]?min(?:\^|\*\*)?-1")
_INVERSE_AREA = re.compile(r"[.*/]?(?:1[.,]73)?[.*]?m(?:\^|\*\*)?-2$")
_PERCENT = re.compile("|".join(sorted(words.PERCENT_WORDS, key=len, reverse=True)))
_AT_37 = re.compile(r"(?<=[a-z])[/@,]?(?:at)?37(?:°|deg)?c?$")
_PER = re.compile(r"per(?!cent|mille?$)")


def _spelling(cleaned: str) -> Spelling:
    lower = _AT_37.sub("", _PER.sub("/", _PERCENT.sub("%", cleaned.lower())))
    lower = _INVERSE_VOLUME.sub(r"/\1", _INVERSE_CUBE.sub("/mm3", lower))
    lower = _INVERSE_MINUTE.sub("/min", _INVERSE_AREA.sub("/1.73m2", lower))
    top, slash, per = lower.partition("/")
    return Spelling(cleaned, lower, top, per if slash else None)


# --- concentrations ------------------------------------------------------------------------------

_CONCENTRATIONS: tuple[tuple[Dimension, dict[str, int]], ...] = (
    (Dimension.MASS, words.MASSES),
    (Dimension.MOLAR, words.MOLES),
    (Dimension.ENZYME, words.ENZYME_UNITS),
    (Dimension.KATAL, words.KATALS),
)
_RATIOS: tuple[tuple[Dimension, dict[str, int]], ...] = (
    (Dimension.MASS_RATIO, words.MASSES),
    (Dimension.MOLAR_RATIO, words.MOLES),
    (Dimension.VOLUME_RATIO, words.VOLUMES),
)
_MOLARITY = re.compile(r"([munp]?)M")
_MOLARITY_POWER = {"": 0, "m": -3, "u": -6, "n": -9, "p": -12}
# `mgdL`: only before volumes that cannot be taken for a letter of the mass.
_GLUED_MASS = re.compile(rf"(?P<mass>{one_of(words.MASSES)})(?P<volume>dl|ml)")
_NUMBERED = re.compile(r"(10{0,3})?(\D.*)")


def _concentrations(spelling: Spelling) -> Iterator[ParsedUnit]:
    """A mass, amount of substance or enzyme activity per volume; `mg%` is per 100 mL."""
    top = spelling.top.rstrip(".")
    volume = _numbered_volume(spelling.per)
    if volume is not None:
        for dimension, table in _CONCENTRATIONS:
            if top in table:
                yield ParsedUnit(dimension, Decimal(1).scaleb(table[top] - volume))
    elif spelling.per is None and (glued := _GLUED_MASS.fullmatch(top)):
        exponent = words.MASSES[glued["mass"]] - words.VOLUMES[glued["volume"]]
        yield ParsedUnit(Dimension.MASS, Decimal(1).scaleb(exponent))
    elif spelling.per is None and top.removesuffix("%") in words.MASSES and top.endswith("%"):
        mass = words.MASSES[top.removesuffix("%")]
        yield ParsedUnit(Dimension.MASS, Decimal(1).scaleb(mass + 1))
    molarity = _MOLARITY.fullmatch(spelling.text)
    if molarity and molarity[1]:
        yield ParsedUnit(Dimension.MOLAR, Decimal(1).scaleb(_MOLARITY_POWER[molarity[1]]))


def _numbered_volume(per: str | None) -> int | None:
    """The power of ten of a volume that may have a 1, 10, 100 or 1000 before it."""
    match = _NUMBERED.fullmatch(per or "")
    if match is None or match[2] not in words.VOLUMES:
        return None
    return words.VOLUMES[match[2]] + len(match[1] or "1") - 1


def _ratios(spelling: Spelling) -> Iterator[ParsedUnit]:
    for dimension, table in _RATIOS:
        if spelling.top in table and spelling.per in table:
            exponent = table[spelling.top] - table[spelling.per]
            yield ParsedUnit(dimension, Decimal(1).scaleb(exponent))


# --- fractions, cells, rates, temperatures --------------------------------------------------------

_LEUKOCYTES = one_of(words.LEUKOCYTE_WORDS)
_ERYTHROCYTES = one_of(words.ERYTHROCYTE_WORDS)
_CLOSED: tuple[tuple[re.Pattern[str], Dimension, Decimal], ...] = tuple(
    (re.compile(pattern), dimension, Decimal(scale))
    for pattern, dimension, scale in (
        ("%", Dimension.PERCENT, "1"),
        (rf"%(?:of)?(?:total)?(?!{_LEUKOCYTES}$|{_ERYTHROCYTES}$){CELL}", Dimension.PERCENT, "1"),
        (r"%(?:of)?total", Dimension.PERCENT, "1"),
        (r"%(?:of)?sat(?:uration)?|sat(?:uration)?%", Dimension.PERCENT_SATURATION, "1"),
        (r"%(?:by)?v(?:ol(?:ume)?)?(?:/v)?|v(?:ol(?:ume)?)?\.?%", Dimension.PERCENT_VOLUME, "1"),
        (one_of(words.PER_THOUSAND_WORDS), Dimension.PERMILLE, "1"),
        (one_of(words.RATIO_WORDS), Dimension.RATIO, "1"),
        ("1", Dimension.UNITY, "1"),
        (
            rf"{CELL}?/?(?:100|hundred){_LEUKOCYTES}|%(?:of)?(?:total)?{_LEUKOCYTES}|{_LEUKOCYTES}%",
            Dimension.PER_LEUKOCYTES,
            "1",
        ),
        (
            rf"{CELL}?/100{_ERYTHROCYTES}|%(?:of)?(?:total)?{_ERYTHROCYTES}|{_ERYTHROCYTES}%",
            Dimension.PER_ERYTHROCYTES,
            "1",
        ),
        (rf"{CELL}?/1000{_ERYTHROCYTES}", Dimension.PER_ERYTHROCYTES, "0.1"),
        (
            rf"{one_of((*words.MICRONS, *words.FEMTOLITERS))}(?:/cell)?",
            Dimension.ENTITIC_VOLUME,
            "1",
        ),
        ("v/v", Dimension.VOLUME_RATIO, "1"),
    )
)
_CELSIUS = re.compile(r"(?:°|o|deg(?:ree)?s?\.?|grad)?(?:c|cel|celsius|celcius|centigrade)")
_FAHRENHEIT = re.compile(r"(?:°|o|deg(?:ree)?s?\.?|grad)?(?:f|fahr|fahrenheit)")


def _closed(spelling: Spelling) -> Iterator[ParsedUnit]:
    for pattern, dimension, scale in _CLOSED:
        if pattern.fullmatch(spelling.lower):
            yield ParsedUnit(dimension, scale)


def _temperatures(spelling: Spelling) -> Iterator[ParsedUnit]:
    if _CELSIUS.fullmatch(spelling.lower):
        yield ParsedUnit(Dimension.TEMPERATURE, Decimal(1))
    elif _FAHRENHEIT.fullmatch(spelling.lower):
        yield ParsedUnit(Dimension.TEMPERATURE, Decimal(5), Decimal(9), Decimal(32))


_PARSERS: tuple[Callable[[Spelling], Iterator[ParsedUnit]], ...] = (
    read_counts,
    _concentrations,
    _ratios,
    _closed,
    filtration_rates,
    _temperatures,
)
