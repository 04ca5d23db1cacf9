"""From the rows of all patients to the tables of the report, by SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.backtest.duckdb_connection import connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

_COLUMNS = {
    "row": "VARCHAR",
    "patient": "VARCHAR",
    "variant": "VARCHAR",
    "kind": "VARCHAR",
    "at": "VARCHAR",
    "day": "VARCHAR",
    "month": "VARCHAR",
    "week": "VARCHAR",
    "age": "VARCHAR",
    "place": "STRUCT(encounter_class VARCHAR, service VARCHAR, location VARCHAR, role VARCHAR, "
    "clinician VARCHAR)",
    "number": "INTEGER",
    "short_history": "INTEGER",
    "not_answered": "VARCHAR",
    "findings": "VARCHAR[]",
    "indicator": "VARCHAR",
    "orders": "VARCHAR[]",
    "news": "VARCHAR",
    "held_back": "BOOLEAN",
    "finding": "VARCHAR",
    "first_day": "VARCHAR",
    "last_day": "VARCHAR",
    "first_count": "VARCHAR",
    "last_count": "VARCHAR",
    "cards": "INTEGER",
    "outcome": "VARCHAR",
    "full": "BOOLEAN",
    "disease": "VARCHAR",
    "disease_days": "INTEGER",
    "marrow_days": "INTEGER",
    "hematology_days": "INTEGER",
    "deficiency": "VARCHAR",
    "treated_days": "INTEGER",
    "treated_despite_high_b12": "BOOLEAN",
    "recovered": "BOOLEAN",
    "died_days": "INTEGER",
    "action_days": "INTEGER",
    "open_loop": "BOOLEAN",
    "counted": "BOOLEAN",
    "carded": "BOOLEAN",
    "reason": "VARCHAR",
    "sex": "VARCHAR",
    "race": "VARCHAR",
    "ethnicity": "VARCHAR",
    "language": "VARCHAR",
    "judged": "BOOLEAN",
    "counters": "MAP(VARCHAR, BIGINT)",
    "results": "MAP(VARCHAR, BIGINT)",
    "refused": "MAP(VARCHAR, BIGINT)",
    "error": "VARCHAR",
    "source_line": "VARCHAR",
    "draw": "VARCHAR",
    "patient_id": "VARCHAR",
    "values": "VARCHAR",
    "context": "VARCHAR",
}

_KINDS: dict[str, tuple[str, ...]] = {
    "person": (
        *("patient", "sex", "race", "ethnicity", "language", "judged", "first_day", "last_day"),
        *("first_count", "last_count", "counters", "results", "refused"),
    ),
    "judged": (
        *("patient", "variant", "kind", "month", "age", "place", "number", "short_history"),
        "not_answered",
    ),
    "card": (
        *("patient", "variant", "kind", "at", "day", "month", "week", "age", "place", "findings"),
        *("indicator", "orders", "news", "held_back", "not_answered"),
    ),
    "episode": (
        *("patient", "variant", "finding", "first_day", "month", "age", "cards", "indicator"),
        *("outcome", "full", "disease", "disease_days", "marrow_days", "hematology_days"),
        *("deficiency", "treated_days", "treated_despite_high_b12", "recovered", "died_days"),
        *("action_days", "open_loop"),
    ),
    "disease": ("patient", "variant", "disease", "day", "age", "counted", "carded", "reason"),
    "failure": ("patient", "error", "source_line"),
    "chart": ("patient", "finding", "draw", "patient_id", "at", "values", "context"),
    "loop": ("patient", "patient_id", "finding", "first_day", "indicator", "last_day"),
}


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of a run in the engine. All questions are asked in a fixed order of rows."""

    engine: duckdb.DuckDBPyConnection

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the answer to a question."""
        return self.engine.execute(query, list(values)).fetchall()

    def number(self, query: str, *values: object) -> int:
        """Return the one number that is asked for; 0 for none."""
        found = self.rows(query, *values)
        return int(found[0][0] or 0) if found else 0

    def export(self, folder: Path) -> None:
        """Write the rows that name nobody as Parquet, in an order of their own."""
        for name in ("card", "judged", "episode", "disease", "person", "failure"):
            order = ", ".join(f'"{column}"' for column in _KINDS[name] if column not in _UNORDERED)
            path = str(folder / f"{name}.parquet").replace("'", "''")
            self.engine.execute(
                f"COPY (SELECT * FROM {name} ORDER BY {order}) TO '{path}' (FORMAT parquet)"  # noqa: S608
            )


_UNORDERED = frozenset({"counters", "results", "refused"})


def load(files: Sequence[Path], memory: str, temporary: Path) -> Tables:
    """Load the rows that the engines wrote."""
    engine = connect(memory, 2, temporary)
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    engine.execute(
        f"CREATE VIEW every AS SELECT * FROM read_ndjson([{listed}], columns={{{columns}}})"  # noqa: S608
    )
    for name, wanted in _KINDS.items():
        chosen = ", ".join(_column(name, column) for column in wanted)
        engine.execute(f"CREATE TABLE {name} AS SELECT {chosen} FROM every WHERE row = '{name}'")  # noqa: S608
    return Tables(engine)


def _column(table: str, column: str) -> str:
    if table == "judged" and column == "not_answered":
        return "CAST(coalesce(not_answered, '0') AS INTEGER) AS not_answered"
    if column == "judged":
        return "coalesce(judged, false) AS judged"
    return f'"{column}"'
