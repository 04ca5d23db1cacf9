"""Servers under test: started here, their CPU and memory read from /proc (Linux)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING

from service.commands.serve import gunicorn_command
from service.demo.processes import HOST, free_port, running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

WORKERS, THREADS = 2, 4
OURS = "service.app:create_app()"


@dataclass(frozen=True, slots=True)
class Server:
    """A running application. `started` is the seconds until it answered."""

    name: str
    port: int
    pid: int
    started: float

    @property
    def base(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def cpu(self) -> float:
        """Seconds of CPU that its processes have used."""
        return family_cpu(self.pid)

    def memory(self) -> float:
        """Megabytes of its processes, pages they share counted once."""
        return sum(_memory_of(pid) for pid in _family(self.pid)) / 1024


def start(
    stack: ExitStack,
    name: str,
    application: str,
    environment: Mapping[str, str],
    workers: int = WORKERS,
) -> Server:
    """Run one application under gunicorn until the stack is closed."""
    port = free_port()
    serve = gunicorn_command(HOST, port, workers=workers, threads=THREADS)[:-1]
    if application != OURS:
        # Our configuration loads our tables, which another application has no use for.
        place = serve.index("--config")
        del serve[place : place + 2]
    command = [*serve, "--log-level", "warning", application]
    return start_command(stack, name, command, port, environment)


def start_uvicorn(stack: ExitStack, name: str, application: str, python: Path) -> Server:
    """Run one ASGI application factory under uvicorn, in the environment of that interpreter."""
    port = free_port()
    command = [str(python), "-m", "uvicorn", application, "--factory", "--host", HOST]
    command += ["--port", str(port), "--workers", str(WORKERS), "--log-level", "warning"]
    return start_command(stack, name, command, port, {})


def start_command(
    stack: ExitStack, name: str, command: list[str], port: int, environment: Mapping[str, str]
) -> Server:
    """Run a server that listens on the port, and wait for its first answer."""
    before = time.monotonic()
    ready = f"http://{HOST}:{port}/cds-services"
    server = running(command, ready, what=name, errors=DEVNULL, environment=environment)
    pid = stack.enter_context(server)
    return Server(name, port, pid, time.monotonic() - before)


def family_cpu(pid: int) -> float:
    """Seconds of CPU of a process and all below it; the scheduler's own count."""
    return sum(_cpu_of(each) for each in _family(pid))


def _family(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]
    return [pid, *(each for child in children for each in _family(child))]


def family_memory(pid: int) -> float:
    """Megabytes of a process and all below it, shared pages once; what ends meanwhile is 0."""
    try:
        several = _family(pid)
    except OSError:
        return 0.0
    found = 0
    for each in several:
        try:
            found += _memory_of(each)
        except OSError:
            continue
    return found / 1024


def _cpu_of(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def _memory_of(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
