"""What was reported but not used, on a card: each kind of refusal once."""

from __future__ import annotations

from datetime import UTC, datetime

from fhir_mappings.panel import Analyte, Reason, Unreadable
from service.cards.detail import MOST_SET_ASIDE, set_aside_list

TEXT = "The value is text that is not a plain number."


def refused(reported: str, day: int, analyte: Analyte = Analyte.PLATELETS) -> Unreadable:
    taken = datetime(2026, 5, day, 8, 0, tzinfo=UTC)
    return Unreadable(analyte, Reason.VALUE, TEXT, reported=reported, taken=taken)


def test_a_refusal_that_recurs_is_one_line_with_the_newest_time() -> None:
    text = set_aside_list([refused("LOW", 9), refused("LOW", 7), refused("LOW", 6)])

    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert lines == [f"- Platelets `LOW` (2026-05-09 08:00 +00:00, and 2 more like it): {TEXT}"]


def test_refusals_that_differ_stand_each_by_itself() -> None:
    given = [refused("LOW", 9), refused("VERY LOW", 7), refused("LOW", 6, Analyte.HEMOGLOBIN)]
    lines = [line for line in set_aside_list(given).splitlines() if line.startswith("- ")]

    assert len(lines) == 3
    assert "more like it" not in "".join(lines)


def test_a_long_list_is_cut_and_counted() -> None:
    given = [refused(str(number), 9) for number in range(MOST_SET_ASIDE + 4)]

    assert "and 4 more" in set_aside_list(given)
