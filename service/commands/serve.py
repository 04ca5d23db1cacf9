"""`heme-hooks serve`: the service under gunicorn."""

from __future__ import annotations

import os
import sys

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 256))
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve CDS Hooks under gunicorn until interrupted.

    In production put a buffering proxy such as nginx in front.
    """
    os.execv(sys.executable, gunicorn_command(host, port, workers, threads))  # noqa: S606


def gunicorn_command(host: str, port: int, workers: int, threads: int) -> list[str]:
    """Return the command line of gunicorn with threads: calls wait on I/O (gthread)."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--bind",
        address,
        "--worker-class",
        "gthread",
        "--workers",
        str(workers),
        "--threads",
        str(threads),
        "--access-logfile",
        "/dev/null",
        "service.app:create_app()",
    ]
