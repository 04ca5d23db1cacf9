"""The lines of values and of earlier values of a Card (clinical-definition 3.4)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, Note, SmearFinding, SmearSet
from service.cards.escaping import prose
from service.cards.plain_words import comparator_words
from service.interpreter.formatting import (
    COMPUTED,
    as_laboratory,
    bare_number,
    day,
)
from service.interpreter.interpretation import CellLine, Deviation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fhir_mappings.panel import LabResult
    from service.interpreter.interpretation import ShownValue

MOST_VALUES = 10
MOST_WORDS_BEFORE = 12

_ARROWS = {
    Deviation.NONE: "",
    Deviation.LOW: "↓",
    Deviation.VERY_LOW: "↓↓",
    Deviation.HIGH: "↑",
    Deviation.VERY_HIGH: "↑↑",
}
_FILM_NAMES = {
    SmearSet.BLASTS: "blasts on the film",
    SmearSet.SCHISTOCYTES: "schistocytes",
}
_QUALIFIERS = {
    Note.PRELIMINARY: "preliminary",
    Note.STATUS_UNKNOWN: "status unknown",
    Note.UNIT_INFERRED: "unit inferred",
}


def value_line(values: Sequence[ShownValue], *, with_days: bool = True) -> str:
    """Return the line as Markdown, at most ten values; empty without any.

    What all of them share, the day and a doubt about the status, stands once at the end; the day
    as that of the others where the last value has its own.
    """
    chosen = _chosen(values)
    if not chosen:
        return ""
    common_day = _commonest(day(v.result.taken) for v in chosen if v.result)
    shared = _shared(chosen)
    parts = [_value(each, common_day, shared, with_days=with_days) for each in chosen]
    last = chosen[-1].result
    # Two dates side by side would read as one.
    clash = with_days and last is not None and day(last.taken) != common_day
    whose = f"others {common_day}" if clash else common_day
    at_end = ", ".join(part for part in (whose, shared) if part)
    end = f" ({prose(at_end)})" if at_end else ""
    return f"**{' · '.join(parts)}**{end}"


def _chosen(values: Sequence[ShownValue]) -> list[ShownValue]:
    """Those that decide before the rest, in the order given."""
    kept = sorted(values, key=lambda each: not each.decides)[:MOST_VALUES]
    return [each for each in values if each in kept]


def _commonest(days: Iterable[str]) -> str:
    counted = Counter(days)
    return counted.most_common(1)[0][0] if counted else ""


def _shared(values: Sequence[ShownValue]) -> str:
    """The one doubt about the status that all results share, when there are several."""
    doubts = [_doubt(each.result) for each in values if each.result]
    return f"all {doubts[0]}" if len(doubts) > 1 and doubts[0] and len(set(doubts)) == 1 else ""


def _doubt(result: LabResult | SmearFinding) -> str:
    if isinstance(result, SmearFinding):
        return ""
    for note in (Note.PRELIMINARY, Note.STATUS_UNKNOWN):
        if note in result.notes:
            return _QUALIFIERS[note]
    return ""


def _value(value: ShownValue, common_day: str, shared: str, *, with_days: bool) -> str:
    name = _name(value.what)
    result = value.result
    if result is None:
        return prose(f"{name} {value.missing}")
    if isinstance(result, SmearFinding):
        text = f"{name} {value.seen}"
        remarks = [result.status] if result.status == "preliminary" else []
    else:
        text = f"{name} {_number_and_unit(result)} {_ARROWS[value.deviation]}".strip()
        remarks = [*_remarks(result, shared), value.remark]
    if with_days and day(result.taken) != common_day:
        remarks.append(day(result.taken))
    said = ", ".join(remark for remark in remarks if remark)
    return prose(f"{text} ({said})" if said else text)


def _name(what: Analyte | SmearSet) -> str:
    return what.short if isinstance(what, Analyte) else _FILM_NAMES[what]


def _number_and_unit(result: LabResult) -> str:
    """Write a comparator in words: signs are markup, or nearly so, to many renderers."""
    number, unit = as_laboratory(result)
    if result.comparator:
        number = f"{comparator_words(result.comparator)} {number.lstrip('<>= ')}"
    return f"{number} {unit}".strip()


def _remarks(result: LabResult, shared: str) -> Iterable[str]:
    if not result.reported_value or result.notes & COMPUTED:
        yield "computed"
    doubt = _doubt(result)
    if doubt and not shared:
        yield doubt
    if Note.UNIT_INFERRED in result.notes:
        yield _QUALIFIERS[Note.UNIT_INFERRED]
    if result.others:
        yield f"also {result.others[0]:f}"


def before_line(
    before: Mapping[CellLine, LabResult], *, with_days: bool = True, most: int = MOST_WORDS_BEFORE
) -> str:
    """Return what the low lines were before, with their days where they fit; empty without any."""
    results = [before[line] for line in CellLine if line in before]
    if not results:
        return ""
    days = list(dict.fromkeys(day(each.taken) for each in results))
    if len(days) == 1:
        numbers = ", ".join(_earlier(each) for each in results)
        end = f" ({days[0]})" if with_days else ""
        return f"Before: {prose(numbers)}{end}"
    dated = ", ".join(f"{_earlier(each)} ({day(each.taken)})" for each in results)
    plain = ", ".join(_earlier(each) for each in results)
    fits = with_days and len(dated.split()) < most
    return f"Before: {prose(dated if fits else plain)}"


def _earlier(result: LabResult) -> str:
    return f"{result.analyte.short} {bare_number(result)}"


__all__ = ["MOST_VALUES", "before_line", "value_line"]
