"""Blood counts that were sent under the code of words about a blood film (clinical-definition 1.5).

Such a number is not used: its code says that it is something else. It is reported as a result of
what its name says it counts, so that somebody learns of it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.numbers import NoNumber, read_number
from fhir_mappings.laboratory.refusals import refused
from fhir_mappings.panel import Analyte, Reason
from fhir_mappings.units.grammar import parse
from fhir_mappings.units.spelling import MAX_LENGTH
from fhir_mappings.units.types import Dimension
from fhir_mappings.units.units import UnitNotUnderstood, read_unit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from fhir_mappings.laboratory.readings import Envelope
    from fhir_mappings.panel import Unreadable
    from fhir_mappings.r4.laboratory_resources import Component, Observation
    from fhir_mappings.terminology import CodeMeaning, Terminology

_NAMES = (
    (re.compile(r"\b(?:ha?emoglobins?|hgb|hb)\b"), Analyte.HEMOGLOBIN),
    (re.compile(r"\b(?:platelets?|plts?|thrombocytes?)\b"), Analyte.PLATELETS),
    (re.compile(r"\b(?:neutrophils?|anc|granulocytes?)\b"), Analyte.NEUTROPHILS),
    (
        re.compile(r"\b(?:leu[ck]ocytes?|leuko|wbcs?|white (?:blood )?cells?)\b"),
        Analyte.LEUKOCYTES,
    ),
)
_LONGEST_NAME = 200


def miscoded_count(
    valued: Observation | Component,
    meaning: CodeMeaning,
    envelope: Envelope,
    terminology: Terminology,
) -> Unreadable | None:
    """Return a number with the unit of a count as an unused result of what it counts, else None."""
    try:
        number = read_number(valued, units_in_text=True)
    except NoNumber:
        return None
    counted = _counted(number.unit, valued, meaning, terminology)
    if counted is None:
        return None
    definition = terminology.definition(counted)
    try:
        value = read_unit(number.unit, definition).convert(number.value)
    except UnitNotUnderstood:
        meant: tuple[Decimal, ...] = ()
    else:
        meant = (value,) if definition.is_plausible(value) else ()
    sentence = (
        f"A count was sent under the code of words about a blood film; by its name it is"
        f" {definition.name.lower()}."
    )
    shown = f"{number.text} {number.unit}"
    return refused(replace(meaning, analyte=counted), envelope, Reason.CODE, sentence, shown, meant)


def _counted(
    unit: str, valued: Observation | Component, meaning: CodeMeaning, terminology: Terminology
) -> Analyte | None:
    """What the number counts, by its unit and name; grams per volume can only be hemoglobin."""
    if _is_count_unit(unit):
        named = (each for each in _named(valued, meaning) if each is not Analyte.HEMOGLOBIN)
        return next(named, None)
    try:
        read_unit(unit, terminology.definition(Analyte.HEMOGLOBIN))
    except UnitNotUnderstood:
        return None
    return Analyte.HEMOGLOBIN


def _is_count_unit(unit: str) -> bool:
    if not unit or len(unit) > MAX_LENGTH:
        return False
    parsed = parse(unit)
    assumed = parsed.doubt.assumed if parsed.doubt else None
    return any(
        reading.dimension is Dimension.COUNT for reading in (*parsed.readings, assumed) if reading
    )


def _named(valued: Observation | Component, meaning: CodeMeaning) -> Iterator[Analyte]:
    """Yield what the sent names say, then what the code's own name says; one name, one meaning."""
    names = [coding.display for coding in valued.code.coding]
    for name in (*names, valued.code.text, meaning.display):
        plain = name[:_LONGEST_NAME].lower()
        found = [analyte for pattern, analyte in _NAMES if pattern.search(plain)]
        if len(found) == 1:
            yield found[0]
