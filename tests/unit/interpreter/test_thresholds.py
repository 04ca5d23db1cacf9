"""Every limit decides something, exactly where clinical-definition 2 puts it.

Each row gives, for one limit, what is read off a patient whose value lies one step below the
limit, on it and one step above. The same rows prove that a limit moved by a step is noticed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fhir_mappings.context import Sex
from fhir_mappings.context import ValueSetName as Vs
from fhir_mappings.panel import Analyte, Flag, PregnancyObservation
from service.interpreter.assessment.assess import assess
from service.interpreter.interpretation import CellLine, CellLineState, Grade
from service.interpreter.thresholds import LIMITS, Thresholds, table
from tests.support.changing import replace
from tests.support.facts import (
    ANC,
    B12,
    EGFR,
    FERRITIN,
    HGB,
    IRON,
    MMA,
    NOW,
    PANCYTOPENIA,
    PLT,
    TEMPERATURE,
    TIBC,
    TSAT,
    WBC,
    ago,
    condition,
    count,
    facts,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.interpreter.assessment.situation import Situation
    from service.interpreter.interpretation import Facts

READ_BY_RULES = {
    "iron_high",
    "b12_very_high",
    "pregnancy_age",
    "ferritin_hlh",
    "mcv_low",
    "mcv_high",
    "mcv_megaloblastic",
    "anc_overruled",
    "wbc_refuting",
    "plt_microangiopathy",
    "plt_microangiopathy_hemolysis",
    "anc_fever_inpatient",
    "hgb_bicytopenia",
    "anc_bicytopenia",
    "wbc_alone_bicytopenia",
    "plt_bicytopenia",
    "mcv_bicytopenia",
    "wbc_bicytopenia",
    "anc_bicytopenia_warning",
    "plt_bicytopenia_warning",
    "anc_high_b12_warning",
    "plt_high_b12_warning",
    "wbc_alone_inpatient",
    "mcv_inpatient",
    "plt_inpatient",
    "wbc_inpatient",
    "wbc_plt_inpatient",
    "plt_wbc_inpatient",
    "plt_before_inpatient",
    "plt_portal",
    "mcv_portal",
    "plt_falling",
    "mcv_falling_low",
    "mcv_falling_high",
}
"""Limits whose worked examples stand in tests/spec/examples.py."""

PREGNANT = {"conditions": (condition(Vs.PREGNANCY_STATE),)}
SECOND = (PregnancyObservation(None, ago(1), Decimal(20)),)

Make = "Callable[[Decimal], Facts]"


class Row(NamedTuple):
    """Patients around a limit, what is read off them, and the three answers."""

    step: str
    make: Callable[[Decimal], Facts]
    read: Callable[[Situation], Any]
    expected: tuple[Any, Any, Any]


def low(line: CellLine) -> Callable[[Situation], bool]:
    return lambda s: s.states.lines[line].state is CellLineState.LOW


def grade(line: CellLine, wanted: Grade) -> Callable[[Situation], bool]:
    return lambda s: s.states.lines[line].grade is wanted


def one(analyte: Analyte, **more: Any) -> Callable[[Decimal], Facts]:
    return lambda value: facts([result(analyte, value)], **more)


def with_counts(analyte: Analyte, *others: Any, **more: Any) -> Callable[[Decimal], Facts]:
    return lambda value: facts([*PANCYTOPENIA, result(analyte, value), *others], **more)


def own_low(analyte: Analyte, value: str) -> Callable[[Decimal], Facts]:
    """Vary the laboratory's lower limit of a fixed value."""
    return lambda limit: facts([*PANCYTOPENIA, result(analyte, value, 0.5, low=str(limit))])


def own_high(analyte: Analyte, value: str, *others: Any) -> Callable[[Decimal], Facts]:
    """Vary the laboratory's upper limit of a fixed value."""
    return lambda limit: facts([*PANCYTOPENIA, result(analyte, value, high=str(limit)), *others])


def iron_panel(analyte: Analyte, **fixed: str) -> Callable[[Decimal], Facts]:
    names = {"iron": IRON, "tibc": TIBC, "tsat": TSAT, "ferritin": FERRITIN}
    others = [result(names[name], value) for name, value in fixed.items()]
    return with_counts(analyte, *others)


def iron(s: Situation) -> str:
    return s.states.iron.value


def b12(s: Situation) -> str:
    return s.states.b12.value


def func(s: Situation) -> str:
    return s.states.function.value


def limit_used(line: CellLine) -> Callable[[Situation], bool]:
    return lambda s: s.states.lines[line].limit_is_laboratory


HEMOGLOBIN, WHITE, PLATELETS = CellLine.HEMOGLOBIN, CellLine.WHITE, CellLine.PLATELETS
BELOW = (True, False, False)
FROM = (False, True, True)
ABOVE = (False, False, True)
TO = (True, True, False)


def severe(s: Situation) -> bool | None:
    return s.severe.present


ROWS: dict[str, Row] = {
    "hgb_male": Row("0.1", one(HGB, sex=Sex.MALE), low(HEMOGLOBIN), BELOW),
    "hgb_other": Row("0.1", one(HGB), low(HEMOGLOBIN), BELOW),
    "hgb_pregnant": Row("0.1", one(HGB, age=30, context=PREGNANT), low(HEMOGLOBIN), BELOW),
    "hgb_second_trimester": Row(
        "0.1", one(HGB, age=30, context=PREGNANT, pregnancy=SECOND), low(HEMOGLOBIN), BELOW
    ),
    "anc": Row("0.01", one(ANC), low(WHITE), BELOW),
    "wbc": Row("0.1", one(WBC), low(WHITE), BELOW),
    "plt": Row("1", one(PLT), low(PLATELETS), BELOW),
    "plt_pregnant": Row("1", one(PLT, age=30, context=PREGNANT), low(PLATELETS), BELOW),
    "hgb_severe": Row("0.1", one(HGB), grade(HEMOGLOBIN, Grade.SEVERE), BELOW),
    "hgb_moderate": Row("0.1", one(HGB), grade(HEMOGLOBIN, Grade.MODERATE), BELOW),
    "anc_severe": Row("0.01", lambda v: facts(count(9, v, 84)), severe, BELOW),
    "anc_moderate": Row("0.01", lambda v: facts(count("6.9", v, 200)), severe, BELOW),
    "plt_severe": Row("1", lambda v: facts(count(9, "1.1", v)), severe, BELOW),
    "plt_moderate": Row("1", lambda v: facts(count("6.9", 4, v)), severe, BELOW),
    "wbc_severe": Row("0.01", lambda v: facts(count(9, None, 84, v)), severe, BELOW),
    "wbc_moderate": Row("0.1", lambda v: facts(count("6.9", None, 200, v)), severe, BELOW),
    "wbc_fever": Row("0.1", one(WBC), lambda s: s.counts.neutrophils_below_half_with_age, BELOW),
    "fever": Row("0.1", one(TEMPERATURE), lambda s: s.fever.present, FROM),
    "iron_low": Row(
        "1", iron_panel(IRON, tibc="262", tsat="21"), lambda s: iron(s) == "IDX", BELOW
    ),
    "tibc_low": Row("1", iron_panel(TIBC, iron="54", tsat="21"), lambda s: iron(s) == "ACD", BELOW),
    "tibc_high": Row(
        "1", iron_panel(TIBC, iron="54", tsat="14"), lambda s: iron(s) == "ID_TRUE", ABOVE
    ),
    "tsat_low": Row(
        "0.1", iron_panel(TSAT, iron="54", tibc="262"), lambda s: iron(s) == "IDX_B", FROM
    ),
    "tsat_normal": Row(
        "0.1", iron_panel(TSAT, iron="54", tibc="262"), lambda s: iron(s) == "IDX", FROM
    ),
    "tsat_high": Row(
        "0.1", iron_panel(TSAT, iron="95", tibc="310"), lambda s: iron(s) == "HIGH_SAT", ABOVE
    ),
    "ferritin_deficient": Row(
        "1", iron_panel(FERRITIN, iron="95"), lambda s: iron(s) == "ID_TRUE", BELOW
    ),
    "ferritin_replete": Row(
        "1",
        iron_panel(FERRITIN, iron="54", tibc="262", tsat="15"),
        lambda s: iron(s) == "ACD",
        FROM,
    ),
    "b12_low": Row("1", with_counts(B12), lambda s: b12(s) == "LOW", BELOW),
    "b12_normal": Row("1", with_counts(B12), lambda s: b12(s) == "NORMAL", FROM),
    "b12_high": Row("1", with_counts(B12), lambda s: b12(s) == "ELEVATED", ABOVE),
    "b12_marked": Row("1", with_counts(B12), lambda s: b12(s) == "MARKED", FROM),
    "mma_high": Row("0.01", with_counts(MMA), lambda s: func(s) == "NOTDEF", TO),
    "mma_proof": Row("0.01", with_counts(MMA), lambda s: func(s) == "DEF", ABOVE),
    "mma_proof_any": Row(
        "0.01", with_counts(MMA, result(EGFR, 20)), lambda s: func(s) == "DEF", ABOVE
    ),
    "homocysteine_high": Row(
        "1", with_counts(Analyte.HOMOCYSTEINE), lambda s: s.chemistry.homocysteine_high, ABOVE
    ),
    "folate_low": Row(
        "0.1", with_counts(Analyte.FOLATE), lambda s: s.chemistry.folate == "LOW", BELOW
    ),
    "folate_normal": Row(
        "0.1", with_counts(Analyte.FOLATE), lambda s: s.chemistry.folate == "NORMAL", FROM
    ),
    "ldh_high": Row(
        "1", with_counts(Analyte.LACTATE_DEHYDROGENASE), lambda s: s.chemistry.ldh_high, ABOVE
    ),
    "ldh_marked": Row(
        "1", with_counts(Analyte.LACTATE_DEHYDROGENASE), lambda s: s.chemistry.ldh_marked, ABOVE
    ),
    "ldh_reverse_marked": Row(
        "0.1",
        lambda v: facts(
            [
                *PANCYTOPENIA,
                result(Analyte.LACTATE_DEHYDROGENASE, v * 460, high="460", loinc="14805-6"),
            ]
        ),
        lambda s: s.chemistry.ldh_marked,
        FROM,
    ),
    "bilirubin_indirect_high": Row(
        "0.1",
        with_counts(Analyte.BILIRUBIN_INDIRECT),
        lambda s: s.chemistry.indirect_bilirubin_high,
        ABOVE,
    ),
    "haptoglobin_low": Row(
        "1", with_counts(Analyte.HAPTOGLOBIN), lambda s: s.chemistry.haptoglobin_low, BELOW
    ),
    "reticulocytes_low": Row(
        "1",
        with_counts(Analyte.RETICULOCYTES),
        lambda s: s.chemistry.reticulocytes == "inadequate",
        BELOW,
    ),
    "reticulocytes_adequate": Row(
        "1",
        with_counts(Analyte.RETICULOCYTES),
        lambda s: s.chemistry.reticulocytes == "adequate",
        ABOVE,
    ),
    "rpi_low": Row(
        "0.1",
        with_counts(Analyte.RETICULOCYTE_PERCENT, result(Analyte.HEMATOCRIT, 45)),
        lambda s: s.chemistry.reticulocytes == "inadequate",
        BELOW,
    ),
    "rpi_adequate": Row(
        "0.1",
        with_counts(Analyte.RETICULOCYTE_PERCENT, result(Analyte.HEMATOCRIT, 45)),
        lambda s: s.chemistry.reticulocytes == "adequate",
        ABOVE,
    ),
    "egfr_poor": Row("1", with_counts(EGFR), lambda s: s.chemistry.kidney_function_poor, BELOW),
    "creatinine_high": Row(
        "0.1", with_counts(Analyte.CREATININE), lambda s: s.chemistry.kidney_function_poor, ABOVE
    ),
    "transaminase_high": Row(
        "1",
        with_counts(Analyte.ASPARTATE_AMINOTRANSFERASE),
        lambda s: s.chemistry.liver_tests_high,
        FROM,
    ),
    "blast_percent_critical": Row(
        "0.1", with_counts(Analyte.BLAST_PERCENT), lambda s: s.blasts.critical, FROM
    ),
    "blasts_critical": Row("0.01", with_counts(Analyte.BLASTS), lambda s: s.blasts.critical, FROM),
    "nrbc_ratio": Row(
        "0.1",
        with_counts(Analyte.NUCLEATED_RED_CELL_RATIO),
        lambda s: bool(s.red_flags.nucleated_red_cells),
        FROM,
    ),
    "child_hgb": Row("0.1", one(HGB, age=9), low(HEMOGLOBIN), BELOW),
    "child_anc": Row("0.01", one(ANC, age=9), low(WHITE), BELOW),
    "child_wbc": Row("0.1", one(WBC, age=9), low(WHITE), BELOW),
    "child_plt": Row("1", one(PLT, age=9), low(PLATELETS), BELOW),
    "adult_age": Row("1", lambda v: facts(age=int(v)), lambda s: s.child, BELOW),
    "flag_factor": Row(
        "0.01",
        lambda v: facts([result(PLT, v * 150, flag=Flag.LOW)]),
        low(PLATELETS),
        BELOW,
    ),
    "lab_hgb_min": Row("0.1", own_low(HGB, "9"), limit_used(HEMOGLOBIN), FROM),
    "lab_hgb_max": Row("0.1", own_low(HGB, "9"), limit_used(HEMOGLOBIN), TO),
    "lab_anc_min": Row("0.1", own_low(ANC, "0.9"), limit_used(WHITE), FROM),
    "lab_anc_max": Row("0.1", own_low(ANC, "0.9"), limit_used(WHITE), TO),
    "lab_wbc_min": Row(
        "0.1", lambda v: facts([result(WBC, 2, low=str(v))]), limit_used(WHITE), FROM
    ),
    "lab_wbc_max": Row("0.1", lambda v: facts([result(WBC, 2, low=str(v))]), limit_used(WHITE), TO),
    "lab_plt_min": Row("1", own_low(PLT, "90"), limit_used(PLATELETS), FROM),
    "lab_plt_max": Row("1", own_low(PLT, "90"), limit_used(PLATELETS), TO),
    "lab_iron_min": Row(
        "1",
        lambda v: facts([*PANCYTOPENIA, result(IRON, 54, low=str(v)), result(TIBC, 300)]),
        lambda s: iron(s) == "NORMAL",
        FROM,
    ),
    "lab_iron_max": Row(
        "1",
        lambda v: facts([*PANCYTOPENIA, result(IRON, 62, low=str(v)), result(TIBC, 300)]),
        lambda s: iron(s) == "PARTIAL",
        TO,
    ),
    "lab_tibc_low_min": Row(
        "1",
        lambda v: facts([*PANCYTOPENIA, result(IRON, 54), result(TIBC, 240, low=str(v))]),
        lambda s: iron(s) == "ACD",
        (True, False, False),
    ),
    "lab_tibc_low_max": Row(
        "1",
        lambda v: facts([*PANCYTOPENIA, result(IRON, 54), result(TIBC, 290, low=str(v))]),
        lambda s: iron(s) == "ACD",
        TO,
    ),
    "lab_tibc_high_min": Row(
        "1",
        own_high(TIBC, "350", result(IRON, 54), result(TSAT, 15)),
        lambda s: iron(s) == "ID_TRUE",
        FROM,
    ),
    "lab_tibc_high_max": Row(
        "1",
        own_high(TIBC, "450", result(IRON, 54), result(TSAT, 12)),
        lambda s: iron(s) == "ID_TRUE",
        ABOVE,
    ),
    "lab_b12_min": Row("1", own_high(B12, "700"), lambda s: b12(s) == "ELEVATED", FROM),
    "lab_b12_max": Row("1", own_high(B12, "950"), lambda s: b12(s) == "NORMAL", TO),
    "lab_mma_min": Row(
        "0.01", own_high(MMA, "0.3"), lambda s: func(s) == "NOTDEF", (True, False, False)
    ),
    "lab_mma_max": Row("0.01", own_high(MMA, "0.5"), lambda s: func(s) == "NOTDEF", TO),
    "lab_homocysteine_min": Row(
        "1", own_high(Analyte.HOMOCYSTEINE, "12"), lambda s: s.chemistry.homocysteine_high, FROM
    ),
    "lab_homocysteine_max": Row(
        "1", own_high(Analyte.HOMOCYSTEINE, "18"), lambda s: s.chemistry.homocysteine_high, ABOVE
    ),
    "lab_ldh_min": Row(
        "1", own_high(Analyte.LACTATE_DEHYDROGENASE, "200"), lambda s: s.chemistry.ldh_high, FROM
    ),
    "lab_ldh_max": Row(
        "1", own_high(Analyte.LACTATE_DEHYDROGENASE, "400"), lambda s: s.chemistry.ldh_high, ABOVE
    ),
}


def answers(name: str, limits: Thresholds) -> tuple[Any, ...]:
    row, limit = ROWS[name], getattr(LIMITS, name)
    step = Decimal(row.step)
    values = (limit - step, limit, limit + step)
    return tuple(row.read(assess(row.make(value), NOW, limits)) for value in values)


@pytest.mark.parametrize("name", ROWS)
def test_limit_lies_exactly_where_the_definition_puts_it(name: str) -> None:
    assert answers(name, LIMITS) == ROWS[name].expected


@pytest.mark.parametrize("direction", [-1, 1])
@pytest.mark.parametrize("name", ROWS)
def test_a_limit_moved_by_a_step_is_noticed(name: str, direction: int) -> None:
    moved = getattr(LIMITS, name) + direction * Decimal(ROWS[name].step)
    assert answers(name, replace(LIMITS, **{name: moved})) != ROWS[name].expected


def test_every_limit_has_a_row_or_is_read_by_rules() -> None:
    assert {row.name for row in table()} == ROWS.keys() | READ_BY_RULES


def test_the_table_prints_with_unit_meaning_and_citation() -> None:
    for row in table():
        assert row.unit
        assert row.meaning
        assert row.citations
        assert all(cite == "OWN" or cite[0] == "R" for cite in row.citations)
    assert isinstance(LIMITS.anc, Decimal)


def test_a_shifted_table_is_used_by_default_and_reaches_the_rules(monkeypatch) -> None:
    shifted = replace(LIMITS, anc=Decimal("1.0"))
    monkeypatch.setattr("service.interpreter.thresholds.LIMITS", shifted)
    assessed = assess(facts(PANCYTOPENIA), NOW)
    assert assessed.limits is shifted
    assert assessed.states.lines[CellLine.WHITE].state is CellLineState.NORMAL
