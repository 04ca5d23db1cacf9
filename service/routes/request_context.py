"""What every request carries: its id, its trace and, for calls and feedback, its audit line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from flask import Response, g, request

from service.observability.logging import Event, log
from service.observability.trace_context import Trace, continued, current_trace
from service.security.audit import ANSWERED, AuditEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from service.cds_hooks.messages import CdsService
    from service.security.audit import AuditLog

REQUEST_ID = "X-Request-Id"

_AUDITED = {
    "cds_hooks.call": "hook call",
    "feedback.take": "feedback",
    "evidence_app.evidence": "evidence app",
}


def register_calls(app: Flask, new_id: Callable[[], object], audit: AuditLog | None) -> None:
    """Begin each request with an id and a trace; end calls and feedback with an audit line."""

    @app.before_request
    def begin() -> None:
        g.request_id = _uuid_of(request.headers.get(REQUEST_ID, "")) or str(new_id())
        g.begun = time.monotonic()
        g.trace = continued(request.headers.get("traceparent", ""))
        current_trace.set(g.trace)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            request_id=g.request_id, trace_id=g.trace.trace_id, span_id=g.trace.span_id
        )

    @app.after_request
    def give_request_id(response: Response) -> Response:
        response.headers[REQUEST_ID] = request_id()
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        current_trace.set(None)
        structlog.contextvars.clear_contextvars()

    if audit is not None:

        @app.after_request
        def write_audit(response: Response) -> Response:
            event = _AUDITED.get(request.endpoint or "")
            if event is not None and request.method == "POST":
                _write(audit, event, response.status_code)
            return response


def serves(service: CdsService) -> None:
    """Name the service that is called in every log line of the request."""
    structlog.contextvars.bind_contextvars(service=service.id)


def request_id() -> str:
    """Return the id of the request being served."""
    return str(g.get("request_id", ""))


def audit_entry() -> AuditEntry:
    """Return the audit entry of the request being served."""
    if "audit" not in g:
        g.audit = AuditEntry()
    entry: AuditEntry = g.audit
    return entry


def _write(audit: AuditLog, event: str, status: int) -> None:
    trace: Trace = g.trace
    line = audit_entry().line(
        event=event,
        outcome=g.get("error_code", ANSWERED),
        status=status,
        request_id=request_id(),
        trace_id=trace.trace_id,
        duration_ms=round((time.monotonic() - g.begun) * 1000, 1),
    )
    try:
        audit.write(line)
    except (OSError, ValueError) as error:
        # The clinician still gets the answer; the operator sees the log line.
        log.error(Event.AUDIT_NOT_WRITTEN, error_type=type(error).__name__)


def _uuid_of(text: str) -> str | None:
    """Take a client's id only when it is a UUID: anything else could name a patient."""
    try:
        return str(UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None
