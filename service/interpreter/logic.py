"""Three-valued logic over laboratory results.

True, False, or None for what the data cannot decide. A result with a comparator represents every
value that it allows, so a comparison with it can be None (clinical-definition 1.1, A9).
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, TypeVar

from fhir_mappings.panel import Comparator

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from decimal import Decimal

    from fhir_mappings.panel import LabResult

Truth = bool | None
State = TypeVar("State", bound="Hashable")

_UPPER_BOUNDS = frozenset({Comparator.LESS, Comparator.LESS_OR_EQUAL})


def negate(truth: Truth) -> Truth:
    """Return the opposite; unknown stays unknown."""
    return None if truth is None else not truth


def all_of(*truths: Truth) -> Truth:
    """Kleene conjunction: one False decides it."""
    if False in truths:
        return False
    return None if None in truths else True


def any_of(*truths: Truth) -> Truth:
    """Kleene disjunction: one True decides it."""
    if True in truths:
        return True
    return None if None in truths else False


def at_least_n(count: int, truths: Iterable[Truth]) -> Truth:
    """Whether at least `count` of `truths` hold."""
    known = list(truths)
    certain = known.count(True)
    if certain >= count:
        return True
    return None if certain + known.count(None) >= count else False


def below(result: LabResult | None, limit: Decimal) -> Truth:
    """Whether the true value is `< limit` (same unit). No result: unknown."""
    if result is None:
        return None
    comparator, value = result.comparator, result.value
    if comparator is None:
        return value < limit
    if comparator in _UPPER_BOUNDS:
        single_state = value <= limit if comparator is Comparator.LESS else value < limit
        return True if single_state else None
    return False if value >= limit else None


def above(result: LabResult | None, limit: Decimal) -> Truth:
    """Whether the true value is `> limit` (same unit). No result: unknown."""
    if result is None:
        return None
    comparator, value = result.comparator, result.value
    if comparator is None:
        return value > limit
    if comparator in _UPPER_BOUNDS:
        return False if value <= limit else None
    single_state = value >= limit if comparator is Comparator.GREATER else value > limit
    return True if single_state else None


def at_least(result: LabResult | None, limit: Decimal) -> Truth:
    """Whether the true value is `>= limit`."""
    return negate(below(result, limit))


def at_most(result: LabResult | None, limit: Decimal) -> Truth:
    """Whether the true value is `<= limit`."""
    return negate(above(result, limit))


def possible_values(result: LabResult | None, limits: Iterable[Decimal]) -> tuple[Decimal, ...]:
    """One value for each way in which the result can lie among `limits`.

    An exact result gives its own value; no result gives nothing.
    """
    if result is None:
        return ()
    if result.comparator is None:
        return (result.value,)
    points = sorted({result.value, *limits})
    between = [(low + high) / 2 for low, high in pairwise(points)]
    candidates = sorted({points[0] / 2, *points, *between, points[-1] + 1})
    return tuple(value for value in candidates if _allows(result, value)) or (result.value,)


def _allows(result: LabResult, value: Decimal) -> bool:
    bound = result.value
    match result.comparator:
        case Comparator.LESS:
            return value < bound
        case Comparator.LESS_OR_EQUAL:
            return value <= bound
        case Comparator.GREATER:
            return value > bound
        case Comparator.GREATER_OR_EQUAL:
            return value >= bound
        case _:
            return value == bound


def single_state(
    classify: Callable[..., State],
    *readings: tuple[LabResult | None, Iterable[Decimal]],
) -> State | None:
    """Return the one state that every allowed value gives, None when there are several.

    `classify` takes one `Decimal | None` for each reading, which is a result with the limits that
    matter to it.
    """
    choices: list[tuple[Decimal | None, ...]] = [
        possible_values(result, limits) or (None,) for result, limits in readings
    ]
    states = {classify(*values) for values in product(*choices)}
    return states.pop() if len(states) == 1 else None
