"""Names that people read, from the shipped FHIR vocabulary: analytes and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.vocabulary.analytes import default_terminology
from fhir_mappings.vocabulary.orders import ORDERS

if TYPE_CHECKING:
    from fhir_mappings.panel import Analyte


def analyte_name(analyte: Analyte) -> str:
    """Return the analyte's name as its ObservationDefinition gives it."""
    return default_terminology().definition(analyte).name


def order_name(order: str) -> str:
    """Return the name of an order of clinical-definition 4; an unknown id stands for itself."""
    definition = ORDERS.get(order)
    return definition.name if definition else order
