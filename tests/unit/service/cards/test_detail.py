"""What the detail of a card says, and that nothing can be smuggled into it (3.4)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fhir_mappings.panel import Analyte, Comparator, Note, Reason, Unreadable
from service.cards import escaping as markdown
from service.cards.values import shown_number
from service.interpreter.interpretation import IronState, WithheldOrder
from tests.support.changing import replace
from tests.support.interpretations import (
    B12,
    HEMOGLOBIN,
    NEUTROPHILS,
    TAKEN,
    cards_of,
    finding,
    interpretation,
    states,
)

RENDER = MarkdownIt("commonmark").enable("table").render


def detail_of(**changes) -> str:
    return cards_of(interpretation(**changes))[0].detail


def test_each_value_stands_as_reported_with_its_unit_and_date_in_its_own_offset():
    detail = detail_of()

    assert "`8.9 g/dL`" in detail
    assert "`1.1 10*3/uL`" in detail
    assert "2026-06-14 09:30 +02:00" in detail


def test_the_canonical_value_stands_beside_a_value_that_differs():
    detail = detail_of()

    assert "`1100 pmol/L` = `1491 pg/mL`" in detail
    assert "`8.9 g/dL` =" not in detail


def test_a_value_without_a_unit_shows_the_unit_that_it_was_read_in():
    bare = replace(HEMOGLOBIN, reported_unit="", notes=frozenset({Note.UNIT_INFERRED}))

    detail = detail_of(states=states(used=(bare,)))

    assert "`8.9` = `8.9 g/dL`" in detail
    assert "unit inferred" in detail


def test_status_and_notes_are_in_plain_words():
    computed = replace(
        NEUTROPHILS, reported_value="", notes=frozenset({Note.ANC_COMPUTED, Note.CONFLICT})
    )
    detail = detail_of(states=states(used=(computed, B12)))

    assert "preliminary" in detail
    assert "computed from leukocytes and the differential" in detail
    assert "conflict" in detail


def test_a_comparator_is_shown_once():
    bound = replace(B12, comparator=Comparator.GREATER, reported_value="2000", value=Decimal(2000))
    written = replace(bound, reported_value=">2000")

    for result in (bound, written):
        assert "`>2000 pmol/L`" in detail_of(states=states(used=(result,)))


def test_the_states_are_in_plain_words():
    detail = detail_of(states=states(iron=IronState.CONFOUNDED))

    assert "Hemoglobin: low, moderate (the laboratory's lower limit 12 g/dL)" in detail
    assert "not interpretable after a red cell transfusion" in detail
    assert "Vitamin B12: markedly high" in detail
    assert "CONF" not in detail


def test_what_was_set_aside_stands_with_its_reason():
    refused = Unreadable(
        Analyte.PLATELETS, Reason.UNIT, "The unit is not understood.", "84 K", TAKEN
    )

    detail = detail_of(set_aside=(refused,))

    assert "Platelets `84 K` (2026-06-14 09:30 +02:00): The unit is not understood." in detail


def test_a_refusal_without_words_still_has_a_reason():
    detail = detail_of(set_aside=(Unreadable(None, Reason.IMPLAUSIBLE, ""),))

    assert "A result: value outside the plausible range" in detail


def test_what_could_not_be_checked_and_what_is_withheld_is_said():
    detail = detail_of(
        could_not_check=("existing orders and procedures could not be checked",),
        withheld=(WithheldOrder("cbc-differential", "a CBC of 14 June exists"),),
    )

    assert "existing orders and procedures could not be checked" in detail
    assert "CBC with differential: a CBC of 14 June exists" in detail


def test_lower_overlays_are_named_on_the_first_card_only():
    lower = finding("severe-cytopenias", summary="Severe cytopenias (Hgb 6.5).")
    first, *others = cards_of(interpretation(lower_overlays=(lower,)))

    assert "Severe cytopenias (Hgb 6.5)." in first.detail
    assert all("Severe cytopenias (Hgb 6.5)." not in card.detail for card in others)


def test_every_detail_says_what_it_is_and_which_rule_spoke():
    for card in cards_of(interpretation(data_quality=finding("data-quality"))):
        assert "Decision support, not a diagnosis." in card.detail
        assert "/knowledge#" in card.detail
        assert "rule table" in card.detail
        assert "Values used" in card.detail


def test_a_child_is_not_given_adult_states():
    detail = detail_of(finding=finding("pediatric"))

    assert "How they were read" not in detail


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("8.90", "8.9"),
        ("0", "0"),
        ("0.0400", "0.04"),
        ("1490.907", "1491"),
        ("54.7281", "54.73"),
        ("1E+3", "1000"),
        ("0.41234", "0.4123"),
        ("84", "84"),
    ],
)
def test_numbers_are_written_without_exponent_or_false_precision(value, shown):
    assert shown_number(Decimal(value)) == shown


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "](https://evil.example) [x",
    "`</code><b>x</b>`",
    "``` \n# heading",
    "a | b |\n| --- | --- |",
    "https://evil.example www.evil.example a@evil.example",
    "*bold* __strong__ ~~gone~~",
    "\n\n# Heading\n\n- list\n1. one\n> quote",
    "&lt;b&gt; &amp;amp;",
    "\\",
    "\u202eolleh\u200b",
    "\x1b[31mred",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_a_record_is_shown_and_never_acts(text):
    hostile = replace(HEMOGLOBIN, reported_value=text, reported_unit=text, status=text)
    refused = Unreadable(
        Analyte.PLATELETS, Reason.UNIT, text, text, datetime(2026, 1, 1, tzinfo=UTC)
    )
    cards = cards_of(
        interpretation(
            states=states(used=(hostile,), notes=(text,)),
            set_aside=(refused,),
            could_not_check=(text,),
            withheld=(WithheldOrder("ldh", text),),
            finding=finding(paragraphs=(text,), cautions=(text,)),
        )
    )
    harmless = cards_of(
        interpretation(
            states=states(used=(replace(HEMOGLOBIN, status="x"),), notes=("x",)),
            set_aside=(replace(refused, explanation="x", reported="x"),),
            could_not_check=("x",),
            withheld=(WithheldOrder("ldh", "x"),),
            finding=finding(paragraphs=("x",), cautions=("x",)),
        )
    )

    for card, plain in zip(cards, harmless, strict=True):
        assert tags(RENDER(card.detail)) == tags(RENDER(plain.detail))


def tags(html: str) -> list[str]:
    """The elements of a rendering, but for code, which an emptied text may lose."""
    import re

    return [tag for tag in re.findall(r"</?[a-z0-9]+", html) if "code" not in tag]


@given(st.text(max_size=60))
def test_prose_shows_exactly_one_paragraph_of_text(text):
    html = RENDER("x " + markdown.prose(text))

    assert tags(html) == ["<p", "</p"]


@given(st.text(max_size=60))
def test_prose_at_the_start_of_a_line_is_still_prose(text):
    html = RENDER(markdown.prose(text) or "x")

    assert tags(html) == ["<p", "</p"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_table_keeps_its_two_cells_whatever_is_in_them(one, two):
    html = RENDER(markdown.table(["A", "B"], [[markdown.code(one), markdown.prose(two)]]))

    assert html.count("<td") == 2
    assert html.count("<tr") == 2
    assert "<a" not in html


def test_addresses_are_not_turned_into_links_by_autolinking_clients():
    import re

    text = markdown.prose("see https://evil.example or www.evil.example or a@evil.example")

    assert not re.search(r"https?://|www\.|\S@\S*\w\.\w", text.replace("\u2060@", " @"))
