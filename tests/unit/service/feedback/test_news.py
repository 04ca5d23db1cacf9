"""What is news (clinical-definition 3.7, B1), asked of states alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.feedback.news import CardStates, News, Proposal, news
from service.interpreter.interpretation import Grade, Priority

GRADES = [Grade.NORMAL, Grade.MILD, Grade.MODERATE, Grade.SEVERE]
PRIORITIES = [Priority.ROUTINE, Priority.URGENT, Priority.ASAP, Priority.STAT]
FINDINGS = ["index-pattern", "severe-cytopenias", "bicytopenia", "data-quality"]
DRUGS = ["methotrexate", "linezolid", "clozapine"]

grades = st.none() | st.sampled_from(GRADES)
proposals = st.none() | st.sampled_from(PRIORITIES)


@st.composite
def cards(draw: st.DrawFn) -> CardStates:
    findings = draw(st.lists(st.sampled_from(FINDINGS), min_size=1, unique=True))
    return CardStates(
        tuple(findings),
        draw(grades),
        draw(grades),
        draw(st.frozensets(st.sampled_from(DRUGS))),
        draw(proposals),
        draw(proposals),
        "data-quality" in findings and draw(st.booleans()),
    )


def improvements(card: CardStates) -> st.SearchStrategy[CardStates]:
    """Cards about the same patient who is no worse: less found, better grades, less to do."""

    def at_most(values: list[Grade] | list[Priority], value: object) -> st.SearchStrategy[object]:
        ordered: list[object] = list(values)
        better = ordered[: ordered.index(value) + 1] if value in ordered else []
        return st.none() | st.sampled_from(better) if better else st.none()

    quality = card.data_quality_warning
    return st.builds(
        CardStates,
        st.lists(st.sampled_from(card.findings), min_size=1, unique=True).map(tuple),
        at_most(GRADES, card.neutrophils),
        at_most(GRADES, card.platelets),
        st.frozensets(st.sampled_from(sorted(card.drugs))) if card.drugs else st.just(frozenset()),
        at_most(PRIORITIES, card.referral),
        at_most(PRIORITIES, card.marrow),
        st.booleans() if quality else st.just(value=False),
    )


@given(cards(), st.lists(cards(), max_size=3), st.data())
def test_an_improvement_is_never_news(
    shown: CardStates, others: list[CardStates], data: st.DataObject
) -> None:
    assert news(data.draw(improvements(shown)), [*others, shown]) == ()


@given(cards(), st.lists(cards(), max_size=3))
def test_what_was_shown_is_no_news_whatever_else_was(
    card: CardStates, others: list[CardStates]
) -> None:
    assert news(card, [*others, card, *others]) == ()


@given(cards(), st.lists(cards(), min_size=1, max_size=3), cards())
def test_showing_more_never_makes_more_news_of_findings_drugs_and_proposals(
    card: CardStates, shown: list[CardStates], another: CardStates
) -> None:
    graded = {News.NEUTROPHILS, News.PLATELETS}
    assert set(news(card, [*shown, another])) - graded <= set(news(card, shown)) - graded


@given(st.lists(cards(), min_size=1, max_size=4), cards())
def test_a_finding_never_shown_is_news(shown: list[CardStates], card: CardStates) -> None:
    worse = replace(card, findings=(*card.findings, "circulating-blasts"))
    assert News.FINDING in news(worse, shown)
    assert News.FINDING in news(worse, [])


@pytest.mark.parametrize(
    ("line", "kind"), [("neutrophils", News.NEUTROPHILS), ("platelets", News.PLATELETS)]
)
@given(card=cards(), before=st.lists(st.sampled_from(GRADES[:-1]), min_size=1, max_size=3))
def test_a_grade_worse_than_every_grade_shown_is_news(
    line: str, kind: News, card: CardStates, before: list[Grade]
) -> None:
    shown = [replace(card, **{line: grade}) for grade in before]
    worst = max(GRADES.index(grade) for grade in before)
    for grade in GRADES:
        told = news(replace(card, **{line: grade}), shown)
        assert told == ((kind,) if GRADES.index(grade) > worst else ())


@pytest.mark.parametrize("line", ["neutrophils", "platelets"])
@given(card=cards(), grade=grades)
def test_a_missing_grade_is_no_worse_grade(
    line: str, card: CardStates, grade: Grade | None
) -> None:
    known, missing = replace(card, **{line: grade}), replace(card, **{line: None})
    assert news(known, [missing]) == ()
    assert news(missing, [known]) == ()


def test_a_grade_is_compared_with_those_that_are_known() -> None:
    now = CardStates(("index-pattern",), platelets=Grade.SEVERE)
    unknown, mild = replace(now, platelets=None), replace(now, platelets=Grade.MILD)
    assert news(now, [unknown, mild, unknown]) == (News.PLATELETS,)


@given(cards(), st.sampled_from(DRUGS))
def test_a_drug_is_news_the_first_time(card: CardStates, drug: str) -> None:
    named = replace(card, drugs=card.drugs | {drug})
    assert news(named, [replace(card, drugs=card.drugs - {drug})]) == (News.DRUG,)
    assert news(named, [replace(card, drugs=frozenset()), named]) == ()


@pytest.mark.parametrize(("order", "kind"), [("referral", News.REFERRAL), ("marrow", News.MARROW)])
@given(card=cards(), former=proposals, now=proposals)
def test_a_proposal_is_news_when_it_is_new_or_more_urgent(
    order: str, kind: News, card: CardStates, former: Priority | None, now: Priority | None
) -> None:
    def rank(priority: Priority | None) -> int:
        return -1 if priority is None else PRIORITIES.index(priority)

    told = news(replace(card, **{order: now}), [replace(card, **{order: former})])
    assert told == ((kind,) if rank(now) > rank(former) else ())


@pytest.mark.parametrize("order", ["referral", "marrow"])
@given(card=cards(), now=proposals)
def test_a_proposal_of_unknown_priority_was_proposed(
    order: str, card: CardStates, now: Priority | None
) -> None:
    former = replace(card, **{order: Proposal.UNKNOWN})
    assert news(replace(card, **{order: now}), [former]) == ()


def test_data_quality_is_news_as_a_warning_only() -> None:
    shown = CardStates(("index-pattern",))
    found = replace(shown, findings=("index-pattern", "data-quality"))
    warning = replace(found, data_quality_warning=True)
    assert news(found, [shown]) == ()
    assert news(warning, [shown]) == (News.FINDING,)
    assert news(warning, [found]) == (News.FINDING,), "an info about data was not the warning"
    assert news(warning, [warning]) == ()
    assert news(found, [warning]) == ()
