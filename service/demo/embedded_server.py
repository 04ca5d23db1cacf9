"""A small FHIR R4 server (sekmet-fhir) in a process of its own, for the demo and for tests.

It listens on loopback and keeps its data in a temporary folder.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from service.demo.processes import HOST, ServerNotStarted, check_port, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def embedded_server(port: int = 0) -> Iterator[str]:
    """A FHIR server on this port (0: a free one); yields its base URL. Raises ServerNotStarted."""
    if find_spec("sekmet") is None:
        raise ServerNotStarted("The embedded FHIR server is not installed: pip install .[demo]")
    if port:
        check_port(port, "the FHIR server")
    port = port or free_port()
    folder = mkdtemp(prefix="heme-hooks-fhir-")
    base = f"http://{HOST}:{port}/fhir"
    command = [sys.executable, "-m", "service.demo.embedded_server", str(port), folder]
    try:
        with running(command, f"{base}/metadata", what="The embedded FHIR server"):
            yield base
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def serve(port: int, folder: str) -> None:
    """Run the server in this process until it is stopped."""
    import uvicorn
    from sekmet.config import Settings, SimulatorSettings
    from sekmet.main import create_app

    settings = Settings(
        base_url=f"http://{HOST}:{port}/fhir",
        host=HOST,
        port=port,
        data_dir=folder,
        simulator=SimulatorSettings(enabled=False),
        log_inbound=False,
    )
    app = create_app(settings)
    logging.getLogger().setLevel(logging.ERROR)
    uvicorn.run(app, host=HOST, port=port, log_level="error", access_log=False)


def main() -> None:
    """python -m service.demo.embedded_server PORT FOLDER"""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder")
    arguments = parser.parse_args()
    serve(arguments.port, arguments.folder)


if __name__ == "__main__":
    main()
