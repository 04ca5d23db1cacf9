"""The decision table: one frozen row per finding."""

from service.interpreter.rules.criteria.criterion import Case, Criterion
from service.interpreter.rules.rule import IndicatorRule, Rule, Step, WantedOrder
from service.interpreter.rules.table import FINDINGS, RULE_TABLE_VERSION, RULES

__all__ = [
    "FINDINGS",
    "RULES",
    "RULE_TABLE_VERSION",
    "Case",
    "Criterion",
    "IndicatorRule",
    "Rule",
    "Step",
    "WantedOrder",
]
