"""When two low lines deserve a card (clinical-knowledge 3.2, bicytopenia)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.assessment.situation import Freshness
from service.interpreter.interpretation import (
    CellLine,
    CellLineState,
)
from service.interpreter.logic import above, all_of, any_of, below
from service.interpreter.rules.criteria.criterion import (
    Case,
    Criterion,
    all_criteria,
    any_criterion,
)

if TYPE_CHECKING:
    from fhir_mappings.panel import LabResult
    from service.interpreter.logic import Truth
from service.interpreter.rules.criteria.cell_lines import BICYTOPENIA, PANCYTOPENIA, lines_seen
from service.interpreter.rules.criteria.chemistry import B12_HIGH, B12_LOW
from service.interpreter.rules.criteria.patient import AN_OVERLAY, PREGNANT


def _result(case: Case, analyte: Analyte) -> LabResult | None:
    return case.situation.selected.get(analyte)


def _is_low(case: Case, line: CellLine) -> bool:
    fact = case.situation.states.lines.get(line)
    return fact is not None and fact.state is CellLineState.LOW


def _counted(truth: Truth, result: LabResult | None) -> Truth:
    """A value that nobody measured is not beyond a limit."""
    return False if result is None else truth


def _platelets_worth_a_card(case: Case) -> Truth:
    limits = case.situation.limits
    platelets = _result(case, Analyte.PLATELETS)
    below_usual = _counted(below(platelets, limits.plt_bicytopenia), platelets)
    situation = case.situation
    stale = situation.freshness is Freshness.STALE
    if not (situation.inpatient_at_anchor if stale else situation.inpatient):
        return below_usual
    leukocytes = _result(case, Analyte.LEUKOCYTES)
    return any_of(
        _counted(below(platelets, limits.plt_inpatient), platelets),
        _counted(above(leukocytes, limits.wbc_inpatient), leukocytes),
        all_of(below_usual, case.situation.both_low_before),
    )


def _mcv_worth_a_card(case: Case) -> Truth:
    volume = _result(case, Analyte.MEAN_CORPUSCULAR_VOLUME)
    return _counted(above(volume, case.situation.limits.mcv_bicytopenia), volume)


WHITE_LINE_LOW = Criterion("white line low", lambda case: _is_low(case, CellLine.WHITE), lines_seen)
WORTH_A_CARD = any_criterion(
    WHITE_LINE_LOW,
    AN_OVERLAY,
    Criterion("MCV above 110 fL", _mcv_worth_a_card),
    Criterion("platelets below 100", _platelets_worth_a_card),
    text=(
        "white line low, an urgent finding, MCV above 110 fL, or platelets below 100 (in hospital: "
        "platelets below 50, leukocytes above 30, or platelets below 100 with both lines low 7 to "
        "90 days before)"
    ),
)
WORTH_A_CARD_WHEN_CURRENT = any_criterion(
    PANCYTOPENIA,
    all_criteria(
        BICYTOPENIA,
        any_criterion(PREGNANT, B12_HIGH, B12_LOW, WORTH_A_CARD),
        text="two low lines and the third normal that would have had a card when current",
    ),
)
