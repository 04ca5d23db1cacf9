"""The part of the mapping report about conditions, medicines, procedures and encounters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.mapping_report.context_tally import How, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.mapping_report.context_tally import ContextRow, ContextTally

_TITLES = {
    How.CODE: "read by their code",
    How.WORDS: "read only by their words: better mapped",
    How.NEVER: "never read, as the site says",
    How.NOT: "not read: add a row where one matters",
}


def context_json(tally: ContextTally) -> dict[str, Any]:
    """Return what was counted, for each kind and code."""
    rows = sorted(tally.rows.values(), key=lambda row: (-row.count, row.key))
    totals = {
        kind.value: {
            how.value: sum(row.number(how) for row in rows if row.key.kind is kind) for how in How
        }
        for kind in Kind
    }
    return {"totals": totals, "rows": [_row(row) for row in rows], "notCounted": tally.beyond}


def context_lines(tally: ContextTally, top: int | None) -> Iterator[str]:
    """Return the lines for a person; `top` rows of each part, all when None."""
    for kind in Kind:
        rows = [row for row in tally.rows.values() if row.key.kind is kind]
        for how, title in _TITLES.items():
            chosen = [row for row in rows if row.number(how)]
            chosen.sort(key=lambda row: (-row.number(how), row.key))
            if chosen:
                yield ""
                yield f"{_PLURALS[kind]} {title}"
                yield from (_line(row, how) for row in chosen[:top])
                if len(chosen) > len(chosen[:top]):
                    yield f"  ... and {len(chosen) - len(chosen[:top])} more rows"


_PLURALS = {
    Kind.CONDITION: "Conditions",
    Kind.MEDICINE: "Medicines",
    Kind.PROCEDURE: "Procedures",
    Kind.ENCOUNTER: "Encounters",
}


def _line(row: ContextRow, how: How) -> str:
    read_as = sorted({name for each in row.read_as if each.how is how for name in each.as_what})
    code = f"{row.key.system}|{row.key.code}" if row.key.code else "(no code)"
    cells = [str(row.number(how)), code, row.display, ", ".join(read_as)]
    return "  " + "  ".join(cell for cell in cells if cell)


def _row(row: ContextRow) -> dict[str, Any]:
    readings = sorted(row.read_as.items(), key=lambda item: (-item[1], item[0]))
    return {
        "kind": row.key.kind.value,
        "system": row.key.system,
        "code": row.key.code,
        "display": row.display,
        "count": row.count,
        "readAs": [
            {"how": reading.how.value, "as": list(reading.as_what), "count": number}
            for reading, number in readings
        ],
    }
