"""A year of a made-up hospital: about 200 persons whose course and outcome are known.

Each story is planted for a fixed number of persons, so that a report on the export can be compared
with what went in. Nobody real; the same seed gives the same year, byte for byte.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from service.samples.catalog import SAMPLES
from service.samples.resources import HL7, ICD10, LOINC, RXNORM, SNOMED, UCUM

if TYPE_CHECKING:
    from collections.abc import Callable

Resource = dict[str, Any]

FIRST, LAST = date(2025, 1, 1), date(2025, 12, 31)
"""The year; the export goes on for seven months after it."""

_SEED = 20250101
_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_OMB = "urn:oid:2.16.840.1.113883.6.238"
_RACES = (("2106-3", "White"), ("2054-5", "Black or African American"), ("2028-9", "Asian"))
_WARDS = ("Ward 3 North", "Ward 5", "Emergency Department")
_CLINICS = ("Internal Medicine Clinic", "Family Practice", "Surgery Clinic")
_COUNTS = {
    "hgb": ("718-7", "Hemoglobin", "g/dL"),
    "wbc": ("6690-2", "Leukocytes", "10*3/uL"),
    "anc": ("751-8", "Neutrophils", "10*3/uL"),
    "plt": ("777-3", "Platelets", "10*3/uL"),
    "mcv": ("787-2", "MCV", "fL"),
    "blast": ("709-6", "Blasts/100 leukocytes", "%"),
    "b12": ("2132-9", "Vitamin B12", "pg/mL"),
    "iron": ("2498-4", "Iron", "ug/dL"),
    "tibc": ("2500-7", "Iron binding capacity", "ug/dL"),
    "ferritin": ("2276-4", "Ferritin", "ng/mL"),
    "creatinine": ("2160-0", "Creatinine", "mg/dL"),
    "mma": ("13964-2", "Methylmalonate", "umol/L"),
}
_SODIUM = ("2951-2", "Sodium", "mmol/L")
_NORMAL = {"hgb": 14.2, "wbc": 6.8, "anc": 4.1, "plt": 251, "mcv": 89}
_PANCYTOPENIA = {"hgb": 8.9, "wbc": 2.4, "anc": 1.1, "plt": 84, "mcv": 101}
_BICYTOPENIA = {"hgb": 10.4, "wbc": 5.4, "anc": 3.2, "plt": 96, "mcv": 92}
_INDEX = {"b12": 1480, "iron": 54, "tibc": 262, "ferritin": 180}
_HIGH_B12 = {"b12": 1320, "iron": 95, "tibc": 310, "ferritin": 160}
_LOW_B12 = {"b12": 128, "mma": 1.4, "iron": 90, "tibc": 300, "ferritin": 150}


@dataclass(slots=True)
class Person:
    """One person while the story is being written."""

    number: int
    chance: random.Random
    birth: date
    resources: list[Resource] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The Patient's id."""
        return f"made-up-{self.number:03}"

    def add(self, kind: str, **fields: Any) -> Resource:  # noqa: ANN401  FHIR elements
        """Add one resource about the person."""
        made: Resource = {
            "resourceType": kind,
            "id": f"{self.id}-{len(self.resources)}",
            "subject": {"reference": f"Patient/{self.id}"},
            **fields,
        }
        self.resources.append(made)
        return made

    def labs(self, at: datetime, values: dict[str, float], *, noise: float = 0.03) -> None:
        """Add results of one specimen, known an hour and a half later, and one that is not used."""
        issued = _text(at + timedelta(minutes=90))
        for name, value in values.items():
            code, display, unit = _COUNTS[name]
            shown = value * (1 + self.chance.uniform(-noise, noise))
            self._result(at, issued, (code, display, unit), round(shown, 1 if shown < 100 else 0))
        self._result(at, issued, _SODIUM, self.chance.randint(136, 144))

    def _result(self, at: datetime, issued: str, what: tuple[str, str, str], value: float) -> None:
        code, display, unit = what
        self.add(
            "Observation",
            status="final",
            category=[{"coding": [{"system": HL7 + "observation-category", "code": "laboratory"}]}],
            code=_concept(LOINC, code, display),
            effectiveDateTime=_text(at),
            issued=issued,
            valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": unit},
        )

    def visit(self, at: datetime, *, hematology: bool = False) -> None:
        """Add a visit of an hour."""
        service = ("394803006", "Clinical hematology") if hematology else None
        clinic = "Hematology Clinic" if hematology else self.chance.choice(_CLINICS)
        self._encounter("AMB", at, at + timedelta(hours=1), clinic, service)

    def stay(self, at: datetime, days: float) -> None:
        """Add a stay in hospital."""
        self._encounter("IMP", at, at + timedelta(days=days), self.chance.choice(_WARDS), None)

    def _encounter(
        self,
        kind: str,
        start: datetime,
        end: datetime,
        place: str,
        service: tuple[str, str] | None,
    ) -> None:
        who = self.chance.randint(1, 12)
        at = f"Location/{place.replace(' ', '-')}"
        fields: Resource = {
            "status": "finished",
            "class": {"system": HL7 + "v3-ActCode", "code": kind},
            "period": {"start": _text(start), "end": _text(end)},
            "location": [{"location": {"reference": at, "display": place}}],
            "participant": [
                {
                    "type": [_concept(HL7 + "v3-ParticipationType", "ATND", "attender")],
                    "individual": {"reference": f"Practitioner/{who}"},
                }
            ],
        }
        if service:
            fields["serviceType"] = _concept(SNOMED, *service)
        self.add("Encounter", **fields)

    def diagnosis(self, at: datetime, code: str, text: str) -> None:
        """Add a Condition by ICD-10-CM code."""
        self.add(
            "Condition",
            clinicalStatus={"coding": [{"system": HL7 + "condition-clinical", "code": "active"}]},
            code=_concept(ICD10, code, text),
            recordedDate=_text(at),
        )

    def marrow(self, at: datetime) -> None:
        """Add a marrow biopsy."""
        code = _concept(SNOMED, "56241004", "Bone marrow biopsy")
        self.add("Procedure", status="completed", code=code, performedDateTime=_text(at))

    def refer(self, at: datetime) -> None:
        """Add a referral to hematology and the visit that followed it."""
        code = _concept(SNOMED, "183567007", "Referral to hematologist")
        fields = {"status": "completed", "intent": "order", "authoredOn": _text(at)}
        self.add("ServiceRequest", code=code, **fields)
        self.visit(at + timedelta(days=9), hematology=True)

    def prescribe(self, at: datetime, code: str, text: str) -> None:
        """Add a prescription by RxNorm code."""
        fields = {"status": "active", "intent": "order", "authoredOn": _text(at)}
        self.add(
            "MedicationRequest", medicationCodeableConcept=_concept(RXNORM, code, text), **fields
        )


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _concept(system: str, code: str, text: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def _days(count: float) -> timedelta:
    return timedelta(days=count)


def _well(person: Person, at: datetime) -> None:
    """Nothing: normal counts, twice a year; the first year of the record too."""
    for days in (0, 160):
        person.visit(at + _days(days))
        person.labs(at + _days(days), dict(_NORMAL))


def _anemia(person: Person, at: datetime) -> None:
    """Anemia alone."""
    person.visit(at)
    person.labs(at, _NORMAL | {"hgb": 10.6, "ferritin": 9, "mcv": 74})


def _leukemia(person: Person, at: datetime) -> None:
    """Acute myeloid leukemia, found five days after the first pancytopenia with blasts."""
    person.labs(at - _days(120), dict(_NORMAL))
    person.stay(at, 24)
    person.labs(at + _days(0.1), _PANCYTOPENIA | {"plt": 41, "blast": 12})
    person.labs(at + _days(1.1), _PANCYTOPENIA | {"plt": 38, "blast": 14})
    person.marrow(at + _days(2))
    person.diagnosis(at + _days(5), "C92.00", "Acute myeloblastic leukemia")


def _dysplasia(person: Person, at: datetime) -> None:
    """The index pattern; referred after three weeks, myelodysplastic syndrome after seven."""
    person.labs(at - _days(200), dict(_NORMAL))
    person.visit(at)
    person.labs(at, _PANCYTOPENIA | _INDEX)
    person.labs(at + _days(18), dict(_PANCYTOPENIA))
    person.refer(at + _days(21))
    person.marrow(at + _days(40))
    person.diagnosis(at + _days(48), "D46.9", "Myelodysplastic syndrome")


def _b12_deficiency(person: Person, at: datetime) -> None:
    """B12 deficiency, treated and well after ten weeks."""
    person.visit(at)
    person.labs(at, _PANCYTOPENIA | _LOW_B12 | {"mcv": 118})
    person.prescribe(at + _days(3), "11248", "cyanocobalamin 1 mg")
    person.labs(at + _days(70), dict(_NORMAL))


def _b12_despite_high(person: Person, at: datetime) -> None:
    """High B12, and B12 was given nevertheless."""
    person.visit(at)
    person.labs(at, _PANCYTOPENIA | _HIGH_B12)
    person.prescribe(at + _days(6), "11248", "cyanocobalamin 1 mg")
    person.labs(at + _days(50), dict(_PANCYTOPENIA))


def _open(person: Person, at: datetime) -> None:
    """Pancytopenia, and nothing after it."""
    person.visit(at)
    person.labs(at, dict(_PANCYTOPENIA))


def _chemotherapy(person: Person, at: datetime) -> None:
    """Pancytopenia eight days after carboplatin for cancer of the lung."""
    person.diagnosis(at - _days(90), "C34.90", "Cancer of the lung")
    medicine = _concept(RXNORM, "40048", "carboplatin")
    person.add(
        "MedicationAdministration",
        status="completed",
        medicationCodeableConcept=medicine,
        effectiveDateTime=_text(at - _days(8)),
    )
    person.visit(at)
    person.labs(at, dict(_PANCYTOPENIA))
    person.labs(at + _days(14), dict(_NORMAL))


def _cirrhosis(person: Person, at: datetime) -> None:
    """Cirrhosis: two lines low on each of eight days in hospital."""
    person.diagnosis(at - _days(300), "K74.60", "Cirrhosis of liver")
    person.diagnosis(at - _days(300), "K76.6", "Portal hypertension")
    person.stay(at, 8)
    for day in range(8):
        person.labs(at + _days(day + 0.2), dict(_BICYTOPENIA))


def _infection(person: Person, at: datetime) -> None:
    """Two lines low with an infection, normal after five weeks."""
    person.visit(at)
    person.labs(at, _NORMAL | {"wbc": 3.1, "anc": 1.2, "plt": 108})
    person.labs(at + _days(35), dict(_NORMAL))


def _death(person: Person, at: datetime) -> None:
    """Pancytopenia in hospital, death after twelve days."""
    person.stay(at, 12)
    person.labs(at + _days(0.2), dict(_PANCYTOPENIA))
    person.labs(at + _days(3.2), dict(_PANCYTOPENIA))
    person.resources[0]["deceasedDateTime"] = _text(at + _days(12))


def _myeloma(person: Person, at: datetime) -> None:
    """Myeloma found after anemia alone: no card could have come."""
    person.visit(at)
    person.labs(at, _NORMAL | {"hgb": 9.8})
    person.diagnosis(at + _days(30), "C90.00", "Multiple myeloma")


def _unseen(person: Person, at: datetime) -> None:
    """Myelodysplastic syndrome, diagnosed elsewhere without a count here."""
    person.visit(at)
    person.diagnosis(at + _days(2), "D46.9", "Myelodysplastic syndrome")


def _wrong_unit(person: Person, at: datetime) -> None:
    """Hemoglobin in an impossible unit."""
    person.visit(at)
    person.labs(at, _NORMAL | {"hgb": 12.5})
    for each in person.resources:
        if each["resourceType"] == "Observation" and each["code"]["text"] == "Hemoglobin":
            each["valueQuantity"] |= {"unit": "g/mL", "code": "g/mL"}


STORIES: dict[str, tuple[int, Callable[[Person, datetime], None]]] = {
    "well": (40, _well),
    "anemia": (16, _anemia),
    "acute leukemia": (7, _leukemia),
    "myelodysplastic syndrome": (11, _dysplasia),
    "B12 deficiency": (12, _b12_deficiency),
    "B12 begun although it was high": (6, _b12_despite_high),
    "nothing followed": (14, _open),
    "chemotherapy": (8, _chemotherapy),
    "cirrhosis": (9, _cirrhosis),
    "infection": (12, _infection),
    "death": (6, _death),
    "myeloma": (6, _myeloma),
    "diagnosed without a count": (5, _unseen),
    "wrong unit": (6, _wrong_unit),
}
"""How many persons have which story."""


def persons() -> list[list[Resource]]:
    """Return everybody's resources: the made-up persons, then the sample patients."""
    chance = random.Random(_SEED)  # noqa: S311  a made-up year needs no secret
    made: list[list[Resource]] = []
    for number, story in STORIES.values():
        for _ in range(number):
            made.append(_one(len(made), story, chance))
    for place, sample in enumerate(SAMPLES.values()):
        at = datetime(2025, 2, 1, 10, tzinfo=UTC) + timedelta(days=5 * place)
        made.append(sample.resources(at))
    return made


def _one(
    number: int, story: Callable[[Person, datetime], None], chance: random.Random
) -> list[Resource]:
    birth = date(2025 - chance.randint(35, 84), chance.randint(1, 12), chance.randint(1, 28))
    person = Person(number, chance, birth)
    person.resources.append(_patient(person))
    # The record goes back two years, so that new findings can be distinguished from old ones.
    person.labs(datetime(2023, 6, 1, 9, tzinfo=UTC) + _days(chance.randint(0, 200)), dict(_NORMAL))
    start = datetime(2025, 1, 10, 8, tzinfo=UTC) + _days(chance.randint(0, 320))
    story(person, start + timedelta(minutes=chance.randint(0, 480)))
    return person.resources


def _patient(person: Person) -> Resource:
    code, race = person.chance.choices(_RACES, weights=(6, 3, 1))[0]
    language = "es" if person.chance.random() < 0.2 else "en"
    return {
        "resourceType": "Patient",
        "id": person.id,
        "identifier": [{"system": "urn:made-up:mrn", "value": f"{7_000 + person.number}"}],
        "gender": "female" if person.chance.random() < 0.5 else "male",
        "birthDate": person.birth.isoformat(),
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}}
        ],
        "extension": [
            {
                "url": f"{_US_CORE}race",
                "extension": [
                    {
                        "url": "ombCategory",
                        "valueCoding": {"system": _OMB, "code": code, "display": race},
                    }
                ],
            }
        ],
    }
