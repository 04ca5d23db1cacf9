"""One reader of dates: what a result's time says, the same text says in every other resource."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time

import pytest

from fhir_mappings.clinical_context.patient import read_patient
from fhir_mappings.panel import Analyte
from tests.support import fhir
from tests.support.context import PATIENT, SNOMED, SUBJECT, concept, condition, context, resource

MIDNIGHT = datetime(2026, 5, 14, tzinfo=UTC)
WRITINGS = (
    "2026-05-14T00:00:00Z",
    "2026-05-13T24:00:00Z",
    "2026-05-13T23:59:60Z",
    "2026-05-14 00:00:00z",
    "2026-05-14T00:00:00.0000000+0000",
    "2026-05-14T00:00Z",
)
DRUG = {"medicationCodeableConcept": {"text": "methotrexate"}}


def of_observation(text):
    drawn = fhir.observation("718-7", 8.9, "g/dL", effectiveDateTime=text)
    return fhir.only(fhir.panel_of(drawn), Analyte.HEMOGLOBIN).taken


def of_procedure(text):
    coded = concept(SNOMED, "56241004")
    done = resource("Procedure", status="completed", code=coded, performedDateTime=text)
    return context(done).procedures[0].performed


def of_service_request(text):
    coded = concept(SNOMED, "183567007")
    order = resource("ServiceRequest", status="active", intent="order", code=coded, authoredOn=text)
    return context(order).orders[0].authored


def of_encounter(text):
    stay = resource("Encounter", status="in-progress", period={"start": text})
    stay["class"] = {"code": "IMP"}
    return context(stay).encounters[0].start


def of_appointment(text):
    visit = resource(
        "Appointment",
        status="booked",
        start=text,
        participant=[{"actor": SUBJECT, "status": "accepted"}],
        specialty=[concept(SNOMED, "394803006")],
    )
    return context(visit).encounters[0].start


def of_condition(text):
    return context(condition(SNOMED, "109989006", onsetDateTime=text)).conditions[0].onset


def of_medication_request(text):
    asked = resource("MedicationRequest", status="active", intent="order", authoredOn=text, **DRUG)
    return context(asked).medications[0].first


def of_medication_administration(text):
    record = resource("MedicationAdministration", status="completed", **DRUG)
    return context({**record, "effectiveDateTime": text}).medications[0].first


def of_medication_statement(text):
    record = resource("MedicationStatement", status="active", **DRUG)
    return context({**record, "effectiveDateTime": text}).medications[0].first


def of_patient(text):
    born = {"resourceType": "Patient", "id": PATIENT, "birthDate": text}
    return read_patient(json.dumps(born).encode(), PATIENT).birth_date


@pytest.mark.parametrize("text", WRITINGS)
@pytest.mark.parametrize(
    "read",
    [
        of_observation,
        of_procedure,
        of_service_request,
        of_encounter,
        of_appointment,
        of_condition,
        of_medication_request,
        of_medication_administration,
        of_medication_statement,
        of_patient,
    ],
)
def test_every_resource_reads_the_same_moment(read, text):
    found = read(text)
    as_moment = found if isinstance(found, datetime) else _at_midnight(found)
    assert as_moment == MIDNIGHT


def _at_midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
