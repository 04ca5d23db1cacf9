"""What an export is: the files named on the command line, and what their manifest says.

A Bulk Data client often keeps the export's manifest beside the files. A file that it lists and
that is not there, or any file of errors, means that the export is not whole: it is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set
    from pathlib import Path

SUFFIXES = (".ndjson", ".ndjson.gz")
_PIECE = 64 * 1024 * 1024
LONGEST_MANIFEST = 16 * 1024 * 1024


class ExportNotUsable(ValueError):
    """The paths hold no export that can be judged; the message is for a person."""


@dataclass(frozen=True, slots=True, order=True)
class ExportFile:
    """One file of an export. `name` is its path below the folder that was named."""

    path: Path
    name: str
    size: int
    modified: int

    @property
    def is_packed(self) -> bool:
        """Whether the file is gzipped, and so read in one go."""
        return self.path.name.endswith(".gz")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file: the lines that begin in `start` to `end`, all of a packed one."""

    file: ExportFile
    start: int
    end: int


def find_files(paths: Iterable[Path]) -> tuple[ExportFile, ...]:
    """Return the NDJSON files in the folders, searched downwards, and those named themselves.

    Raises ExportNotUsable when there is none, or when a manifest says that the export is not whole.
    """
    found: dict[Path, ExportFile] = {}
    for path in paths:
        if path.is_dir():
            _check_manifests(path)
        for file in _files_of(path):
            real = file.resolve()
            stat = real.stat()
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            found.setdefault(real, ExportFile(real, name, stat.st_size, stat.st_mtime_ns))
    if not found:
        raise ExportNotUsable("The folder holds no .ndjson file, packed or not.")
    return tuple(sorted(found.values()))


def pieces(files: Iterable[ExportFile]) -> tuple[Piece, ...]:
    """Return the files cut so that several processes can read a large one."""
    found: list[Piece] = []
    for file in files:
        if file.is_packed or file.size <= _PIECE:
            found.append(Piece(file, 0, file.size))
            continue
        starts = range(0, file.size, _PIECE)
        found += [Piece(file, start, min(start + _PIECE, file.size)) for start in starts]
    return tuple(
        sorted(found, key=lambda piece: (piece.start - piece.end, piece.file, piece.start))
    )


def _files_of(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        if not path.exists():
            raise ExportNotUsable("A file or folder that was named does not exist.")
        yield path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.name.lower().endswith(SUFFIXES):
            yield file


def _check_manifests(folder: Path) -> None:
    for file in sorted(folder.rglob("*.json")):
        if file.stat().st_size > LONGEST_MANIFEST:
            continue
        try:
            text = file.read_text("utf-8-sig")
        except (ValueError, OSError):
            continue
        check_manifest(file.name, text, {each.name for each in file.parent.rglob("*")})


def check_manifest(name: str, text: str, present: Set[str]) -> None:
    """Check a JSON file beside an export: what a manifest lists must be among the names present.

    Another kind of JSON file says nothing. Raises ExportNotUsable.
    """
    manifest = _manifest(text)
    if manifest is None:
        return
    errors = [each for each in manifest["error"] if each.get("count") != 0]
    if errors:
        raise ExportNotUsable(
            f"The manifest {name} lists {len(errors)} file(s) of errors: the export is not whole."
            " Export again, or take the entries out once they are understood."
        )
    listed = [_file_name(each) for each in manifest["output"]]
    absent = [each for each in listed if not {each, f"{each}.gz", f"{each}.ndjson"} & present]
    if absent:
        raise ExportNotUsable(
            f"The manifest {name} lists {len(listed)} files, of which {len(absent)} are not here,"
            f" {absent[0]} among them."
        )


def _manifest(text: str) -> dict[str, list[dict[str, Any]]] | None:
    """Return `output` and `error` of a Bulk Data manifest, None when it is another JSON file."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or "transactionTime" not in found or "output" not in found:
        return None
    return {
        name: [each for each in found.get(name) or () if isinstance(each, dict)]
        for name in ("output", "error")
    }


def _file_name(entry: dict[str, Any]) -> str:
    return unquote(urlsplit(str(entry.get("url", ""))).path).rpartition("/")[2]
