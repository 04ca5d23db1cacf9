"""The indicator of a finding after the modifiers (clinical-knowledge 1.5, 2.6, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interpreter.interpretation import Line, LineState, Pattern, Severity
from service.interpreter.modifiers import all_done

if TYPE_CHECKING:
    from service.interpreter.rules.conditions import Case
    from service.interpreter.rules.row import Rule
    from service.interpreter.situation import Situation


def indicator_of(rule: Rule, case: Case) -> Severity:
    """Return the rule's indicator after M6, M3, a critical flag and schistocytes."""
    indicator = rule.indicator.of(case)
    if all_done(case, rule):
        indicator = Severity.INFO
    elif rule.constitutional and case.situation.red_flags.constitutional:
        indicator = Severity.CRITICAL
    if indicator is Severity.INFO and _critical_flag_with_pancytopenia(case):
        indicator = Severity.WARNING
    return Severity.CRITICAL if _schistocytes_with_low_platelets(case.situation) else indicator


def _critical_flag_with_pancytopenia(case: Case) -> bool:
    situation = case.situation
    return situation.laboratory_critical_low and situation.states.pattern is Pattern.PANCYTOPENIA


def _schistocytes_with_low_platelets(situation: Situation) -> bool:
    platelets = situation.states.lines.get(Line.PLATELETS)
    low = platelets is not None and platelets.state is LineState.LOW
    return bool(situation.schistocytes) and (low or Line.PLATELETS.value in situation.pediatric_low)
