"""The folder of the report: whole, or as it was before."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def report_folder(out: Path) -> Iterator[Path]:
    """Yield a folder beside `out` whose content moves into `out` when all of it was written.

    What was in `out` under other names stays. Raises OSError, at once when it cannot be written.
    """
    unfinished = out.with_name(f"{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        if out.exists() and not out.is_dir():
            raise NotADirectoryError(20, "The report's folder is a file")
        yield unfinished
        _move(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _move(unfinished: Path, out: Path) -> None:
    if not out.exists():
        unfinished.replace(out)
        return
    for each in unfinished.iterdir():
        target = out / each.name
        if target.is_dir():
            shutil.rmtree(target)
        each.replace(target)
