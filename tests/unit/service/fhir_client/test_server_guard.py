"""What a worker makes of FHIR servers that answer, answer badly, or do not answer."""

from __future__ import annotations

from contextlib import suppress

import pytest

from service.base_urls import parse_base_url
from service.fhir_client.deadline import Deadline
from service.fhir_client.failures import FailureKind, FetchFailed
from service.fhir_client.server_guard import ServerGuards, ServerVisit
from service.observability.metrics import Metrics

BASE = parse_base_url("https://fhir.example/r4")
OTHER = parse_base_url("https://other.example/r4")


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guards(clock: Clock) -> ServerGuards:
    return ServerGuards(8, Metrics(), clock)


def visit(guards: ServerGuards, clock: Clock, base: object = BASE) -> ServerVisit:
    return guards.visit(base, Deadline(4, clock))  # type: ignore[arg-type]


def request(made: ServerVisit, kind: FailureKind | None, *, search: bool = True) -> None:
    """One request that ends so; None for an answer."""
    with suppress(FetchFailed), made.request(search=search):
        if kind is not None:
            raise FetchFailed(kind, 503 if kind is FailureKind.STATUS else None)


def call(guards: ServerGuards, clock: Clock, *kinds: FailureKind | None) -> FailureKind | None:
    """One call with a Patient that is read at once and searches that end so."""
    made = visit(guards, clock)
    if (refused := made.enter()) is not None:
        assert refused.retry_after > 0
        return refused.kind
    request(made, None, search=False)
    for kind in kinds:
        request(made, kind)
    made.leave()
    return None


def test_half_of_the_threads_may_use_one_server(guards: ServerGuards, clock: Clock) -> None:
    inside = [visit(guards, clock) for _ in range(4)]
    assert [each.enter() for each in inside] == [None] * 4
    guards_for_another = visit(guards, clock, OTHER)
    assert guards_for_another.enter() is None


@pytest.mark.parametrize("kind", [FailureKind.DEADLINE])
def test_three_calls_that_no_search_answered_open_the_circuit(
    guards: ServerGuards, clock: Clock, kind: FailureKind
) -> None:
    assert [call(guards, clock, kind, kind) for _ in range(3)] == [None] * 3
    assert call(guards, clock, kind) is FailureKind.CIRCUIT_OPEN
    clock.now += 5
    assert call(guards, clock, None) is None
    assert call(guards, clock, None) is None


@pytest.mark.parametrize(
    "kinds",
    [
        (None,),
        (None, FailureKind.DEADLINE),
        (FailureKind.STATUS, FailureKind.DEADLINE),
        (FailureKind.CONNECTION,),
    ],
    ids=["answers", "late with one of two", "an error and late", "not reached"],
)
def test_a_server_that_answers_something_is_never_left_alone(
    guards: ServerGuards, clock: Clock, kinds: tuple[FailureKind | None, ...]
) -> None:
    assert [call(guards, clock, *kinds) for _ in range(20)] == [None] * 20


def test_a_call_with_nothing_left_of_its_time_says_nothing_of_the_server(
    guards: ServerGuards, clock: Clock
) -> None:
    for _ in range(20):
        made = guards.visit(BASE, Deadline(4, clock))
        clock.now += 3
        assert made.enter() is None
        request(made, FailureKind.DEADLINE)
        made.leave()
        clock.now += 1


def test_a_refusal_stands_for_the_whole_call(guards: ServerGuards, clock: Clock) -> None:
    for _ in range(3):
        call(guards, clock, FailureKind.DEADLINE)
    made = visit(guards, clock)
    first = made.enter()
    clock.now += 60
    assert first is not None
    assert made.enter() is first


def test_leaving_twice_gives_one_place_back(guards: ServerGuards, clock: Clock) -> None:
    made = visit(guards, clock)
    assert made.enter() is None
    made.leave()
    made.leave()
    assert made.enter() is not None


def test_servers_that_nothing_is_known_of_are_forgotten(guards: ServerGuards, clock: Clock) -> None:
    for port in range(1, 1000):
        visit(guards, clock, parse_base_url(f"http://127.0.0.1:{port}/fhir"))
    assert len(guards._guards) <= 256
