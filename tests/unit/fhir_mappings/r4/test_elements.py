"""Dates of resources that may be broken: the same reader as results have, each at its earliest."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.r4 import elements
from fhir_mappings.r4.times import Precision, read_moment


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-06-01T24:00:00Z", datetime(2026, 6, 2, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2026-06-01T10:30:59,5Z", datetime(2026, 6, 1, 10, 30, 59, 500000, tzinfo=UTC)),
        ("2026-06", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026", datetime(2026, 1, 1, tzinfo=UTC)),
        (2026, datetime(2026, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("2026-06-01T25:00:00Z", None),
        ({"start": "2026"}, None),
        (None, None),
    ],
)
def test_a_moment_is_read_at_its_earliest(written, expected):
    assert elements.moment(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-06-01T24:00:00Z", date(2026, 6, 2)),
        ("2026-06-01T23:30:00-05:00", date(2026, 6, 1)),
        ("2026-06", date(2026, 6, 1)),
        ("2026", date(2026, 1, 1)),
        ("2026-06-01T25:00:00Z", date(2026, 6, 1)),
        ("2026-06-01T10:00:00+99:00", date(2026, 6, 1)),
        ("0001-01-01", None),
        ("2026-06-31", None),
        ("soon", None),
        (True, None),
    ],
)
def test_a_day_stands_although_its_time_cannot_be_read(written, expected):
    assert elements.day(written) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789-T:.Z+ ", max_size=30))
def test_a_whole_moment_is_the_same_for_a_result_and_for_the_context(text):
    found = read_moment(text)
    moment = elements.moment(text)
    assert (found is None) == (moment is None)
    if found is not None and found.precision >= Precision.DAY:
        assert moment == found.at
