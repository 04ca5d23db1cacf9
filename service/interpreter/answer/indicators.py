"""The indicator of a finding after the modifiers (clinical-definition 2.6, 3.2, 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interpreter.interpretation import FindingIndicator, Pattern

if TYPE_CHECKING:
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule


def indicator_of(rule: Rule, case: Case) -> FindingIndicator:
    """Return the rule's indicator after M3, a critical flag and a severe value in CONFLICT."""
    if rule.constitutional and case.situation.red_flags.constitutional:
        return FindingIndicator.CRITICAL
    indicator = rule.indicator.of(case)
    raised = _critical_flag_with_pancytopenia(case) or bool(case.situation.severe.in_conflict)
    if indicator is FindingIndicator.INFO and raised:
        return FindingIndicator.WARNING
    return indicator


def _critical_flag_with_pancytopenia(case: Case) -> bool:
    situation = case.situation
    return (
        situation.quality.laboratory_critical_low
        and situation.states.pattern is Pattern.PANCYTOPENIA
    )
