"""Every limit matters: moved one step up or down, it breaks a worked example."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from service.interpreter import thresholds
from tests.spec.examples import EXAMPLES

LIMITS = [row.name for row in thresholds.table()]

ONLY_PRINTED = {"iron_high", "b12_very_high"}
"""Limits of clinical-definition 2.3 on which no rule or order depends."""


@pytest.mark.parametrize("limit", [name for name in LIMITS if name not in ONLY_PRINTED])
def test_the_examples_at_a_limit_hold(limit: str) -> None:
    examples = [example for example in EXAMPLES if example.limit == limit]
    assert len(examples) >= 2
    for example in examples:
        assert example.holds(), [str(each.value) for each in example.values]


@pytest.mark.parametrize("direction", [1, -1], ids=["up", "down"])
@pytest.mark.parametrize("limit", [name for name in LIMITS if name not in ONLY_PRINTED])
def test_a_limit_moved_one_step_breaks_an_example(
    limit: str, direction: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    value: Decimal = getattr(thresholds.LIMITS, limit)
    step = Decimal(1).scaleb(int(value.as_tuple().exponent))
    shifted = replace(thresholds.LIMITS, **{limit: value + direction * step})
    monkeypatch.setattr(thresholds, "LIMITS", shifted)
    assert not all(example.holds() for example in EXAMPLES if example.limit == limit)
