"""The record as it stood, and when each resource was known (rewinding)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.backtest.dated import Clock, open_lines
from service.backtest.moments import Kind, count_moments, opening_moments
from service.backtest.rewind import fulfilments, rewind
from tests.support.backtests import TERMINOLOGY, count, lines_of, patient, result

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
CLOCK = Clock(ZoneInfo("UTC"), timedelta(minutes=60))
BEFORE, AFTER = AT - timedelta(days=1), AT + timedelta(days=1)


def stood(resource: dict[str, Any], *others: dict[str, Any], at: datetime = AT) -> dict[str, Any]:
    """One resource as it stood; empty when it was not known."""
    dated, _ = open_lines(lines_of([resource, *others]), CLOCK)
    lines = rewind(dated, at, CLOCK, fulfilments(dated))
    found = [json.loads(line) for line in lines]
    return next((each for each in found if each["id"] == resource["id"]), {})


TEN = "2026-03-10T10:00:00Z"
A_DAY = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}
A_STAY = {"start": "2026-03-01T08:00:00Z", "end": "2026-03-09T08:00:00Z"}


def made(kind: str, **fields: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": "x", "subject": {"reference": "Patient/p1"}, **fields}


@pytest.mark.parametrize(
    ("resource", "known"),
    [
        (made("Observation", effectiveDateTime=TEN), "2026-03-10T11:00:00Z"),
        (
            made(
                "Observation",
                effectiveDateTime=TEN,
                issued="2026-03-10T10:20:00Z",
            ),
            "2026-03-10T10:20:00Z",
        ),
        (
            made(
                "Observation",
                effectiveDateTime=TEN,
                issued="2026-03-09T10:20:00Z",
            ),
            "2026-03-10T10:00:00Z",
        ),
        (made("Observation", effectiveDateTime="2026-03-10"), "2026-03-10T01:00:00Z"),
        (made("Condition", recordedDate="2026-03-09T10:00:00Z"), "2026-03-09T10:00:00Z"),
        (made("Condition", recordedDate="2026-03-09"), "2026-03-10T00:00:00Z"),
        (
            made(
                "Condition",
                onsetDateTime="2026-01-01T00:00:00Z",
                recordedDate="2026-03-09T10:00:00Z",
            ),
            "2026-03-09T10:00:00Z",
        ),
        (made("Condition", onsetDateTime="2026-03-01"), "2026-03-02T00:00:00Z"),
        (made("MedicationRequest", authoredOn="2026-03-01"), "2026-03-02T00:00:00Z"),
        (
            made(
                "MedicationStatement",
                dateAsserted="2026-03-05",
                effectivePeriod={"start": "2020-01-01"},
            ),
            "2026-03-06T00:00:00Z",
        ),
        (
            made(
                "Procedure",
                performedPeriod=A_DAY,
            ),
            "2026-03-02T00:00:00Z",
        ),
        (made("Encounter", period={"start": "2026-03-01T08:00:00Z"}), "2026-03-01T08:00:00Z"),
        (made("Condition"), None),
        (made("MedicationRequest"), None),
        (made("Observation"), None),
    ],
)
def test_known_from(resource: dict[str, Any], known: str | None) -> None:
    (dated,), _ = open_lines(lines_of([resource]), CLOCK)
    assert dated.known == (None if known is None else datetime.fromisoformat(known))


def test_a_diagnosis_of_a_stay_without_a_date_is_known_at_its_end() -> None:
    stay = made(
        "Encounter", period={"start": "2026-03-01T08:00:00Z", "end": "2026-03-09T08:00:00Z"}
    )
    diagnosis = made("Condition", encounter={"reference": "Encounter/x"}) | {"id": "c"}
    dated, _ = open_lines(lines_of([stay, diagnosis]), CLOCK)
    known = {each.kind: each.known for each in dated}
    assert known["Condition"] == datetime(2026, 3, 9, 8, tzinfo=UTC)


def test_what_was_entered_in_error_is_left_out_and_counted() -> None:
    dated, void = open_lines(
        lines_of([made("Observation", status="entered-in-error ", effectiveDateTime="2026-01-01")]),
        CLOCK,
    )
    assert (dated, void) == ([], 1)


def test_a_stay_that_goes_on_has_no_end_and_no_outcome() -> None:
    stay = made(
        "Encounter",
        status="finished",
        period={"start": BEFORE.isoformat(), "end": AFTER.isoformat()},
        hospitalization={"dischargeDisposition": {"text": "hospice"}, "origin": {"reference": "l"}},
    )
    found = stood(stay)
    assert found["status"] == "in-progress"
    assert found["period"] == {"start": BEFORE.isoformat()}
    assert found["hospitalization"] == {"origin": {"reference": "l"}}
    assert stood(stay, at=AFTER)["status"] == "finished"


def test_a_disease_is_active_until_it_abates() -> None:
    disease = made(
        "Condition",
        recordedDate=BEFORE.isoformat(),
        abatementDateTime=AFTER.isoformat(),
        clinicalStatus={"coding": [{"code": "resolved"}]},
    )
    found = stood(disease)
    assert found["clinicalStatus"]["coding"][0]["code"] == "active"
    assert "abatementDateTime" not in found
    assert stood(disease, at=AFTER) == disease


def test_an_order_is_active_until_it_is_fulfilled() -> None:
    order = made("ServiceRequest", status="completed", authoredOn=BEFORE.isoformat())
    answer = made(
        "Procedure",
        performedDateTime=AFTER.isoformat(),
        basedOn=[{"reference": "ServiceRequest/x"}],
    ) | {"id": "y"}
    assert stood(order, answer)["status"] == "active"
    assert stood(order, answer, at=AFTER)["status"] == "completed"
    assert stood(order)["status"] == "completed"


def test_a_medicine_stops_when_its_end_has_come() -> None:
    dosage = [{"timing": {"repeat": {"boundsPeriod": {"end": AFTER.isoformat()}}}}]
    medicine = made(
        "MedicationRequest",
        status="stopped",
        authoredOn=BEFORE.isoformat(),
        dosageInstruction=dosage,
    )
    assert stood(medicine)["status"] == "active"
    assert stood(medicine, at=AFTER)["status"] == "stopped"


def test_a_booked_visit_is_booked_while_it_is_ahead() -> None:
    visit = {
        "resourceType": "Appointment",
        "id": "x",
        "status": "fulfilled",
        "start": AFTER.isoformat(),
        "created": BEFORE.isoformat(),
    }
    assert stood(visit)["status"] == "booked"
    assert stood(visit, at=AFTER)["status"] == "fulfilled"
    assert stood(visit, at=BEFORE - timedelta(days=1)) == {}


def test_the_patient_lives_until_the_death() -> None:
    dead = patient(deceasedDateTime=AFTER.isoformat())
    assert "deceasedDateTime" not in stood(dead)
    assert stood(dead, at=AFTER + timedelta(days=1)) == dead
    assert "deceasedBoolean" not in stood(patient(deceasedBoolean=True))


def test_numbers_keep_their_digits() -> None:
    line = (
        b'{"resourceType":"Condition","id":"x","subject":{"reference":"Patient/p1"},'
        b'"recordedDate":"2026-03-01T00:00:00Z","abatementDateTime":"2026-04-01T00:00:00Z","n":1.10}'
    )
    dated, _ = open_lines([line], CLOCK)
    assert b'"n":1.10' in rewind(dated, AT, CLOCK, {})[0]


def test_a_blood_count_is_one_moment_when_its_last_part_is_known() -> None:
    late = result("751-8", 1.1, "10*3/uL", AT, issued=AT + timedelta(hours=4))
    parts = [*count(AT, issued=AT + timedelta(hours=1))[:2], late]
    dated, _ = open_lines(lines_of(parts), CLOCK)
    assert [each.at for each in count_moments(dated, TERMINOLOGY)] == [AT + timedelta(hours=4)]


def test_a_correction_a_day_later_is_a_moment_of_its_own() -> None:
    again = result("718-7", 8.1, "g/dL", AT, issued=AT + timedelta(days=3), name="again")
    dated, _ = open_lines(lines_of([*count(AT, issued=AT), again]), CLOCK)
    moments = count_moments(dated, TERMINOLOGY)
    assert [each.at for each in moments] == [AT, AT + timedelta(days=3)]


def test_what_is_no_count_is_no_moment() -> None:
    cancelled = result("718-7", 8.1, "g/dL", AT, status="cancelled")
    ferritin = result("2276-4", 30, "ng/mL", AT)
    dated, _ = open_lines(lines_of([cancelled, ferritin]), CLOCK)
    assert count_moments(dated, TERMINOLOGY) == []


def test_a_count_in_the_components_of_a_panel_is_a_moment() -> None:
    part = {"code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}}
    panel = result("58410-2", 0, "", AT, component=[part])
    del panel["valueQuantity"]
    dated, _ = open_lines(lines_of([panel]), CLOCK)
    assert len(count_moments(dated, TERMINOLOGY)) == 1


def test_a_chart_is_opened_at_the_start_and_on_each_morning_of_a_stay() -> None:
    clock = Clock(ZoneInfo("America/New_York"), timedelta())
    stay = made(
        "Encounter",
        status="finished",
        period={"start": "2026-03-06T15:00:00Z", "end": "2026-03-09T11:30:00Z"},
    )
    dated, _ = open_lines(lines_of([stay]), clock)
    moments, endless = opening_moments(dated, clock, AFTER)
    # The clocks of New York change on 8 March: 08:00 there is 13:00 UTC before, 12:00 after.
    assert [each.at.isoformat() for each in moments] == [
        "2026-03-06T15:00:00+00:00",
        "2026-03-07T13:00:00+00:00",
        "2026-03-08T12:00:00+00:00",
    ]
    assert {each.kind for each in moments} == {Kind.OPENING}
    assert endless == 0


def test_a_stay_without_an_end_ends_with_the_period() -> None:
    stay = made("Encounter", status="in-progress", period={"start": BEFORE.isoformat()})
    dated, _ = open_lines(lines_of([stay]), CLOCK)
    moments, endless = opening_moments(dated, CLOCK, AFTER + timedelta(days=2))
    assert (len(moments), endless) == (5, 1)
