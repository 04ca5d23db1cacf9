"""The audit: one JSON line for each hook call and each feedback, in a separate stream.

It says who asked, about whom (as keyed hashes that the store has too), what was found, where the
data came from and the outcome of the call. It holds no name, no id, no value and no token.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TextIO

from service.storage.pseudonyms import keyed_hash

if TYPE_CHECKING:
    from service.security.trusted_clients import CdsClient

ANSWERED = "answered"
STREAMS = ("stdout", "stderr")


@dataclass(slots=True)
class AuditEntry:
    """What is known of one call; filled in as the call goes on."""

    service: str = ""
    hook: str = ""
    client: str = ""
    patient: str = ""
    user: str = ""
    findings: tuple[str, ...] = ()
    cards: int | None = None
    held_back: int | None = None
    sources: dict[str, str] = field(default_factory=dict)
    items: int | None = None

    def about(self, key: str, client: CdsClient, user_id: str, patient_id: str) -> None:
        """Write down whose chart it is, and who looks at it if that is known, as the store does."""
        self.user = keyed_hash(key, "user", client.name, user_id) if user_id else ""
        self.patient = keyed_hash(key, "patient", client.name, patient_id)

    def line(self, **outcome: object) -> str:
        """Return the line; what is not known is left out."""
        moment = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        own = {name: getattr(self, name) for name in _NAMES}
        content = {"time": moment, **outcome, **own}
        known = {name: value for name, value in content.items() if value not in ("", None, (), {})}
        return _JSON.encode(known)


_NAMES = tuple(each.name for each in fields(AuditEntry))
_JSON = json.JSONEncoder(separators=(",", ":"))


class AuditLog(Protocol):
    """Takes lines."""

    def write(self, line: str) -> None:
        """Write one line. Raises OSError."""
        ...


class StreamAudit:
    """The audit on standard output or standard error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        """Write one line."""
        self._stream.write(f"{line}\n")
        self._stream.flush()


class FileAudit:
    """The audit in a file that every worker appends to.

    One line is one write at the end of the file, so lines of different workers do not mix. The file
    is reopened when another file has its name: log rotation moves it away.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._file: int | None = None
        self._open()

    def write(self, line: str) -> None:
        """Write one line. Raises OSError."""
        with self._lock:
            if self._file is None or self._was_moved():
                self._open()
            assert self._file is not None  # noqa: S101  just opened
            os.write(self._file, f"{line}\n".encode())

    def _was_moved(self) -> bool:
        assert self._file is not None  # noqa: S101  asked only then
        try:
            there, ours = self._path.stat(), os.fstat(self._file)
        except FileNotFoundError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def _open(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)


def open_audit(target: str) -> AuditLog | None:
    """Open what HEME_HOOKS_AUDIT_LOG names; empty for none. Raises OSError."""
    if not target:
        return None
    if target in STREAMS:
        return StreamAudit(sys.stdout if target == "stdout" else sys.stderr)
    return FileAudit(Path(target))
