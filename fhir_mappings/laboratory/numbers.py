"""Observation.value[x] as a number, or the reason why there is none.

Rules A4 and A9 of clinical-definition 1.1. No unit is looked at here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from fhir_mappings.laboratory.number_text import comparator_of, has_decimal_comma, number_in
from fhir_mappings.panel import Comparator, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.r4.laboratory_resources import Component, Observation

NOT_PLAIN = "The value is text that is not a plain number."
_LARGEST_EXPONENT = 20
_MOST_DIGITS = 24
_OTHER_VALUES = (
    ("valueCodeableConcept", "as a coded word"),
    ("valueBoolean", "as yes or no"),
    ("valueRange", "as a range"),
    ("valueRatio", "as a ratio"),
    ("valueSampledData", "as a series"),
    ("valueTime", "as a time"),
    ("valueDateTime", "as a date"),
    ("valuePeriod", "as a period"),
)


class Number(Struct, frozen=True):
    """A number as reported: `text` without its unit, `unit` as written.

    `in_text`: it was written, with its unit, in a text and not in a Quantity.
    """

    value: Decimal
    comparator: Comparator | None
    text: str
    unit: str = ""
    in_text: bool = False


class NoNumber(ValueError):
    """There is no number to use. `reported` is what was sent instead, when it can be shown."""

    def __init__(self, reason: Reason, explanation: str, reported: str = "") -> None:
        super().__init__(explanation)
        self.reason = reason
        self.explanation = explanation
        self.reported = reported


def read_number(
    valued: Observation | Component,
    unreadable: frozenset[str] = frozenset(),
    *,
    units_in_text: bool = False,
) -> Number:
    """Read value[x] by A4. Raises `NoNumber`.

    `units_in_text`: a text may hold a unit behind its number, and be that of a CodeableConcept.
    """
    absent = valued.dataAbsentReason
    if absent is not None and (absent.coding or absent.text):
        raise NoNumber(Reason.ABSENT, "The laboratory sent no value, only why there is none.")
    quantity = valued.valueQuantity
    if quantity is not None and quantity.value is not None:
        comparator = _comparator(quantity.comparator)
        unit = quantity.unit or quantity.code
        return _bounded(quantity.value, comparator, unit, quantity.comparator.strip())
    if valued.valueInteger is not None:
        return _bounded(valued.valueInteger, None, "", "")
    for text in _texts(valued, units_in_text=units_in_text):
        return _number_of_text(text, with_unit=units_in_text)
    raise _no_number(valued, unreadable)


def text_of(valued: Observation | Component) -> str:
    """Return the text that serves as a value: valueString, else valueCodeableConcept.text."""
    return next(_texts(valued, units_in_text=True), "")


def _texts(valued: Observation | Component, *, units_in_text: bool) -> Iterator[str]:
    if valued.valueString is not None and valued.valueString.strip():
        yield valued.valueString
    elif units_in_text and valued.valueCodeableConcept is not None:
        text = valued.valueCodeableConcept.text
        if number_in(text) or has_decimal_comma(text):
            yield text


def _number_of_text(text: str, *, with_unit: bool) -> Number:
    found = number_in(text)
    if found and (with_unit or not found.unit):
        sign = found.comparator.value if found.comparator else ""
        number = _bounded(Decimal(found.digits), found.comparator, found.unit, sign)
        return structs.replace(number, in_text=True)
    shown = text.strip()[:60]
    if has_decimal_comma(text):
        sentence = "The value has a comma, which may stand for a decimal point or for thousands."
        raise NoNumber(Reason.VALUE, sentence, shown)
    raise NoNumber(Reason.VALUE, NOT_PLAIN, shown)


def _no_number(valued: Observation | Component, unreadable: frozenset[str]) -> NoNumber:
    if any(name.startswith("value") for name in unreadable):
        return NoNumber(Reason.VALUE, "The value is not a number that can be read.")
    for name, how in _OTHER_VALUES:
        if getattr(valued, name) is not None:
            return NoNumber(Reason.VALUE, f"The value was sent {how}, not as a number.")
    return NoNumber(Reason.ABSENT, "The laboratory sent no value.")


def _comparator(text: str) -> Comparator | None:
    try:
        return comparator_of(text or "")
    except KeyError:
        sentence = "The comparator is none of <, <=, >=, >."
        raise NoNumber(Reason.VALUE, sentence) from None


def _bounded(value: Decimal, comparator: Comparator | None, unit: str, sign: str) -> Number:
    """Refuse what is not a number, or is too large or long to come from a laboratory."""
    text = ""
    if (
        not value.is_finite()
        or abs(value.adjusted()) > _LARGEST_EXPONENT
        or len(text := format(value, "f")) > 2 * _MOST_DIGITS
        or (len(text) > _MOST_DIGITS and len(value.as_tuple().digits) > _MOST_DIGITS)
    ):
        raise NoNumber(Reason.VALUE, "The value is not a finite number of reasonable size.")
    return Number(value, comparator, sign + text, unit.strip())
