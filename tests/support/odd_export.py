"""An export with everything that exports are odd in, from the made-up year."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from service.samples.year import persons

if TYPE_CHECKING:
    from pathlib import Path

LONG = 40 * 1024 * 1024
"""Bytes of the longest line: a report with a picture in it."""

_FILES = 3


def write_odd_export(folder: Path) -> None:
    """Write it: some forty persons, each of them in every file.

    Gzip, a byte order mark, lines that end in CRLF, a carriage return between elements, lines that
    cannot be read, versions, copies, a report of 40 MB, and a report that names what nobody reads.
    """
    folder.mkdir(parents=True)
    several = persons()
    people = several[40:75] + several[-3:]
    lines = [line for person in people for line in _lines(person)]
    parts = [lines[number::_FILES] for number in range(_FILES)]
    (folder / "a.ndjson").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(parts[0]) + b"\r\n")
    (folder / "b.ndjson.gz").write_bytes(gzip.compress(b"\n".join(parts[1]), mtime=0))
    below = folder / "below"
    below.mkdir()
    odd = [b"{broken", b"\xff", b"[1]", b'{"resourceType":"Patient","id":"a","identifier":1e999}']
    spaced = [line.replace(b", ", b",\r", 1) for line in parts[2]]
    (below / "c.NDJSON").write_bytes(b"\n".join([*spaced, *odd, _long_report(people[0])]))


def _lines(person: list[dict[str, Any]]) -> list[bytes]:
    patient, *others = person
    lines = [json.dumps(each).encode() for each in others]
    # Everybody is in every file: the record itself, an older version of it, a copy.
    lines += [json.dumps(_version(patient, number)).encode() for number in (1, 2, 2)]
    results = [each for each in others if each["resourceType"] == "Observation"]
    if results:
        older = _version(results[0], 1) | {"valueQuantity": {"value": 1, "unit": "g/dL"}}
        lines += [json.dumps(each).encode() for each in (older, _version(results[0], 2))]
        lines.append(json.dumps(_report(patient, results)).encode())
    return lines


def _version(resource: dict[str, Any], number: int) -> dict[str, Any]:
    day = f"2026-07-0{number}T00:00:00Z"
    return resource | {"meta": {"versionId": str(number), "lastUpdated": day}}


def _report(patient: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    first = results[0]
    same = [each for each in results if each["effectiveDateTime"] == first["effectiveDateTime"]]
    return {
        "resourceType": "DiagnosticReport",
        "id": f"report-{patient['id']}",
        "status": "final",
        "subject": {"reference": f"Patient/{patient['id']}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "58410-2"}]},
        "effectiveDateTime": first["effectiveDateTime"],
        "issued": first["issued"],
        "result": [{"reference": f"Observation/{each['id']}"} for each in same],
    }


def _long_report(person: list[dict[str, Any]]) -> bytes:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "long",
        "status": "final",
        "subject": {"reference": f"Patient/{person[0]['id']}"},
        "code": {"text": "Bone marrow"},
        "effectiveDateTime": "2025-06-01T08:00:00Z",
        "presentedForm": [{"contentType": "image/tiff", "data": "x" * LONG}],
    }
    return json.dumps(report).encode()
