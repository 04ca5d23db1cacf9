"""What a backtest says of a moment is what the service says when that moment is now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.backtest.judging import judge
from service.backtest.moments import count_moments, opening_moments
from service.backtest.standing import standing_of
from service.errors import ClinicalDataUnavailable
from service.feedback.card_states import states_of
from service.interpreter.assessment.assess import assess_opening
from service.interpreter.interpret import interpret, interpret_closed, is_open
from service.samples import SAMPLES
from tests.support.backtests import (
    RUN,
    TERMINOLOGY,
    count,
    lines_of,
    live,
    patient,
    record_of,
    result,
)

if TYPE_CHECKING:
    from service.backtest.patient_record import Record
    from service.interpreter.interpretation import Interpretation

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def judged(record: Record, moment: datetime) -> tuple[Interpretation, bool]:
    """What the kernel makes of one moment, and whether a rule could fire."""
    facts = record.facts_of_results(moment)
    opening = assess_opening(facts, moment)
    if not is_open(opening):
        return interpret_closed(opening), False
    return interpret(record.facts(moment, facts), moment, explained=False), True


def told(made: Interpretation) -> dict[str, Any]:
    """All that is shown of an interpretation."""
    finding = made.finding if made.finding and made.finding.has_card else None
    return {
        "overlay": made.overlay,
        "lower": made.lower_overlays,
        "finding": finding,
        "data quality": made.data_quality,
        "orders": made.orders,
        "withheld": made.withheld,
        "modifiers": made.modifiers,
    }


def assert_as_live(record: Record, moment: datetime) -> None:
    """The same findings, indicators, orders and evidence."""
    made, is_open_now = judged(record, moment)
    try:
        answer = live(record, moment, explained=False)
    except ClinicalDataUnavailable:
        assert made.withheld_counts is not None
        return
    assert made.withheld_counts is None
    assert told(made) == told(answer.interpretation)
    standing = standing_of(made) if is_open_now else None
    assert (standing is None) == (not answer.cards)
    if standing is not None:
        (card,) = answer.cards
        assert standing.states == states_of(card, answer.interpretation)
        assert standing.indicator == card.indicator


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_at_all_its_moments(name: str) -> None:
    sample = SAMPLES[name]
    record = record_of(lines_of(sample.resources(NOW)), sample.patient_id)
    counts = count_moments(record.results, TERMINOLOGY)
    openings, _ = opening_moments(record.resources, record.clock, NOW + timedelta(days=1))
    moments = {moment.at for moment in (*counts, *openings)} | {NOW}
    for moment in sorted(moments)[-12:]:
        assert_as_live(record, moment)


CODES = {
    "718-7": ("g/dL", (5, 15)),
    "6690-2": ("10*3/uL", (0, 9)),
    "751-8": ("10*3/uL", (0, 6)),
    "770-8": ("%", (5, 90)),
    "777-3": ("10*3/uL", (5, 300)),
    "2132-9": ("pg/mL", (80, 2500)),
    "2498-4": ("ug/dL", (15, 180)),
    "2500-7": ("ug/dL", (180, 480)),
    "2502-3": ("%", (5, 60)),
    "709-6": ("%", (0, 20)),
}


HL7 = "http://terminology.hl7.org/CodeSystem/"
SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"


def coded(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]}


def about_p1(kind: str, **fields: Any) -> dict[str, Any]:
    """A resource about the patient of the charts."""
    subject = {"reference": "Patient/p1"}
    return {"resourceType": kind, "id": f"{kind}-1", "subject": subject, **fields}


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, Any]:
    """A stay, a medicine, an order, a visit, an examination: begun, ended or still to come."""
    days = st.sampled_from([-400, -20, -8, -2, -1, 0, 1, 9])
    one, other = sorted([draw(days), draw(days)])
    start, end = (f"{NOW + timedelta(days=each):%Y-%m-%dT%H:%M:%SZ}" for each in (one, other))
    kind = draw(
        st.sampled_from(
            [
                "Encounter",
                "MedicationRequest",
                "MedicationAdministration",
                "ServiceRequest",
                "Procedure",
                "Appointment",
            ]
        )
    )
    fields: dict[str, Any] = {
        "Encounter": {
            "status": draw(st.sampled_from(["finished", "in-progress"])),
            "class": {"system": f"{HL7}v3-ActCode", "code": "IMP"},
            "period": {"start": start, "end": end},
        },
        "MedicationRequest": {
            "status": draw(st.sampled_from(["active", "completed", "stopped"])),
            "intent": "order",
            "authoredOn": start,
            "medicationCodeableConcept": coded(RXNORM, "11248"),
            "dispenseRequest": {"validityPeriod": {"end": end}},
        },
        "MedicationAdministration": {
            "status": "completed",
            "effectiveDateTime": start,
            "medicationCodeableConcept": coded(RXNORM, "40048"),
        },
        "ServiceRequest": {
            "status": draw(st.sampled_from(["active", "completed", "revoked"])),
            "intent": "order",
            "authoredOn": start,
            "code": coded(SNOMED, draw(st.sampled_from(["183567007", "56241004"]))),
        },
        "Procedure": {
            "status": "completed",
            "performedDateTime": start,
            "code": coded(SNOMED, "56241004"),
        },
        "Appointment": {
            "status": draw(st.sampled_from(["booked", "fulfilled", "cancelled"])),
            "created": start,
            "start": end,
            "serviceType": [coded(SNOMED, "394803006")],
            "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
        },
    }[kind]
    return about_p1(kind, **fields)


@st.composite
def charts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Results of few specimens, known late, twice, corrected or by day only; some context."""
    made: list[dict[str, Any]] = [patient()]
    for number in range(draw(st.integers(3, 14))):
        code = draw(st.sampled_from(sorted(CODES)))
        unit, (low, high) = CODES[code]
        specimen = draw(st.sampled_from([0, 4, 20, 1440, 4000, 100_000]))
        taken = NOW - timedelta(minutes=specimen + draw(st.sampled_from([0, 0, 7, 14])))
        delay = draw(st.sampled_from([None, 0, 30, 90, 2000]))
        issued = None if delay is None else taken + timedelta(minutes=delay)
        one = result(
            code,
            draw(st.integers(low, high)),
            unit,
            taken,
            issued=issued,
            name=f"o-{number}",
            status=draw(st.sampled_from(["final", "final", "preliminary", "corrected"])),
        )
        if draw(st.integers(0, 12)) == 0:
            one["effectiveDateTime"] = f"{taken:%Y-%m-%d}"
        made.append(one)
        if draw(st.integers(0, 9)) == 0:
            later = taken + timedelta(days=1)
            made.append(one | {"status": "corrected", "issued": later.isoformat()})
    if draw(st.booleans()):
        recorded = NOW - timedelta(days=draw(st.sampled_from([0, 1, 40])))
        made.append(
            {
                "resourceType": "Condition",
                "id": "c-1",
                "subject": {"reference": "Patient/p1"},
                "code": {
                    "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "D46.9"}]
                },
                "recordedDate": recorded.isoformat(),
            }
        )
    made += draw(st.lists(contexts(), max_size=4, unique_by=lambda each: each["resourceType"]))
    if draw(st.booleans()):
        members = [
            {"reference": f"Observation/{each['id']}"}
            for each in made
            if each["resourceType"] == "Observation"
        ][:3]
        made.append(
            {
                "resourceType": "DiagnosticReport",
                "id": "r-1",
                "status": "final",
                "subject": {"reference": "Patient/p1"},
                "code": {"coding": [{"system": "http://loinc.org", "code": "58410-2"}]},
                "effectiveDateTime": NOW.isoformat(),
                "issued": (NOW + timedelta(minutes=draw(st.sampled_from([0, 50])))).isoformat(),
                "result": members,
            }
        )
    return made


@given(chart=charts(), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_made_chart_at_some_moments(chart: list[dict[str, Any]], data: st.DataObject) -> None:
    record = record_of(lines_of(chart), "p1")
    counts = [moment.at for moment in count_moments(record.results, TERMINOLOGY)]
    known = sorted({each.known for each in record.results if each.known} | {NOW})
    for moment in {*counts[-3:], data.draw(st.sampled_from(known))}:
        assert_as_live(record, moment)


@given(chart=charts(), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_known_later_changes_a_verdict(
    chart: list[dict[str, Any]], data: st.DataObject
) -> None:
    record = record_of(lines_of(chart), "p1")
    known = sorted({each.known for each in record.results if each.known})
    moment = data.draw(st.sampled_from(known))
    until_then = [each.raw for each in record.resources if each.known and each.known <= moment]
    before = record_of(until_then, "p1")
    mine, _ = judged(record, moment)
    theirs, _ = judged(before, moment)
    assert told(mine) == told(theirs)


@given(chart=charts(), data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_order_of_lines_means_nothing(chart: list[dict[str, Any]], data: st.DataObject) -> None:
    """Nor does it that a line comes twice."""
    lines = lines_of(chart)
    shuffled = data.draw(st.permutations([*lines, *lines[1:4]]))
    assert judge(RUN, "p1", lines) == judge(RUN, "p1", shuffled)


def test_a_count_is_not_known_before_it_is_issued() -> None:
    issued = NOW + timedelta(hours=5)
    record = record_of(lines_of([patient(), *count(NOW, issued=issued)]), "p1")
    assert judged(record, issued - timedelta(seconds=1))[0].finding is None
    made = judged(record, issued)[0]
    assert made.finding is not None
    assert made.finding.id == "incomplete-workup"
