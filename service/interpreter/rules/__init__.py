"""The decision table: one frozen row per finding."""

from service.interpreter.rules.conditions import Case, Condition
from service.interpreter.rules.row import Indicator, Rule, Step, Wanted
from service.interpreter.rules.table import FINDINGS, RULE_TABLE_VERSION, RULES

__all__ = [
    "FINDINGS",
    "RULES",
    "RULE_TABLE_VERSION",
    "Case",
    "Condition",
    "Indicator",
    "Rule",
    "Step",
    "Wanted",
]
