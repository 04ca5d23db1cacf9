"""All modifiers, and which of them act on a patient (clinical-definition 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.interpreter.answer.modifiers.causes import M8, M10, M11, M13, M16
from service.interpreter.answer.modifiers.marrow_and_referral import M1, M4, M5, M6, M7
from service.interpreter.answer.modifiers.medicines import M9, M12, M14
from service.interpreter.answer.modifiers.modifier import is_pattern
from service.interpreter.answer.modifiers.red_flags import M2, M3, M15, M17
from service.interpreter.interpretation import AppliedModifier

if TYPE_CHECKING:
    from service.interpreter.answer.modifiers.modifier import Modifier
    from service.interpreter.rules.criteria.criterion import Case
    from service.interpreter.rules.rule import Rule

MODIFIERS = (M7, M1, M2, M3, M4, M5, M6, M8, M9, M10, M11, M12, M13, M14, M15, M16, M17)
"""In the order of their sentences on the card: goals of care first."""


def number(modifier: Modifier | AppliedModifier) -> int:
    """Return the number of a modifier, by which readers find it."""
    return int(modifier.id[1:])


def acting(case: Case, rule: Rule | None) -> tuple[Modifier, ...]:
    """Return the modifiers that act on this finding (None: only an overlay fired)."""
    return tuple(
        modifier
        for modifier in MODIFIERS
        if (modifier.everywhere or is_pattern(rule)) and modifier.trigger(case, rule)
    )


def applied(case: Case, rule: Rule | None) -> tuple[AppliedModifier, ...]:
    """Return which modifiers acted, by id, with trigger and effect."""
    found = [
        AppliedModifier(each.id, each.trigger(case, rule), each.effect(case, rule))
        for each in acting(case, rule)
    ]
    return tuple(sorted(found, key=number))


def sentences(case: Case, rule: Rule | None, *, everywhere_only: bool = False) -> tuple[str, ...]:
    """Return the modifiers' sentences for a card, goals of care first."""
    said = (
        each.says(case, rule)
        for each in acting(case, rule)
        if each.everywhere or not everywhere_only
    )
    return tuple(text for text in said if text)
