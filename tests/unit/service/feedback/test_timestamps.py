"""RFC 3339 date-times, as feedback carries them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.feedback.timestamps import parse_timestamp

NOON = datetime(2026, 6, 15, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-15T12:00:05Z", NOON),
        ("2026-06-15t12:00:05z", NOON),
        ("2026-06-15T14:00:05+02:00", NOON),
        ("2026-06-15T12:00:05.123456789Z", NOON.replace(microsecond=123456)),
        ("2026-06-15T12:00:05.1Z", NOON.replace(microsecond=100000)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_however_it_is_spelled(text: str, moment: datetime) -> None:
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-06-15",
        "2026-06-15T12:00:05",
        "2026-06-15 12:00:05Z",
        "2026-06-15T12:00Z",
        "2026-02-30T12:00:05Z",
        "2026-06-15T25:00:05Z",
        "2026-06-15T12:00:05+0200",
        "0001-01-01T00:00:00+23:59",
        "٢٠٢٦-06-15T12:00:05Z",
        "2026-06-15T12:00:05Z\n",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_timestamp(text) is None
