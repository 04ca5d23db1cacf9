"""The states of a card: what of an interpretation can make it news, and what cannot."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.feedback.card_states import from_row, states_of, to_columns
from service.feedback.news import CardStates, Proposal, news
from service.interpreter.interpretation import (
    AppliedModifier,
    B12State,
    CellLine,
    CellLineFact,
    CellLineState,
    FiredFinding,
    FunctionState,
    Grade,
    Interpretation,
    IronState,
    Pattern,
    Priority,
    ProposedOrder,
    States,
)
from tests.support.cards import card
from tests.support.changing import replace

LINES = {line: CellLineFact(line, CellLineState.LOW, Grade.MODERATE) for line in CellLine}
FOUND = Interpretation(
    States(LINES, Pattern.PANCYTOPENIA, B12State.MARKED, IronState.INDEX, FunctionState.UNKNOWN),
    orders=(
        ProposedOrder("hematology-referral", Priority.URGENT),
        ProposedOrder("marrow-biopsy", Priority.URGENT),
        ProposedOrder("peripheral-smear", Priority.ROUTINE),
    ),
)
QUIET_MODIFIERS = ("M2", "M8", "M12", "M14", "M15")


def graded(found: Interpretation, line: CellLine, grade: Grade) -> Interpretation:
    lines = {**found.states.lines, line: CellLineFact(line, CellLineState.LOW, grade)}
    return replace(found, states=replace(found.states, lines=lines))


def of(found: Interpretation, *findings: str) -> CardStates:
    return states_of(card(*findings), found)


def test_a_card_is_known_by_its_findings_and_states() -> None:
    assert of(FOUND, "severe-cytopenias", "index-pattern") == CardStates(
        ("severe-cytopenias", "index-pattern"),
        Grade.MODERATE,
        Grade.MODERATE,
        referral=Priority.URGENT,
        marrow=Priority.URGENT,
    )


@given(
    st.sampled_from(list(Grade)),
    st.sets(st.sampled_from(QUIET_MODIFIERS)),
    st.sampled_from(list(B12State)),
    st.sampled_from(list(IronState)),
    st.sampled_from(list(FunctionState)),
)
def test_hemoglobin_and_quiet_modifiers_are_no_news(
    grade: Grade, modifiers: set[str], b12: B12State, iron: IronState, function: FunctionState
) -> None:
    changed = graded(FOUND, CellLine.HEMOGLOBIN, grade)
    states = replace(changed.states, b12=b12, iron=iron, function=function)
    acting = tuple(AppliedModifier(each, "", "") for each in sorted(modifiers))
    changed = replace(changed, states=states, modifiers=acting)
    assert news(of(changed), [of(FOUND)]) == ()
    assert news(of(FOUND), [of(changed)]) == ()


def test_an_accepted_proposal_that_is_gone_is_no_news() -> None:
    assert news(of(replace(FOUND, orders=())), [of(FOUND)]) == ()


@pytest.mark.parametrize("line", [CellLine.WHITE, CellLine.PLATELETS])
def test_a_grade_that_is_not_known_is_none(line: CellLine) -> None:
    unknown = of(graded(FOUND, line, Grade.UNKNOWN))
    assert (unknown.neutrophils, unknown.platelets).count(None) == 1
    without = replace(FOUND, states=replace(FOUND.states, lines={}))
    assert (of(without).neutrophils, of(without).platelets) == (None, None)


@pytest.mark.parametrize("finding", ["data-quality", "iron-order-without-deficiency"])
def test_a_card_that_is_not_about_the_counts_says_nothing_of_them(finding: str) -> None:
    assert of(FOUND, finding) == CardStates((finding,))


@pytest.mark.parametrize("indicator", ["info", "warning"])
def test_data_quality_is_kept_with_its_own_indicator(indicator: Any) -> None:
    quality = FiredFinding("data-quality", indicator, "", "Results not used", ())
    found = replace(FOUND, data_quality=quality)
    states = of(found, "index-pattern", "data-quality")
    assert states.data_quality_warning == (indicator == "warning")
    assert to_columns(states)["data_quality"] == indicator
    assert not of(found).data_quality_warning
    assert to_columns(of(found))["data_quality"] is None


@given(
    st.builds(
        CardStates,
        st.just(("index-pattern", "data-quality")),
        st.none() | st.sampled_from([grade for grade in Grade if grade is not Grade.UNKNOWN]),
        st.none() | st.sampled_from([grade for grade in Grade if grade is not Grade.UNKNOWN]),
        st.frozensets(st.text()),
        st.none() | st.sampled_from([*Priority, Proposal.UNKNOWN]),
        st.none() | st.sampled_from([*Priority, Proposal.UNKNOWN]),
        st.booleans(),
    )
)
def test_what_is_written_is_read_back(states: CardStates) -> None:
    row: Any = SimpleNamespace(**to_columns(states))
    assert from_row(row) == states
