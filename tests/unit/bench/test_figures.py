"""What the bench makes of its measurements: comparisons, targets, memory over time, a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.feedback_items import feedback_on
from bench.figures import BARE, OURS, SIGNED, STORE, Figure, Memory, spread
from bench.hot_calls import spots
from bench.report import middle, table, write
from bench.soak_report import Sample, Tally, growth, percentiles, verdict
from bench.targets import Target, targets
from tests.support.fhir import NOW

if TYPE_CHECKING:
    from pathlib import Path


def figure(
    size: int, ours: list[float], floor: list[float], signed: float = 1.0, *, normal: bool = True
) -> Figure:
    """A figure in which a store costs nothing and a token costs so many milliseconds."""
    spent = {BARE: floor, OURS: ours, STORE: ours, SIGNED: [value + signed for value in ours]}
    return Figure(size, normal=normal, length=1, spent=spent, rates={})


def test_the_ratio_is_taken_within_each_round() -> None:
    # Every round is slower than the one before, and always twice the floor.
    assert figure(12, [2.0, 20.0, 200.0], [1.0, 10.0, 100.0]).ratio(OURS) == 2.0


def test_the_spread_is_half_the_distance_between_the_quartiles() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) == 2.0
    assert spread([1.0]) == 0.0


MEMORY = {BARE: Memory(50.0, 100.0), OURS: Memory(130.0, 161.0)}


def test_each_target_is_met_up_to_its_limit() -> None:
    figures = [
        figure(12, [1.6], [1.0], 2.125),
        figure(1000, [6.1], [10.0]),
        figure(1000, [8.0], [10.0], normal=False),
    ]
    started = {BARE: 0.5, OURS: 2.1}
    found = {target.what: target.verdict for target in targets(figures, MEMORY, started)}
    assert found == {
        "CPU beside the bare application: 12 Observations, normal": "met, aim not reached",
        "CPU beside the bare application: 1,000 Observations, normal": "missed",
        "CPU beside the bare application: 1,000 Observations, index pattern": "met",
        "CPU of a signed call beside an unsigned one: 12 Observations, normal": "missed",
        "CPU of a stored call beside a forgotten one: 12 Observations, normal": "met",
        "memory beside the bare application: idle": "met",
        "memory beside the bare application: after load": "missed",
        "first answer after the start beside the bare application's": "missed",
    }


def test_an_aim_is_reached_at_its_limit() -> None:
    assert Target("", 0.75, 0.5, "x", 0.5).verdict == "met, aim reached"


@pytest.mark.parametrize(("large", "verdict"), [(110.0, "met"), (111.0, "missed")])
def test_ten_times_the_observations_may_cost_ten_times_and_a_little(
    large: float, verdict: str
) -> None:
    figures = [figure(1000, [10.0], [10.0]), figure(10_000, [large], [100.0])]
    grown = [t for t in targets(figures, MEMORY) if t.what.startswith("CPU of 10,000")]
    assert [target.verdict for target in grown] == [verdict]


def test_memory_is_judged_over_the_last_two_thirds() -> None:
    # It fills up for ten minutes, then grows by one megabyte in ten minutes.
    samples = [Sample(m, 100.0 + min(m, 10) * 10 + max(m - 10, 0) / 10, 0.1, ()) for m in range(31)]
    assert growth(samples) == pytest.approx(6.0)
    assert verdict(samples, Tally(), 5.0)[0] is False
    assert verdict(samples, Tally(), 7.0)[0] is True


def test_a_short_soak_does_not_tell_whether_memory_grows() -> None:
    assert growth([Sample(m, 100.0 * m, 0.1, ()) for m in range(5)]) is None
    assert growth([]) is None


def test_one_unexpected_answer_fails_a_soak() -> None:
    tally = Tally()
    tally.note("sample", "200", 0.1, expected=True)
    tally.note("sample", "500", 0.1, expected=False)
    well, sentences = verdict([], tally, 5.0)
    assert not well
    assert "- Unexpected answers: 1. sample: 500 (1)." in sentences


def test_percentiles_of_nothing_are_zero() -> None:
    assert percentiles([]) == [0.0, 0.0, 0.0]
    assert percentiles([n / 100 for n in range(1, 102)]) == [0.51, 0.96, 1.0]


def test_a_profile_shows_own_time_a_call() -> None:
    stats = {
        ("~", 0, "<built-in method builtins.len>"): (20, 20, 0.25, 0.25, {}),
        ("/lib/site-packages/flask/app.py", 7, "wsgi_app"): (10, 10, 0.75, 1.0, {}),
    }
    first, second = spots(stats, calls=10)
    assert (first.name, first.runs, first.milliseconds, first.share) == (
        "flask/app.py:7 wsgi_app",
        1.0,
        75.0,
        0.75,
    )
    assert second.name == "built-in method builtins.len"


def test_each_card_gets_its_feedback() -> None:
    cards = [{"uuid": "1", "suggestions": [{"uuid": "a"}, {"uuid": "b"}]}, {"uuid": "2"}]
    accepted, overridden = feedback_on(cards, NOW)["feedback"]
    assert accepted["acceptedSuggestions"] == [{"id": "a"}]
    assert (overridden["card"], overridden["outcome"]) == ("2", "overridden")


def test_a_report_replaces_what_stands_between_the_marks(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n", encoding="utf-8")
    write(document, table(("name", "ms:"), [["x", middle([1.0])]]))
    assert document.read_text(encoding="utf-8") == (
        "a\n<!-- bench -->\n\n| name | ms |\n|---|---:|\n| x | 1.00 |\n\n<!-- /bench -->\nb\n"
    )
