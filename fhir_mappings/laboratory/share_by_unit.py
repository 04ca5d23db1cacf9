"""Cells whose code says number per volume and whose unit says share of the leukocytes.

A laboratory that sends "blasts 4 %" under the code of an absolute count says something clear. To
refuse it would leave blasts in the blood unsaid, so the unit governs, as it does between mass and
moles (clinical-knowledge 1.3, U5). Only for cells that matter when there are any at all: for
neutrophils the leukocytes stand in, and a refused count asks for a check.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from fhir_mappings.terminology import UCUM_SYSTEMS
from fhir_mappings.units.grammar import parse
from fhir_mappings.units.types import Dimension

if TYPE_CHECKING:
    from fhir_mappings.r4.laboratory_resources import Quantity
    from fhir_mappings.terminology import CodeMeaning

_SHARE_OF = {
    Analyte.BLASTS: Analyte.BLAST_PERCENT,
    Analyte.NUCLEATED_RED_CELLS: Analyte.NUCLEATED_RED_CELL_RATIO,
}
_SHARES = frozenset({Dimension.PERCENT, Dimension.PER_LEUKOCYTES})


def meaning_by_unit(meaning: CodeMeaning, quantity: Quantity | None) -> CodeMeaning:
    """Return the share that is meant by a code of a number, or the meaning as it is."""
    share = _SHARE_OF.get(meaning.analyte) if meaning.analyte else None
    if share is None or quantity is None:
        return meaning
    code = quantity.code if quantity.system.strip() in UCUM_SYSTEMS else ""
    spellings = [text for text in (code, quantity.unit or quantity.code) if text.strip()]
    if not spellings or not all(map(_is_share, spellings)):
        return meaning
    return replace(meaning, analyte=share, target=share.value)


def _is_share(text: str) -> bool:
    readings = parse(text).readings
    return bool(readings) and all(reading.dimension in _SHARES for reading in readings)
