"""`heme-hooks serve`: the service under gunicorn."""

from __future__ import annotations

import errno
import os
import socket
import sys

import click

_LIMITS = (
    *("--limit-request-line", "8190"),
    *("--limit-request-fields", "64"),
    *("--limit-request-field_size", "8190"),
    *("--timeout", "60"),
    *("--graceful-timeout", "30"),
    *("--keep-alive", "15"),
    "--no-control-socket",
    *("--logger-class", "service.commands.gunicorn_log.DiscreetLogger"),
)
"""gunicorn answers 414 and 431 to larger headers; a stop waits for running calls."""


_RECYCLING = ("--max-requests", "20000", "--max-requests-jitter", "5000")
"""A safeguard against slowly growing memory; a single worker would leave a gap of seconds."""

ALLOCATOR = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "262144",
}
"""glibc keeps an arena for each thread and, after one large answer, large blocks for good."""

DEFAULT_THREADS = 32
"""Threads cost little while they wait, and most of a call with a FHIR server is waiting."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--threads",
    default=DEFAULT_THREADS,
    show_default=True,
    envvar="HEME_HOOKS_THREADS",
    type=click.IntRange(1, 256),
    help="Threads of a worker; at most half of them wait for one FHIR server.",
)
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve CDS Hooks under gunicorn until interrupted.

    In production put a buffering proxy such as nginx in front, and run `heme-hooks storage
    upgrade` first; in development the store is made ready here.
    """
    from service.commands.storage import prepare_store
    from service.settings import SettingsRefused
    from service.start_checks import load_parts

    try:
        settings = load_parts(threads=threads).settings
    except SettingsRefused as refused:
        click.echo(str(refused), err=True)
        sys.exit(1)
    if settings.database_url and not settings.is_production:
        prepare_store(settings.database_url)
    _check_address(host, port)
    command = gunicorn_command(host, port, workers, threads, settings.public_url)
    os.execve(sys.executable, command, {**ALLOCATOR, **os.environ})  # noqa: S606


def _check_address(host: str, port: int) -> None:
    """Say in one sentence why the address cannot be used; gunicorn would try five times."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else "cannot be listened on"
        click.echo(f"Port {port} of {host} {why}; name another with --port or --host.", err=True)
        sys.exit(1)


def gunicorn_command(
    host: str, port: int, workers: int, threads: int, public_url: str = ""
) -> list[str]:
    """Return the command line of gunicorn with threads (gthread): calls wait on I/O.

    Without a `public_url`, links on cards start with the address that is listened on.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    reachable = address.replace("0.0.0.0", "localhost").replace("[::]", "localhost")  # noqa: S104
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "python:service.commands.gunicorn_config",
        "--bind",
        address,
        "--worker-class",
        "service.commands.gunicorn_worker.CallWorker",
        "--workers",
        str(workers),
        "--threads",
        str(threads),
        *_LIMITS,
        *(_RECYCLING if workers > 1 else ()),
        "--env",
        f"HEME_HOOKS_PUBLIC_URL={public_url or f'http://{reachable}'}",
        "--env",
        f"HEME_HOOKS_THREADS={threads}",
        "service.app:create_app()",
    ]
