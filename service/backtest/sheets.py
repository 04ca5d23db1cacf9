"""Sheets that people write into: one that holds their words is never overwritten."""

from __future__ import annotations

import csv
import io
from itertools import chain, count
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

LONGEST_SHEET = 64 * 1024 * 1024


def rows_of(path: Path) -> tuple[Collection[str], list[dict[str, str]]]:
    """Return header and rows of a sheet, whatever a spreadsheet made of the delimiter.

    Raises OSError, ValueError or csv.Error when it is no such file.
    """
    if path.stat().st_size > LONGEST_SHEET:
        raise ValueError("The sheet is too large.")
    text = path.read_text("utf-8-sig")
    if not text:
        return (), []
    dialect = csv.Sniffer().sniff(text.splitlines()[0], ",;\t")
    reader = csv.DictReader(io.StringIO(text), dialect=dialect)
    return reader.fieldnames or (), list(reader)


def is_as_written(path: Path, own: Collection[str]) -> bool:
    """Whether a sheet has nothing but the columns `own`, so that a new one may replace it.

    A cell in any other column, named or not, is somebody's work; so is what cannot be read.
    """
    try:
        header, rows = rows_of(path)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, csv.Error):
        return False
    others = (cell for row in rows for name, cell in row.items() if name not in own)
    return set(own) <= set(header) and not any("".join(cell or "").strip() for cell in others)


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return the name, or the first of `name-2`, `name-3` that is not taken."""
    path = PurePath(name)
    names = chain([name], (f"{path.stem}-{number}{path.suffix}" for number in count(2)))
    return next(each for each in names if not is_taken(each))
