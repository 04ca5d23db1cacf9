"""Who the patient is, as far as groups of the report ask: never by name, date or place."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from fhir_mappings.r4 import elements
from service.backtest import verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from service.backtest.course import Course
    from service.backtest.moments import Moment
    from service.backtest.patient_record import Record

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_LONGEST = 60
READ_AGAIN = "read again as of a moment"
"""A counter of the kernel's own work, not of the record."""


def person_of(
    record: Record, judged: Sequence[Moment], counts: Sequence[Moment], course: Course
) -> verdicts.Person:
    """Return the row about the patient. `counts` are all moments of blood counts, in order."""
    own = [each for each in record.resources if each.kind == "Patient"]
    parsed = own[-1].parsed if own else {}
    first, last = record.first_day_known(), course.last_known
    panel = record.laboratory.everything if record.results else None
    results: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    if panel is not None:
        results = Counter(
            {str(analyte): len(several) for analyte, several in panel.results.items()}
        )
        refused = Counter(f"{each.analyte or 'other'}/{each.reason}" for each in panel.unreadable)
    record.counters[READ_AGAIN] = record.laboratory.read_again
    return verdicts.Person(
        patient=record.hashed,
        sex=str(record.patient.sex),
        race=_us_core(parsed, "race"),
        ethnicity=_us_core(parsed, "ethnicity"),
        language=_language(parsed),
        judged=bool(judged),
        first_day=_day(first),
        last_day=_day(last),
        first_count=_day(counts[0].at if counts else None),
        last_count=_day(counts[-1].at if counts else None),
        counters={name: n for name, n in sorted(record.counters.items()) if n},
        results=dict(sorted(results.items())),
        refused=dict(sorted(refused.items())),
    )


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d}"


def _us_core(patient: dict[str, Any], name: str) -> str:
    """Return the OMB category, or the text, of a US Core extension."""
    for extension in elements.items(patient.get("extension")):
        if elements.text(elements.member(extension, "url")) != _US_CORE + name:
            continue
        parts = elements.items(elements.member(extension, "extension"))
        for wanted in ("ombCategory", "text"):
            for part in parts:
                if elements.text(elements.member(part, "url")) == wanted:
                    coding = elements.member(part, "valueCoding")
                    found = elements.text(elements.member(coding, "display"))
                    return _as_listed(found or elements.text(elements.member(part, "valueString")))
    return ""


def _as_listed(category: str) -> str:
    """Spell a category as the OMB list does: one export may have both "White" and "white"."""
    words = category[:_LONGEST].lower().split()
    return " ".join(each if each in {"or", "and"} else each.capitalize() for each in words)


def _language(patient: dict[str, Any]) -> str:
    spoken = elements.items(patient.get("communication"))
    preferred = [each for each in spoken if elements.member(each, "preferred") is True] or spoken
    for each in preferred:
        concept = elements.member(each, "language")
        codes = [coding.code for coding in elements.codings(concept) if coding.code]
        found = next(iter([*codes, *elements.texts(concept)]), "")
        if found:
            return found[:_LONGEST].lower()
    return ""
