"""How much of a text is read."""

from __future__ import annotations

from fhir_mappings.laboratory.narrative import LONGEST_NARRATIVE, MOST_MENTIONS, findings_in
from fhir_mappings.panel import SmearSet
from fhir_mappings.r4.long_texts import beginning, single_blanks


def test_blanks_do_not_count_for_the_length_of_a_phrase() -> None:
    assert single_blanks("  12 \t\n" + " " * 1000 + "weeks ", 10) == "12 weeks"
    assert single_blanks("12 weeks", 7) is None


def test_a_text_is_cut_at_the_end_of_a_word() -> None:
    assert beginning("no blasts seen", 9) == ("no blasts", False)
    assert beginning("no blasts seen", 8) == ("no", False)
    assert beginning("no blasts", 9) == ("no blasts", True)
    assert beginning("x" * 20, 9) == ("x" * 9, False)


def test_what_is_beyond_the_limit_of_a_film_report_is_not_known() -> None:
    long = "No blasts. " + "x " * LONGEST_NARRATIVE + " blasts seen"
    found = {mention.finding: mention.present for mention in findings_in(long)}
    assert found == dict.fromkeys(found)
    assert set(found) > {SmearSet.BLASTS, SmearSet.DYSPLASIA, SmearSet.TEARDROP}


def test_what_stands_within_the_limit_counts() -> None:
    long = "Blasts seen. " + "x " * LONGEST_NARRATIVE
    found = {mention.finding: mention.present for mention in findings_in(long)}
    assert found[SmearSet.BLASTS] is True
    assert found[SmearSet.TEARDROP] is None


def test_a_report_that_denies_too_often_denies_nothing() -> None:
    found = {m.finding: m.present for m in findings_in("No blasts. " * MOST_MENTIONS)}
    assert found[SmearSet.BLASTS] is None
    few = {m.finding: m.present for m in findings_in("No blasts. " * (MOST_MENTIONS - 1))}
    assert few == {SmearSet.BLASTS: False}
