"""The trace that a call belongs to (W3C Trace Context, https://www.w3.org/TR/trace-context/).

A call's `traceparent` is continued: its trace id goes into every log line and, under a span of our
own, to the FHIR server. `tracestate` can hold any text and is not passed on.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """One span of ours within a trace. `parent_id` is empty when the trace begins here."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    sampled: bool = False

    @property
    def traceparent(self) -> str:
        """The header for requests that we make."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


current_trace: ContextVar[Trace | None] = ContextVar("current_trace", default=None)
"""The trace of the call being served."""


def continued(traceparent: str) -> Trace:
    """Return a span in the caller's trace; a header that is no traceparent begins a new trace."""
    span_id = secrets.token_hex(8)
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    if match is None:
        return Trace(secrets.token_hex(16), span_id)
    version, trace_id, parent_id, flags, more = match.groups()
    invalid = version == "ff" or (version == "00" and more) or not int(trace_id, 16)
    if invalid or not int(parent_id, 16):
        return Trace(secrets.token_hex(16), span_id)
    return Trace(trace_id, span_id, parent_id, bool(int(flags, 16) & _SAMPLED))
