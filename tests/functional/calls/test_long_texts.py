"""What a text costs grows with its length and no faster, wherever in a chart it stands."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.clinical_data.reading_budget import ReadingBudget
from tests.support.hook_calls import EMPTY, call, client, post, seed_prefetch
from tests.support.text_fields import alone, filled, resources, together

if TYPE_CHECKING:
    from flask.testing import FlaskClient

CHEAP = 0.25
"""Seconds of CPU of a call below which nothing is asked about growth."""

GROWTH = 2.5
LARGEST = 64 * 1024
PIECES = (
    *(" ", "\t", "\n", "1", "9.", ",", "1,111", "-", "/", "^", "%", "<", ">", "=", "+", "(", "{"),
    *("()", "{}", "[", "*", "10*3", "x10^9", "/L", "g/dL", "u", "A", "é", "\u0130", "\u00b5"),
    *("no ", "not ", "negative", "blasts ", "blast", "auer ", "tear drop", "can not ", "with "),
    *("weeks", "w", "d", "to ", "1-2 ", "less than ", "ref", "iron ", "ferric ", "2026-", "T09:"),
    *("normal ", "marrow ", "smear", "~", "|", "\\", "&lt;", "\u2013", "?", "."),
)
TEXTS = st.builds(
    lambda start, unit, end: (start, unit, end),
    st.sampled_from(("", "9", "12", "no", "(", "<", "iron", "g/dL", "blasts", "9 g/dL")),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join),
    st.sampled_from(("", "!", "x", "9", ")", "blasts")),
)
SEED = seed_prefetch()
NAMED = {
    f"{key}, {name}": (key, members[0])
    for key, named in resources().items()
    for name, members in named.items()
}


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client(database_url="")


def made(piece: tuple[str, str, str], size: int) -> str:
    start, unit, end = piece
    return (start + unit * (size // len(unit) + 1))[: size - len(end)] + end


def body(key: str, *changed: dict[str, Any]) -> bytes:
    rest = SEED.get(key, EMPTY)
    if key == "patient":
        value: Any = changed[0]
    else:
        entry = [{"resource": each} for each in changed]
        value = {**EMPTY, "entry": [*entry, *rest.get("entry", [])]}
    return json.dumps(call(prefetch=SEED | {key: value})).encode()


def cost(browser: FlaskClient, content: bytes, tries: int = 1) -> float:
    """Seconds of CPU of one call, the least of some tries."""
    seconds = []
    for _ in range(tries):
        begun = time.process_time()
        assert post(browser, content).status_code in {200, 400, 412, 413}
        seconds.append(time.process_time() - begun)
    return min(seconds)


@pytest.mark.parametrize("name", NAMED)
@given(piece=TEXTS)
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_cpu_grows_at_most_linearly_with_every_text(
    browser: FlaskClient, name: str, piece: tuple[str, str, str]
) -> None:
    key, resource = NAMED[name]
    for places in (together(resource), *([each] for each in alone(resource)[:1])):
        if not places:
            continue

        def calls(size: int, places: Any = places) -> bytes:
            return body(key, filled(resource, places, made(piece, size)))

        if cost(browser, calls(LARGEST)) < CHEAP:
            continue
        sizes = [LARGEST >> n for n in range(3, -1, -1)]
        # A busy machine disturbs single measurements: what grows too fast does so each time.
        for tries in (3, 6, 12):
            costs = [cost(browser, calls(size), tries) for size in sizes]
            pairs = [(a, b) for a, b in pairwise(costs) if b > CHEAP / 4]
            if all(after <= GROWTH * before for before, after in pairs):
                break
        else:
            raise AssertionError((piece, costs))


WORST = {
    "tabs as gestational age": ("pregnancy, 18185-9 string", ("", "\t", "x")),
    "blanks as a number": ("bloodCounts, string", ("9", " ", "x")),
    "blanks as a test": ("pregnancy, 2106-3 string", ("", " ", "x")),
    "words as a test": ("serology, string", ("no ", "a ", "")),
    "blanks as a range": ("bloodCounts, range text", ("1", " ", "x")),
    "a long film report": ("smear, 14869-2 string", ("", "blasts ", "")),
    "denials": ("smear, 14869-2 string", ("", "no blasts not ", "")),
    "a medicine's name": ("medicationRequests, one", ("", "iron ", "")),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_texts_of_before_cost_next_to_nothing(browser: FlaskClient, name: str) -> None:
    where, piece = WORST[name]
    key, resource = NAMED[where]
    assert cost(browser, body(key, filled(resource, together(resource), made(piece, 64_000)))) < 1


@pytest.mark.parametrize(
    ("where", "piece", "size"),
    [
        ("smear, 14869-2 string", ("", "no blasts ", ""), 9_900),
        ("medicationRequests, one", ("", "iron ", ""), 2_000),
        ("bloodCounts, string", ("9", "10*3/uL", ""), 100),
    ],
)
def test_many_worst_texts_cost_what_one_costs_so_many_times(
    browser: FlaskClient, where: str, piece: tuple[str, str, str], size: int
) -> None:
    key, resource = NAMED[where]
    one = filled(resource, together(resource), made(piece, size))
    number = 1_000_000 // len(json.dumps(one))

    def calls(times: int) -> bytes:
        return body(key, *({**one, "id": f"n{n}"} for n in range(number * times)))

    small, large = cost(browser, calls(1), 3), cost(browser, calls(4), 3)
    assert large < 4 * GROWTH / 2 * small + 0.5


class Counted:
    """A clock that goes on by one with every look at it."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return float(self.looks)


@pytest.mark.parametrize(
    ("key", "where"),
    [
        ("bloodCounts", "bloodCounts, range text"),
        ("smear", "smear, 14869-2 string"),
        ("conditions", "conditions, one"),
        ("medicationRequests", "medicationRequests, one"),
        ("diagnosticReports", "diagnosticReports, one"),
    ],
)
def test_a_chart_that_is_too_costly_is_refused_before_all_of_it_is_read(
    key: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Counted()
    monkeypatch.setattr(
        "service.clinical_data.facts_reader.ReadingBudget", lambda: ReadingBudget(120, clock)
    )
    browser = client(database_url="")
    one = NAMED[where][1]
    assert post(browser, body(key, one)).status_code == 200
    assert clock.looks < 120
    clock.looks = 0
    answer = post(browser, body(key, *({**one, "id": f"n{n}"} for n in range(1000))))
    assert answer.status_code == 412
    issue = json.loads(answer.data)["issue"][0]
    assert issue["details"]["coding"][0]["code"] == "chart-too-costly"
    assert clock.looks < 130


def test_the_budget_ends_a_call_of_as_many_costly_texts_as_a_body_may_hold(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, resource = NAMED["smear, 14869-2 string"]
    one = filled(resource, together(resource), made(("", "blasts ", ""), 300))
    few, many = (body(key, *({**one, "id": f"n{n}"} for n in range(k))) for k in (400, 4000))
    whole = cost(browser, few)
    # Ten times the texts cost ten times as much, unless what a few of them cost is all there is.
    monkeypatch.setattr("service.clinical_data.reading_budget.READING_SECONDS", whole)
    assert cost(browser, many) < 5 * whole + CHEAP
    assert post(browser, many).status_code == 412
