"""Pages that hold no script and load nothing."""

from __future__ import annotations

from flask import Response

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def page_without_script(page: str) -> Response:
    """Return an HTML page under a Content-Security-Policy that allows its styles alone."""
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
