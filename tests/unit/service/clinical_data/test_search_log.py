"""The searches of one call, told to the caller who asks why."""

from __future__ import annotations

import pytest

from fhir_mappings.panel import DataGroup
from service.clinical_data.search_log import SearchLog
from service.fhir_client.failures import Failure, FailureKind, FetchFailed


def log_at(*seconds: float) -> SearchLog:
    times = iter(seconds)
    return SearchLog(lambda: next(times))


def test_a_search_is_told_with_its_key_its_time_and_its_size() -> None:
    log = log_at(10.0, 10.25)
    tasks = log.watching(
        {(DataGroup.VITAMIN_B12, "Observation?code=1"): lambda: (b"1", b"23")}, "7"
    )
    assert [task() for task in tasks.values()] == [(b"1", b"23")]
    assert log.described() == [
        {
            "key": "vitaminB12",
            "query": "Observation?code=1",
            "startedMs": 0.0,
            "tookMs": 250.0,
            "pages": 2,
            "bytes": 3,
        }
    ]


def test_times_count_from_the_first_search() -> None:
    log = log_at(1.0, 2.0, 3.0, 3.5)
    for task in log.watching(
        {"laboratory": lambda: (b"",), "Medication/1": lambda: (b"",)}, "7"
    ).values():
        task()
    first, second = log.described()
    assert (first["startedMs"], second["startedMs"], second["tookMs"]) == (0.0, 2000.0, 500.0)
    assert first["query"] == "Observation?patient=7&category=laboratory"
    assert (second["key"], second["query"]) == ("medication", "Medication/1")


def test_a_failure_is_told_in_our_own_words_and_raised_all_the_same() -> None:
    def fails() -> tuple[bytes, ...]:
        raise FetchFailed(FailureKind.STATUS, 404)

    log = log_at(1.0, 1.5)
    (task,) = log.watching({(DataGroup.PATIENT, ""): fails}, "7").values()
    with pytest.raises(FetchFailed):
        task()
    (told,) = log.described()
    assert told["query"] == "Patient/7"
    assert told["failure"] == "the FHIR server answered HTTP 404 (it was not found)"


def test_a_search_that_still_runs_has_no_time() -> None:
    log = SearchLog()

    def looks() -> tuple[bytes, ...]:
        assert "tookMs" not in log.described()[0]
        return ()

    (task,) = log.watching({(DataGroup.PATIENT, ""): looks}, "7").values()
    task()


def test_every_answer_is_observed_with_its_group_its_outcome_and_its_seconds() -> None:
    """One that was cut off, and one that never began, took until now."""
    seen: list[tuple[str, str, float]] = []
    times = iter((1.0, 1.5, 2.0, 9.0, 9.0))
    log = SearchLog(lambda: next(times), lambda *each: seen.append(each))

    def nothing() -> tuple[bytes, ...]:
        return (b"",)

    def hangs() -> tuple[bytes, ...]:
        raise TimeoutError

    counts, iron = (DataGroup.BLOOD_COUNTS, "a"), (DataGroup.IRON_STUDIES, "b")
    tasks = log.watching({counts: nothing, iron: hangs, "Medication/1": nothing}, "7")
    tasks[counts]()
    with pytest.raises(TimeoutError):
        tasks[iron]()
    late = Failure(FailureKind.DEADLINE)
    log.ended({counts: (b"",), iron: late, "Medication/1": late})
    assert seen == [
        ("bloodCounts", "ok", 0.5),
        ("ironStudies", "deadline", 7.0),
        ("medication", "deadline", 8.0),
    ]
