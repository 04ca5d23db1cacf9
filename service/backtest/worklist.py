"""The worklist of open loops: it names patients, so it is written only if it was asked for."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from service.backtest.scratch import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from service.backtest.tables import Tables

_URGENCY = "CASE indicator WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END"


COLUMNS = ("patient", "findings", "first card", "indicator", "last moment judged")


def write_worklist(tables: Tables, path: Path) -> None:
    """Write the open loops, the most urgent first, readable by the owner only."""
    rows = tables.rows(
        f"SELECT patient_id, string_agg(finding, '; ' ORDER BY finding), min(first_day), "  # noqa: S608
        f"arg_min(indicator, {_URGENCY}), max(last_day) FROM loop GROUP BY patient_id "
        f"ORDER BY min({_URGENCY}), min(first_day), patient_id"
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())
