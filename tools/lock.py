"""Renews uv.lock, constraints.txt and requirements.txt from pyproject.toml: `make lock`.

constraints.txt is for development: pip refuses hashes together with an editable install.
requirements.txt holds what runs in production, with hashes. All of them name the public index
only, whatever index this machine is set up with.
"""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = {"pypi.org", "files.pythonhosted.org"}
INDEX = ("--default-index", "https://pypi.org/simple")
PLAIN = ("--no-emit-project", "--no-annotate", "--no-header")
RUN_TIME = ("--extra", "postgresql", "--no-dev")
HEADER = "# Written by `make lock` from uv.lock. Do not edit.\n"


def uv(*arguments: str) -> str:
    """Run uv without the machine's own index settings."""
    own = ("UV_INDEX", "UV_EXTRA_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(own)}
    command = [sys.executable, "-m", "uv", "--no-config", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def foreign_hosts(text: str) -> set[str]:
    """The hosts of every URL in a lock file that are not PyPI's own."""
    urls = (word.strip("\"',") for word in text.split() if "://" in word)
    return {urlsplit(url).netloc for url in urls} - PUBLIC


def main() -> None:
    """Lock, export, and refuse a file that names another host."""
    uv("lock", "--upgrade", *INDEX)
    exported = uv("export", "--frozen", "--all-extras", "--no-hashes", *PLAIN, *INDEX)
    (ROOT / "constraints.txt").write_text(HEADER + exported, encoding="utf-8")
    run_time = uv("export", "--frozen", *RUN_TIME, *PLAIN, *INDEX)
    (ROOT / "requirements.txt").write_text(HEADER + run_time, encoding="utf-8")
    hosts = foreign_hosts((ROOT / "uv.lock").read_text(encoding="utf-8") + exported)
    if hosts:
        sys.exit(f"uv.lock names hosts other than PyPI's: {', '.join(sorted(hosts))}")


if __name__ == "__main__":
    main()
