"""The one place where an exception becomes an HTTP answer: an OperationOutcome."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from flask import Response, g
from werkzeug.exceptions import HTTPException

from service.error_codes import ErrorCode
from service.errors import CdsServiceError, ClientNotAuthenticated, ClinicalDataUnavailable
from service.observability.logging import Event, log
from service.routes.operation_outcome import operation_outcome
from service.routes.request_context import audit_entry, request_id

if TYPE_CHECKING:
    from flask import Flask

_HTTP_ERRORS = {
    404: (ErrorCode.NOT_FOUND, "not-found", "There is nothing at this address"),
    405: (
        ErrorCode.METHOD_NOT_ALLOWED,
        "not-supported",
        "This address does not accept this method",
    ),
    413: (ErrorCode.REQUEST_TOO_LARGE, "too-long", "The body is larger than this service accepts"),
    414: (
        ErrorCode.ADDRESS_TOO_LONG,
        "too-long",
        "The address is longer than this service accepts",
    ),
    415: (ErrorCode.UNSUPPORTED_MEDIA_TYPE, "not-supported", "The body must be application/json"),
    431: (
        ErrorCode.HEADERS_TOO_LARGE,
        "too-long",
        "The headers are larger than this service accepts",
    ),
}


class _HttpError(CdsServiceError):
    """An error of the HTTP layer itself, as one of ours."""

    def __init__(self, status: int) -> None:
        code, issue_type, text = _HTTP_ERRORS.get(
            status, (ErrorCode.HTTP_ERROR, "processing", f"HTTP {status}")
        )
        super().__init__(text, code=code)
        self.status = status
        self.issue_type = issue_type


def register_errors(app: Flask) -> None:
    """Give every error its answer."""

    @app.errorhandler(CdsServiceError)
    def refuse(error: CdsServiceError) -> Response:
        log_refusal(error)
        return _answer(error)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        response = _answer(_HttpError(error.code or 500))
        for name, value in error.get_headers():
            if name == "Allow":
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        # The message and the local variables of an exception may hold a patient: neither is logged.
        log.error(
            Event.CALL_FAILED,
            error_type=type(error).__name__,
            error_at=_place_of(error),
            request_id=request_id(),
        )
        return _answer(CdsServiceError("The service failed; its log says where"))


def log_refusal(error: CdsServiceError) -> None:
    """Say in the log, and in the audit line of the request, that it was refused and why."""
    keys = error.keys if isinstance(error, ClinicalDataUnavailable) else None
    audit_entry().sources = dict.fromkeys(keys or (), "unavailable")
    g.error_code = error.code
    log.warning(
        Event.CALL_REFUSED,
        status=error.status,
        code=error.code,
        expression=error.expression or None,
        keys=keys,
        request_id=request_id(),
    )


def _answer(error: CdsServiceError) -> Response:
    g.error_code = error.code
    body = msgspec.json.encode(operation_outcome(error, request_id()))
    response = Response(body, status=error.status, mimetype="application/fhir+json")
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, ClientNotAuthenticated):
        response.headers["WWW-Authenticate"] = _challenge(error)
    return response


def _challenge(error: ClientNotAuthenticated) -> str:
    """RFC 6750, section 3: a call without a token is told only the scheme."""
    if error.code is ErrorCode.TOKEN_MISSING:
        return 'Bearer realm="heme-hooks"'
    return f'Bearer realm="heme-hooks", error="invalid_token", error_description="{error.code}"'


def _place_of(error: BaseException) -> str:
    trace = error.__traceback__
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
    return place
