"""The mapping report as JSON and as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from service.mapping_report.context_proposals import context_proposals
from service.mapping_report.context_rendering import context_json, context_lines
from service.mapping_report.proposals import concept_map, proposals

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence

    from service.mapping_report.inputs import Trouble
    from service.mapping_report.proposals import Proposal
    from service.mapping_report.tally import Refusal, Row, Tally

Json = dict[str, Any]

_NO_UNIT = "(no unit)"
_NO_CODE = "(no code)"


def report_json(tally: Tally, trouble: Trouble) -> str:
    """Return everything that was counted, and the ConceptMap to start from."""
    drafted = _all_proposals(tally)
    document = {
        "patients": tally.patients,
        "patientsNotRead": trouble.patients,
        "unreadableEntries": trouble.unreadable,
        "results": _totals(tally),
        "rows": [_row_json(row) for row in _by_count(tally, lambda row: row.count)],
        "context": context_json(tally.context),
        "searchesFailed": trouble.searches,
        "computedValuesRefused": _refusals_json(tally.derived),
        "rowsToAdd": concept_map(drafted) if drafted else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_table(tally: Tally, trouble: Trouble, top: int | None) -> str:
    """Return the report for a person; `top` rows of each part, all when None."""
    lines = [*_summary(tally, trouble)]
    for title, part in _PARTS:
        lines += _part(title, part(tally), top)
    lines += _computed(tally)
    lines += context_lines(tally.context, top)
    lines += _to_add(tally)
    return "\n".join(lines)


def _totals(tally: Tally) -> Json:
    rows = tally.rows.values()
    return {
        "all": sum(row.count for row in rows) + tally.beyond,
        "understood": sum(row.read for row in rows),
        "ofTheseSetAsideByAnother": sum(row.checked.total() for row in rows),
        "ofTheseDatedInTheFuture": sum(row.future for row in rows),
        "refused": sum(row.refused.total() for row in rows),
        "neverRead": sum(row.excluded for row in rows),
        "unmappedLaboratory": sum(row.unmapped for row in rows if row.laboratory),
        "unmappedOther": sum(row.unmapped for row in rows if not row.laboratory),
        "notCountedByCode": tally.beyond,
    }


def _row_json(row: Row) -> Json:
    fields: Json = {
        "system": row.key.system,
        "code": row.key.code,
        "display": row.display,
        "unit": row.key.unit,
        "count": row.count,
        "laboratory": row.laboratory,
        "readAs": dict(row.read_as.most_common()),
        "refused": _refusals_json(row.refused),
        "setAsideByAnother": _refusals_json(row.checked),
        "notes": {note.value: number for note, number in sorted(row.notes.items())},
        "neverRead": row.excluded,
        "unmapped": row.unmapped,
        "datedInTheFuture": row.future,
        "saysBlasts": row.says_blasts,
    }
    kept = {"system", "code", "unit", "count", "laboratory"}
    return {name: value for name, value in fields.items() if value or name in kept}


def _refusals_json(refusals: Counter[Refusal]) -> list[Json]:
    return [
        {"reason": refusal.reason.value, "sentence": refusal.sentence, "count": number}
        for refusal, number in refusals.most_common()
    ]


def _by_count(tally: Tally, count: Callable[[Row], int]) -> list[Row]:
    chosen = [row for row in tally.rows.values() if count(row)]
    return sorted(chosen, key=lambda row: (-count(row), row.key))


def _summary(tally: Tally, trouble: Trouble) -> Iterator[str]:
    totals = _totals(tally)
    yield f"{totals['all']} results of {tally.patients} patients."
    yield f"{totals['understood']} understood."
    if totals["ofTheseSetAsideByAnother"]:
        number = totals["ofTheseSetAsideByAnother"]
        yield f"  {number} of these set aside because another result contradicts them."
    if totals["ofTheseDatedInTheFuture"]:
        yield f"  {totals['ofTheseDatedInTheFuture']} of these dated in the future: not used yet."
    yield f"{totals['refused']} refused."
    yield f"{totals['neverRead']} with a code that is never read."
    yield f"{totals['unmappedLaboratory']} laboratory results with a code that is not mapped."
    yield f"{totals['unmappedOther']} other results with a code that is not mapped."
    if totals["notCountedByCode"]:
        yield f"{totals['notCountedByCode']} results beyond the rows that this report can hold."
    if trouble.unreadable:
        yield f"{trouble.unreadable} lines or entries are no JSON that can be read."
    for kind, number in sorted(trouble.searches.items()):
        yield f"{number} searches for {kind} failed: those are not counted."
    for what, number in sorted(trouble.patients.items()):
        yield f"{number} patients not read: {what}."


Line = tuple[int, "Row", str]


def _understood(tally: Tally) -> Iterator[Line]:
    for row in _by_count(tally, lambda row: row.read):
        for read_as, number in row.read_as.most_common():
            yield number, row, read_as


def _refused(tally: Tally) -> Iterator[Line]:
    lines = [
        (number, row, f"{refusal.reason.value}: {refusal.sentence}")
        for row in tally.rows.values()
        for refusal, number in row.refused.items()
    ]
    yield from sorted(lines, key=lambda line: (-line[0], line[1].key, line[2]))


def _set_aside(tally: Tally) -> Iterator[Line]:
    for row in _by_count(tally, lambda row: row.checked.total()):
        for refusal, number in row.checked.most_common():
            yield number, row, f"{refusal.reason.value}: {refusal.sentence}"


def _noted(tally: Tally) -> Iterator[Line]:
    for row in _by_count(tally, lambda row: row.notes.total()):
        for note, number in row.notes.most_common():
            yield number, row, note.value


def _unmapped(tally: Tally) -> Iterator[Line]:
    proposed = {(each.source, each.code) for each in proposals(tally)}
    for row in _by_count(tally, lambda row: row.unmapped if row.laboratory else 0):
        places = {(row.key.system, row.key.code), *row.other_codings}
        yield row.unmapped, row, "see the row to add" if places & proposed else ""


def _excluded(tally: Tally) -> Iterator[Line]:
    for row in _by_count(tally, lambda row: row.excluded):
        yield row.excluded, row, ""


def _blasts(tally: Tally) -> Iterator[Line]:
    """Every code whose name says blasts, however it was read: none must be overlooked."""
    for row in _by_count(tally, lambda row: row.count if row.says_blasts else 0):
        yield row.count, row, _what_became_of(row)


def _what_became_of(row: Row) -> str:
    parts = {
        "read": row.read,
        "refused": row.refused.total(),
        "not mapped: map it if it counts blasts in blood": row.unmapped,
        "never read": row.excluded,
    }
    return ", ".join(f"{number} {how}" for how, number in parts.items() if number)


_PARTS: tuple[tuple[str, Callable[[Tally], Iterator[Line]]], ...] = (
    ("Understood", _understood),
    ("Refused", _refused),
    ("Set aside because of another result of the same patient", _set_aside),
    ("Used with a note", _noted),
    ("Laboratory results whose code is not mapped", _unmapped),
    ("Codes that are never read", _excluded),
    ("Codes whose name says blasts", _blasts),
)


def _part(title: str, lines: Iterator[Line], top: int | None) -> Iterator[str]:
    shown = list(lines)
    if not shown:
        return
    yield ""
    yield title
    cells = [
        (str(number), _code(row), row.key.unit or _NO_UNIT, row.display, text)
        for number, row, text in shown[:top]
    ]
    widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
    for number, *texts in cells:
        columns = [text.ljust(width) for text, width in zip(texts, widths[1:], strict=False)]
        yield f"  {number.rjust(widths[0])}  {'  '.join([*columns, texts[-1]])}".rstrip()
    if len(shown) > len(cells):
        yield f"  ... and {len(shown) - len(cells)} more rows"


def _code(row: Row) -> str:
    if not row.key.code:
        return _NO_CODE
    system = row.key.system.removeprefix("http://").removeprefix("https://")
    return f"{system}|{row.key.code}" if system else row.key.code


def _computed(tally: Tally) -> Iterator[str]:
    if tally.derived:
        yield ""
        yield "Values computed from several results"
        for refusal, number in tally.derived.most_common():
            yield f"  {number}  {refusal.reason.value}: {refusal.sentence}"


def _all_proposals(tally: Tally) -> tuple[Proposal, ...]:
    return (*proposals(tally), *context_proposals(tally.context))


def _to_add(tally: Tally) -> Sequence[str]:
    drafted = _all_proposals(tally)
    if not drafted:
        return ()
    return (
        "",
        "Rows to add (a file for HEME_HOOKS_SITE_MAPPINGS; laboratory or site must confirm each)",
        json.dumps(concept_map(drafted), indent=2, ensure_ascii=False),
    )
