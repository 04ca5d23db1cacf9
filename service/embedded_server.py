"""A small FHIR R4 server (sekmet-fhir) in a process of its own, for the demo and for tests.

It lives on loopback, keeps its data in a temporary folder, and ends when the process that started
it ends, however that happens: its standard input is a pipe that closes then.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
START_LIMIT = 60.0
"""Seconds to wait for a server to answer."""
STOP_LIMIT = 10.0


class ServerNotStarted(Exception):
    """A server did not come up; the message is one sentence for a person."""


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def check_port(port: int, what: str) -> None:
    """Raise ServerNotStarted when the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServerNotStarted(
                f"Port {port} for {what} is taken or not allowed; name another one."
            ) from error


@contextmanager
def running(
    command: list[str], ready_url: str, *, what: str, limit: float = START_LIMIT
) -> Iterator[subprocess.Popen[bytes]]:
    """A child process that answers `ready_url` with 200; stopped, then killed, at the end.

    The child has a session of its own, so that Ctrl-C reaches us only. Its output goes where ours
    does not: a pipe nobody reads would block it, so it is discarded but for standard error.
    Raises ServerNotStarted when it ends early or does not answer within `limit` seconds.
    """
    child = subprocess.Popen(  # noqa: S603  our own arguments
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_until_ready(child, ready_url, what, limit)
        yield child
    finally:
        _stop(child)


def _wait_until_ready(child: subprocess.Popen[bytes], url: str, what: str, limit: float) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if child.poll() is not None:
            raise ServerNotStarted(f"{what} ended at once (exit code {child.returncode}).")
        try:
            if requests.head(url, timeout=5).status_code == requests.codes.ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise ServerNotStarted(f"{what} did not answer within {limit:.0f} seconds.")


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdin:
        child.stdin.close()


@contextmanager
def embedded_server(port: int = 0) -> Iterator[str]:
    """A FHIR server on this port (0: a free one); yields its base URL. Raises ServerNotStarted."""
    if port:
        check_port(port, "the FHIR server")
    port = port or free_port()
    folder = mkdtemp(prefix="heme-hooks-fhir-")
    base = f"http://{HOST}:{port}/fhir"
    command = [sys.executable, "-m", "service.embedded_server", str(port), folder]
    try:
        with running(command, f"{base}/metadata", what="The embedded FHIR server"):
            yield base
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end_with_parent() -> None:
    """Let this process end when its standard input closes."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


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
    """python -m service.embedded_server PORT FOLDER"""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder")
    arguments = parser.parse_args()
    end_with_parent()
    serve(arguments.port, arguments.folder)


if __name__ == "__main__":
    main()
