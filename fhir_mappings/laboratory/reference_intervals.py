"""The laboratory's reference range for one result, in the analyte's canonical unit.

Ranges come with low and high, with one of them, as text only ("4300 to 10800", "<0.40"), as a 0-0
placeholder, in another unit than the value, or several for different people. What is unclear gives
no interval; whether a limit may be used is the interpreter's question (clinical-definition 2.6).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from fhir_mappings.context import Sex
from fhir_mappings.panel import ReferenceInterval
from fhir_mappings.r4.long_texts import single_blanks
from fhir_mappings.terminology import UCUM_SYSTEMS
from fhir_mappings.units.units import UnitNotUnderstood, read_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from fhir_mappings.context import Patient
    from fhir_mappings.r4.decoding import CodeableConcept
    from fhir_mappings.r4.laboratory_resources import Quantity, ReferenceRange
    from fhir_mappings.terminology import AnalyteDefinition
    from fhir_mappings.units.units import UnitReading

_NUMBER = r"\d+(?:\.\d+)?"
_UNIT = r"\s*(?P<unit>[^\d\s(\[][^()]*)?"
_TWO_SIDED = re.compile(
    rf"[(\[]?\s*(?P<low>{_NUMBER})\s*(?P<unit2>[^\d\s\-–—][^\d]*?)?\s*(?:-|–|—|\.\.|to)\s*"
    rf"(?P<high>{_NUMBER})\s*[)\]]?{_UNIT}",
    re.ASCII,
)
_BELOW = re.compile(
    r"(?:<\s*(?:or\s*=|=)?|≤|less than(?: or equal to)?|up to|below|under)\s*"
    rf"(?P<high>{_NUMBER}){_UNIT}"
)
_ABOVE = re.compile(
    r"(?:>\s*(?:or\s*=|=)?|≥|(?:greater|more) than(?: or equal to)?|above|over|at least)\s*"
    rf"(?P<low>{_NUMBER}){_UNIT}"
)
_LEADING_WORDS = re.compile(r"^(reference|normal|ref\.?)?\s*(range|interval|values?)?\s*[:=]?\s*")

LONGEST_RANGE = 150
"""Characters of a range in words; a longer text is a comment, and no range is read from it."""

_FEMALE = frozenset({"248152002", "female", "f", "women", "woman", "females"})
_MALE = frozenset({"248153007", "male", "m", "men", "man", "males"})
_EVERYONE = frozenset({"normal", "everyone", "all", "adult", "adults", "general population"})
_YEARS_PER = {
    "a": Decimal(1),
    "year": Decimal(1),
    "yr": Decimal(1),
    "y": Decimal(1),
    "mo": Decimal(1) / 12,
    "month": Decimal(1) / 12,
    "wk": Decimal(7) / Decimal("365.25"),
    "week": Decimal(7) / Decimal("365.25"),
    "d": Decimal(1) / Decimal("365.25"),
    "day": Decimal(1) / Decimal("365.25"),
}


WrittenUnit = tuple[str, str, str]
"""Code, unit and system as they stand; all empty where none was written."""

NO_UNIT: WrittenUnit = ("", "", "")


class WrittenLimits(Struct, frozen=True):
    """One range as the laboratory wrote it. Units are empty when none was written."""

    low: Decimal | None
    high: Decimal | None
    low_unit: WrittenUnit = NO_UNIT
    high_unit: WrittenUnit = NO_UNIT


def range_units(ranges: Sequence[ReferenceRange]) -> tuple[str, ...]:
    """The units of referenceRange low and high, for a value that came without one (U1)."""
    found = []
    for each in ranges:
        for quantity in (each.low, each.high):
            if quantity is not None and (unit := quantity.unit or _ucum_code(quantity)):
                found.append(unit)
    return tuple(dict.fromkeys(found))


def chosen_limits(
    ranges: Sequence[ReferenceRange], patient: Patient | None, taken: datetime | None
) -> WrittenLimits | None:
    """The one range that is for this patient; None when there is none or it is unclear."""
    if len(ranges) == 1:
        only = ranges[0]
        return _written(only) if _fits(only, patient, taken) is not None else None
    fitting: dict[int, set[WrittenLimits]] = {}
    for each in ranges:
        specificity = _fits(each, patient, taken)
        limits = _written(each) if specificity is not None else None
        if specificity is not None and limits is not None:
            fitting.setdefault(specificity, set()).add(limits)
    best = fitting[max(fitting)] if fitting else set()
    return best.pop() if len(best) == 1 else None


def normal_limits(ranges: Sequence[ReferenceRange]) -> Iterator[WrittenLimits]:
    """Yield every range of healthy people, whoever they are."""
    for each in ranges:
        limits = _written(each) if _is_normal_range(each.type) else None
        if limits is not None:
            yield limits


def interval_in_canonical_unit(
    limits: WrittenLimits | None,
    reading: UnitReading,
    definition: AnalyteDefinition,
    value_unit: WrittenUnit = NO_UNIT,
) -> ReferenceInterval | None:
    """Convert; a limit in a unit that cannot be read is left out, one without takes the value's.

    `value_unit` is the unit that was read as `reading`.
    """
    if limits is None:
        return None
    # What was inferred for the value was not written at the limit.
    same = NO_UNIT if reading.inferred else value_unit
    low = _converted(limits.low, limits.low_unit, reading, definition, same)
    high = _converted(limits.high, limits.high_unit, reading, definition, same)
    if (low is None and high is None) or (low is not None and high is not None and low >= high):
        return None
    return ReferenceInterval(low, high)


def _converted(
    value: Decimal | None,
    unit: WrittenUnit,
    reading: UnitReading,
    definition: AnalyteDefinition,
    same: WrittenUnit,
) -> Decimal | None:
    if value is None:
        return None
    code, text, system = unit
    if (code or text) and unit != same:
        try:
            reading = read_units(code or None, text or None, (), definition, system=system or None)
        except UnitNotUnderstood:
            return None
    return reading.convert(value)


def _written(each: ReferenceRange) -> WrittenLimits | None:
    low, high = _usable(each.low), _usable(each.high)
    if low is None and high is None:
        return _limits_of_text(each.text)
    limits = WrittenLimits(
        low=low.value if low else None,
        high=high.value if high else None,
        low_unit=(low.code, low.unit, low.system) if low else NO_UNIT,
        high_unit=(high.code, high.unit, high.system) if high else NO_UNIT,
    )
    if limits.low == 0 and limits.high == 0:
        return _limits_of_text(each.text)
    return limits


def _limits_of_text(text: str) -> WrittenLimits | None:
    range_text = single_blanks(text, LONGEST_RANGE)
    if range_text is None:
        return None
    plain = _LEADING_WORDS.sub("", range_text.lower())
    for pattern in (_TWO_SIDED, _BELOW, _ABOVE):
        match = pattern.fullmatch(plain)
        if match is None:
            continue
        found = match.groupdict()
        low, high = (Decimal(found[k]) if found.get(k) else None for k in ("low", "high"))
        if (low is not None and high is not None and low >= high) or (not low and not high):
            return None
        # The text was lowered only to find the words: G/L and g/L are different units.
        written = _as_written(range_text, (found.get("unit") or found.get("unit2") or "").strip())
        return WrittenLimits(low, high, ("", written, ""), ("", written, ""))
    return None


def _as_written(text: str, lowered_unit: str) -> str:
    start = text.lower().rfind(lowered_unit) if lowered_unit else -1
    return text[start : start + len(lowered_unit)] if start >= 0 else lowered_unit


def _usable(quantity: Quantity | None) -> Quantity | None:
    if quantity is None or quantity.value is None:
        return None
    if quantity.comparator and quantity.comparator.strip():
        return None
    value = quantity.value
    return quantity if value.is_finite() and abs(value.adjusted()) < 20 else None


def _ucum_code(quantity: Quantity) -> str:
    return quantity.code if quantity.system.strip() in UCUM_SYSTEMS else ""


def _fits(each: ReferenceRange, patient: Patient | None, taken: datetime | None) -> int | None:
    """How specific a range that applies is (more is better), None when it does not apply."""
    if each.type is None and each.age is None and not each.appliesTo:
        return 0
    if not _is_normal_range(each.type):
        return None
    by_people = _fits_people(each.appliesTo, patient)
    by_age = _fits_age(each, patient, taken)
    if by_people is None or by_age is None:
        return None
    return by_people + by_age


def _is_normal_range(kind: CodeableConcept | None) -> bool:
    """Critical, therapeutic, recommended and the like are no reference ranges."""
    if kind is None:
        return True
    words = [coding.code or coding.display for coding in kind.coding] or [kind.text]
    words = [word.strip().lower() for word in words if word.strip()]
    return not words or any(word.startswith(("normal", "reference")) for word in words)


def _fits_people(concepts: Sequence[CodeableConcept], patient: Patient | None) -> int | None:
    specificity = 0
    for concept in concepts:
        words = {concept.text.strip().lower()}
        for coding in concept.coding:
            words |= {coding.code.strip().lower(), coding.display.strip().lower()}
        words = {word.removesuffix(" (finding)") for word in words} - {""}
        if not words or words & _EVERYONE:
            continue
        sex = Sex.FEMALE if words & _FEMALE else Sex.MALE if words & _MALE else None
        if sex is None or patient is None or patient.sex != sex:
            return None
        specificity += 2
    return specificity


def _fits_age(each: ReferenceRange, patient: Patient | None, taken: datetime | None) -> int | None:
    if each.age is None:
        return 0
    bounds = [_years(quantity) for quantity in (each.age.low, each.age.high)]
    given = [quantity for quantity in (each.age.low, each.age.high) if quantity is not None]
    if not given:
        return 0
    if patient is None or patient.birth_date is None or taken is None:
        return None
    if len([bound for bound in bounds if bound is not None]) < len(given):
        return None
    age = Decimal((taken.date() - patient.birth_date).days) / Decimal("365.25")
    low, high = bounds
    if (low is not None and age < low) or (high is not None and age >= high + 1):
        return None
    return 1


def _years(quantity: Quantity | None) -> Decimal | None:
    if quantity is None or _usable(quantity) is None or quantity.value is None:
        return None
    unit = (quantity.code or quantity.unit).strip().lower()
    factor = _YEARS_PER.get(unit) or _YEARS_PER.get(unit.rstrip("s"))
    return None if factor is None else quantity.value * factor
