"""A sample patient: the chart as written, with dates filled in for one moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.samples.records import encounter, prescription
from service.samples.resources import (
    HL7,
    LOINC,
    SNOMED,
    Ago,
    Link,
    Resource,
    category,
    concept,
    lab,
    quantity,
)

if TYPE_CHECKING:
    from datetime import datetime

TAG_SYSTEM = "https://heme-hooks.org/fhir/CodeSystem/sample"
TAG_CODE = "sample"
"""On every resource of every sample; a second tag has the sample's name."""
ID_PREFIX = "heme-hooks-"
ADULT = 18

_SHORT = {
    "Observation": "lab",
    "DiagnosticReport": "report",
    "Condition": "condition",
    "Procedure": "procedure",
    "MedicationRequest": "rx",
    "MedicationAdministration": "given",
    "MedicationStatement": "taking",
    "ServiceRequest": "order",
    "Encounter": "visit",
    "AllergyIntolerance": "allergy",
}


_BIRTHDAY = (8, 17)


@dataclass(frozen=True, slots=True)
class Person:
    """Who the sample is about. `years` None leaves birthDate out."""

    given: str
    family: str
    gender: str
    years: int | None = 67

    @property
    def in_words(self) -> str:
        """Name, age and sex, as a page shows them."""
        age = "age unknown" if self.years is None else f"{self.years} years"
        return f"{self.given} {self.family}, {age}, {self.gender}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample patient, and what the service should say about it.

    `findings` are the topics of the cards, in order, without the marrow and work-up cards;
    `indicator` is that of the first card, empty when there is none; `marrow` tells whether a marrow
    card is due. `drafts` are in the draftOrders of an order-select call.
    """

    name: str
    story: str
    person: Person
    chart: tuple[Resource, ...]
    findings: tuple[str, ...]
    indicator: str = ""
    marrow: bool = False
    drafts: tuple[Resource, ...] = field(default=())

    @property
    def patient_id(self) -> str:
        """The Patient's id on every server."""
        return ID_PREFIX + self.name

    @property
    def hook(self) -> str:
        """The hook that shows this sample best."""
        return "order-select" if self.drafts else "patient-view"

    def resources(self, now: datetime) -> list[Resource]:
        """The Patient and the chart, dates counted back from `now`, ids and references final."""
        chart = [*self.chart, *_neighbours(self.person)]
        ids = _ids(self.patient_id, chart)
        made = [_patient(self, now)]
        for resource in chart:
            placed = _place(resource, now, ids)
            owner = "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"
            made.append(placed | {"id": ids[id(resource)], owner: self.subject()})
        return [resource | {"meta": self.meta()} for resource in made]

    def draft_orders(self, now: datetime) -> list[Resource]:
        """The draft orders, as an EHR sends them: not on the server, with ids of their own."""
        return [
            _place(draft, now, {}) | {"id": f"draft-{n}", "subject": self.subject()}
            for n, draft in enumerate(self.drafts, 1)
        ]

    def subject(self) -> Resource:
        """A reference to the Patient."""
        return {"reference": f"Patient/{self.patient_id}"}

    def meta(self) -> Resource:
        """The two tags."""
        codes = (TAG_CODE, self.name)
        return {"tag": [{"system": TAG_SYSTEM, "code": code} for code in codes]}


def _patient(sample: Sample, now: datetime) -> Resource:
    person = sample.person
    made: Resource = {
        "resourceType": "Patient",
        "id": sample.patient_id,
        "identifier": [{"system": TAG_SYSTEM, "value": sample.name}],
        "active": True,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "gender": person.gender,
    }
    if person.years is not None:
        # The birthday moves with the results: the sample has its age on every day of the year.
        had_birthday = (now.month, now.day) >= _BIRTHDAY
        year = now.year - person.years - (0 if had_birthday else 1)
        made["birthDate"] = f"{year}-{_BIRTHDAY[0]:02}-{_BIRTHDAY[1]:02}"
    return made


def _ids(prefix: str, chart: list[Resource]) -> dict[int, str]:
    seen: Counter[str] = Counter()
    ids = {}
    for resource in chart:
        key = f"{_SHORT[resource['resourceType']]}{_code(resource)}"
        seen[key] += 1
        number = f"-{seen[key]}" if seen[key] > 1 else ""
        ids[id(resource)] = f"{prefix}-{key}{number}"
    return ids


def _code(resource: Resource) -> str:
    code = resource.get("code") or resource.get("medicationCodeableConcept")
    return "-" + code["coding"][0]["code"].replace(".", "-") if code else ""


def _place(value: Any, now: datetime, ids: dict[int, str]) -> Any:  # noqa: ANN401  JSON
    """A copy of `value` with every Ago a date and every Link a reference."""
    if isinstance(value, Ago):
        moment = now - timedelta(days=value.days)
        if value.whole_day:
            return moment.date().isoformat()
        return moment.isoformat(timespec="seconds")
    if isinstance(value, Link):
        return {"reference": f"{value.to['resourceType']}/{ids[id(value.to)]}"}
    if isinstance(value, dict):
        return {key: _place(part, now, ids) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_place(part, now, ids) for part in value]
    return value


def _neighbours(person: Person) -> list[Resource]:
    """What is in any chart and must change nothing."""
    made = [
        lab("2951-2", 139, "mmol/L", days=6),
        lab("2823-3", 4.1, "mmol/L", days=6),
        _blood_pressure(),
        encounter("AMB", start=210, end=209.97),
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": {
                "coding": [{"system": HL7 + "allergyintolerance-clinical", "code": "active"}]
            },
            "code": concept(SNOMED, "91936005", "Allergy to penicillin"),
        },
    ]
    if person.years is None or person.years >= ADULT:
        made.append(prescription("17767", "amlodipine 5 mg oral tablet", days=300))
    return made


def _blood_pressure() -> Resource:
    parts = (("8480-6", "Systolic blood pressure", 128), ("8462-4", "Diastolic blood pressure", 76))
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": category("vital-signs"),
        "code": concept(LOINC, "85354-9", "Blood pressure panel with all children optional"),
        "effectiveDateTime": Ago(6),
        "component": [
            {"code": concept(LOINC, code, name), "valueQuantity": quantity(value, "mm[Hg]")}
            for code, name, value in parts
        ],
    }
