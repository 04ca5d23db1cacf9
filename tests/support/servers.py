"""Real servers for tests: what is missing skips a test, or fails it where servers are required."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import pytest
import requests

from service.demo.processes import free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

HAPI = Path(__file__).parents[1] / "integration" / "hapi" / "hapi.sh"
HAPI_START_LIMIT = 300
HAPI_FETCH_LIMIT = 900


def servers_are_required() -> bool:
    """Whether an absent server is a failure (CI) and not a reason to skip."""
    return os.environ.get("HEME_HOOKS_REQUIRE_SERVERS", "") not in {"", "0"}


def missing(reason: str) -> None:
    """Skip the test, or fail it where servers are required."""
    if servers_are_required():
        pytest.fail(reason)
    pytest.skip(reason)


def fetch_hapi() -> None:
    """Have HAPI's jars at hand, or skip (fail) the test."""
    absent = [tool for tool in ("java", "javac", "mvn", "bash") if shutil.which(tool) is None]
    if absent:
        missing(f"HAPI needs {', '.join(absent)}")
    fetched = subprocess.run(
        [str(HAPI), "fetch"], capture_output=True, text=True, timeout=HAPI_FETCH_LIMIT, check=False
    )
    if fetched.returncode:
        missing(f"HAPI could not be fetched: {fetched.stderr.strip()}")


def errors_by_hl7s_rules(folder: Path) -> list[str]:
    """What HAPI's FhirInstanceValidator finds wrong in a folder's *.json files, a line each."""
    fetch_hapi()
    command = [str(HAPI), "validate", str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    *errors, last = found.stdout.splitlines() or [""]
    number = len(list(folder.glob("*.json")))
    assert last == f"{number} files", f"{last}\n{found.stderr[-2000:]}"
    return errors


@contextmanager
def hapi_server() -> Iterator[str]:
    """A HAPI FHIR JPA R4 server of its own; yields its base URL and says how long it took."""
    fetch_hapi()
    port = free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    start = time.monotonic()
    command = [str(HAPI), "run", str(port)]
    ready = f"{base}/metadata"
    with (
        NamedTemporaryFile(prefix="hapi-", suffix=".log", delete=False) as log,
        running(command, ready, what=f"HAPI (see {log.name})", limit=HAPI_START_LIMIT, errors=log),
    ):
        seconds = time.monotonic() - start
        metadata = requests.request("GET", f"{base}/metadata", timeout=60).json()
        software = f"{metadata['software']['name']} {metadata['software']['version']}"
        sys.stdout.write(f"\n{software} started in {seconds:.1f} s\n")
        yield base
