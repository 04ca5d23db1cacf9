"""The scripts and styles of our pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import abort, send_from_directory

if TYPE_CHECKING:
    from flask import Response

_FILES = Path(__file__).resolve().parent.parent / "static"
_TYPES = {
    "": "text/plain",  # licences
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}


def static_file(name: str) -> Response:
    """Return one of the shipped files; another name is answered with 404."""
    mimetype = _TYPES.get(Path(name).suffix)
    if mimetype is None:
        abort(404)
    file = send_from_directory(_FILES, name, mimetype=mimetype, max_age=0)
    file.headers["Cache-Control"] = "no-cache"
    return file
