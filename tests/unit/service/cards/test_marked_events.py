"""What was given, on the time axis of the course: only what the rules looked at."""

from __future__ import annotations

from typing import Any

from fhir_mappings.context import ValueSetName
from service.cards.marked_events import marked_events
from tests.support.facts import NOW, PANCYTOPENIA, facts, medication, procedure


def events(**context: Any) -> list[dict[str, Any]]:
    return marked_events(facts(PANCYTOPENIA, context=context), NOW)


def test_a_transfusion_before_the_count_has_its_day() -> None:
    (event,) = events(procedures=(procedure(ValueSetName.RED_CELL_TRANSFUSION, days=3),))
    assert (event["kind"], event["name"]) == ("transfusion", "red-cell-transfusion")
    assert (event["from"], event["shown"]) == ("2026-06-12", "12 Jun 2026")
    assert "to" not in event


def test_a_medicine_has_its_days_and_stands_once() -> None:
    given = medication(ValueSetName.MARROW_SUPPRESSIVE_DRUGS, first=30, last=5)
    (event,) = events(medications=(given, given))
    assert (event["kind"], event["from"], event["to"]) == ("drug", "2026-05-16", "2026-06-10")
    assert event["shown"] == "16 May 2026 to 10 Jun 2026"


def test_what_has_no_day_has_no_place() -> None:
    given = medication(ValueSetName.MARROW_SUPPRESSIVE_DRUGS, active=True)
    assert events(medications=(given,)) == []


def test_what_no_rule_looked_at_is_not_marked() -> None:
    long_ago = procedure(ValueSetName.RED_CELL_TRANSFUSION, days=400)
    assert events(procedures=(long_ago, procedure(ValueSetName.MARROW_PROCEDURES, days=3))) == []


def test_the_oldest_stand_first_and_their_number_has_a_limit() -> None:
    given = [
        medication(ValueSetName.B12_MEDICATION, first=200 - n, last=200 - n) for n in range(60)
    ]
    found = events(medications=tuple(given))
    assert len(found) <= 40
    assert [event["from"] for event in found] == sorted(event["from"] for event in found)
