"""The indicator of a finding after the modifiers (clinical-knowledge 1.5, 2.6, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interpreter.answer.modifiers import all_done
from service.interpreter.interpretation import CellLine, CellLineState, FindingIndicator, Pattern

if TYPE_CHECKING:
    from service.interpreter.assessment.situation import Situation
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule


def indicator_of(rule: Rule, case: Case) -> FindingIndicator:
    """Return the rule's indicator after M6, M3, a critical flag and schistocytes."""
    indicator = rule.indicator.of(case)
    if all_done(case, rule):
        indicator = FindingIndicator.INFO
    elif rule.constitutional and case.situation.red_flags.constitutional:
        indicator = FindingIndicator.CRITICAL
    if indicator is FindingIndicator.INFO and _critical_flag_with_pancytopenia(case):
        indicator = FindingIndicator.WARNING
    return (
        FindingIndicator.CRITICAL if _schistocytes_with_low_platelets(case.situation) else indicator
    )


def _critical_flag_with_pancytopenia(case: Case) -> bool:
    situation = case.situation
    return situation.laboratory_critical_low and situation.states.pattern is Pattern.PANCYTOPENIA


def _schistocytes_with_low_platelets(situation: Situation) -> bool:
    platelets = situation.states.lines.get(CellLine.PLATELETS)
    low = platelets is not None and platelets.state is CellLineState.LOW
    return bool(situation.schistocytes) and (
        low or CellLine.PLATELETS.value in situation.pediatric_low
    )
