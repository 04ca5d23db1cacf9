"""Helpers for writing charts: each makes one FHIR R4 resource as plain JSON types.

A moment is written as `Ago(days)` and another resource of the same chart as `Link(resource)`;
`chart.Sample.resources` puts dates and references in their place. Quantities carry a unit and,
unless it is none of UCUM's, its UCUM code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.samples.names import REFERENCE_RANGES, loinc_name

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
HL7 = "http://terminology.hl7.org/CodeSystem/"

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ago:
    """A moment this many days before the chart is loaded; a date only when `whole_day`."""

    days: float
    whole_day: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A reference to another resource of the same chart."""

    to: Resource


def concept(system: str, code: str, text: str) -> Resource:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def category(code: str) -> list[Resource]:
    """Observation.category."""
    return [{"coding": [{"system": HL7 + "observation-category", "code": code}]}]


def quantity(value: float | str, unit: str, *, ucum: bool = True) -> Resource:
    """A Quantity; a text such as `>2000` becomes a comparator with its number."""
    made: Resource = {}
    if isinstance(value, str):
        bare = value.lstrip("<>=")
        made["comparator"] = value[: len(value) - len(bare)]
        value = float(bare) if "." in bare else int(bare)
    made = {"value": value, **made}
    if unit:
        made["unit"] = unit
    if unit and ucum:
        made |= {"system": UCUM, "code": unit}
    return made


def _range_of(loinc: str, value: float | str, unit: str) -> Resource:
    low, high = REFERENCE_RANGES.get((loinc, unit), (None, None))
    made: Resource = {}
    limits = {"low": low, "high": high}
    given = {k: quantity(v, unit) for k, v in limits.items() if v is not None}
    if given:
        made["referenceRange"] = [given]
    flag = _flag(value, low, high)
    if flag:
        system = HL7 + "v3-ObservationInterpretation"
        made["interpretation"] = [{"coding": [{"system": system, "code": flag}]}]
    return made


def _flag(value: float | str, low: float | None, high: float | None) -> str:
    if isinstance(value, str):
        return "H" if value.startswith(">") else "L"
    if low is not None and value < low:
        return "L"
    return "H" if high is not None and value > high else ""


def lab(
    loinc: str,
    value: float | str,
    unit: str,
    *,
    days: float = 1,
    status: str = "final",
    ucum: bool = True,
    limits: tuple[float, float] | None = None,
) -> Resource:
    """One laboratory Observation with a Quantity, its reference range and flag."""
    made: Resource = {
        "resourceType": "Observation",
        "status": status,
        "category": category("laboratory"),
        "code": concept(LOINC, loinc, loinc_name(loinc)),
        "effectiveDateTime": Ago(days),
        "issued": Ago(days - 0.06),
        "valueQuantity": quantity(value, unit, ucum=ucum),
    }
    if limits:
        low, high = limits
        made["referenceRange"] = [{"low": quantity(low, unit), "high": quantity(high, unit)}]
    else:
        made |= _range_of(loinc, value, unit)
    return made


def finding(loinc: str, text: str, *, days: float = 1, coded: str = "") -> Resource:
    """A laboratory Observation in words, or with a SNOMED CT answer."""
    made = lab(loinc, 0, "", days=days)
    del made["valueQuantity"]
    if coded:
        return made | {"valueCodeableConcept": concept(SNOMED, coded, text)}
    return made | {"valueString": text}


def temperature(value: float, days: float = 0.1) -> Resource:
    """A body temperature in degrees Celsius."""
    made = lab("8310-5", value, "Cel", days=days)
    return made | {"category": category("vital-signs")}


def cbc(
    hgb: float | None,
    wbc: float | None,
    anc: float | None,
    platelets: float | None,
    *,
    mcv: float = 94,
    days: float = 1,
    status: str = "final",
) -> list[Resource]:
    """A complete blood count in conventional units, with red cell indices beside it."""
    counts = [
        ("718-7", hgb, "g/dL"),
        ("4544-3", None if hgb is None else round(hgb * 3, 1), "%"),
        ("787-2", mcv, "fL"),
        ("788-0", 14.8, "%"),
        ("6690-2", wbc, "10*3/uL"),
        ("751-8", anc, "10*3/uL"),
        ("777-3", platelets, "10*3/uL"),
    ]
    return [
        lab(code, value, unit, days=days, status=status)
        for code, value, unit in counts
        if value is not None
    ]


def iron(
    value: float, binding: float, saturation: float, ferritin: float | None = None
) -> list[Resource]:
    """Iron studies in conventional units."""
    made = [
        lab("2498-4", value, "ug/dL"),
        lab("2500-7", binding, "ug/dL"),
        lab("2502-3", saturation, "%"),
    ]
    return made if ferritin is None else [*made, lab("2276-4", ferritin, "ng/mL")]


def b12(value: float | str, *, days: float = 1) -> Resource:
    """Total vitamin B12, pg/mL."""
    return lab("2132-9", value, "pg/mL", days=days)


NORMAL_IRON = (95, 310, 31)
SEED_IRON = (54, 262, 21)
"""Iron and TIBC in ug/dL, transferrin saturation in %."""


def pancytopenia(
    *more: Resource, iron_studies: tuple[float, float, float] = NORMAL_IRON
) -> tuple[Resource, ...]:
    """Three low lines with iron studies, and what else is given."""
    return (*cbc(8.9, 2.4, 1.1, 84, mcv=98), *iron(*iron_studies), *more)


def report(loinc: str, results: list[Resource], *, days: float = 1) -> Resource:
    """A DiagnosticReport over results of the same chart."""
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"system": HL7 + "v2-0074", "code": "LAB"}]}],
        "code": concept(LOINC, loinc, loinc_name(loinc)),
        "effectiveDateTime": Ago(days),
        "issued": Ago(days - 0.06),
        **({"result": [Link(result) for result in results]} if results else {}),
    }
