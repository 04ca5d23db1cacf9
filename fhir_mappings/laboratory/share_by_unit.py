"""Cells whose code means number per volume and whose unit means share of the leukocytes.

A laboratory that sends "blasts 4 %" under the code of an absolute count is clear enough. Refusing
it would hide blasts in the blood, so the unit governs, as it does between mass and moles
(clinical-definition 1.3, U5). Only for cells that matter whenever they are present, and for bands,
which are a share of the differential then: for the neutrophils themselves the leukocytes stand in,
and a refused count asks for a check.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.number_text import number_in
from fhir_mappings.laboratory.numbers import text_of
from fhir_mappings.panel import Analyte
from fhir_mappings.terminology import UCUM_SYSTEMS, Role
from fhir_mappings.units.grammar import parse
from fhir_mappings.units.spelling import MAX_LENGTH
from fhir_mappings.units.types import Dimension

if TYPE_CHECKING:
    from fhir_mappings.r4.laboratory_resources import Component, Observation
    from fhir_mappings.terminology import CodeMeaning

_SHARE_OF = {
    (Analyte.BLASTS, Role.NONE): (Analyte.BLAST_PERCENT, Role.NONE),
    (Analyte.BLASTS, Role.POSSIBLE_BLASTS): (Analyte.BLAST_PERCENT, Role.POSSIBLE_BLASTS),
    (Analyte.BLASTS, Role.DEPRECATED): (Analyte.BLAST_PERCENT, Role.DEPRECATED),
    (Analyte.NUCLEATED_RED_CELLS, Role.NONE): (Analyte.NUCLEATED_RED_CELL_RATIO, Role.NONE),
    (Analyte.NEUTROPHILS, Role.BAND): (Analyte.NEUTROPHIL_PERCENT, Role.BAND_PERCENT),
}
_SHARES = frozenset({Dimension.PERCENT, Dimension.PER_LEUKOCYTES})


def meaning_by_unit(meaning: CodeMeaning, valued: Observation | Component) -> CodeMeaning:
    """Return the share that is meant by a code of a number, or the meaning as it is."""
    if meaning.analyte is None:
        return meaning
    share = _SHARE_OF.get((meaning.analyte, meaning.role))
    spellings = _spellings(valued) if share else []
    if share is None or not spellings or not all(map(_is_share, spellings)):
        return meaning
    analyte, role = share
    return replace(meaning, analyte=analyte, target=analyte.value, role=role)


def _spellings(valued: Observation | Component) -> list[str]:
    quantity = valued.valueQuantity
    if quantity is None:
        number = number_in(text_of(valued))
        return [number.unit] if number and number.unit else []
    code = quantity.code if quantity.system.strip() in UCUM_SYSTEMS else ""
    return [text for text in (code, quantity.unit or quantity.code) if text.strip()]


def _is_share(text: str) -> bool:
    if len(text) > MAX_LENGTH:
        return False
    readings = parse(text).readings
    return bool(readings) and all(reading.dimension in _SHARES for reading in readings)
