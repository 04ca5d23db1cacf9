"""The knowledge that people read is the knowledge that decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.commands import knowledge_check
from service.interpreter.rules import RULES
from service.interpreter.rules.rule import WantedOrder
from service.knowledge.rows import modifier_rows, rule_rows


def test_every_modifier_is_described_once_in_the_order_of_its_number():
    rows = modifier_rows()
    assert [row.id for row in rows] == [f"M{number}" for number in range(1, 18)]
    assert all(row.trigger and row.effect for row in rows)


def test_every_rule_is_a_row_in_the_order_of_evaluation():
    assert [row.id for row in rule_rows()] == [rule.id for rule in RULES]


def test_no_row_shows_code_to_a_reader():
    for row in rule_rows():
        for text in (*row.when, *row.detail, *row.cautions, row.indicator):
            assert "lambda" not in text
            assert "<function" not in text


def changed(monkeypatch, rule, **changes):
    rules = tuple(replace(each, **changes) if each.id == rule else each for each in RULES)
    monkeypatch.setattr(knowledge_check, "RULES", rules)


def test_a_rule_without_a_source_is_found(monkeypatch):
    changed(monkeypatch, "index-pattern", citation=())
    assert list(knowledge_check.decision_table()) == ["index-pattern cites nothing"]


def test_a_source_that_nobody_listed_is_found(monkeypatch):
    changed(monkeypatch, "index-pattern", citation=("R99",))
    assert any("R99" in problem for problem in knowledge_check.unlisted_sources())


def test_two_rules_of_one_name_are_found(monkeypatch):
    changed(monkeypatch, "index-pattern", id="bicytopenia")
    assert "bicytopenia stands 2 times" in list(knowledge_check.decision_table())


def test_an_order_that_does_not_exist_is_found(monkeypatch):
    changed(monkeypatch, "index-pattern", orders=(WantedOrder("leeches"),))
    assert any("leeches" in problem for problem in knowledge_check.decision_table())


def test_two_rows_that_hold_together_are_found(monkeypatch):
    folate = next(rule for rule in RULES if rule.id == "folate-deficiency")
    fewer = tuple(each for each in folate.when if "B12" not in each.text)
    assert len(fewer) < len(folate.when)
    changed(monkeypatch, "folate-deficiency", when=fewer)
    assert any("hold together" in problem for problem in knowledge_check.decision_table())


def test_a_marrow_that_a_rule_both_proposes_and_forbids_is_found(monkeypatch):
    changed(monkeypatch, "index-pattern", cautions=("No marrow from here.",))
    assert any(
        "proposes a marrow and says" in problem for problem in knowledge_check.decision_table()
    )


def test_a_rule_that_can_never_apply_is_found(monkeypatch):
    earlier = next(rule for rule in RULES if rule.id == "treated-b12-deficiency")
    changed(monkeypatch, "index-pattern", when=earlier.when)
    assert any("can never apply" in problem for problem in knowledge_check.hidden_rules())


def test_a_code_that_no_template_asks_for_is_found(monkeypatch):
    catalogue = knowledge_check.load_catalogue()
    templates = {key: replace(t, parameters=()) for key, t in catalogue.templates.items()}
    monkeypatch.setattr(
        knowledge_check, "load_catalogue", lambda: replace(catalogue, templates=templates)
    )
    assert any("718-7" in problem for problem in knowledge_check.unprefetched_codes())


def test_a_resource_that_is_not_r4_is_found(monkeypatch):
    broken = {"resourceType": "PlanDefinition", "action": "none"}
    monkeypatch.setattr(knowledge_check, "plan_definition", lambda: broken)
    assert any("PlanDefinition" in problem for problem in knowledge_check.invalid_resources())


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_every_rule_is_reached_by_a_sample_patient(rule):
    from service.commands.worked_examples import rules_reached

    assert rule in rules_reached()
