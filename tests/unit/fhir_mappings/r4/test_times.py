"""FHIR dates and times as moments (clinical-definition 1.1 A3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.r4.times import read_date, read_moment

NOW = datetime(2026, 5, 15, 10, 0, tzinfo=UTC)


def seen(text, now=NOW):
    moment = read_moment(text)
    return None if moment is None else moment.seen_from(now)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-14T08:00:00Z", "2026-05-14T08:00:00+00:00"),
        ("2026-05-14T08:00:00.123456789Z", "2026-05-14T08:00:00.123456+00:00"),
        ("2026-05-14T08:00:00-05:00", "2026-05-14T08:00:00-05:00"),
        ("2026-05-14T08:00:00+0530", "2026-05-14T08:00:00+05:30"),
        ("2026-05-14T08:00Z", "2026-05-14T08:00:00+00:00"),
        ("2026-05-14 08:00:00Z", "2026-05-14T08:00:00+00:00"),
        ("2026-05-14t08:00:00z", "2026-05-14T08:00:00+00:00"),
        ("2026-05-14T08:00:00", "2026-05-14T08:00:00+00:00"),
        (" 2026-05-14T08:00:00Z ", "2026-05-14T08:00:00+00:00"),
        ("2026-05-13T24:00:00Z", "2026-05-14T00:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2026-04", "2026-04-30T10:00:00+00:00"),
    ],
)
def test_a_time_is_read_as_it_is_written(text, expected):
    assert seen(text).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-13-01", "2026-02-30", "2026-05-14T25:00:00Z", "2026-05-14T08:61:00Z",
     "2026-05-14T08:00:61Z", "2026-05-14T24:01:00Z", "14.05.2026", "05/14/2026", "0000-01-01",
     "2026-05-14T08:00:00+15:00", "20260514", "9999-12-31T24:00:00Z", "٢٠٢٦-05-14"],
)  # fmt: skip
def test_what_is_no_time_is_none(text):
    assert read_moment(text) is None


@pytest.mark.parametrize("hour", [0, 3, 10, 23])
@pytest.mark.parametrize("days", [0, 1, 3, 14, 90])
def test_a_date_is_a_whole_number_of_days_old_at_any_hour(days, hour):
    now = NOW.replace(hour=hour, minute=59)
    day = (now - timedelta(days=days)).date()
    assert now - seen(day.isoformat(), now) == timedelta(days=days)


def test_the_date_of_tomorrow_east_of_here_is_now():
    assert seen("2026-05-16", NOW.replace(hour=20)) == NOW.replace(hour=20)
    assert seen("2026-05-16", NOW.replace(hour=5)) > NOW + timedelta(hours=1)
    assert seen("2026-05-17") > NOW + timedelta(hours=1)


def test_this_month_is_now_and_a_month_to_come_is_not():
    assert seen("2026-05") == NOW
    assert seen("2026-07") > NOW + timedelta(hours=1)


def test_a_time_without_an_offset_may_stand_further_east():
    assert seen("2026-05-15T21:00:00") == NOW
    assert seen("2026-05-16T01:00:00") > NOW + timedelta(hours=1)
    assert seen("2026-05-15T21:00:00Z") > NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1959-03-07", date(1959, 3, 7)), ("1959-03", date(1959, 3, 31)),
     ("1960-02", date(1960, 2, 29)),
     ("1959", date(1959, 12, 31)), ("1959-03-07T23:00:00-05:00", date(1959, 3, 7)), ("x", None)],
)  # fmt: skip
def test_a_partial_date_is_its_latest_day(text, expected):
    assert read_date(text) == expected


@settings(max_examples=200, deadline=None)
@given(st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001
       st.integers(-14 * 60, 14 * 60))  # fmt: skip
def test_every_iso_time_with_an_offset_comes_back(moment, minutes):
    zoned = moment.replace(tzinfo=UTC) + timedelta(minutes=minutes)
    assert seen(zoned.isoformat()) == zoned


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789-T:.Z+ ", max_size=35))
def test_no_text_breaks_it(text):
    seen(text)
