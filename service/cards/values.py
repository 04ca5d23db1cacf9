"""Laboratory values as a Card shows them: as reported, and canonical beside it (3.4, 2.7)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, LabResult, Note
from service.cards import escaping as markdown
from service.cards.names import analyte_name
from service.cards.plain_words import COMPUTED_NOTES, NOTE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fhir_mappings.panel import ReferenceInterval

_ORDER_OF_ANALYTES = {analyte: place for place, analyte in enumerate(Analyte)}


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


def values_table(results: Iterable[LabResult]) -> str:
    """Return the table of values used, by analyte and newest first; empty without any."""
    ordered = sorted(
        dict.fromkeys(results),
        key=lambda result: (_ORDER_OF_ANALYTES[result.analyte], -result.taken.timestamp()),
    )
    rows = [
        [
            markdown.prose(analyte_name(result.analyte)),
            _value_cell(result),
            shown_time(result.taken),
            _remarks(result),
        ]
        for result in ordered
    ]
    if not rows:
        return ""
    table = markdown.table(["Result", "As reported", "Taken", "Status and remarks"], rows)
    return markdown.join([markdown.heading("Values used"), table])


def _value_cell(result: LabResult) -> str:
    reported = as_reported(result)
    if not reported:
        return f"{markdown.code(canonical(result))} (computed)"
    cell = markdown.code(reported)
    if result.notes & COMPUTED_NOTES:
        return f"{cell} (computed)"
    return f"{cell} = {markdown.code(canonical(result))}" if differs(result) else cell


def _remarks(result: LabResult) -> str:
    notes = sorted(result.notes)
    if any(note in COMPUTED_NOTES and note is not Note.COMPUTED for note in notes):
        notes = [note for note in notes if note is not Note.COMPUTED]
    parts = [result.status, *(NOTE_WORDS[note] for note in notes)]
    if result.interval is not None:
        parts.append(_interval_words(result.interval, result.unit))
    if result.flag is not None:
        parts.append(f"laboratory flag {result.flag}")
    return "; ".join(markdown.prose(part) for part in parts if part)


def _interval_words(interval: ReferenceInterval, unit: str) -> str:
    low, high = interval.low, interval.high
    if low is not None and high is not None:
        limits = f"{shown_number(low)} to {shown_number(high)}"
    elif low is not None:
        limits = f"from {shown_number(low)}"
    elif high is not None:
        limits = f"up to {shown_number(high)}"
    else:
        return ""
    return f"laboratory's range {limits} {unit}"
