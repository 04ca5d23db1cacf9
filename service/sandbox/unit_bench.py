"""The unit bench: one value, unit and LOINC code, read as a result of a chart, or why not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from fhir_mappings.laboratory.record import read_panel
from fhir_mappings.terminology import LOINC, CodeKind
from service.cards.plain_words import NOTE_WORDS, REASON_WORDS, analyte_name
from service.cards.values import canonical

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_mappings.panel import LabResult, Panel, Unreadable
    from fhir_mappings.terminology import CodeMeaning, Terminology

Json = dict[str, Any]

_NUMBER = re.compile(r"(<=|>=|<|>)?\s*(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)")
_PATIENT = "unit-bench"


class Sample(msgspec.Struct, frozen=True):
    """What the page asks about; the range's limits are in the same unit and may be empty."""

    value: str
    code: str
    unit: str = ""
    low: str = ""
    high: str = ""


def read_sample(sample: Sample, now: datetime, terminology: Terminology) -> Json:
    """Return how the value would be read: `outcome`, one sentence, and the parts."""
    meaning = terminology.meaning_of(LOINC, sample.code)
    if meaning is None:
        return _answer("unknown-code", "This code is in no table of the service: not read.")
    document = msgspec.json.encode(_observation(sample, now))
    panel = read_panel([document], _PATIENT, now, terminology)
    named = {"display": meaning.display, "kind": str(meaning.kind)}
    for unreadable in panel.unreadable:
        return named | _refused(unreadable)
    for results in panel.results.values():
        return named | _read(results[0])
    return named | _without_number(panel, meaning)


def _observation(sample: Sample, now: datetime) -> Json:
    observation: Json = {
        "resourceType": "Observation",
        "id": "unit-bench",
        "status": "final",
        "subject": {"reference": f"Patient/{_PATIENT}"},
        "code": {"coding": [{"system": LOINC, "code": sample.code}]},
        "effectiveDateTime": (now - timedelta(hours=1)).isoformat(),
    }
    quantity = _quantity(sample.value, sample.unit)
    if quantity is None:
        observation["valueString"] = f"{sample.value} {sample.unit}".strip()
    else:
        observation["valueQuantity"] = quantity
    limits = {
        "low": _quantity(sample.low, sample.unit),
        "high": _quantity(sample.high, sample.unit),
    }
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return observation | {"referenceRange": [given]} if given else observation


def _quantity(text: str, unit: str) -> Json | None:
    """A Quantity with the number's digits as written; None for what is no number."""
    number = _NUMBER.fullmatch(text.strip())
    if number is None:
        return None
    quantity: Json = {"value": msgspec.Raw(number.group(2).encode())}
    if number.group(1):
        quantity["comparator"] = number.group(1)
    return quantity | {"unit": unit} if unit else quantity


def _read(result: LabResult) -> Json:
    return _answer(
        "read",
        f"Read as {analyte_name(result.analyte)} {canonical(result)}.",
        name=analyte_name(result.analyte),
        value=canonical(result),
        notes=[NOTE_WORDS[note] for note in sorted(result.notes)],
    )


def _refused(unreadable: Unreadable) -> Json:
    why = unreadable.explanation or REASON_WORDS[unreadable.reason]
    name = analyte_name(unreadable.analyte) if unreadable.analyte else ""
    return _answer("not-read", f"Not read: {why}", name=name, reason=str(unreadable.reason))


def _without_number(panel: Panel, meaning: CodeMeaning) -> Json:
    if panel.smear or panel.serology or panel.marrow or panel.pregnancy:
        return _answer("read-otherwise", f"Read as {meaning.display or meaning.target}: no number.")
    if meaning.kind is CodeKind.PANEL:
        return _answer("not-read", "The code of a panel: its members or components are read.")
    return _answer("not-read", "This code is known, and deliberately not used.")


def _answer(outcome: str, sentence: str, **parts: object) -> Json:
    return {"outcome": outcome, "sentence": sentence, **{k: v for k, v in parts.items() if v}}
