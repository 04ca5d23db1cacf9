"""Where a spelling is valid UCUM, the factor is the one that UCUM gives."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ucumvert import PintUcumRegistry

from fhir_mappings.panel import Analyte
from fhir_mappings.units.units import read_unit
from fhir_mappings.vocabulary.analytes import default_terminology

# UCUM unit, canonical UCUM unit, analyte, factor.
SAME_DIMENSION = [
    ("10*3/uL", "10*9/L", "PLT", "1"),
    ("10*9/L", "10*9/L", "WBC", "1"),
    ("10^3/uL", "10*9/L", "ANC", "1"),
    ("10*3/mm3", "10*9/L", "PLT", "1"),
    ("/nL", "10*9/L", "PLT", "1"),
    ("10*6/mL", "10*9/L", "PLT", "1"),
    ("{cells}/uL", "10*9/L", "PLT", "0.001"),
    ("/mm3", "10*9/L", "PLT", "0.001"),
    ("10*6/L", "10*9/L", "WBC", "0.001"),
    ("/L", "10*9/L", "WBC", "0.000000001"),
    ("10*4/uL", "10*9/L", "PLT", "10"),
    ("10*2/uL", "10*9/L", "WBC", "0.1"),
    ("10*6/uL", "10*9/L", "RETABS", "1000"),
    ("10*12/L", "10*9/L", "RETABS", "1000"),
    ("g/L", "g/dL", "HGB", "0.1"),
    ("mg/mL", "g/dL", "HGB", "0.1"),
    ("mg/dL", "g/dL", "HGB", "0.001"),
    ("ug/L", "ug/dL", "IRON", "0.1"),
    ("mg/L", "ug/dL", "IRON", "100"),
    ("ng/L", "pg/mL", "B12", "1"),
    ("ug/L", "ng/mL", "FERR", "1"),
    ("ng/dL", "ng/mL", "FOL", "0.01"),
    ("nmol/L", "umol/L", "MMA", "0.001"),
    ("g/L", "mg/dL", "HAPT", "100"),
    ("mg/L", "mg/dL", "CREA", "0.1"),
    ("mg/dL", "mg/L", "CRP", "10"),
    ("ug/mL", "mg/L", "CRP", "1"),
    ("um3", "fL", "MCV", "1"),
    ("L/L", "%", "HCT", "100"),
    ("[ppth]", "%", "RETPCT", "0.1"),
    ("ukat/L", "U/L", "LDH", "60"),
    ("nkat/L", "U/L", "ALT", "0.06"),
    ("[IU]/L", "[IU]/L", "LDH", "1"),
]
# UCUM unit of substance, UCUM unit of mass, molar mass in g/mol, analyte.
BY_MOLAR_MASS = [
    ("umol/L", "ug/dL", "55.845", "IRON"),
    ("umol/L", "ug/dL", "55.845", "TIBC"),
    ("umol/L", "ug/dL", "55.845", "UIBC"),
    ("mmol/L", "g/dL", "16114.5", "HGB"),
    ("pmol/L", "pg/mL", "1355.37", "B12"),
    ("nmol/L", "pg/mL", "1355.37", "B12"),
    ("nmol/L", "ng/mL", "441.4", "FOL"),
    ("umol/L", "mg/dL", "584.66", "TBIL"),
    ("umol/L", "mg/dL", "113.12", "CREA"),
    ("mmol/L", "mg/dL", "113.12", "CREA"),
    ("pmol/L", "ng/mL", "445000", "FERR"),
    ("umol/L", "mg/dL", "79570", "TRF"),
]


@pytest.fixture(scope="module")
def ucum() -> PintUcumRegistry:
    return PintUcumRegistry()


def factor(unit: str, analyte: str) -> Decimal:
    return read_unit(unit, default_terminology().definition(Analyte(analyte))).factor


@pytest.mark.parametrize(("unit", "canonical", "analyte", "expected"), SAME_DIMENSION)
def test_the_factor_is_ucums(ucum, unit, canonical, analyte, expected):
    ours = factor(unit, analyte)
    theirs = ucum.from_ucum(unit).to(ucum.from_ucum(canonical).units).magnitude
    # pint gives the canonical unit itself a magnitude when it holds a number, such as 10*9.
    theirs /= ucum.from_ucum(canonical).magnitude
    assert ours == Decimal(expected)
    assert float(ours) == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize(("substance", "mass", "molar_mass", "analyte"), BY_MOLAR_MASS)
def test_the_molar_factor_is_ucums_times_the_molar_mass(ucum, substance, mass, molar_mass, analyte):
    grams = ucum.from_ucum(substance) * (float(molar_mass) * ucum.from_ucum("g/mol"))
    theirs = grams.to(ucum.from_ucum(mass).units).magnitude / ucum.from_ucum(mass).magnitude
    assert float(factor(substance, analyte)) == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize(
    ("analyte", "molar_mass", "listed"), [("MMA", "118.09", "8.468"), ("HCY", "135.19", "7.397")]
)
def test_acids_reported_by_mass_are_divided_by_their_molar_mass(analyte, molar_mass, listed):
    assert factor("mg/L", analyte) == Decimal(listed)
    assert factor("mg/L", analyte) == pytest.approx(1000 / Decimal(molar_mass), rel=Decimal("1e-4"))


def test_degrees_fahrenheit_are_ucums(ucum):
    reading = read_unit("[degF]", default_terminology().definition(Analyte.BODY_TEMPERATURE))
    theirs = ucum.Quantity(101.3, "degF").to("degC").magnitude
    assert float(reading.convert(Decimal("101.3"))) == pytest.approx(theirs, rel=1e-10)
