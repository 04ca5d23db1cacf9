"""The body of a request, as bytes of JSON."""

from __future__ import annotations

from flask import abort, request
from werkzeug.exceptions import HTTPException

from service.errors import InvalidHookCall

_JSON = "application/json"


def json_body() -> bytes:
    """Return the body of a JSON request; anything else is answered with 415."""
    if request.headers.get("Content-Type") != _JSON and not _is_json_in_utf_8():
        abort(415)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        abort(415)
    body = _read()
    # Werkzeug cuts a body without a Content-Length at the limit without saying so.
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        abort(413)
    return body


def _is_json_in_utf_8() -> bool:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    return request.mimetype == _JSON and charset in {"utf-8", "utf8"}


def _read() -> bytes:
    try:
        return request.get_data()
    except HTTPException:
        raise
    except Exception:  # noqa: BLE001  each server has its own for a body that is malformed
        raise InvalidHookCall("The body could not be read completely") from None
