"""`make backtest-demo`: a year of made-up patients, and the report on it."""

from __future__ import annotations

import shutil
import sys
from importlib import resources
from itertools import chain
from pathlib import Path

from service.cli import main as heme_hooks
from service.samples.bulk_export import write_export
from service.samples.year import FIRST, LAST, STORIES, persons

FOLDER = Path(".heme-hooks") / "backtest-demo"


def main() -> None:
    """Write the export, judge it, and say what was planted."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    export = FOLDER / "export"
    write_export(chain.from_iterable(persons()), export)
    planted = ", ".join(f"{number} {story}" for story, (number, _) in STORIES.items())
    sys.stderr.write(f"Planted: {planted}; and every sample patient.\n")
    what_if = FOLDER / "what-if.toml"
    what_if.write_bytes(resources.files("service.demo").joinpath("what-if.toml").read_bytes())
    heme_hooks(
        [
            *("backtest", str(export), "--out", str(FOLDER / "report"), "--what-if", str(what_if)),
            *("--from", FIRST.isoformat(), "--to", LAST.isoformat(), "--time-zone", "UTC"),
        ]
    )


if __name__ == "__main__":
    main()
