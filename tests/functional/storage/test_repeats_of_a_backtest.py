"""What a backtest says quiet repeats hold back is what the service with its store holds back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from service.backtest.judging import judge
from service.backtest.moments import Kind, opening_moments
from service.backtest.patient_record import Run
from service.backtest.plan import Plan
from service.backtest.verdicts import Card
from service.errors import ClinicalDataUnavailable
from service.feedback.card_memory import CardMemory
from service.feedback.received import record_feedback
from service.feedback.request import FeedbackItem
from service.security.trusted_clients import CdsClient
from service.storage.store import Storage, metadata
from tests.support.backtests import (
    TERMINOLOGY,
    count,
    lines_of,
    live,
    patient,
    record_of,
    request_at,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.backtest.patient_record import Record

AT = datetime(2026, 3, 1, 7, tzinfo=UTC)
RUN = Run(Plan(first=date(2026, 1, 1), last=date(2026, 12, 31)), TERMINOLOGY, "key of the tests")
CLIENT = CdsClient("ehr", "https://ehr.example")


@pytest.fixture
def storage() -> Iterator[Storage]:
    """An empty store in memory."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    yield Storage(engine, "key")
    engine.dispose()


def visits(days: list[float]) -> list[dict[str, Any]]:
    """Visits of half an hour."""
    return [
        {
            "resourceType": "Encounter",
            "id": f"visit-{number}",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p1"},
            "period": {
                "start": (AT + timedelta(days=day)).isoformat(),
                "end": (AT + timedelta(days=day, minutes=30)).isoformat(),
            },
        }
        for number, day in enumerate(days)
    ]


def held_by_the_service(record: Record, storage: Storage) -> dict[str, bool]:
    """Whether the card of each opening is held back from one viewer who answers every card."""
    memory = CardMemory(storage, CLIENT, "svc")
    found: dict[str, bool] = {}
    openings, _ = opening_moments(record.resources, record.clock, RUN.plan.end)
    for moment in openings:
        try:
            answer = live(record, moment.at, explained=False, repeats=memory)
        except ClinicalDataUnavailable:
            continue
        outcome = answer.outcome
        if not (outcome.shown or outcome.held):
            continue
        found[moment.at.isoformat()] = not outcome.shown
        call = request_at(record, moment.at)
        memory.remember(outcome, answer.interpretation, call, moment.at)
        items = [
            FeedbackItem(card=str(card.uuid), outcome="overridden", outcome_timestamp=moment.at)
            for card in outcome.shown
        ]
        record_feedback(storage, items, client="ehr", service="svc", now=moment.at)
    return found


def held_by_the_backtest(lines: list[bytes]) -> dict[str, bool]:
    """The same, as R2 counts it."""
    rows = judge(RUN, "p1", lines)
    cards = [row for row in rows if isinstance(row, Card) and row.kind == Kind.OPENING]
    return {card.at: card.held_back for card in cards if card.findings}


def chart(days: list[float], changes: list[tuple[float, float, float | None]]) -> list[bytes]:
    """Visits, counts that change, and B12 that comes or not."""
    made = [patient(), *visits(days)]
    for day, platelets, b12 in changes:
        at = AT + timedelta(days=day, hours=-3)
        made += count(at, plt=platelets)
        if b12 is not None:
            made.append(result("2132-9", b12, "pg/mL", at))
    return lines_of(made)


def test_a_card_without_news_rests_until_it_has_some(storage: Storage) -> None:
    lines = chart([0, 1, 5, 9, 50], [(-1, 90, None), (4.9, 90, 1500)])
    mine = held_by_the_backtest(lines)
    assert mine == held_by_the_service(record_of(lines, "p1", RUN), storage)
    assert list(mine.values()) == [False, True, False, True, False]


@given(
    days=st.lists(st.integers(0, 80), min_size=2, max_size=7, unique=True),
    changes=st.lists(
        st.tuples(
            st.integers(-1, 60).map(float),
            st.sampled_from([30.0, 84.0, 120.0, 250.0]),
            st.sampled_from([None, 100.0, 400.0, 1500.0]),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda each: each[0],
    ),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_course_of_visits(days: list[int], changes: list[tuple[float, float, Any]]) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    lines = chart([float(day) for day in sorted(days)], changes)
    held = held_by_the_service(record_of(lines, "p1", RUN), Storage(engine, "key"))
    engine.dispose()
    assert held_by_the_backtest(lines) == held
