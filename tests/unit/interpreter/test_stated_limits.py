"""Limits and windows in sentences come from the tables that judged the patient."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from service.interpreter.rules import RULES
from service.interpreter.stated_limits import stated
from service.interpreter.thresholds import LIMITS
from service.interpreter.windows import WINDOWS

NAMES = {each.name for table in (LIMITS, WINDOWS) for each in fields(table)}


def test_a_limit_and_a_window_stand_as_the_tables_have_them() -> None:
    text = "below {anc_severe}, {temperature:hours} hours or {stale:days} days"
    assert stated(text) == "below 0.5, 24 hours or 90 days"


def test_another_set_of_limits_says_its_own_numbers() -> None:
    limits = replace(LIMITS, anc_severe=Decimal("0.7"))
    windows = replace(WINDOWS, stale=timedelta(days=60))
    assert stated("{anc_severe} {stale:days}", limits, windows) == "0.7 60"
    assert stated("{anc_severe} {stale:days}") == "0.5 90"


@pytest.mark.parametrize("text", ["{no_such_limit}", "{b12}"])
def test_a_name_in_neither_table_is_an_error(text) -> None:
    with pytest.raises(KeyError):
        stated(text)


def test_a_window_is_never_rounded() -> None:
    with pytest.raises(ValueError, match="whole number"):
        stated("{temperature:days}", windows=replace(WINDOWS, temperature=timedelta(hours=30)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_placeholder_of_a_row_is_a_limit_or_a_window(rule) -> None:
    texts = [*(criterion.text for criterion in rule.when), rule.indicator.text]
    texts += [text for text in rule.detail if isinstance(text, str)]
    named = {name for text in texts for name in re.findall(r"\{(\w+)", text)}
    assert named <= NAMES
