"""A filtration rate is a volume per time, mostly per 1.73 m2, however that is typed (1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte
from fhir_mappings.units.units import UnitNotUnderstood, read_unit
from fhir_mappings.vocabulary.analytes import default_terminology

if TYPE_CHECKING:
    from decimal import Decimal

EGFR = default_terminology().definition(Analyte.GLOMERULAR_FILTRATION_RATE)

VOLUMES = ["mL", "ml", "ML", "mls", "cc", "millilitre", "Milliliters"]
TIMES = ["/min", "/MIN", "/minute", " per minute", "/mn", "/mins", ".min-1", "/ min"]
CONSTANTS = ["1.73", "1,73", "1·73", "1. 73", "173", "l.73", "{1.73", "(1.73", "1.73_"]
AREAS = [
    *["m2", "m²", "m^2", "m*2", "m**2", "M2", "m 2", "m(2)", "m<sup>2</sup>", "m&sup2;", "mÂ²"],
    *["msq", "m sq", "sqm", "sq m", "sq. m", "sq.m.", "Sq. M", "sq meter", "sq metres"],
    *["square meters", "meters squared", "mq", "qm", "m", "", "m\ufffd", "m?", "m\\S\\2", "mt2"],
]
REMARKS = [
    *["", ".", " BSA", "/BSA", " (CKD-EPI)", " CKD-EPI 2021", " calc", " (MDRD)", "*"],
    *[" {eGFR}", " body surface area", " (non-African American)", " est.", " normalized"],
]
JOINTS = ["/", " / ", " per ", "", " x ", "."]


def factor(unit: str) -> Decimal:
    return read_unit(unit, EGFR).factor


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("constant", ["1.73", "1,73", "{1.73_"])
def test_every_way_to_write_the_area_is_read(constant, area):
    assert factor(f"mL/min/{constant}{area}") == 1


@given(
    *(st.sampled_from(part) for part in (VOLUMES, TIMES, JOINTS, CONSTANTS, AREAS, REMARKS)),
)
def test_every_spelling_of_volume_per_time_per_area_is_read(
    volume, time, joint, constant, area, remark
):
    unit = f"{volume}{time}{joint}{constant}{area}{remark}"
    closed = unit + "}" * ("{" in constant) + ")" * (constant[0] == "(")
    assert factor(closed) == 1


@pytest.mark.parametrize("time", ["s", "sec", "second"])
@pytest.mark.parametrize("area", ["", "/{1.73_m2}", "/1.73 m2", "/1.73sqm"])
def test_a_rate_per_second_is_sixty_times_one_per_minute(time, area):
    assert factor(f"mL/{time}{area}") == 60


@pytest.mark.parametrize(
    "unit",
    [
        *["mL/min/m2", "mL/min/sqm", "mL/min/kg", "mL/min/1.73kg", "mL/min/g", "mL/min/100mL"],
        *["mL/min/mmHg", "mL/min/xyz", "mL", "min", "1.73m2", "m2", "mL/m2", "mg/min", "mL/dL"],
        *["mL/minx", "mL/m", "g/min/1.73m2", "umol/min/1.73m2", "mL/min/1.73mg", "mL/min/1.73L"],
        *["%", "mL/min/2.0m2", "mL/min/0.73m2", "U/L", "10*3/uL", "mL/week/1.73m2"],
    ],
)
def test_another_quantity_and_junk_stay_refused(unit):
    with pytest.raises(UnitNotUnderstood):
        factor(unit)


@pytest.mark.parametrize("analyte", ["CREA", "HGB", "PLT", "B12"])
def test_a_filtration_rate_is_no_unit_of_anything_else(analyte):
    with pytest.raises(UnitNotUnderstood):
        read_unit("mL/min/1.73 m2", default_terminology().definition(Analyte(analyte)))
