"""Serology and pregnancy results (clinical-definition 1.7, 2.5)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.flags import flag_of
from fhir_mappings.laboratory.numbers import NoNumber, Number, read_number
from fhir_mappings.laboratory.qualitative import (
    presence_of_concept,
    presence_of_interpretation,
    presence_of_text,
)
from fhir_mappings.laboratory.reference_intervals import chosen_limits
from fhir_mappings.panel import Comparator, Flag, PregnancyObservation, SerologyResult, SerologyTest
from fhir_mappings.r4.long_texts import single_blanks
from fhir_mappings.r4.times import read_date

if TYPE_CHECKING:
    from datetime import date, datetime

    from fhir_mappings.r4.decoding import CodeableConcept
    from fhir_mappings.r4.laboratory_resources import Component, Observation
    from fhir_mappings.terminology import CodeMeaning

_PREGNANT = frozenset({"77386006", "LA15173-0"})
_NOT_PREGNANT = frozenset({"60001007", "LA26683-5"})
_NOT_PREGNANT_WORDS = re.compile(r"\bnot (currently )?pregnant|\bno\b|\bnegative\b|^n$")
_PREGNANT_WORDS = re.compile(r"\bpregnant\b|\byes\b|\bpositive\b|^y$")
_UNSURE = re.compile(r"\b(possibly|possible|unknown|unsure|unconfirmed|maybe|planning|trying)\b|\?")
_WEEKS_TEXT = re.compile(
    r"\s*(?P<weeks>\d{1,2})\s*(?:w[a-z]*)?\s*[+,]?\s*(?:(?P<days>[0-6])\s*(?:/7|d[a-z]*)?)?\s*",
    re.ASCII,
)

LONGEST_AGE = 60
LONGEST_STATUS = 500
"""Characters of a gestational age and of a pregnancy status in words; longer texts are not read."""

_NUMBER_FIRST = re.compile(r"[<>=]*\s*\d", re.ASCII)
_DAY_UNITS = frozenset({"d", "day", "days"})
_WEEK_UNITS = frozenset({"wk", "week", "weeks", "w", "wks", "{weeks}"})
_LONGEST_PREGNANCY = Decimal(46)


def read_serology(
    valued: Observation | Component, meaning: CodeMeaning, taken: datetime, source: str
) -> SerologyResult:
    """Read one serology result; `positive` is None when unknown."""
    return SerologyResult(SerologyTest(meaning.target), _positive(valued), taken, source)


def _positive(valued: Observation | Component) -> bool | None:
    """Words first, then the laboratory's interpretation, then a number against its range.

    A number alone says nothing, not even zero or a titer: cut-offs differ.
    """
    answer = _answer_in_words(valued)
    interpreted = presence_of_interpretation(valued.interpretation)
    if answer is not None and interpreted is not None and answer != interpreted:
        return None
    if answer is None and interpreted is None:
        answer = _flagged(valued)
    return interpreted if answer is None else answer


def _answer_in_words(valued: Observation | Component) -> bool | None:
    if valued.valueCodeableConcept is not None:
        return presence_of_concept(valued.valueCodeableConcept)
    if valued.valueBoolean is not None:
        return valued.valueBoolean
    text = valued.valueString or ""
    return None if _NUMBER_FIRST.match(text.lstrip()) else presence_of_text(text)


def _flagged(valued: Observation | Component) -> bool | None:
    flag = flag_of(valued.interpretation)
    if flag in {Flag.HIGH, Flag.CRITICALLY_HIGH, Flag.ABNORMAL}:
        return True
    if flag is Flag.NORMAL:
        return False
    try:
        number = read_number(valued)
    except NoNumber:
        return None
    return _against_range(valued, number)


def _against_range(valued: Observation | Component, number: Number) -> bool | None:
    limits = chosen_limits(valued.referenceRange, None, None)
    if limits is None or limits.high is None:
        return None
    units = {unit.strip().lower() for unit in (limits.high_unit[1], limits.high_unit[0]) if unit}
    if units and number.unit.lower() not in units:
        return None
    below = number.comparator in {Comparator.LESS, Comparator.LESS_OR_EQUAL}
    if below:
        return False if number.value <= limits.high else None
    if number.comparator is not None:
        return True if number.value >= limits.high else None
    return number.value > limits.high


def read_pregnancy(
    valued: Observation | Component, meaning: CodeMeaning, taken: datetime, source: str
) -> PregnancyObservation:
    """Read a status, a test, a gestational age or a date of delivery."""
    pregnant, weeks, delivery = None, None, None
    if meaning.target == "gestational-age":
        weeks = _weeks(valued)
    elif meaning.target == "delivery-date":
        delivery = _delivery_date(valued)
    elif meaning.target == "test":
        pregnant = _positive(valued)
    else:
        pregnant = _pregnant(valued)
    return PregnancyObservation(
        pregnant, taken, weeks, delivery, is_test=meaning.target == "test", source=source
    )


def _pregnant(valued: Observation | Component) -> bool | None:
    if valued.valueBoolean is not None:
        return valued.valueBoolean
    concept: CodeableConcept | None = valued.valueCodeableConcept
    codes = {coding.code.strip() for coding in concept.coding} if concept else set()
    if codes & (_PREGNANT | _NOT_PREGNANT):
        both = codes & _PREGNANT and codes & _NOT_PREGNANT
        return None if both else bool(codes & _PREGNANT)
    words = [valued.valueString or ""]
    words += [concept.text, *(c.display for c in concept.coding)] if concept else []
    for text in (word.strip().lower() for word in words):
        if not text or len(text) > LONGEST_STATUS or _UNSURE.search(text):
            continue
        if _NOT_PREGNANT_WORDS.search(text):
            return False
        if _PREGNANT_WORDS.search(text):
            return True
    return None


def _weeks(valued: Observation | Component) -> Decimal | None:
    try:
        number = read_number(valued)
    except NoNumber:
        written = single_blanks(valued.valueString or "", LONGEST_AGE)
        match = _WEEKS_TEXT.fullmatch(written.lower()) if written else None
        if match is None:
            return None
        return _bounded_weeks(Decimal(match["weeks"]) + Decimal(match["days"] or 0) / 7)
    unit = number.unit.lower().strip()
    if number.comparator is not None or unit not in _DAY_UNITS | _WEEK_UNITS | {""}:
        return None
    return _bounded_weeks(number.value / 7 if unit in _DAY_UNITS else number.value)


def _bounded_weeks(weeks: Decimal) -> Decimal | None:
    return weeks if 0 <= weeks <= _LONGEST_PREGNANCY else None


def _delivery_date(valued: Observation | Component) -> date | None:
    for text in (valued.valueDateTime, valued.valueString):
        if text and (found := read_date(text)):
            return found
    return None
