"""Readers for FHIR elements that may be broken: what fits is taken, the rest is ignored.

Hospitals send objects where a list belongs, numbers where a string belongs, `null`, empty objects.
None of that may lose the rest of the resource, so nothing here ever raises.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from fhir_mappings.r4.decoding import Coding
from fhir_mappings.r4.times import read_moment

if TYPE_CHECKING:
    from datetime import date, datetime

_DAY = len("2026-01-31")


def member(item: object, *names: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the member reached by these names, None when any step is missing."""
    for name in names:
        item = item.get(name) if isinstance(item, dict) else None
    return item


def items(element: object) -> list[Any]:
    """Return the members of a list; a lone object or text counts as a list of one."""
    if isinstance(element, list):
        return element
    return [] if element is None else [element]


def text(element: object) -> str:
    """Return a string without blanks around it; an integer as its digits, else nothing.

    Half of a surrogate pair, which no encoder accepts, becomes a question mark.
    """
    if isinstance(element, str):
        return element.encode("utf-8", "replace").decode("utf-8").strip()
    found = None if isinstance(element, str) else number(element)
    return str(int(found)) if found is not None and found == int(found) else ""


def codings(element: object) -> tuple[Coding, ...]:
    """Return the codings with a code or display, of a CodeableConcept or a list of them."""
    found = (
        Coding(text(member(c, "system")), text(member(c, "code")), text(member(c, "display")))
        for concept in items(element)
        for c in items(member(concept, "coding"))
    )
    return tuple(coding for coding in found if coding.code or coding.display)


def class_codings(element: object) -> tuple[Coding, ...]:
    """Return the codings of Encounter.class.

    A Coding in R4, a CodeableConcept or a list of them in R5, a plain code in DSTU2.
    """
    found: list[Coding] = []
    for each in items(element):
        if isinstance(each, str):
            found.append(Coding("", text(each), ""))
            continue
        system, code, display = (text(member(each, name)) for name in ("system", "code", "display"))
        found += [Coding(system, code, display)] if code or display else []
        found += codings(each)
    return tuple(found)


def texts(element: object) -> tuple[str, ...]:
    """Return every text and display of a CodeableConcept, or of a list of them."""
    own = [text(member(concept, "text")) for concept in items(element)]
    return tuple(t for t in (*own, *(coding.display for coding in codings(element))) if t)


def codes(element: object) -> frozenset[str]:
    """Return the codes of a status-like element in lower case: codings, a plain string, or text."""
    found = {coding.code.lower() for coding in codings(element) if coding.code}
    if not found:
        found = {
            text(each).lower() or text(member(each, "text")).lower() for each in items(element)
        }
    return frozenset(found - {""})


def reference(element: object) -> str:
    """Return Reference.reference."""
    return text(member(element, "reference"))


def day(element: object) -> date | None:
    """Return the day of a FHIR date or dateTime, as written there.

    A year or a month alone is its first day, so that a window is never stretched by imprecision.
    The day stands although its time of day cannot be read.
    """
    written = text(element)
    found = read_moment(written) or read_moment(written[:_DAY])
    return None if found is None else found.earliest.date()


def moment(element: object) -> datetime | None:
    """Return a FHIR date, dateTime or instant as a timezone-aware moment.

    Without a zone it is taken as UTC; without a time as the start of the day.
    """
    found = read_moment(text(element))
    return None if found is None else found.earliest


def number(element: object) -> Decimal | None:
    """Return a finite number of sensible size; numeric strings count."""
    if isinstance(element, bool) or not isinstance(element, int | float | str | Decimal):
        return None
    if isinstance(element, float) and not math.isfinite(element):
        return None
    try:
        found = Decimal(str(element).strip())
    except (InvalidOperation, ValueError):
        return None
    return found if found.is_finite() and abs(found.adjusted()) < 20 else None
