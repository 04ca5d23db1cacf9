"""The service under gunicorn, as `heme-hooks serve` runs it."""

from __future__ import annotations

from contextlib import contextmanager
from subprocess import DEVNULL
from typing import TYPE_CHECKING

import requests

from service.commands.serve import gunicorn_command
from service.demo.processes import HOST, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = "https://hooks.example"
PATIENT_VIEW = "/cds-services/pancytopenia-patient-view"


@contextmanager
def served(workers: int = 1, threads: int = 4, **settings: str) -> Iterator[tuple[str, int]]:
    """Run the service with `HEME_HOOKS_*` settings; yields its base URL and process id."""
    port = free_port()
    command = gunicorn_command(HOST, port, workers, threads, public_url=PUBLIC)
    environment = {f"HEME_HOOKS_{name.upper()}": value for name, value in settings.items()}
    base = f"http://{HOST}:{port}"
    ready = f"{base}/cds-services"
    with running(command, ready, what="gunicorn", environment=environment, errors=DEVNULL) as pid:
        yield base, pid


def session() -> requests.Session:
    """A session that asks loopback without a proxy."""
    made = requests.Session()
    made.trust_env = False
    return made
