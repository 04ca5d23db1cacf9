"""The worked examples of clinical-definition 6 as FHIR charts.

The context text of each vignette is read here into real resources, so that nothing but FHIR
reaches the service.
"""

from __future__ import annotations

import json
import re
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
    """One Observation of a vignette: Quantity, comparator, text, status, reference range, flag."""
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
        "effectiveDateTime": at(given["dayOffset"])[: 10 if given.get("dateOnly") else None],
        **_value(given),
    }
    if given.get("subject") != "absent":
        made["subject"] = (
            {"reference": "Patient/somebody-else"} if given.get("subject") else subject()
        )
    if "rr" in given:
        low, high = given["rr"]
        unit = given["unit"]
        made["referenceRange"] = [
            {"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}
        ]
    if "flag" in given:
        made["interpretation"] = [concept(given["flagSystem"], given["flag"])]
    if "note" in given:
        made["note"] = [{"text": given["note"]}]
    return made


def _value(given: dict[str, Any]) -> Resource:
    value, unit = given["value"], given["unit"]
    if isinstance(value, str) and value[0] in "<>":
        comparator = value[:2] if value[1] == "=" else value[:1]
        number = float(value[len(comparator) :])
        return {"valueQuantity": {"value": number, "comparator": comparator, "unit": unit}}
    if isinstance(value, str):
        return {"valueString": f"{value} {unit}" if unit else value}
    return {"valueQuantity": {"value": value} | ({"unit": unit} if unit else {})}


def condition(
    system: str, code: str, *, status: str = "active", verification: str = "confirmed"
) -> Resource:
    """A Condition of 20 days before T0; without a system the code is a text alone."""
    base = "http://terminology.hl7.org/CodeSystem/condition-"
    return {
        "resourceType": "Condition",
        "id": f"condition-{re.sub(r'[^A-Za-z0-9]', '-', code)}",
        "clinicalStatus": concept(base + "clinical", status),
        "verificationStatus": concept(base + "ver-status", verification),
        "code": concept(system, code) if system else {"text": code},
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


def medicine(kind: str, named: str, suffix: str = "", **more: Any) -> Resource:
    """A record of a medicine by RxNorm code, or by text alone."""
    code = concept(RXNORM, named) if named.isdigit() else {"text": named}
    return {
        "resourceType": kind,
        "id": f"{kind.lower()}-{re.sub(r'[^A-Za-z0-9]', '-', named)}{suffix}",
        "medicationCodeableConcept": code,
        "subject": subject(),
        **more,
    }


def administration(named: str, days: float, suffix: str = "") -> Resource:
    """A completed MedicationAdministration."""
    return medicine(
        "MedicationAdministration", named, suffix, status="completed", effectiveDateTime=at(days)
    )


def stay(coding: Resource, days: float) -> Resource:
    """An Encounter in progress since `days` from T0."""
    return {
        "resourceType": "Encounter",
        "id": "encounter-stay",
        "status": "in-progress",
        "class": coding,
        "subject": subject(),
        "period": {"start": at(days)},
    }


_V3_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ICD = {"ICD-9-CM": ICD9, "ICD-10-CM": ICD10}


def context(text: str) -> list[Resource]:
    """The resources of a context text such as `Condition 19943007; Procedure 56241004 D-20`.

    Raises ValueError for words that it does not know.
    """
    return [each for part in text.split("; ") if part for each in _resources(part)]


def _resources(part: str) -> list[Resource]:
    kind, _, rest = part.partition(" ")
    days = [-float(day) for day in re.findall(r"D-(\d+)", rest)]
    makers = {
        "Condition": _conditions,
        "Encounter": _encounter,
        "MedicationAdministration": _administrations,
        "MedicationStatement": _statement,
        "MedicationRequest": _request,
        "Procedure": _procedure,
        "ServiceRequest": _referral,
        "DiagnosticReport": _report,
        "search": lambda _rest, _days: [],
    }
    if kind not in makers:
        raise ValueError(part)
    return makers[kind](rest, days)


def _conditions(rest: str, _days: list[float]) -> list[Resource]:
    if quoted := re.match(r'text "([^"]+)"', rest):
        return [condition("", quoted[1])]
    status = "resolved" if "resolved" in rest else "active"
    verification = "provisional" if "provisional" in rest else "confirmed"
    if icd := re.match(r"(ICD-\d+-CM) (\S+)", rest):
        return [condition(_ICD[icd[1]], icd[2], status=status, verification=verification)]
    return [
        condition(SNOMED, code, status=status, verification=verification)
        for code in re.findall(r"\b\d{6,}\b", rest)
    ]


def _encounter(rest: str, days: list[float]) -> list[Resource]:
    display = re.search(r"display (\w+)", rest)
    if "local code" in rest and display:
        coding = {"system": "urn:local", "code": "7", "display": display[1]}
    else:
        code = rest.split()[1]
        coding = {"system": _V3_CLASS, "code": code}
        coding |= {"display": display[1]} if display else {}
    return [stay(coding, days[0])]


def _administrations(rest: str, days: list[float]) -> list[Resource]:
    text = re.match(r"text (.+?) D-", rest)
    named = text[1] if text else rest.split()[0]
    return [administration(named, day, f"-{number}") for number, day in enumerate(days)]


def _statement(rest: str, _days: list[float]) -> list[Resource]:
    period = {"start": at(-400)}
    return [
        medicine("MedicationStatement", rest.split()[0], status="active", effectivePeriod=period)
    ]


def _request(rest: str, _days: list[float]) -> list[Resource]:
    text = re.match(r"text (.+) active", rest)
    named = text[1] if text else rest.split()[0]
    return [
        medicine("MedicationRequest", named, status="active", intent="order", authoredOn=at(-60))
    ]


def _procedure(rest: str, days: list[float]) -> list[Resource]:
    status = "in-progress" if "in progress" in rest else "completed"
    return [procedure(rest.split()[0], status, days[0] if days else -10)]


def _referral(rest: str, _days: list[float]) -> list[Resource]:
    return [
        {
            "resourceType": "ServiceRequest",
            "id": "request-referral",
            "status": "active",
            "intent": "order",
            "code": concept(SNOMED, rest.split()[0]),
            "subject": subject(),
            "authoredOn": at(-20),
        }
    ]


def _report(rest: str, days: list[float]) -> list[Resource]:
    return [
        {
            "resourceType": "DiagnosticReport",
            "id": "report-marrow",
            "status": "final",
            "code": concept(LOINC, rest.split()[0]),
            "subject": subject(),
            "effectiveDateTime": at(days[0]),
        }
    ]


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
        *context(given["context"]),
    ]
