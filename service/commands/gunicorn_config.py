"""gunicorn's configuration (`--config python:...`): metrics and memory shared by all workers.

The folder of metrics must be named before the application is imported. One that the operator names
is emptied at the start: counts of an earlier run would be added to those of this one.

Code and tables are loaded once, before the workers are forked from it; settings, store, audit and
connections are each worker's own.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from service.commands.graceful_stop import stop_in_order

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_MADE_BY = "HEME_HOOKS_METRICS_FOLDER_MADE_BY"

if not os.environ.get(_FOLDER):
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="heme-hooks-metrics-")
    os.environ[_MADE_BY] = str(os.getpid())


def on_starting(_server: Any) -> None:  # noqa: ANN401  gunicorn's own
    """Begin with an empty folder, and load what is the same in every worker."""
    folder = Path(os.environ[_FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink(missing_ok=True)
    from service.app import load_tables

    load_tables()
    # What is loaded stays: the collector passes over it, and so its pages stay shared.
    gc.collect()
    gc.freeze()


def when_ready(server: Any) -> None:  # noqa: ANN401  gunicorn's own
    """Stop in order; the seconds were checked with the settings."""
    stop_in_order(server, float(os.environ.get("HEME_HOOKS_DRAIN_SECONDS", "0")))


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401  gunicorn's own
    """Let the counts of an ended worker stand, but not its momentary values."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:  # noqa: ANN401  gunicorn's own
    """Remove a folder that nobody but this master made."""
    if os.environ.get(_MADE_BY) == str(os.getpid()):
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)
