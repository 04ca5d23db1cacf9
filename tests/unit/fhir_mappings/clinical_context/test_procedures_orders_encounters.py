"""Procedures, imaging reports, standing orders, encounters and appointments as facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fhir_mappings.context import ValueSetName as S
from tests.support.context import (
    ICD9CM,
    ICD10CM,
    LOINC,
    SNOMED,
    SUBJECT,
    concept,
    context,
    resource,
)

OTHER = {"reference": "Patient/p2"}


def procedure(system=SNOMED, code="56241004", **elements):
    return resource(
        "Procedure", **{"status": "completed", "code": concept(system, code), **elements}
    )


def order(system=SNOMED, code="183567007", **elements):
    usual = {"status": "active", "intent": "order", "code": concept(system, code)}
    return resource("ServiceRequest", **{**usual, **elements})


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("56241004", S.MARROW_PROCEDURES),
        ("385763009", S.HOSPICE_CARE),
        ("116863004", S.RED_CELL_TRANSFUSION),
        ("58390007", S.STEM_CELL_TRANSPLANT),
        ("367336001", S.CHEMOTHERAPY_PROCEDURES),
    ],
)
def test_a_procedure_of_a_value_set_is_a_fact_with_its_status(code, name):
    (found,) = context(procedure(code=code, status="in-progress")).procedures
    assert name in found.sets
    assert found.status == "in-progress"
    assert found.source == "Procedure/x1"


@pytest.mark.parametrize("status", ["entered-in-error", "not-done"])
def test_what_was_not_done_is_no_procedure(status):
    assert context(procedure(status=status)).procedures == ()


def test_another_patients_or_another_procedure_is_left_out():
    assert context(procedure(subject=OTHER)).procedures == ()
    assert context(procedure(code="86273004")).procedures == ()


def test_an_icd9_procedure_is_not_read_as_a_diagnosis():
    assert context(procedure(ICD9CM, "20.01")).procedures == ()
    assert context(procedure(ICD9CM, "2001")).procedures == ()
    assert len(context(procedure(ICD9CM, "V58.11")).procedures) == 1
    assert len(context(procedure(ICD10CM, "Z51.11")).procedures) == 1


@pytest.mark.parametrize(
    ("elements", "performed"),
    [
        ({"performedDateTime": "2026-06-01"}, datetime(2026, 6, 1, tzinfo=UTC)),
        (
            {"performedDateTime": "2026-06-01T10:30:59.5+02:00"},
            datetime(2026, 6, 1, 10, 30, 59, 500000, tzinfo=timezone(timedelta(hours=2))),
        ),
        (
            {"performedDateTime": "2026-06-01T10:30:60Z"},
            datetime(2026, 6, 1, 10, 31, tzinfo=UTC),
        ),
        ({"performedDateTime": "2026-06-01T10:30"}, datetime(2026, 6, 1, 10, 30, tzinfo=UTC)),
        ({"performedDateTime": "2026-06"}, datetime(2026, 6, 1, tzinfo=UTC)),
        (
            {"performedPeriod": {"start": "2026-05-01", "end": "2026-05-03"}},
            datetime(2026, 5, 3, tzinfo=UTC),
        ),
        ({"performedPeriod": {"start": "2026-05-01"}}, datetime(2026, 5, 1, tzinfo=UTC)),
        ({"performedString": "last spring"}, None),
        ({"performedDateTime": "2026-06-01T10:30:00+99:00"}, None),
        ({"performedDateTime": 2026}, datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_when_a_procedure_was_done_is_read_from_any_date(elements, performed):
    (found,) = context(procedure(**elements)).procedures
    assert found.performed == performed


@pytest.mark.parametrize(
    ("system", "code", "order_id", "name"),
    [
        (SNOMED, "183567007", "hematology-referral", S.HEMATOLOGY_REFERRALS),
        (SNOMED, "307063001", "hematology-referral", S.HEMATOLOGY_REFERRALS),
        (SNOMED, "234326005", "marrow-biopsy", S.MARROW_PROCEDURES),
        (SNOMED, "49401003", "marrow-biopsy", S.MARROW_PROCEDURES),
    ],
)
def test_a_standing_order_is_known_by_order_and_value_set(system, code, order_id, name):
    (found,) = context(order(system, code, authoredOn="2026-06-01")).orders
    assert found.orders == {order_id}
    assert name in found.sets
    assert (found.status, found.drafted) == ("active", False)
    assert found.authored == datetime(2026, 6, 1, tzinfo=UTC)


def test_a_laboratory_order_is_known_by_its_loinc_code():
    (found,) = context(order(LOINC, "13964-2")).orders
    assert found.orders == {"methylmalonic-acid"}
    assert found.authored is None


def test_orders_that_say_nothing_here_are_left_out():
    assert context(order(LOINC, "4548-4")).orders == ()
    assert context(order(SNOMED, "306253008")).orders == ()
    assert context(order(subject=OTHER)).orders == ()
    assert context(order(subject=None)).orders == ()
    assert context(order(doNotPerform=True)).orders == ()
    assert context(order(status="entered-in-error")).orders == ()


def encounter(**elements):
    usual = {"status": "in-progress", "class": {"code": "IMP"}}
    return resource("Encounter", **{**usual, **elements})


def test_a_hospital_stay_is_known_by_its_class():
    stay = encounter(period={"start": "2026-06-13T08:00:00Z"}, **{"class": {"code": "imp"}})
    (found,) = context(stay).encounters
    assert (found.kind, found.status, found.end) == ("IMP", "in-progress", None)
    assert found.start == datetime(2026, 6, 13, 8, tzinfo=UTC)


def test_a_class_as_list_of_concepts_is_read_too():
    (found,) = context(encounter(**{"class": [{"coding": [{"code": "EMER"}]}]})).encounters
    assert found.kind == "EMER"


@pytest.mark.parametrize(
    "elements",
    [
        {"type": [concept(SNOMED, "185246008")]},
        {"serviceType": concept(SNOMED, "708196005")},
        {"participant": [{"type": [concept(SNOMED, "40204001")]}]},
    ],
)
def test_a_hematology_visit_is_known_by_type_service_or_participant(elements):
    (found,) = context(encounter(**elements)).encounters
    assert S.HEMATOLOGY_ENCOUNTERS in found.sets


def test_other_encounters_are_in_no_set():
    (found,) = context(encounter(serviceType=concept(SNOMED, "394802001"))).encounters
    assert found.sets == frozenset()


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_encounters_that_never_were_are_left_out(status):
    assert context(encounter(status=status)).encounters == ()
    assert context(encounter(subject=OTHER)).encounters == ()


def appointment(**elements):
    usual = {"status": "booked", "participant": [{"actor": {"reference": "Location/1"}}]}
    usual["participant"].append({"actor": SUBJECT, "status": "accepted"})
    return {"resourceType": "Appointment", "id": "a1", **usual, **elements}


def test_a_hematology_appointment_is_known_by_its_specialty():
    booked = appointment(
        specialty=[concept(SNOMED, "394803006")],
        start="2026-07-01T09:00:00+02:00",
        end="2026-07-01T09:30:00+02:00",
    )
    (found,) = context(booked).encounters
    assert found.is_appointment
    assert S.HEMATOLOGY_ENCOUNTERS in found.sets
    assert found.start == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert found.source == "Appointment/a1"


def test_appointments_not_kept_or_of_others_are_left_out():
    for status in ("cancelled", "noshow", "entered-in-error"):
        assert context(appointment(status=status)).encounters == ()
    assert context(appointment(participant=[{"actor": OTHER}])).encounters == ()
    assert context(appointment(participant=None)).encounters == ()


def report(system=SNOMED, code="45036003", **elements):
    usual = {"status": "final", "effectiveDateTime": "2026-05-01"}
    return resource("DiagnosticReport", **{**usual, "code": concept(system, code), **elements})


def test_imaging_reports_show_that_imaging_was_done():
    (found,) = context(report()).imaging
    assert (found.order, found.taken) == ("ultrasound-abdomen", datetime(2026, 5, 1, tzinfo=UTC))
    (found,) = context(report(LOINC, "36813-4")).imaging
    assert found.order == "ct-abdomen-pelvis"
    (found,) = context(report(effectiveDateTime=None, issued="2026-05-02T00:00:00Z")).imaging
    assert found.taken == datetime(2026, 5, 2, tzinfo=UTC)


def test_other_reports_show_nothing():
    assert context(report(LOINC, "58410-2")).imaging == ()
    assert context(report(status="registered")).imaging == ()
    assert context(report(status="entered-in-error")).imaging == ()
    assert context(report(effectiveDateTime=None)).imaging == ()
    assert context(report(subject=OTHER)).imaging == ()
