"""The worked examples of clinical-knowledge 6 as FHIR charts.

The context text of each vignette is built here as real resources, so that nothing but FHIR
reaches the service.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

T0 = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
PATIENT = "vignette"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"

Resource = dict[str, Any]


def vignettes() -> list[dict[str, Any]]:
    """All open vignettes."""
    path = Path(__file__).parent.parent / "spec" / "vignettes.json"
    vignettes: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return vignettes


def vignette(name: str) -> dict[str, Any]:
    """One vignette by its id."""
    return next(v for v in vignettes() if v["id"] == name)


def at(days: float) -> str:
    """The moment `days` from T0, as a FHIR dateTime."""
    return (T0 + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def subject() -> Resource:
    """The reference to the vignette's patient."""
    return {"reference": f"Patient/{PATIENT}"}


def concept(system: str, *codes: str, text: str = "") -> Resource:
    """A CodeableConcept of one system."""
    made: Resource = {"coding": [{"system": system, "code": code} for code in codes]}
    return made | ({"text": text} if text else {})


def observation(number: int, given: dict[str, Any]) -> Resource:
    """One Observation of a vignette: Quantity, comparator, text, status, reference range."""
    made: Resource = {
        "resourceType": "Observation",
        "id": f"observation-{number}",
        "status": given.get("status", "final"),
        "category": [
            concept(
                "http://terminology.hl7.org/CodeSystem/observation-category",
                "vital-signs" if given["loinc"].startswith("83") else "laboratory",
            )
        ],
        "code": concept(LOINC, given["loinc"]),
        "subject": subject(),
        "effectiveDateTime": at(given["dayOffset"]),
    }
    value, unit = given["value"], given["unit"]
    if isinstance(value, str) and value[0] in "<>":
        comparator = value[:2] if value[1] == "=" else value[:1]
        number_text = value[len(comparator) :]
        made["valueQuantity"] = {
            "value": float(number_text),
            "comparator": comparator,
            "unit": unit,
        }
    elif isinstance(value, str):
        made["valueString"] = value
    else:
        made["valueQuantity"] = {"value": value} | ({"unit": unit} if unit else {})
    if "rr" in given:
        low, high = given["rr"]
        made["referenceRange"] = [
            {"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}
        ]
    return made


def condition(system: str, code: str, *, verification: str = "confirmed") -> Resource:
    """An active Condition."""
    base = "http://terminology.hl7.org/CodeSystem/condition-"
    return {
        "resourceType": "Condition",
        "id": f"condition-{code.replace('.', '-')}",
        "clinicalStatus": concept(base + "clinical", "active"),
        "verificationStatus": concept(base + "ver-status", verification),
        "code": concept(system, code),
        "subject": subject(),
        "recordedDate": at(-20),
    }


def procedure(code: str, status: str, days: float | None) -> Resource:
    """A Procedure by SNOMED CT code."""
    made: Resource = {
        "resourceType": "Procedure",
        "id": f"procedure-{code}",
        "status": status,
        "code": concept(SNOMED, code),
        "subject": subject(),
    }
    return made | ({"performedDateTime": at(days)} if days is not None else {})


def administration(code: str, days: float, suffix: str = "") -> Resource:
    """A completed MedicationAdministration by RxNorm code."""
    return {
        "resourceType": "MedicationAdministration",
        "id": f"administration-{code}{suffix}",
        "status": "completed",
        "medicationCodeableConcept": concept(RXNORM, code),
        "subject": subject(),
        "effectiveDateTime": at(days),
    }


def in_hospital() -> Resource:
    """A hospital stay since two days before T0."""
    return {
        "resourceType": "Encounter",
        "id": "encounter-stay",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": subject(),
        "period": {"start": at(-2)},
    }


CONTEXT: dict[str, list[Resource]] = {
    "V43": [condition(SNOMED, "91861009")],
    "V44": [procedure("385763009", "in-progress", -10)],
    "V45": [administration("40048", -10)],
    "V46": [administration("40048", -9)],
    "V48": [
        {
            "resourceType": "DiagnosticReport",
            "id": "report-marrow",
            "status": "final",
            "code": concept(LOINC, "33721-2"),
            "subject": subject(),
            "effectiveDateTime": at(-5),
        }
    ],
    "V50": [
        procedure("56241004", "completed", -20),
        {
            "resourceType": "ServiceRequest",
            "id": "request-referral",
            "status": "active",
            "intent": "order",
            "code": concept(SNOMED, "183567007"),
            "subject": subject(),
            "authoredOn": at(-20),
        },
    ],
    "V51": [condition(SNOMED, "19943007"), condition(SNOMED, "16294009")],
    "V52": [administration("11248", -7), condition(SNOMED, "84027009")],
    "V53": [
        {
            "resourceType": "MedicationStatement",
            "id": "statement-b12",
            "status": "active",
            "medicationCodeableConcept": concept(RXNORM, "11248"),
            "subject": subject(),
            "effectivePeriod": {"start": at(-400)},
        }
    ],
    "V54": [procedure("116863004", "completed", -2)],
    "V55": [condition(SNOMED, "42984000"), condition(SNOMED, "448765001")],
    "V66": [condition(SNOMED, "109995007")],
    "V68": [
        {
            "resourceType": "MedicationRequest",
            "id": "request-methotrexate",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": concept(RXNORM, "6851", text="methotrexate 2.5 mg weekly"),
            "subject": subject(),
            "authoredOn": at(-60),
        }
    ],
    "V74": [in_hospital()],
    "V75": [in_hospital()],
    "V81": [condition(ICD9, "203.00")],
    "V82": [condition(SNOMED, "91861009", verification="provisional")],
    "V86": [administration("11248", -100, "-first"), administration("11248", -40, "-last")],
    "V88": [condition(SNOMED, "736024007")],
    "V92": [in_hospital()],
    "V94": [condition(ICD10, "C92.01")],
    "V95": [condition(SNOMED, "109995007")],
}


def pregnancy(trimester: int | None) -> list[Resource]:
    """Pregnancy as a status Observation, with a gestational age when the trimester is known."""
    made: list[Resource] = [
        {
            "resourceType": "Observation",
            "id": "pregnancy-status",
            "status": "final",
            "code": concept(LOINC, "82810-3"),
            "subject": subject(),
            "effectiveDateTime": at(-30),
            "valueCodeableConcept": concept(SNOMED, "77386006"),
        }
    ]
    if trimester == 2:
        made.append(
            {
                "resourceType": "Observation",
                "id": "gestational-age",
                "status": "final",
                "code": concept(LOINC, "49051-6"),
                "subject": subject(),
                "effectiveDateTime": at(-2),
                "valueQuantity": {"value": 20, "unit": "wk", "system": UCUM, "code": "wk"},
            }
        )
    return made


def patient(given: dict[str, Any]) -> Resource:
    """The vignette's Patient."""
    return {
        "resourceType": "Patient",
        "id": PATIENT,
        "gender": given["sex"],
        "birthDate": f"{T0.year - given['age']}-01-10",
    }


def chart(given: dict[str, Any]) -> list[Resource]:
    """Every resource of one vignette."""
    return [
        patient(given),
        *(observation(n, o) for n, o in enumerate(given["observations"])),
        *(pregnancy(given["trimester"]) if given["pregnant"] else []),
        *CONTEXT.get(given["id"], []),
    ]
