"""What repeatedly gave no answer is left alone, and tried again now and then."""

from __future__ import annotations

from service.resilience.circuit_breaker import FAILURES, REST_SECONDS, CircuitBreaker


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    breaker = CircuitBreaker(timer=clock)
    told = [breaker.failed(clock.now) for _ in range(FAILURES)]
    assert told == [False] * (FAILURES - 1) + [True]
    return breaker, clock


def test_it_opens_after_failures_in_a_row_only() -> None:
    clock = Clock()
    breaker = CircuitBreaker(timer=clock)
    for _ in range(5):
        for _ in range(FAILURES - 1):
            assert not breaker.failed(clock.now)
        breaker.succeeded()
        clock.now += 1
    assert breaker.seconds_to_wait() == 0


def test_open_it_says_how_long_to_wait() -> None:
    breaker, clock = opened()
    assert breaker.seconds_to_wait() == REST_SECONDS
    clock.now += 2
    assert breaker.seconds_to_wait() == REST_SECONDS - 2


def test_after_the_rest_one_call_tries() -> None:
    breaker, clock = opened()
    clock.now += REST_SECONDS
    assert [breaker.seconds_to_wait() for _ in range(3)] == [0, REST_SECONDS, REST_SECONDS]


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker, clock = opened()
    clock.now += REST_SECONDS
    assert breaker.seconds_to_wait() == 0
    assert breaker.succeeded()
    assert not breaker.is_open
    assert breaker.seconds_to_wait() == 0


def test_a_trial_that_fails_lets_it_rest_again() -> None:
    breaker, clock = opened()
    clock.now += REST_SECONDS
    breaker.seconds_to_wait()
    clock.now += 4
    assert not breaker.failed(clock.now - 4)
    assert breaker.seconds_to_wait() == REST_SECONDS


def test_calls_of_before_the_last_answer_do_not_open_it_again() -> None:
    breaker, clock = opened()
    clock.now += REST_SECONDS
    breaker.succeeded()
    assert not any(breaker.failed(clock.now - 4) for _ in range(10))
    assert not breaker.is_open
