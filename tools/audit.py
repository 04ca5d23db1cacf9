"""Looks for known vulnerabilities in what runs in production: `make audit`.

pip-audit asks PyPI's advisories about requirements.txt. Where they cannot be reached this says so
and goes on: a build must not fail because of a network that it is not given.
"""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = "pip-audit>=2.10,<3"
UNREACHABLE = ("ConnectionError", "ConnectionRefused", "ServiceError", "MaxRetryError", "Timeout")


def skip(why: str) -> None:
    """Say aloud that nothing was checked."""
    print(f"audit: SKIPPED, nothing was checked: {why}")


def main() -> int:
    """Return 1 when something known to be vulnerable is shipped."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", TOOL]
        if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode:
            skip("pip-audit cannot be installed")
            return 0
        command = [python, "-m", "pip_audit", "--progress-spinner", "off", "--disable-pip"]
        command += ["--require-hashes", "--requirement", str(ROOT / "requirements.txt")]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    said = done.stdout + done.stderr
    if done.returncode and "No known" not in said and any(name in said for name in UNREACHABLE):
        skip("the advisories cannot be reached")
        return 0
    print(said.strip())
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
