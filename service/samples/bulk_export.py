"""Resources as a FHIR Bulk Data export: a file for each type, one of them gzipped, a manifest."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LINES_OF_A_FILE = 2000


def write_export(resources: Iterable[dict[str, Any]], folder: Path) -> None:
    """Write the export into a folder, which is made; the same resources give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    by_type: dict[str, list[bytes]] = {}
    for each in resources:
        line = json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode()
        by_type.setdefault(each["resourceType"], []).append(line + b"\n")
    output: list[dict[str, Any]] = []
    for kind, lines in sorted(by_type.items()):
        for number, start in enumerate(range(0, len(lines), _LINES_OF_A_FILE)):
            some = lines[start : start + _LINES_OF_A_FILE]
            packed = number % 2 == 1
            name = f"{kind}.{number:03}.ndjson{'.gz' if packed else ''}"
            content = b"".join(some)
            written = gzip.compress(content, mtime=0) if packed else content
            (folder / name).write_bytes(written)
            url = f"https://ehr.example/bulk/{name}"
            output.append({"type": kind, "url": url, "count": len(some)})
    manifest = {
        "transactionTime": "2026-08-01T00:00:00Z",
        "request": "https://ehr.example/fhir/Group/everybody/$export",
        "requiresAccessToken": True,
        "output": output,
        "error": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
