"""Laboratory values as the explanation gives them: as reported, and canonical beside it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from fhir_mappings.panel import LabResult, Note

if TYPE_CHECKING:
    from datetime import datetime


def shown_number(value: Decimal) -> str:
    """Return a number as a person writes it: no exponent, at most four significant digits."""
    if value == 0:
        return "0"
    digits = max(0, 3 - value.adjusted())
    rounded = round(value, digits) if -value.as_tuple().exponent > digits else value  # type: ignore[operator]
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown_time(moment: datetime) -> str:
    """Return date, time and offset as the Observation gave them."""
    return f"{moment:%Y-%m-%d %H:%M} {moment.isoformat()[-6:]}"


def as_reported(result: LabResult) -> str:
    """Return comparator, value and unit as the laboratory wrote them; empty when computed."""
    value = result.reported_value.strip()
    if not value:
        return ""
    if result.comparator and value[0] not in "<>":
        value = f"{result.comparator}{value}"
    return f"{value} {result.reported_unit}".strip()


def canonical(result: LabResult) -> str:
    """Return the value in the analyte's canonical unit."""
    sign = f"{result.comparator}" if result.comparator else ""
    return f"{sign}{shown_number(result.value)} {result.unit}"


def differs(result: LabResult) -> bool:
    """Whether the canonical number is another than the reported one, or its unit was not given."""
    if not result.reported_unit or result.notes & {Note.UNIT_INFERRED}:
        return True
    try:
        return Decimal(result.reported_value.strip().lstrip("<>= ")) != result.value
    except InvalidOperation:
        return True


def interval_words(result: LabResult) -> str:
    """Return the laboratory's own range for the result; empty when it gave none."""
    if result.interval is None:
        return ""
    low, high = result.interval.low, result.interval.high
    if low is not None and high is not None:
        limits = f"{shown_number(low)} to {shown_number(high)}"
    elif low is not None:
        limits = f"from {shown_number(low)}"
    elif high is not None:
        limits = f"up to {shown_number(high)}"
    else:
        return ""
    return f"{limits} {result.unit}"
