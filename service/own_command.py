"""How `heme-hooks` is called from here, for lines that a person copies."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

NAME = "heme-hooks"


def own_command(*, anywhere: bool = False) -> str:
    """Return the name where the shell finds it, else the shortest path to this installation.

    `anywhere`: a path that holds whatever folder the person stands in.
    """
    script = Path(sys.executable).parent / NAME
    found = shutil.which(NAME)
    if not script.exists() or (found and Path(found).resolve() == script.resolve()):
        return NAME
    if anywhere or not script.is_relative_to(Path.cwd()):
        return str(script)
    return str(script.relative_to(Path.cwd()))
