"""Looks for known vulnerabilities in what runs in production: `make audit`.

pip-audit asks PyPI's advisories about requirements.txt. Where they cannot be reached this says so
and goes on: a build must not fail because of a network that it is not given.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOL = "pip-audit>=2.10,<3"
UNREACHABLE = ("ConnectionError", "ConnectionRefused", "ServiceError", "MaxRetryError", "Timeout")


def skip(why: str) -> None:
    """Say aloud that nothing was checked."""
    print(f"audit: SKIPPED, not checked: {why}")


def report(found: dict[str, Any]) -> int:
    """Print what pip-audit found, and what it could not look at; 1 when something is vulnerable."""
    packages = found["dependencies"]
    unknown = [each for each in packages if "skip_reason" in each]
    vulnerable = [each for each in packages if each.get("vulns")]
    for each in vulnerable:
        for problem in each["vulns"]:
            fixed = ", ".join(problem.get("fix_versions") or ()) or "nowhere yet"
            print(f"{each['name']} {each['version']}: {problem['id']}, fixed in {fixed}")
    if len(unknown) == len(packages):
        skip("the registry has no advisories on any of these packages")
    elif unknown:
        skip(f"{len(unknown)} of {len(packages)}: {', '.join(each['name'] for each in unknown)}")
    else:
        print(f"audit: {len(packages)} packages checked, {len(vulnerable)} vulnerable")
    return 1 if vulnerable else 0


def main() -> int:
    """Return 1 when something known to be vulnerable is shipped, or the audit itself fails."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", TOOL]
        if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode:
            skip("pip-audit cannot be installed")
            return 0
        command = [python, "-m", "pip_audit", "--progress-spinner", "off", "--disable-pip"]
        command += ["--format", "json", "--require-hashes"]
        command += ["--requirement", str(ROOT / "requirements.txt")]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    try:
        return report(json.loads(done.stdout))
    except ValueError:
        if any(name in done.stderr for name in UNREACHABLE):
            skip("the advisories cannot be reached")
            return 0
        print(done.stderr.strip(), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
