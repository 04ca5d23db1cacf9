"""When two low lines get a card (clinical-definition 3.2, bicytopenia).

A value that nobody measured is not beyond a limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.interpreter.assessment.situation import Freshness
from service.interpreter.formatting import shown
from service.interpreter.interpretation import CellLine, CellLineState
from service.interpreter.logic import above, all_of, at_least, below, negate
from service.interpreter.rules.criteria.cell_lines import (
    BICYTOPENIA,
    PANCYTOPENIA,
    THIRD_LINE_UNKNOWN,
    lines_seen,
)
from service.interpreter.rules.criteria.chemistry import B12_HIGH, B12_LOW, MMA_PROVES_DEFICIENCY
from service.interpreter.rules.criteria.criterion import (
    Case,
    Criterion,
    all_criteria,
    any_criterion,
    no_criterion,
)
from service.interpreter.rules.criteria.patient import AN_OVERLAY, PREGNANT

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from fhir_mappings.panel import LabResult
    from service.interpreter.logic import Truth
    from service.interpreter.thresholds import Thresholds

    Compare = Callable[[LabResult | None, Decimal], Truth]
    Limit = Callable[[Thresholds], Decimal]


def _state(case: Case, line: CellLine) -> CellLineState:
    fact = case.situation.states.lines.get(line)
    return fact.state if fact else CellLineState.UNKNOWN


def _count(case: Case, analyte: Analyte) -> LabResult | None:
    """Return the result that judged the line, of MCV and WBC the newest of the window."""
    facts = case.situation.states.lines.values()
    judged = (fact.result for fact in facts if fact.result and fact.result.analyte is analyte)
    return next(judged, None) or case.situation.selected.get(analyte)


def _measured(text: str, analyte: Analyte, compare: Compare, limit: Limit) -> Criterion:
    def test(case: Case) -> Truth:
        result = _count(case, analyte)
        return False if result is None else compare(result, limit(case.situation.limits))

    def seen(case: Case) -> str:
        result = _count(case, analyte)
        return shown(result) if result else "not measured"

    return Criterion(text, test, seen)


def _white_below(neutrophils: Limit | None, leukocytes: Limit | None, text: str) -> Criterion:
    """Return whether the white line is below: by ANC, or by WBC where nothing else judges it."""

    def test(case: Case) -> Truth:
        fact = case.situation.states.lines.get(CellLine.WHITE)
        if fact is None or fact.result is None:
            return False
        if fact.result.analyte is Analyte.NEUTROPHILS:
            limit = neutrophils
        else:
            limit = leukocytes if case.situation.quality.white_by_leukocytes_alone else None
        return False if limit is None else below(fact.result, limit(case.situation.limits))

    return Criterion(text, test)


def in_hospital(case: Case) -> bool:
    """Whether the counts are of a hospital stay: at the call, old counts when they were drawn."""
    situation = case.situation
    stale = situation.freshness is Freshness.STALE
    return situation.stay.inpatient_at_anchor if stale else situation.stay.inpatient


IN_HOSPITAL = Criterion("in a hospital stay", in_hospital)
OUTSIDE_HOSPITAL = no_criterion(IN_HOSPITAL, "outside a hospital stay")
WHITE_LINE_LOW = Criterion(
    "white line low",
    lambda case: _state(case, CellLine.WHITE) is CellLineState.LOW,
    lines_seen,
)
WBC_ABOVE_30 = _measured(
    "leukocytes above {wbc_bicytopenia}",
    Analyte.LEUKOCYTES,
    above,
    lambda limits: limits.wbc_bicytopenia,
)
REFERRAL_DUE = any_criterion(WHITE_LINE_LOW, WBC_ABOVE_30)

_OUTSIDE = any_criterion(
    _measured(
        "hemoglobin below {hgb_bicytopenia}",
        Analyte.HEMOGLOBIN,
        below,
        lambda limits: limits.hgb_bicytopenia,
    ),
    _white_below(
        lambda limits: limits.anc_bicytopenia,
        lambda limits: limits.wbc_alone_bicytopenia,
        "neutrophils below {anc_bicytopenia} (leukocytes alone: below {wbc_alone_bicytopenia})",
    ),
    _measured(
        "platelets below {plt_bicytopenia}",
        Analyte.PLATELETS,
        below,
        lambda limits: limits.plt_bicytopenia,
    ),
    _measured(
        "MCV above {mcv_bicytopenia} fL",
        Analyte.MEAN_CORPUSCULAR_VOLUME,
        above,
        lambda limits: limits.mcv_bicytopenia,
    ),
    WBC_ABOVE_30,
    AN_OVERLAY,
)


def _white_low_in_hospital(case: Case) -> Truth:
    if _state(case, CellLine.WHITE) is not CellLineState.LOW:
        return False
    if not case.situation.quality.white_by_leukocytes_alone:
        return True
    return below(_count(case, Analyte.LEUKOCYTES), case.situation.limits.wbc_alone_inpatient)


_INSIDE = any_criterion(
    Criterion(
        "white line low (by leukocytes alone: below {wbc_alone_inpatient})",
        _white_low_in_hospital,
        lines_seen,
    ),
    AN_OVERLAY,
    _measured(
        "MCV above {mcv_inpatient} fL",
        Analyte.MEAN_CORPUSCULAR_VOLUME,
        above,
        lambda limits: limits.mcv_inpatient,
    ),
    _measured(
        "platelets below {plt_inpatient}",
        Analyte.PLATELETS,
        below,
        lambda limits: limits.plt_inpatient,
    ),
    _measured(
        "leukocytes above {wbc_inpatient}",
        Analyte.LEUKOCYTES,
        above,
        lambda limits: limits.wbc_inpatient,
    ),
    all_criteria(
        _measured(
            "leukocytes above {wbc_plt_inpatient}",
            Analyte.LEUKOCYTES,
            above,
            lambda limits: limits.wbc_plt_inpatient,
        ),
        _measured(
            "platelets below {plt_wbc_inpatient}",
            Analyte.PLATELETS,
            below,
            lambda limits: limits.plt_wbc_inpatient,
        ),
        text="leukocytes above {wbc_plt_inpatient} with platelets below {plt_wbc_inpatient}",
    ),
    all_criteria(
        _measured(
            "platelets below {plt_before_inpatient}",
            Analyte.PLATELETS,
            below,
            lambda limits: limits.plt_before_inpatient,
        ),
        Criterion(
            "both low {both_low_until:days} to {both_low_from:days} days before, before the stay",
            lambda case: case.situation.stay.both_low_before,
        ),
        text=(
            "platelets below {plt_before_inpatient} with both lines low {both_low_until:days} to "
            "{both_low_from:days} days before, before the stay began"
        ),
    ),
)


def _portal_explains(case: Case) -> Truth:
    situation = case.situation
    only_these = (
        bool(situation.history.hypersplenism)
        and _state(case, CellLine.WHITE) is CellLineState.NORMAL
        and _state(case, CellLine.HEMOGLOBIN) is CellLineState.LOW
        and _state(case, CellLine.PLATELETS) is CellLineState.LOW
    )
    volume = situation.selected.get(Analyte.MEAN_CORPUSCULAR_VOLUME)
    large = False if volume is None else above(volume, situation.limits.mcv_portal)
    return all_of(
        only_these,
        at_least(_count(case, Analyte.PLATELETS), situation.limits.plt_portal),
        negate(large),
        not case.overlays,
    )


PORTAL_HYPERTENSION_EXPLAINS = Criterion(
    "hemoglobin and platelets of {plt_portal} or more low in portal hypertension, no MCV above "
    "{mcv_portal} fL and no urgent finding",
    _portal_explains,
    lines_seen,
)
WORTH_A_CARD = all_criteria(
    no_criterion(PORTAL_HYPERTENSION_EXPLAINS, "not explained by portal hypertension"),
    any_criterion(
        all_criteria(OUTSIDE_HOSPITAL, _OUTSIDE, text=f"outside a hospital stay: {_OUTSIDE.text}"),
        all_criteria(IN_HOSPITAL, _INSIDE, text=f"in a hospital stay: {_INSIDE.text}"),
        text=f"outside a hospital stay: {_OUTSIDE.text}; in a hospital stay: {_INSIDE.text}",
    ),
    text=(
        f"outside a hospital stay: {_OUTSIDE.text}; in a hospital stay: {_INSIDE.text}; and not "
        "hemoglobin with platelets of {plt_portal} or more in portal hypertension, unless MCV is "
        "above {mcv_portal} fL or a finding is urgent"
    ),
)
B12_EXPLAINED = Criterion(
    "portal hypertension or a B12 medicine explains a high B12",
    lambda case: bool(
        case.situation.history.hypersplenism or case.situation.chemistry.b12_medication
    ),
)
B12_NOT_EXPLAINED = no_criterion(
    B12_EXPLAINED, "neither portal hypertension nor a B12 medicine explains the B12"
)
WORTH_A_CARD_WHEN_CURRENT = any_criterion(
    PANCYTOPENIA,
    THIRD_LINE_UNKNOWN,
    all_criteria(
        BICYTOPENIA,
        any_criterion(
            PREGNANT,
            B12_LOW,
            all_criteria(B12_HIGH, MMA_PROVES_DEFICIENCY, text="MMA raised although B12 is high"),
            WORTH_A_CARD,
        ),
        text="two low lines and the third normal that would have had a card when current",
    ),
)

NEUTROPHILS_BELOW_1 = _white_below(
    lambda limits: limits.anc_bicytopenia_warning,
    None,
    "neutrophils below {anc_bicytopenia_warning}",
)
PLATELETS_BELOW_50 = _measured(
    "platelets below {plt_bicytopenia_warning}",
    Analyte.PLATELETS,
    below,
    lambda limits: limits.plt_bicytopenia_warning,
)
NEUTROPHILS_BELOW_1_WITH_HIGH_B12 = _white_below(
    lambda limits: limits.anc_high_b12_warning, None, "neutrophils below {anc_high_b12_warning}"
)
PLATELETS_BELOW_100_WITH_HIGH_B12 = _measured(
    "platelets below {plt_high_b12_warning}",
    Analyte.PLATELETS,
    below,
    lambda limits: limits.plt_high_b12_warning,
)

FALLING_PLATELETS = all_criteria(
    BICYTOPENIA,
    no_criterion(WHITE_LINE_LOW, "white line normal"),
    _measured(
        "platelets below {plt_falling}", Analyte.PLATELETS, below, lambda limits: limits.plt_falling
    ),
    text="hemoglobin and platelets low, platelets below {plt_falling}",
)
_MCV_SPEAKS = any_criterion(
    _measured(
        "MCV above {mcv_falling_high} fL",
        Analyte.MEAN_CORPUSCULAR_VOLUME,
        above,
        lambda limits: limits.mcv_falling_high,
    ),
    _measured(
        "MCV below {mcv_falling_low} fL",
        Analyte.MEAN_CORPUSCULAR_VOLUME,
        below,
        lambda limits: limits.mcv_falling_low,
    ),
)
IRON_AND_B12_DUE = any_criterion(
    no_criterion(FALLING_PLATELETS, "no falling platelets"),
    OUTSIDE_HOSPITAL,
    _MCV_SPEAKS,
    text=(
        "unless platelets fall in hospital with MCV of {mcv_falling_low} to {mcv_falling_high} fL"
    ),
)
