"""An environment of its own for HealthChain: its pins of fhir.resources are not ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

VERSION = "0.16.1"
FOLDER = Path(__file__).parents[1] / ".venv-healthchain"


def healthchain_python() -> Path | None:
    """The interpreter of the environment, made when it is not there; None where it cannot be."""
    python = FOLDER / "bin" / "python"
    if not _has_version(python):
        print(f"Setting up {FOLDER.name} (once; needs PyPI) ...", flush=True)
        try:
            venv.create(FOLDER, clear=True, with_pip=True)
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            subprocess.run([*pip, f"healthchain=={VERSION}"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"bench: HealthChain is left out: {error}", file=sys.stderr)
            return None
    return python


def _has_version(python: Path) -> bool:
    question = "import importlib.metadata as m; print(m.version('healthchain'))"
    try:
        asked = subprocess.run(
            [python, "-c", question], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return asked.stdout.strip() == VERSION
