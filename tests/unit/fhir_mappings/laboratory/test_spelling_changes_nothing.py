"""However a unit is spelled, the result is the same: accidents x units x ways to send a number."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.context import Patient, Sex
from fhir_mappings.panel import Analyte
from fhir_mappings.units.units import read_unit
from fhir_mappings.vocabulary.analytes import default_terminology
from service.interpreter.interpret import interpret
from service.interpreter.interpretation import Facts
from tests.support.fhir import NOW, PATIENT_ID, concept, observation, panel_of

TERMINOLOGY = default_terminology()
WOMAN = Patient(id=PATIENT_ID, sex=Sex.FEMALE, birth_date=date(1959, 1, 1))
CHART = {
    "718-7": ("8.9", "g/dL"),
    "6690-2": ("2.4", "10*3/uL"),
    "751-8": ("1.1", "10*3/uL"),
    "777-3": ("84", "10*3/uL"),
    "787-2": ("101", "fL"),
    "2498-4": ("54", "ug/dL"),
    "2500-7": ("262", "ug/dL"),
    "2502-3": ("21", "%"),
    "2276-4": ("180", "ng/mL"),
    "2132-9": ("1480", "pg/mL"),
    "98979-8": ("85", "mL/min/{1.73_m2}"),
}
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def micro(unit: str) -> str:
    return re.sub(r"u(?=[Lgmk])", "µ", unit)


def greek(unit: str) -> str:
    return re.sub(r"u(?=[Lgmk])", "μ", unit)


def spoiled(unit: str) -> str:
    return greek(unit).encode().decode("latin-1")


def raised(unit: str) -> str:
    return re.sub(r"\*(\d+)", lambda found: found[1].translate(_SUPERSCRIPT), unit)


def spoiled_power(unit: str) -> str:
    return "".join(
        letter if letter.isascii() else letter.encode().decode("cp1252", "replace")
        for letter in re.sub(r"\*3", "³", unit)
    )


ACCIDENTS = [
    str,
    micro,
    greek,
    spoiled,
    raised,
    spoiled_power,
    lambda unit: unit.replace("*", "^"),
    lambda unit: unit.replace("/", " / "),
    lambda unit: unit.replace("/", " per "),
    lambda unit: unit + ".",
    lambda unit: f"  {unit} ",
    lambda unit: unit + " (auto)",
    lambda unit: unit.replace("u", "mc") if "uL" in unit or "ug" in unit else unit,
    lambda unit: unit.replace("L", "l"),
    lambda unit: micro(unit).replace("µ", "&micro;"),
    lambda unit: micro(unit).replace("µ", "\\u00b5"),
]


def as_quantity(value: str, unit: str) -> dict[str, object]:
    return {"valueQuantity": {"value": float(value), "unit": unit}}


def as_text(value: str, unit: str) -> dict[str, object]:
    return {"valueString": f"{value} {unit.strip()}"}


def as_concept(value: str, unit: str) -> dict[str, object]:
    return {"valueCodeableConcept": concept(text=f"{value}  {unit}")}


FORMS = [as_quantity, as_text, as_concept]


@given(st.sampled_from(sorted(TERMINOLOGY.definitions)), st.sampled_from(ACCIDENTS), st.data())
def test_every_usual_unit_is_read_alike_whatever_happened_to_it(analyte, accident, data):
    definition = TERMINOLOGY.definition(Analyte(analyte))
    unit = data.draw(st.sampled_from((*definition.usual_units, *definition.rare_units)))
    assert read_unit(accident(unit), definition).scale == read_unit(unit, definition).scale


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_chart_spelled_otherwise_gets_the_same_findings(data):
    clean = [observation(code, float(v), unit, id=code) for code, (v, unit) in CHART.items()]
    other = []
    for code, (value, unit) in CHART.items():
        accident, form = data.draw(st.sampled_from(ACCIDENTS)), data.draw(st.sampled_from(FORMS))
        other.append(observation(code, id=code, **form(value, accident(unit))))
    assert findings(other) == findings(clean)


def findings(resources):
    panel = panel_of(*resources)
    assert panel.unreadable == ()
    interpretation = interpret(Facts(patient=WOMAN, panel=panel), NOW)
    values = {
        analyte: [result.value for result in results] for analyte, results in panel.results.items()
    }
    assert interpretation.finding is not None
    return interpretation.finding.id, values
