"""A chart of the second reading as the FHIR resources that an EHR would send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.vignette_charts import (
    ICD10,
    PATIENT,
    RXNORM,
    SNOMED,
    T0,
    Resource,
    administration,
    at,
    concept,
    condition,
    observation,
    pregnancy,
    procedure,
    subject,
)

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Chart, Value

CODES = {
    "hgb": ("718-7", "g/dL"),
    "wbc": ("6690-2", "10*3/uL"),
    "anc": ("751-8", "10*3/uL"),
    "neutpct": ("770-8", "%"),
    "plt": ("777-3", "10*3/uL"),
    "mcv": ("787-2", "fL"),
    "b12": ("2132-9", "pg/mL"),
    "iron": ("2498-4", "ug/dL"),
    "tibc": ("2500-7", "ug/dL"),
    "tsat": ("2502-3", "%"),
    "ferr": ("2276-4", "ng/mL"),
    "mma": ("13964-2", "umol/L"),
    "egfr": ("98979-8", "mL/min/{1.73_m2}"),
    "crea": ("2160-0", "mg/dL"),
    "fol": ("2284-8", "ng/mL"),
    "ldh": ("2532-0", "U/L"),
    "hapt": ("4542-7", "mg/dL"),
    "blast": ("709-6", "%"),
    "blasta": ("30376-8", "10*3/uL"),
    "temp": ("8310-5", "Cel"),
}
FILMS = {
    "BLASTS": "44017-2",
    "DYSPLASIA": "60526-1",
    "TEARDROP": "7791-7",
    "NRBC": "40630-6",
    "PLT_CLUMP": "7796-6",
    "SCHISTO": "800-3",
}
CONDITIONS = {
    "disorder": (SNOMED, "91861009"),
    "history": (ICD10, "Z85.6"),
    "chemotherapy_condition": (SNOMED, "328301000119102"),
    "portal_hypertension": (SNOMED, "19943007"),
    "splenomegaly": (SNOMED, "16294009"),
    "kidney_disease": (SNOMED, "709044004"),
    "drug_pancytopenia": (SNOMED, "736024007"),
    "b12_deficiency": (SNOMED, "84027009"),
    "fever": (SNOMED, "386661006"),
    "febrile_neutropenia": (SNOMED, "409089005"),
    "night_sweats": (SNOMED, "42984000"),
}
DRAFTS = {"b12": ("11248", "cyanocobalamin 1000 ug"), "iron": ("24947", "ferrous sulfate 325 mg")}


def resources(chart: Chart) -> list[Resource]:
    """Every resource of one chart."""
    return [
        patient(chart),
        *(result(n, value) for n, value in enumerate(chart.values)),
        *(film(n, chart) for n in range(len(chart.films))),
        *(pregnancy(chart.trimester) if chart.pregnant else []),
        *conditions(chart),
        *medicines(chart),
        *procedures(chart),
    ]


def patient(chart: Chart) -> Resource:
    """The Patient."""
    made: Resource = {
        "resourceType": "Patient",
        "id": PATIENT,
        "gender": chart.sex,
        "birthDate": f"{T0.year - chart.age}-01-10",
    }
    return made | ({"deceasedBoolean": True} if chart.deceased else {})


def result(number: int, value: Value) -> Resource:
    """One result; what cannot be used has no unit of its kind, no value or a void status."""
    loinc, unit = CODES[value.analyte]
    given: Resource = {
        "loinc": loinc,
        "unit": "kg" if value.refused == "unit" else unit,
        "value": f"{value.bound}{value.value}" if value.bound else value.value,
        "dayOffset": -value.days,
        "status": "cancelled" if value.refused == "void" else value.status,
    }
    if value.low is not None:
        given["rr"] = (value.low, value.high)
    made = observation(number, given)
    if value.refused == "absent":
        del made["valueQuantity"]
        made["dataAbsentReason"] = concept(
            "http://terminology.hl7.org/CodeSystem/data-absent-reason", "error"
        )
    if value.flag:
        system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
        made["interpretation"] = [concept(system, value.flag)]
    return made


def film(number: int, chart: Chart) -> Resource:
    """One blood film finding."""
    seen = chart.films[number]
    return {
        "resourceType": "Observation",
        "id": f"film-{number}",
        "status": "final",
        "code": concept("http://loinc.org", FILMS[seen.kind]),
        "subject": subject(),
        "effectiveDateTime": at(-seen.days),
        "valueString": seen.amount,
    }


def conditions(chart: Chart) -> list[Resource]:
    """The problem list."""
    made = [condition(*code) for name, code in CONDITIONS.items() if getattr(chart, name)]
    if chart.provisional_disorder:
        made.append(condition(SNOMED, "91855006", verification="provisional"))
    return made


def medicines(chart: Chart) -> list[Resource]:
    """Every record of a medicine."""
    made = []
    if chart.chemotherapy_days is not None:
        made.append(administration("40048", -chart.chemotherapy_days))
    if chart.suppressive_drug and not chart.agranulocytosis_drug:
        made.append(prescription("6851", "methotrexate 2.5 mg weekly"))
    if chart.agranulocytosis_drug:
        made.append(prescription("2626", "clozapine 100 mg"))
    if chart.b12_tablets:
        made.append(
            {
                "resourceType": "MedicationStatement",
                "id": "statement-b12",
                "status": "active",
                "medicationCodeableConcept": concept(RXNORM, "11248"),
                "subject": subject(),
                "effectivePeriod": {"start": at(-(chart.b12_first or 0))},
            }
        )
    elif chart.b12_first is not None:
        days = {chart.b12_first, chart.b12_last}
        made += [administration("11248", -d, f"-{d}") for d in days if d is not None]
    if chart.intravenous_iron_days is not None:
        given = administration("24909", -chart.intravenous_iron_days)
        made.append(given | {"medicationCodeableConcept": {"text": "iron sucrose 200 mg IV"}})
    return made


def prescription(code: str, text: str) -> Resource:
    """One MedicationRequest."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"request-{code}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, code, text=text),
        "subject": subject(),
        "authoredOn": at(-60),
    }


def procedures(chart: Chart) -> list[Resource]:
    """Procedures, the referral and the hospital stay."""
    made = []
    for days, code in (
        (chart.marrow_days, "56241004"),
        (chart.red_cells_days, "116863004"),
        (chart.platelets_days, "12719002"),
    ):
        if days is not None:
            made.append(procedure(code, "completed", -days))
    if chart.hospice:
        made.append(procedure("385763009", "in-progress", -10))
    if chart.palliative:
        made.append(procedure("103735009", "in-progress", -10))
    if chart.referral_days is not None:
        made.append(
            {
                "resourceType": "ServiceRequest",
                "id": "request-referral",
                "status": "active",
                "intent": "order",
                "code": concept(SNOMED, "183567007"),
                "subject": subject(),
                "authoredOn": at(-chart.referral_days),
            }
        )
    if chart.stay_days is not None:
        made.append(
            {
                "resourceType": "Encounter",
                "id": "encounter-stay",
                "status": "in-progress",
                "class": {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                    "code": "IMP",
                },
                "subject": subject(),
                "period": {"start": at(-chart.stay_days)},
            }
        )
    return made


def drafts(chart: Chart) -> list[Resource]:
    """The medicines that the user has drafted."""
    return [
        {
            "resourceType": "MedicationRequest",
            "id": f"draft-{name}",
            "status": "draft",
            "intent": "order",
            "medicationCodeableConcept": concept(RXNORM, DRAFTS[name][0], text=DRAFTS[name][1]),
            "subject": subject(),
        }
        for name in chart.drafts
    ]
