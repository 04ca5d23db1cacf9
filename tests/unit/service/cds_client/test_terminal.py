"""Cards at a terminal: readable, wrapped, and nothing that drives the terminal."""

from __future__ import annotations

import msgspec
import pytest

from service.cds_client.plain_markdown import inline, to_lines
from service.cds_client.terminal import NO_CARDS, render_response
from service.cds_hooks.messages import CdsResponse
from tests.support.interpretations import cards_of, interpretation


def response(given=None):
    cards = cards_of(given or interpretation())
    return msgspec.json.decode(msgspec.json.encode(CdsResponse(cards)))


@pytest.mark.parametrize("width", [50, 60, 80, 110, 200])
def test_no_line_of_words_is_wider_than_the_terminal(width):
    for line in render_response(response(), width).splitlines():
        assert len(line) <= width or "http" in line


def test_a_card_shows_everything_that_goes_over_the_wire():
    text = render_response(response(), 100)

    assert "Card 1 of 1 · WARNING · index-pattern" in text
    assert "Summary of index-pattern." in text
    assert "B12 1100 pmol/L ↑↑" in " ".join(text.replace("│", " ").split())
    assert "[ ] Refer to hematology (urgent) [recommended]" in text
    assert "- Draft order, urgent: Lactate dehydrogenase" in text
    assert "About this rule: https://hooks.hospital.example/knowledge#index-pattern" in text


def test_markdown_leaves_no_noise():
    text = render_response(response(), 120)

    assert "**" not in text
    assert "`" not in text
    assert "\\" not in text
    assert "| --- |" not in text


def test_no_cards_is_said():
    assert render_response({"cards": []}, 80) == NO_CARDS


@pytest.mark.parametrize("odd", [{}, {"cards": None}, {"cards": [None, 3]}, {"cards": {}}])
def test_an_odd_response_is_no_crash(odd):
    assert render_response(odd, 80) == NO_CARDS


def test_a_card_with_nothing_in_it_is_no_crash():
    text = render_response({"cards": [{"suggestions": [{}], "source": 3, "detail": 4}]}, 80)

    assert "NO INDICATOR" in text


def test_escape_sequences_do_not_reach_the_terminal():
    card = {"summary": "\x1b[2Jgone", "detail": "a\x07b\x1b]0;title\x07", "indicator": "\x1b[1m"}

    text = render_response({"cards": [card]}, 80)

    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("`10*3/uL`", "10*3/uL"),
        ("`` a`b ``", "a`b"),
        ("1.8 10\\*9/L", "1.8 10*9/L"),
        ("ANC &lt; 0.5", "ANC < 0.5"),
        ("`&lt;`", "&lt;"),
        ("**bold** and *soft*", "bold and soft"),
        ("[rule](<https://x.example/k#a>)", "rule: https://x.example/k#a"),
    ],
)
def test_inline_markdown_is_shown_as_a_reader_sees_it(markdown, shown):
    assert inline(markdown) == shown


def test_a_table_is_aligned_where_there_is_room_and_a_list_where_there_is_none():
    table = "| A | B |\n| --- | --- |\n| one | two |"

    assert to_lines(table, 80) == ["A    B", "one  two"]
    assert to_lines("| A | B |\n| --- | --- |\n| " + "x" * 40 + " | " + "y " * 30 + " |", 50)[
        0
    ].startswith("- x")
