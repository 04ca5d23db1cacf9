"""Units are read by a grammar, and only when exactly one reading is left (1.3, U1 to U5)."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte, Reason
from fhir_mappings.units.units import (
    Dimension,
    UnitNotUnderstood,
    UnitReading,
    clashes,
    infer_unit,
    read_unit,
    read_units,
    usual_readings,
)
from fhir_mappings.vocabulary.analytes import default_terminology
from tests.support.unit_factor_tables import (
    COUNT_ANALYTES,
    COUNTS,
    OTHERS,
    RETICULOCYTE_COUNTS,
    TEMPERATURES,
)


def define(analyte: str):
    return default_terminology().definition(Analyte(analyte))


def read(unit: str, analyte: str) -> UnitReading:
    return read_unit(unit, define(analyte))


def refusal(unit: str, analyte: str) -> UnitNotUnderstood:
    with pytest.raises(UnitNotUnderstood) as caught:
        read(unit, analyte)
    return caught.value


def rows(table):
    return [(unit, Decimal(factor)) for factor, units in table.items() for unit in units]


LISTED = [
    *[(a, unit, factor) for a in COUNT_ANALYTES for unit, factor in rows(COUNTS)],
    *[("RETABS", unit, factor) for unit, factor in rows(RETICULOCYTE_COUNTS)],
    *[(a, unit, factor) for a, table in OTHERS.items() for unit, factor in rows(table)],
]


@pytest.mark.parametrize(("analyte", "unit", "factor"), LISTED)
def test_every_listed_unit_has_exactly_its_listed_factor(analyte, unit, factor):
    reading = read(unit, analyte)
    assert reading.factor == factor
    assert reading.offset == 0
    assert reading.canonical == define(analyte).canonical_unit
    assert not reading.inferred


@pytest.mark.parametrize(
    ("value", "unit"), [(v, u) for v, units in TEMPERATURES.items() for u in units]
)
def test_body_heat_is_37_degrees_celsius_on_every_scale(value, unit):
    assert read(unit, "TEMP").convert(Decimal(value)) == 37


def test_fahrenheit_is_exact_and_affine():
    reading = read("[degF]", "TEMP")
    assert reading.convert(Decimal("100.4")) == 38
    assert round(Decimal("100.4") * reading.factor + reading.offset, 20) == 38


UNLISTED_COUNTS = {
    "1": [
        "x 10^9 / L",
        "x10 E3/mm3",
        "10³/µL",
        "10³/μl",
        "×10⁹/L",
        "x 10⁹ / l",
        "10 3/uL",
        "10(3)/uL",
        "10[3]/uL",
        "x10(9)/L",
        "10{3}/uL",
        "(10^3)/uL",
        "10\\S\\3/uL",
        "10\\\\S\\\\3/uL",
        "10<sup>3</sup>/uL",
        "10&#179;/&micro;L",
        "10**3/uL",
        "10^03/uL",
        "10E+03/uL",
        "10+3/uL",
        "10'3/uL",
        "10 exp 3/uL",
        "10X3/UL",
        "X10E3/UL",
        "*10^9/L",
        "E9/l",
        "1E3/uL",
        "10*6/mL",
        "K/µL",
        "k/mm^3",
        "K/MM3",
        "Thou/uL",
        "THOUSAND/UL",
        "thousand per microliter",
        "thousand/cu mm",
        "thousands per cubic millimetre",
        "thousand_per_microliter",
        "thou/mm cu",
        "Tsd./µl",
        "tys/µl",
        "mille/mm3",
        "miles/uL",
        "giga.l-1",
        "Giga/l",
        "10*9.L-1",
        "10^9·L⁻¹",
        "10^9 L^-1",
        "10^3.mm-3",
        "G/l",
        "Gpt/l",
        "Mrd/L",
        "mia/l",
        "x 10^3 cells/uL",
        "cells x 10^3/uL",
        "10*3.{cells}/uL",
        "K cells/uL",
        "10^3/uL (calc)",
        "10*3/uL{platelets}",
        " K/uL ",
        "K/u\u200bL",
        "K\u00a0/\u00a0uL",
        "10３/uL",
        "тыс/мкл",
        "10^9/л",
        "千/μL",
        "billions per liter",
        "K/microL",
        "10^3/㎕",
        "10^3/㎣",
        "10X3CUMM",
        "10*3UL",
        "THOUCMM",
        "thou.cmm",
        "10.e3/ul",
        "K/MM-3",
        "X1000/UL",
        "THS/MM3",
        "WBC x10~3/uL",
        "10Е9/л",
        "천/㎕",
        "migliaia/µL",
        "K cells/mm cubed",
    ],
    "0.001": [
        "cells per microliter",
        "#/cumm",
        "# / cu mm",
        "cells/cubic mm",
        "per uL",
        "/ul",
        "/µl",
        "/mmc",
        "cells/mm cu",
        "Zellen/µl",
        "mega/L",
        "10*3/mL",
        "个/μL",
    ],
    "0.1": ["10*2/uL", "x10^2/uL", "100/uL", "百/μL"],
    "10": ["10*4/uL", "10^4/μL", "万/μL", "10000/uL"],
    "100": ["lakh/cumm", "10^5/uL", "lakhs/cu.mm"],
    "0.000001": ["10*3/L", "K/L", "/mL", "cells/mL"],
    "0.000000001": ["/l", "cells per liter"],
}


@pytest.mark.parametrize(("unit", "factor"), rows(UNLISTED_COUNTS))
def test_blood_counts_are_read_in_spellings_that_nobody_listed(unit, factor):
    assert read(unit, "PLT").factor == factor
    assert read(unit, "WBC").factor == factor


UNLISTED = [
    ("HGB", "G/DL", "1"),
    ("HGB", "Gm/dl", "1"),
    ("HGB", "gms/dL", "1"),
    ("HGB", "gram per deciliter", "1"),
    ("HGB", "grams/100 mL", "1"),
    ("HGB", "g.L-1", "0.1"),
    ("HGB", "г/л", "0.1"),
    ("HGB", "mmol(Hb)/L", "1.61145"),
    ("IRON", "µg/dL", "1"),
    ("IRON", "MCG/DL", "1"),
    ("IRON", "micrograms per deciliter", "1"),
    ("IRON", "μmol/l", "5.5845"),
    ("IRON", "µmol·L⁻¹", "5.5845"),
    ("IRON", "umoles/L", "5.5845"),
    ("IRON", "uM", "5.5845"),
    ("IRON", "мкмоль/л", "5.5845"),
    ("B12", "picograms per milliliter", "1"),
    ("B12", "PG/ML", "1"),
    ("B12", "pmol/l", "1.35537"),
    ("FERR", "µg/l", "1"),
    ("FERR", "nanogram/mL", "1"),
    ("LDH", "U/l", "1"),
    ("LDH", "unit/L", "1"),
    ("LDH", "UI/L", "1"),
    ("LDH", "E/l", "1"),
    ("LDH", "mU/mL", "1"),
    ("LDH", "µkat/l", "60"),
    ("LDH", "nkat/L", "0.06"),
    ("ALT", "IU per liter", "1"),
    ("NEUTPCT", "percent", "1"),
    ("NEUTPCT", "pct", "1"),
    ("NEUTPCT", "% of WBC", "1"),
    ("NEUTPCT", "per 100 WBC", "1"),
    ("NRBCW", "per 100 leukocytes", "1"),
    ("NRBCW", "nRBC/100 WBC", "1"),
    ("NRBCW", "/100 WBC's", "1"),
    ("RETPCT", "‰", "0.1"),
    ("RETPCT", "per 1000 RBC", "0.1"),
    ("RETPCT", "% RBC", "1"),
    ("HCT", "l/l", "100"),
    ("HCT", "Vol.%", "1"),
    ("EGFR", "ml/min/1.73m²", "1"),
    ("EGFR", "mL/min/1,73 m^2", "1"),
    ("EGFR", "mL/min/1.73 sq m", "1"),
    ("EGFR", "mL/min per 1.73 m2", "1"),
    ("EGFR", "mL/mn/1.73m2", "1"),
    ("EGFR", "ML/MIN/1.73M2", "1"),
    ("MCV", "FL", "1"),
    ("MCV", "µm³", "1"),
    ("MCV", "cubic microns", "1"),
    ("MCV", "femtoliters", "1"),
    ("EGFR", "milliliter per minute per 1.73 square meter", "1"),
    ("EGFR", "mL.min-1.1.73m-2", "1"),
    ("EGFR", "ml/min/1.73m(2)", "1"),
    ("CREA", "MGDL", "1"),
    ("CREA", "mg\\dl", "1"),
    ("HGB", "g/l-1", "0.1"),
    ("LDH", "IU/l/37℃", "1"),
    ("LDH", "U/L (37C)", "1"),
    ("NRBCW", "100WBC", "1"),
    ("NRBCW", "per hundred white blood cells", "1"),
    ("RETABS", "10*6/uL", "1000"),
    ("RETABS", "x10^12/L", "1000"),
    ("RETABS", "mill/mm3", "1000"),
]


@pytest.mark.parametrize(("analyte", "unit", "factor"), UNLISTED)
def test_other_units_are_read_in_spellings_that_nobody_listed(analyte, unit, factor):
    assert read(unit, analyte).factor == Decimal(factor)


@pytest.mark.parametrize(
    "unit",
    [
        *["x10/uL", "10/uL", "x10^/uL", "10*/L", "10-3/uL"],  # exponent missing or unclear
        *["10^6", "10*5", "x10E12", "K", "th", "mil", "billion", "cells", "#", "G"],  # no volume
        *["X10-3/UL", "X1000", "1000", "103", "UL", "cumm", "x10", "{#}"],
        *["m/uL", "m/mm3", "t/L", "T/cumm", "M/L"],  # a letter that means several things
    ],
)
def test_a_count_that_says_too_little_is_refused_but_may_be_inferred(unit):
    problem = refusal(unit, "WBC")
    assert problem.reason is Reason.UNIT
    assert problem.inferable == bool(problem.candidates)
    assert not problem.contradicts
    assert problem.explanation.endswith(".")


@pytest.mark.parametrize("analyte", COUNT_ANALYTES)
@pytest.mark.parametrize(
    "unit", ["g/L", "gm/L", "g/dL", "mg/dL", "mmol/L", "U/L", "%", "fL", "/100{WBCs}", "mL/min"]
)
def test_a_unit_of_another_quantity_is_an_error_on_a_count(analyte, unit):
    problem = refusal(unit, analyte)
    assert problem.reason is Reason.UNIT
    assert problem.contradicts
    assert not problem.inferable


@pytest.mark.parametrize("unit", ["M/uL", "10*6/uL", "10*12/L", "T/L", "10^9/uL", "Tpt/L"])
def test_millions_per_microliter_are_for_reticulocytes_only(unit):
    for analyte in ("WBC", "ANC", "PLT", "BLASTA", "NRBCA"):
        assert refusal(unit, analyte).reason is Reason.UNIT
    if unit != "10^9/uL":
        assert read(unit, "RETABS").factor == 1000


def test_thousand_per_liter_is_never_read_for_reticulocytes():
    for unit in ("10*3/L", "10^3/L", "K/L", "x10E3/L"):
        assert refusal(unit, "RETABS").reason is Reason.UNIT


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [
        ("PLT", "foo"),
        ("PLT", "/hpf"),
        ("PLT", "K/u"),
        ("PLT", "10*3/uL/min"),
        ("PLT", "10 x 10^3/uL"),
        ("PLT", "x/uL"),
        ("PLT", "0/uL"),
        ("PLT", "2.4 x 10^9/L"),
        ("PLT", "5.2"),
        ("PLT", "KL"),
        ("PLT", "GL"),
        ("PLT", "K/CM"),
        ("PLT", "K/ccm"),
        ("PLT", "1.00E+04"),
        ("CREA", "MG?DL"),
        ("WBC", "mmol/L"),
        ("IRON", "U/L"),
        ("IRON", "%"),
        ("IRON", "10*3/uL"),
        ("IRON", "mEq/L"),
        ("IRON", "ug"),
        ("IRON", "ug/g"),
        ("HGB", "%"),
        ("HGB", "g"),
        ("HGB", "g/dL/min"),
        ("HGB", "mmol/L{tetramer}"),
        ("HGB", "10*9/L"),
        ("HAPT", "umol/L"),
        ("LDH", "mg/dL"),
        ("LDH", "U"),
        ("LDH", "U/L/min"),
        ("EGFR", "mL/min/m2"),
        ("EGFR", "mL"),
        ("EGFR", "%"),
        ("TEMP", "K"),
        ("TEMP", "%"),
        ("MCV", "pg"),
        ("RETPCT", "1"),
        ("RETPCT", "/100 WBC"),
        ("NRBCW", "/100 RBC"),
        ("NRBCW", "/100"),
        ("NEUTPCT", "L/L"),
        ("NEUTPCT", "10*3/uL"),
        ("CREA", "mmol/mol"),
        ("TBIL", "umol/mmol{creat}"),
        ("CRP", "nmol/L"),
    ],
)
def test_what_cannot_be_that_unit_is_refused(analyte, unit):
    problem = refusal(unit, analyte)
    assert problem.reason is Reason.UNIT
    assert not problem.inferable
    assert unit not in problem.explanation or len(unit) < 3


def test_gauss_and_kelvin_never_stand_for_giga_and_thousand_elsewhere():
    assert read("G/L", "PLT").factor == 1
    assert read("G/L", "HGB").factor == Decimal("0.1")
    assert read("K/uL", "PLT").factor == 1
    assert refusal("K/uL", "IRON").reason is Reason.UNIT


@pytest.mark.parametrize(("unit", "small", "smaller"), [
    ("10*3/uL", False, False),
    ("10*2/uL", False, False),
    ("/uL", True, False),
    ("10*6/L", True, False),
    ("/mL", False, True),
    ("10*3/L", False, True),
    ("/L", False, True),
])  # fmt: skip
def test_counts_per_small_volume_are_told_apart_for_the_plausibility_rule(unit, small, smaller):
    reading = read(unit, "PLT")
    assert (reading.is_per_microliter, reading.is_below_per_microliter) == (small, smaller)


# --- a Quantity: code, unit, reference range (U1, U4)


def quantity(code, unit, ranges=(), analyte="PLT", **system):
    return read_units(code, unit, ranges, define(analyte), **system)


def quantity_refused(code, unit, ranges=(), analyte="PLT", **system) -> UnitNotUnderstood:
    with pytest.raises(UnitNotUnderstood) as caught:
        quantity(code, unit, ranges, analyte, **system)
    return caught.value


def test_the_ucum_code_the_unit_and_the_range_are_asked_in_this_order():
    assert quantity("10*3/uL", None).factor == 1
    assert quantity(None, "/uL").factor == Decimal("0.001")
    assert quantity(None, None, ["/uL", "/uL"]).factor == Decimal("0.001")
    assert quantity(None, "10*3/uL", ["/uL"]).factor == 1


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_result_without_any_unit_is_refused(blank):
    problem = quantity_refused(blank, blank, [])
    assert problem.reason is Reason.UNIT
    assert problem.missing
    assert not problem.inferable


def test_code_and_unit_with_different_factors_are_a_conflict():
    assert quantity_refused("g/dL", "g/L", analyte="HGB").reason is Reason.UNIT_CONFLICT
    assert quantity_refused("10*3/uL", "/uL").reason is Reason.UNIT_CONFLICT


def test_code_and_unit_of_equal_factor_agree():
    assert quantity("10*3/uL", "thousand per microliter").factor == 1
    assert quantity("10*3/uL", "x 10^9/L").factor == 1
    assert quantity("{cells}/uL", "cells per microliter").factor == Decimal("0.001")


def test_the_understood_one_of_code_and_unit_governs_an_unknown_one():
    assert quantity("10*3/uL", "Einheit 7").factor == 1
    assert quantity("{any}", "10*3/uL").factor == 1
    assert quantity("1", "10*3/uL").factor == 1
    assert quantity("10*3/uL", "10^3").factor == 1


def test_a_unit_of_another_quantity_beside_an_understood_one_is_a_conflict():
    assert quantity_refused("10*3/uL", "g/L").reason is Reason.UNIT_CONFLICT
    assert quantity_refused("mmol/L", "10*3/uL").reason is Reason.UNIT_CONFLICT
    assert quantity_refused("%", "g/dL", analyte="HGB").reason is Reason.UNIT_CONFLICT


def test_ranges_that_disagree_settle_nothing():
    assert quantity_refused(None, None, ["/uL", "10*3/uL"]).reason is Reason.UNIT_CONFLICT


def test_a_code_of_another_system_counts_only_where_there_is_no_unit():
    local = "http://hospital.example/units"
    assert quantity("K/uL", None, system=local).factor == 1
    assert quantity("K/uL", None, system=None).factor == 1
    assert quantity("g/L", "K/uL", system=local).factor == 1


def test_the_unit_of_the_range_settles_what_the_unit_leaves_open():
    reading = quantity(None, "10^3", ["10*3/uL"])
    assert (reading.factor, reading.inferred) == (1, True)
    assert quantity_refused(None, "g/L", ["10*9/L"]).reason is Reason.UNIT
    assert quantity_refused(None, "10^3", ["10*4/uL"]).reason is Reason.UNIT


# --- inference


def test_platelets_of_84_without_unit_and_without_range_have_no_unit():
    assert infer_unit(Decimal(84), None, None, define("PLT")) is None


def test_a_missing_unit_stays_refused_even_with_a_range():
    problem = quantity_refused(None, None)
    assert infer_unit(Decimal(84), Decimal(150), Decimal(400), define("PLT"), problem) is None


@pytest.mark.parametrize(
    ("unit", "value", "low", "high", "factor"),
    [
        ("x1000", 84, 150, 400, "1"),
        ("x10/uL", 84, 150, 400, "1"),
        ("x10/uL", "8.4", 15, 40, "10"),
        ("cells", 84000, 150000, 400000, "0.001"),
        ("m/uL", 84, 130, 400, "1"),
        ("K", 84, 150, None, "1"),
    ],
)
def test_a_range_that_leaves_one_factor_lets_a_unit_be_inferred(unit, value, low, high, factor):
    problem = refusal(unit, "PLT")
    limits = [None if limit is None else Decimal(limit) for limit in (low, high)]
    reading = infer_unit(Decimal(value), *limits, define("PLT"), problem)
    assert reading is not None
    assert (reading.factor, reading.inferred) == (Decimal(factor), True)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [(84, None, None), (84, 0, 0), (84, 1, 2), (9000, 150, 400), (84, 150, 4000)],
)
def test_a_range_that_does_not_fit_infers_nothing(value, low, high):
    limits = [None if limit is None else Decimal(limit) for limit in (low, high)]
    assert infer_unit(Decimal(value), *limits, define("PLT"), refusal("K", "PLT")) is None


def test_two_units_that_both_fit_infer_nothing():
    """Vitamin B12 of 300 with a range of 180 to 700 may be pg/mL or pmol/L."""
    assert infer_unit(Decimal(300), Decimal(180), Decimal(700), define("B12")) is None


def test_grams_per_liter_on_platelets_are_not_inferred_to_be_giga():
    problem = refusal("g/L", "PLT")
    assert infer_unit(Decimal(84), Decimal(150), Decimal(400), define("PLT"), problem) is None
    assert Decimal(1) in {candidate.factor for candidate in problem.candidates}


# --- mass and moles (U5)


@pytest.mark.parametrize(
    ("code", "unit", "clash"),
    [
        ("2132-9", "pmol/L", True),
        ("2132-9", "pg/mL", False),
        ("14685-2", "pg/mL", True),
        ("14685-2", "pmol/L", False),
        ("35201-3", "pmol/L", False),
        ("718-7", "mmol/L", True),
    ],
)
def test_loinc_says_mass_and_the_unit_says_moles(code, unit, clash):
    terminology = default_terminology()
    meaning = terminology.meaning_of("http://loinc.org", code)
    assert clashes(meaning, read_unit(unit, terminology.definition(meaning.analyte))) is clash


def test_the_worked_conversions_of_the_seed_in_si_units():
    """V02 and V31: iron 9.8 umol/L is 54.7, B12 160 pmol/L is 216.9, Hgb 94 g/L is 9.4."""
    assert round(read("umol/L", "IRON").convert(Decimal("9.8")), 1) == Decimal("54.7")
    assert round(read("pmol/L", "B12").convert(Decimal(160)), 1) == Decimal("216.9")
    assert str(read("g/L", "HGB").convert(Decimal(94))) == "9.4"
    assert str(read("10*4/uL", "PLT").convert(Decimal("8.4"))) == "84.0"


# --- properties


ALL_UNITS = {
    a: [u for (b, u, _) in LISTED if b == a] for a in {a for (a, _, _) in LISTED}
}  # fmt: skip
DEFINITIONS = [define(analyte.value) for analyte in Analyte]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), value=st.decimals(min_value=0, max_value=10**6, places=3))
def test_a_value_rewritten_in_another_unit_of_its_analyte_stays_the_same(data, value):
    analyte = data.draw(st.sampled_from(sorted(ALL_UNITS)))
    one, other = (data.draw(st.sampled_from(ALL_UNITS[analyte])) for _ in range(2))
    canonical = read(one, analyte).convert(value)
    rewritten = canonical / read(other, analyte).factor
    assert abs(read(other, analyte).convert(rewritten) - canonical) <= abs(canonical) * Decimal(
        "1e-25"
    )


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=100), definition=st.sampled_from(DEFINITIONS))
def test_no_text_breaks_the_reader(text, definition):
    with suppress(UnitNotUnderstood):
        assert read_unit(text, definition).factor > 0


FRAGMENTS = [
    *(
        "10",
        "100",
        "3",
        "9",
        "-1",
        "x",
        "*",
        "^",
        "³",
        "e",
        ".",
        " ",
        "/",
        "per",
        "{",
        "}",
        "(",
        ")",
    ),
    *("L", "u", "µ", "mm3", "K", "m", "g", "mol", "%", "cells", "WBC", "thou"),
]


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.sampled_from(FRAGMENTS), max_size=8), definition=st.sampled_from(DEFINITIONS)
)
def test_no_jumble_of_unit_parts_breaks_the_reader(parts, definition):
    with suppress(UnitNotUnderstood):
        assert read_unit("".join(parts), definition).factor > 0


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_blanks_never_change_a_reading(data):
    analyte, unit, factor = data.draw(st.sampled_from(LISTED))
    at = data.draw(st.integers(0, len(unit)))
    blank = data.draw(st.sampled_from([" ", "  ", "\t", "\u00a0", "\u200b"]))
    assert read(unit[:at] + blank + unit[at:], analyte).factor == factor


KEEP_CASE = {"G/L", "T/L", "M/uL"}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_letter_case_never_changes_a_reading_except_for_giga_tera_and_million(data):
    analyte, unit, factor = data.draw(st.sampled_from(LISTED))
    if unit in KEEP_CASE:
        assert refusal(unit.lower(), analyte).reason is Reason.UNIT
        return
    assert read(unit.lower(), analyte).factor == factor
    if not unit.startswith(("g/L", "mol")):
        assert read(unit.upper(), analyte).factor == factor


def test_very_long_text_is_refused_unread():
    assert refusal("K/uL" + " " * 100000 + "x", "PLT").reason is Reason.UNIT


def test_every_usual_unit_is_read_and_the_canonical_one_comes_first():
    for definition in DEFINITIONS:
        readings = usual_readings(definition)
        assert len(readings) == len(definition.usual_units)
        assert readings[0].factor == 1
        assert readings[0] == read_unit(definition.canonical_unit, definition)


def test_the_dimension_of_a_reading_is_told():
    assert read("umol/L", "IRON").dimension is Dimension.MOLAR
    assert read("ug/dL", "IRON").dimension is Dimension.MASS
    assert read("K/uL", "PLT").dimension is Dimension.COUNT


# --- a power of ten without its volume (U13)


@pytest.mark.parametrize("analyte", COUNT_ANALYTES)
@pytest.mark.parametrize(
    "unit",
    [
        *["10^3", "10*3", "x10 (3)", "X 10 3", "x10E3", "10e3", "10**3", "x103", "10 3", "x 10³"],
        *["thousand", "Thousands", "thou", "thous", "Tsd", "10^9", "x10*9", "X10 9", "×10⁹"],
        *["10^3 cells", "thousand cells"],
    ],
)
def test_a_power_of_ten_without_its_volume_is_per_microliter_or_per_liter(unit, analyte):
    reading = read(unit, analyte)
    assert (reading.factor, reading.inferred) == (1, True)


@pytest.mark.parametrize(
    "unit", ["10^6", "10^4", "10*12", "1000", "x1000", "103", "K", "k", "10", "x10", "10^", "mil"]
)
def test_any_other_power_digits_alone_and_a_bare_letter_stay_refused(unit):
    assert refusal(unit, "PLT").reason is Reason.UNIT


@pytest.mark.parametrize("unit", ["10^3", "thousand"])
@pytest.mark.parametrize("analyte", ["HGB", "IRON", "B12", "NEUTPCT"])
def test_a_power_of_ten_is_no_unit_of_what_is_not_counted(unit, analyte):
    assert refusal(unit, analyte).reason is Reason.UNIT


def test_a_volume_that_is_written_goes_before_one_that_is_assumed():
    assert quantity("10*3", "10*3/uL").inferred is False
    assert quantity("10*3", "10*3/mm3").inferred is False
    assert quantity(None, "10^3", ["10*3/uL"]).factor == 1
    assert quantity_refused(None, "10^3", ["/uL"]).reason is Reason.UNIT


# --- remarks, slips and doubled spellings


@pytest.mark.parametrize(
    ("analyte", "unit", "factor"),
    [
        ("PLT", "10*3/uL blood", "1"),
        ("PLT", "K/uL (auto)", "1"),
        ("PLT", "10^3/uL [auto]", "1"),
        ("PLT", "10*3/uL^^UCUM", "1"),
        ("PLT", "10^3/ul (K/uL)", "1"),
        ("PLT", "10*3//uL", "1"),
        ("PLT", "1,000/uL", "1"),
        ("PLT", "10 to the 3/uL", "1"),
        ("PLT", "10*3/muL", "1"),
        ("HGB", "g/dL (calc)", "1"),
        ("HGB", "g dL-1", "1"),
        ("HGB", "g/dL Hb", "1"),
        ("HGB", "g/L.", "0.1"),
        ("IRON", "ug/dL Fe", "1"),
        ("CREA", "mg/dL IDMS", "1"),
        ("CREA", "mgs/dl", "1"),
        ("NEUTPCT", "% of total", "1"),
        ("MCV", "fl/cell", "1"),
        ("LDH", "U/L 37°C", "1"),
    ],
)
def test_remarks_and_slips_of_typing_change_nothing(analyte, unit, factor):
    assert read(unit, analyte).factor == Decimal(factor)


@pytest.mark.parametrize("unit", ["10*3/uL (g/dL)", "K/uL (K/L)", "10^3/uL (see note)/L"])
def test_a_unit_that_is_written_twice_and_differently_is_refused(unit):
    assert refusal(unit, "PLT").reason is Reason.UNIT
