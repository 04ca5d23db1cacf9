"""The facts that the readers make of a FHIR chart, as the interpreter gets them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from fhir_mappings.clinical_context.reader import read_context
from fhir_mappings.laboratory.record import LaboratoryRecord, read_patient
from fhir_mappings.panel import DataGroup
from fhir_mappings.vocabulary.site_mappings import load_terminology
from service.interpreter.interpretation import Facts
from service.interpreter.windows import LOOK_BACK_OF_A_CARD
from tests.support.vignette_charts import PATIENT, T0

if TYPE_CHECKING:
    from collections.abc import Iterable

_GROUPS = {
    "Condition": DataGroup.CONDITIONS,
    "MedicationRequest": DataGroup.MEDICATION_REQUESTS,
    "MedicationAdministration": DataGroup.MEDICATION_ADMINISTRATIONS,
    "MedicationStatement": DataGroup.MEDICATION_STATEMENTS,
    "Procedure": DataGroup.PROCEDURES,
    "ServiceRequest": DataGroup.SERVICE_REQUESTS,
    "Encounter": DataGroup.ENCOUNTERS,
    "DiagnosticReport": DataGroup.DIAGNOSTIC_REPORTS,
}


def chart_facts(
    resources: Iterable[dict[str, Any]],
    unavailable: frozenset[DataGroup] = frozenset(),
    drafts: Iterable[dict[str, Any]] = (),
) -> Facts:
    """Return the facts of one patient's resources at `T0`, with the drafts of an order hook."""
    resources = list(resources)
    documents: dict[DataGroup, tuple[bytes, ...]] = {}
    for group, found in _by_group(resources).items():
        if group in unavailable:
            continue
        documents[group] = (_bundle(found),)
    person = next(each for each in resources if each["resourceType"] == "Patient")
    patient = read_patient(json.dumps(person).encode(), PATIENT)
    terminology = load_terminology([])
    record = LaboratoryRecord(PATIENT, T0, terminology, patient)
    return Facts(
        patient,
        record.panel(documents, unavailable, LOOK_BACK_OF_A_CARD),
        read_context(documents, _bundle(drafts), (), PATIENT, T0, terminology.orderables),
        unavailable=unavailable,
    )


def _bundle(resources: Iterable[dict[str, Any]]) -> bytes:
    entries = [{"resource": each} for each in resources]
    page = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    return json.dumps(page).encode()


def _by_group(resources: Iterable[dict[str, Any]]) -> dict[DataGroup, list[dict[str, Any]]]:
    groups = defaultdict(list)
    for each in resources:
        if each["resourceType"] == "Observation":
            groups[DataGroup.BLOOD_COUNTS].append(each)
        elif each["resourceType"] in _GROUPS:
            groups[_GROUPS[each["resourceType"]]].append(each)
    return groups
