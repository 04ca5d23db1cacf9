"""The body of a request, as bytes of JSON."""

from __future__ import annotations

from flask import abort, request


def json_body() -> bytes:
    """Return the body of a JSON request; anything else is answered with 415."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
        abort(415)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        abort(415)
    body = request.get_data()
    # Werkzeug cuts a body without a Content-Length at the limit, and says nothing.
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        abort(413)
    return body
