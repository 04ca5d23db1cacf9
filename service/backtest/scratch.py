"""The scratch folder of a run: patient data while it is being sorted, and what a resumed run needs.

Everything is written under another name and renamed when it is whole, so that an interruption
leaves only whole parts. The folder is open to its owner alone.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from service.backtest.sift import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from service.backtest.export import ExportFile
    from service.backtest.plan import Plan


class ScratchNotUsable(RuntimeError):
    """The scratch folder cannot be used; the message is for a person."""


class NoRoom(ScratchNotUsable):
    """Disk or memory is too small for what was being done."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """One folder, and the paths in it."""

    folder: Path

    @property
    def sifted(self) -> Path:
        """Lines that are read, with whose they are."""
        return self.folder / "sifted"

    @property
    def parts(self) -> Path:
        """The same, parted by patient."""
        return self.folder / "parts"

    @property
    def verdicts(self) -> Path:
        """The rows of each part."""
        return self.folder / "verdicts"

    @property
    def temporary(self) -> Path:
        """Where the engine puts what memory does not hold."""
        return self.folder / "engine"

    def open(self, fingerprint: str, *, resume: bool) -> bool:
        """Make the folder; whether parts of an interrupted run of the same kind are taken up.

        Raises ScratchNotUsable when a run cannot be taken up, or one is in the way.
        """
        mark = self.folder / "run"
        if resume:
            if not mark.exists():
                raise ScratchNotUsable("There is no interrupted run to take up in this folder.")
            if mark.read_text("ascii") != fingerprint:
                raise ScratchNotUsable(
                    "The interrupted run had another export or other settings; it cannot be taken"
                    " up. Run without --resume."
                )
            return True
        if self.folder.exists():
            if any(self.folder.iterdir()) and not mark.exists():
                raise ScratchNotUsable("The scratch folder holds something else.")
            shutil.rmtree(self.folder)
        for folder in (self.folder, self.sifted, self.parts, self.verdicts, self.temporary):
            folder.mkdir(mode=0o700, parents=True)
        write_whole(mark, fingerprint.encode())
        return False

    def key(self) -> str:
        """Return the key of the run's hashes, made once and gone with the folder."""
        path = self.folder / "key"
        if not path.exists():
            write_whole(path, secrets.token_hex(32).encode())
        return path.read_text("ascii")

    @property
    def is_left(self) -> bool:
        """Whether the folder of a run is there."""
        return (self.folder / "run").exists()

    def remove(self) -> None:
        """Remove the folder with the patient data in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def counts(self) -> dict[str, Counts]:
        """Return what was counted, by the name of the file."""
        found: dict[str, Counts] = {}
        for path in sorted(self.sifted.glob("*.counts")):
            name, counts = msgspec.msgpack.decode(
                path.read_bytes(), type=tuple[str, Counts], dec_hook=_counter
            )
            found.setdefault(name, Counts()).add(counts)
        return found


def _counter(kind: type[Counter[Any]], counted: Any) -> Counter[Any]:  # noqa: ANN401  as msgspec asks
    return Counter(counted)


def decode_counts(packed: bytes) -> Counts:
    """Return what was counted, as it was packed by a worker."""
    return msgspec.msgpack.decode(packed, type=Counts, dec_hook=_counter)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all, readable by its owner only."""
    part = path.with_name(f"{path.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)


def fingerprint(files: Iterable[ExportFile], plan: Plan, *others: str) -> str:
    """Return what must be equal for a run to be taken up: the inputs, the plan, the versions."""
    text = msgspec.json.encode(
        [[str(file.path), file.size, file.modified] for file in files], order="deterministic"
    )
    digest = hashlib.sha256(text)
    digest.update(msgspec.json.encode(plan, order="deterministic"))
    for other in others:
        digest.update(b"\x1f" + other.encode())
    return digest.hexdigest()
