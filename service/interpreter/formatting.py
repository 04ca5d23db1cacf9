"""Values, dates and names as summaries and paragraphs write them.

Summaries state values in the canonical unit; the table below every card shows what the laboratory
wrote.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, Note
from service.interpreter.interpretation import (
    B12State,
    CellLine,
    CellLineState,
    FunctionState,
    IronState,
)
from service.interpreter.thresholds import table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from fhir_mappings.panel import LabResult, ReferenceInterval
    from service.interpreter.interpretation import CellLineFact

LINE_NAMES = {
    CellLine.HEMOGLOBIN: "hemoglobin",
    CellLine.WHITE: "neutrophils",
    CellLine.PLATELETS: "platelets",
}


B12_WORDS: dict[B12State, str] = {
    B12State.LOW: "low",
    B12State.BORDERLINE: "borderline",
    B12State.NORMAL: "normal",
    B12State.ELEVATED: "high",
    B12State.MARKED: "markedly high",
    B12State.MISSING: "no usable result in the time window",
}

IRON_WORDS: dict[IronState, str] = {
    IronState.CONFOUNDED: "not interpretable after a red cell transfusion or intravenous iron",
    IronState.TRUE_DEFICIENCY: "iron deficiency",
    IronState.HIGH_SATURATION: "high transferrin saturation",
    IronState.PARTIAL: "iron studies incomplete",
    IronState.CHRONIC_DISEASE: "pattern of chronic disease or inflammation",
    IronState.INDEX: "low iron with normal TIBC and normal saturation (non-specific)",
    IronState.INDEX_BORDERLINE: (
        "low iron with normal TIBC and borderline saturation (non-specific)"
    ),
    IronState.LOW_INDETERMINATE: (
        "low iron or saturation, iron deficiency neither shown nor excluded"
    ),
    IronState.NORMAL: "not low",
    IronState.MISSING: "no usable result in the time window",
}

FUNCTION_WORDS: dict[FunctionState, str] = {
    FunctionState.DEFICIENT: "raised methylmalonic acid: functional B12 deficiency",
    FunctionState.NOT_DEFICIENT: "methylmalonic acid not raised: speaks against B12 deficiency",
    FunctionState.UNKNOWN: "not settled: no methylmalonic acid result that decides",
}

_LINE_STATE_WORDS = {
    CellLineState.MASKED: "masked by a transfusion",
    CellLineState.UNKNOWN: "not known",
}


def line_state(fact: CellLineFact) -> str:
    """Return the state of a line in words."""
    return _LINE_STATE_WORDS.get(fact.state, fact.state.value)


def counted(fact: CellLineFact) -> str:
    """Name what a line was judged by: leukocytes must never look like neutrophils."""
    return fact.result.analyte.words if fact.result else LINE_NAMES[fact.line]


COMPUTED = frozenset({Note.COMPUTED, Note.ANC_COMPUTED, Note.TSAT_COMPUTED, Note.TIBC_COMPUTED})

_LONGEST = 6
_LONGEST_UNIT = 20
_POWER_OF_TEN = re.compile(r"10[*^](\d{1,2})/(\w{1,6})")
_OTHER_UNITS = {
    "1": "",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "/100{WBCs}": "/100 WBC",
}
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MORE_DIGITS = 6
_EXACT, _SHORT = Context(prec=40), Context(prec=20)
"""A third of a number times three is the number again, when the last digits are rounded away."""


def shown(result: LabResult) -> str:
    """Return the number with its comparator, in the canonical unit, without the unit.

    The laboratory's own digits are kept when the number is the same; otherwise the value is
    rounded.
    """
    sign = result.comparator.value if result.comparator else ""
    return f"{sign}{_reported_digits(result) or _rounded(result)}"


def _reported_digits(result: LabResult) -> str:
    if result.notes & COMPUTED:
        return ""
    text = result.reported_value.strip().lstrip("<>=").strip()
    try:
        same = Decimal(text) == result.value
    except InvalidOperation:
        return ""
    plain = all(character in "0123456789." for character in text)
    return text if same and plain and len(text) <= _LONGEST else ""


def _rounded(result: LabResult) -> str:
    """Round, but never so far that it could hide on which side of a limit the value lies."""
    value = result.value
    if result.analyte is Analyte.TRANSFERRIN_SATURATION:
        whole = value.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        if not _hides_a_limit(value, whole, result.interval):
            return f"{whole:f}"
    first = result.analyte.decimals
    for digits in range(first, first + _MORE_DIGITS):
        rounded = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
        near = rounded == value or abs(rounded - value) * 1000 < abs(value)
        if near and not _hides_a_limit(value, rounded, result.interval):
            return f"{rounded:f}"
    return f"{value:f}"


def _hides_a_limit(value: Decimal, rounded: Decimal, interval: ReferenceInterval | None) -> bool:
    """Whether a limit, ours or the laboratory's, lies between the value and what is shown."""
    low, high = sorted((value, rounded))
    own = (interval.low, interval.high) if interval else ()
    return low != high and any(
        limit is not None and low <= limit <= high for limit in (*_limits_known(), *own)
    )


@cache
def _limits_known() -> frozenset[Decimal]:
    return frozenset(row.value for row in table())


def as_laboratory(result: LabResult) -> tuple[str, str]:
    """Return number and unit as the laboratory wrote them.

    The canonical value is used where the value was computed, the unit was not given, or the text is
    not a plain number or is too long.
    """
    digits = result.reported_value.strip().lstrip("<>= ").replace(",", "")
    unit = " ".join(result.reported_unit.split())
    plain = digits.replace(".", "", 1).isdigit() and digits.isascii()
    plain = plain and not result.notes & COMPUTED
    inferred = Note.UNIT_INFERRED in result.notes or Note.UNIT_GOVERNS in result.notes
    if not plain or not unit or inferred or len(unit) > _LONGEST_UNIT:
        return shown(result), unit_words(result.unit)
    if len(digits) > _LONGEST:
        digits = _four_digits(Decimal(digits), result)
    sign = result.comparator.value if result.comparator else ""
    return f"{sign}{digits}", unit_words(unit)


def _four_digits(reported: Decimal, result: LabResult) -> str:
    """Return four digits of the laboratory's number, more where they could hide a limit."""
    first = max(0, 3 - reported.adjusted())
    for places in range(first, first + _MORE_DIGITS):
        rounded = reported.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
        canonical = _EXACT.multiply(result.value, _EXACT.divide(rounded, reported or Decimal(1)))
        if not _hides_a_limit(result.value, _SHORT.plus(canonical), result.interval):
            return f"{rounded:f}"
    return f"{reported:f}"


def bare_number(result: LabResult) -> str:
    """Return the number alone where every reader expects its unit, else the value with its unit."""
    number, unit = as_laboratory(result)
    return number if number == shown(result) else f"{number} {unit}".strip()


def with_unit(result: LabResult) -> str:
    """Return the value with its canonical unit, as people write it."""
    return f"{shown(result)} {unit_words(result.unit)}".strip()


def unit_words(unit: str) -> str:
    """Return a unit as people write it: `×10⁹/L` for `10*9/L`."""
    power = _POWER_OF_TEN.fullmatch(unit)
    if power:
        return f"×10{power[1].translate(_SUPERSCRIPTS)}/{power[2]}"
    return _OTHER_UNITS.get(unit, unit)


def readable_units(text: str) -> str:
    """Return the text of a result with its powers of ten as people write them."""
    return _POWER_OF_TEN.sub(lambda match: unit_words(match[0]), text)


def day(moment: date | datetime) -> str:
    """Return the date in the Observation's own offset, as `27 Nov 2026`."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def listed(items: Iterable[str]) -> str:
    """Join as a sentence does: `a, b and c`, each once."""
    unique = list(dict.fromkeys(item for item in items if item))
    if len(unique) < 2:
        return "".join(unique)
    return f"{', '.join(unique[:-1])} and {unique[-1]}"


def sentence(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]
