"""A real nginx with the configuration that ships, its paths and addresses replaced."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from service.demo.processes import HOST, free_port
from tests.support.servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx.conf"


def configuration(folder: Path, port: int, upstream: str, second: str) -> str:
    """The shipped file, listening without TLS on a port of its own."""
    text = SHIPPED.read_text("utf-8")
    unused = ("ssl_",) if second else ("ssl_", "127.0.0.1:8001")
    left_out = [line for line in text.splitlines(keepends=True) if any(u in line for u in unused)]
    for line in left_out:
        text = text.replace(line, "")
    for shipped, here in {
        "listen 443 ssl;": f"listen {HOST}:{port};",
        "127.0.0.1:8000": upstream,
        **({"127.0.0.1:8001": second} if second else {}),
        "/run/nginx.pid": f"{folder}/nginx.pid",
        "/var/log/nginx/": f"{folder}/",
        "client_body_temp_path /var/lib/nginx/body;": "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
        "worker_processes auto;": "worker_processes 1;",
    }.items():
        assert text.count(shipped) >= 1, shipped
        text = text.replace(shipped, here)
    return text


@contextmanager
def nginx(folder: Path, upstream: str, second: str = "") -> Iterator[str]:
    """Run nginx before one or two `host:port`; yields its base URL."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        missing("nginx is not installed (Debian: nginx-light)")
    assert program is not None
    folder.mkdir()
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(configuration(folder, port, upstream, second), "utf-8")
    # Started as root, nginx would change to another user, who may not enter pytest's folders.
    command = [program, "-c", str(file), "-p", str(folder), "-g", "user root; daemon off;"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        _wait(child, port)
        yield f"http://{HOST}:{port}"
    finally:
        child.terminate()
        child.communicate(timeout=20)


def _wait(child: subprocess.Popen[bytes], port: int) -> None:
    import socket
    import time

    for _ in range(100):
        if child.poll() is not None:
            raise AssertionError((child.stderr.read() if child.stderr else b"").decode())
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not listen")
