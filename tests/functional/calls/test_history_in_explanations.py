"""The course of four measurements in the explanation, with the limits used."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.hook_calls import NOW, call, client, post, seed_prefetch

EXPLAIN = {"extension": {"heme-hooks": {"explain": True}}}


def explained(sample: str) -> dict[str, Any]:
    prefetch = seed_prefetch(sample)
    body = call(prefetch=prefetch, patient_id=prefetch["patient"]["id"], **EXPLAIN)
    answer = post(client(database_url=""), body)
    assert answer.status_code == 200
    explanation: dict[str, Any] = answer.json["extension"]["heme-hooks"]  # type: ignore[index]
    return {series["analyte"]: series for series in explanation["history"]}


def test_points_are_oldest_first_in_the_canonical_unit() -> None:
    hemoglobin = explained("index-pattern")["HGB"]
    assert hemoglobin["unit"] == "g/dL"
    taken = [point["taken"] for point in hemoglobin["points"]]
    assert taken == sorted(taken)
    assert len(taken) > 1
    assert hemoglobin["points"][-1]["value"] == "8.9"


def test_the_laboratorys_limit_is_told_from_the_populations() -> None:
    vitamin = explained("index-pattern")["B12"]["points"][-1]
    assert vitamin["limits"] == [
        {"kind": "low", "value": "200", "from": "population"},
        {"kind": "high", "value": "900", "from": "laboratory"},
    ]


def test_pregnancy_has_its_own_limits() -> None:
    # Second trimester: 10.5 (clinical-definition 2.1), whatever the laboratory prints.
    point = explained("pregnancy-normal")["HGB"]["points"][-1]
    assert point["limits"] == [{"kind": "low", "value": "10.5", "from": "population"}]


def test_a_value_in_another_unit_is_shown_both_ways() -> None:
    hemoglobin = explained("index-pattern-si")["HGB"]["points"][-1]
    assert hemoglobin["reported"].endswith(" g/L")
    assert hemoglobin["text"].endswith(" g/dL")


def test_who_does_not_ask_is_not_told() -> None:
    answer = post(client(database_url=""), call(prefetch=seed_prefetch()))
    assert "extension" not in answer.json  # type: ignore[operator]


def test_what_was_not_measured_has_no_course() -> None:
    assert "B12" not in explained("counts-only")


@pytest.mark.parametrize("normal_days_ago", [60, 200, 500, 900])
def test_since_when_a_line_is_low_is_found_however_many_low_counts_lie_between(
    normal_days_ago: int,
) -> None:
    """3.4: the last value that was not low, within two years; who asks why reads every result."""
    prefetch = seed_prefetch()
    newest = [entry["resource"] for entry in prefetch["bloodCounts"]["entry"]]

    def earlier(days: int, factor: int) -> list[dict[str, Any]]:
        taken = (NOW - timedelta(days=days)).isoformat()
        copies: list[dict[str, Any]] = json.loads(json.dumps(newest))
        for number, copy in enumerate(copies):
            copy |= {"id": f"d{days}-{number}", "effectiveDateTime": taken}
            copy.pop("issued", None)
            if "valueQuantity" in copy:
                copy["valueQuantity"]["value"] *= factor
        return copies

    older = [each for days in range(20, normal_days_ago, 20) for each in earlier(days, 1)]
    older += earlier(normal_days_ago, 2)
    prefetch["bloodCounts"]["entry"] = [{"resource": each} for each in newest + older]
    browser = client(database_url="")
    plain = post(browser, call(prefetch=prefetch)).json["cards"][0]["detail"]  # type: ignore[index]
    whole = post(browser, call(prefetch=prefetch, **EXPLAIN)).json["cards"][0]["detail"]  # type: ignore[index]
    assert plain == whole
    then = NOW - timedelta(days=normal_days_ago)
    assert (f"({then.day} {then:%b %Y})" in plain) is (normal_days_ago < 730)
