"""W3C Trace Context: a caller's trace is continued, anything else begins a new one."""

from __future__ import annotations

import re

import pytest

from service.observability.trace_context import continued

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.mark.parametrize("flags", ["00", "01", "03"])
def test_a_trace_is_continued_under_a_span_of_our_own(flags: str) -> None:
    trace = continued(f"00-{TRACE}-{PARENT}-{flags}")
    assert (trace.trace_id, trace.parent_id) == (TRACE, PARENT)
    assert trace.span_id != PARENT
    sampled = "00" if flags == "00" else "01"
    assert trace.traceparent == f"00-{TRACE}-{trace.span_id}-{sampled}"


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert continued(f"01-{TRACE}-{PARENT}-01-what-comes-later").trace_id == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Mrs Doe",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\nx",
    ],
)
def test_what_is_no_traceparent_begins_a_new_trace(header: str) -> None:
    trace = continued(header)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", trace.traceparent)
    assert trace.trace_id != TRACE
    assert continued(header).trace_id != trace.trace_id
