"""Servers as child processes: started, waited for, and always ended again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST = "127.0.0.1"
START_LIMIT = 60.0
STOP_LIMIT = 10.0
"""Seconds to wait for a server to answer, and for it to end by itself."""


class ServerNotStarted(Exception):
    """A server did not start; the message is one sentence for a person."""


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether this port of loopback is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
        return True


def check_port(port: int, what: str) -> None:
    """Raise ServerNotStarted when the port is taken."""
    if not is_free(port):
        raise ServerNotStarted(
            f"Port {port} for {what} is taken or may not be used; name another one."
        )


@contextmanager
def running(
    command: list[str],
    ready_url: str,
    *,
    what: str,
    limit: float = START_LIMIT,
    environment: Mapping[str, str] | None = None,
    errors: IO[bytes] | int | None = None,
) -> Iterator[int]:
    """Run a server until the end of the block; yields its process id once it answers.

    It has a session of its own, so that Ctrl-C reaches us only and we end it in order. Its standard
    error goes to `errors`, or to ours. Raises
    ServerNotStarted when it ends early or does not answer `ready_url` with 200 in time.
    """
    child = subprocess.Popen(  # noqa: S603  our own arguments
        [sys.executable, "-m", "service.demo.parent_watch", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        _wait_until_ready(child, ready_url, what, limit)
        yield child.pid
    finally:
        _stop(child)


def _wait_until_ready(child: subprocess.Popen[bytes], url: str, what: str, limit: float) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if child.poll() is not None:
            raise ServerNotStarted(f"{what} ended at once with exit code {child.returncode}.")
        if _answers(url):
            return
        time.sleep(0.1)
    raise ServerNotStarted(f"{what} did not answer within {limit:.0f} seconds.")


def _answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False  # loopback needs no proxy
        try:
            return session.get(url, timeout=20).ok
        except requests.RequestException:
            return False


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.stdin:
        child.stdin.close()
