"""What the detail of a card says, what gives way, and that nothing can be smuggled into it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fhir_mappings.context import MedicationDraft
from fhir_mappings.panel import (
    Analyte,
    Comparator,
    Note,
    Reason,
    SmearFinding,
    SmearMethod,
    SmearSet,
    Unreadable,
)
from service.cards import escaping
from service.cards.detail import MOST_WORDS, USUAL_WORDS, Detail
from service.cards.values import shown_number
from service.cards.words import cut_words, words
from service.interpreter.interpretation import (
    CellLine,
    Deviation,
    FindingIndicator,
    Remark,
    RemarkRank,
    ShownValue,
    WithheldOrder,
)
from tests.support.changing import replace
from tests.support.interpretations import (
    B12,
    HEMOGLOBIN,
    NEUTROPHILS,
    PLATELETS,
    TAKEN,
    cards_of,
    finding,
    interpretation,
    states,
)

RENDER = MarkdownIt("commonmark").enable("table").render


def detail_of(**changes) -> str:
    return cards_of(interpretation(**changes))[0].detail


def value(result, deviation=Deviation.NONE, **changes) -> ShownValue:
    return ShownValue(result.analyte, result, deviation, **changes)


def line_of(*values) -> str:
    return Detail(values=values).text().splitlines()[0]


def remark(rank, text) -> Remark:
    return Remark("M0", rank, text)


def test_the_parts_stand_in_their_order():
    detail = Detail(
        values=(value(HEMOGLOBIN, Deviation.LOW),),
        before={
            CellLine.HEMOGLOBIN: replace(HEMOGLOBIN, value=Decimal("12.6"), reported_value="12.6")
        },
        meaning="What it means.",
        also=("Something else.",),
        avoid="mistakes.",
        remarks=(remark(RemarkRank.DRUG, "Review or hold today: methotrexate."),),
        not_checked="Could not check: existing orders.",
        not_used="Not used: platelets 84 K (unit).",
    )

    assert detail.text().split("\n\n") == [
        "**Hgb 8.9 g/dL ↓** (14 Jun 2026)",
        "Before: Hgb 12.6 (14 Jun 2026)",
        "What it means.",
        "Also: Something else.",
        "Avoid: mistakes.",
        "Review or hold today: methotrexate.",
        "Could not check: existing orders.",
        "Not used: platelets 84 K (unit).",
        "Decision support, not a diagnosis.",
    ]


def test_a_part_that_has_nothing_to_say_is_left_out():
    assert Detail(meaning="Only this.").text() == "Only this.\n\nDecision support, not a diagnosis."


def test_values_stand_as_reported_with_the_common_day_once():
    older = replace(B12, taken=datetime(2026, 6, 2, 8, 0, tzinfo=UTC), notes=frozenset())

    assert line_of(
        value(HEMOGLOBIN, Deviation.LOW),
        value(NEUTROPHILS, Deviation.VERY_LOW),
        value(PLATELETS),
        value(older, Deviation.VERY_HIGH),
    ) == (
        "**Hgb 8.9 g/dL ↓ · ANC 1.1 ×10³/uL ↓↓ · platelets 84 ×10³/uL · "
        "B12 1100 pmol/L ↑↑ (2 Jun 2026)** (others 14 Jun 2026)"
    )


def test_what_a_reader_must_know_of_a_value_stands_behind_it():
    computed = replace(NEUTROPHILS, reported_value="", notes=frozenset({Note.ANC_COMPUTED}))
    bare = replace(HEMOGLOBIN, reported_unit="", notes=frozenset({Note.UNIT_INFERRED}))
    conflict = replace(PLATELETS, others=(Decimal(160),), notes=frozenset({Note.CONFLICT}))
    early = replace(B12, notes=frozenset({Note.PRELIMINARY}))

    line = line_of(*map(value, (computed, bare, conflict, early)))

    assert "ANC 1.1 ×10⁹/L (computed)" in line
    assert "Hgb 8.9 g/dL (unit inferred)" in line
    assert "platelets 84 ×10³/uL (also 160)" in line
    assert "B12 1100 pmol/L (preliminary)" in line


def test_a_doubt_that_all_values_share_is_said_once():
    unknown = [
        replace(each, notes=frozenset({Note.STATUS_UNKNOWN})) for each in (HEMOGLOBIN, PLATELETS)
    ]

    assert line_of(*map(value, unknown)) == (
        "**Hgb 8.9 g/dL · platelets 84 ×10³/uL** (14 Jun 2026, all status unknown)"
    )


def test_what_was_seen_on_the_film_stands_among_the_values():
    film = SmearFinding(SmearSet.SCHISTOCYTES, True, TAKEN, SmearMethod.FILM, text="2+")
    seen = ShownValue(SmearSet.SCHISTOCYTES, film, seen="2+")
    early = replace(seen, result=replace(film, status="preliminary"))

    assert line_of(value(HEMOGLOBIN), seen) == "**Hgb 8.9 g/dL · schistocytes 2+** (14 Jun 2026)"
    assert "schistocytes 2+ (preliminary)" in line_of(value(HEMOGLOBIN), early)


def test_two_dates_do_not_stand_side_by_side_unexplained():
    later = replace(PLATELETS, taken=TAKEN + timedelta(days=1), notes=frozenset())
    line = line_of(value(HEMOGLOBIN), value(NEUTROPHILS), value(later))

    assert line.endswith("(15 Jun 2026)** (others 14 Jun 2026)")


@pytest.mark.parametrize("missing", ["not measured", "not readable", "not available"])
def test_a_value_that_is_waited_for_says_why_it_is_not_there(missing):
    waiting = ShownValue(Analyte.METHYLMALONATE, missing=missing)

    assert line_of(value(HEMOGLOBIN), waiting).startswith(f"**Hgb 8.9 g/dL · MMA {missing}**")


@pytest.mark.parametrize(
    ("comparator", "shown"),
    [
        (Comparator.GREATER, "above 2000"),
        (Comparator.GREATER_OR_EQUAL, "at least 2000"),
        (Comparator.LESS, "below 2000"),
        (Comparator.LESS_OR_EQUAL, "at most 2000"),
    ],
)
def test_a_bound_is_written_in_words(comparator, shown):
    plain = replace(B12, notes=frozenset(), status="final", value=Decimal(2000))
    for written in ("2000", f"{comparator}2000"):
        bound = replace(plain, comparator=comparator, reported_value=written)
        assert f"B12 {shown} pmol/L" in line_of(value(bound))


def test_ten_values_at_most_and_those_that_decide_first():
    others = [ShownValue(analyte, missing="not measured", decides=False) for analyte in Analyte]
    deciding = ShownValue(Analyte.FERRITIN, B12)

    line = line_of(*[each for each in others if each.what is not Analyte.FERRITIN], deciding)

    assert line.count(" · ") == 9
    assert "ferritin 1100 pmol/L" in line


def test_earlier_values_of_several_days_are_dated_only_where_that_is_short():
    def earlier(result, number, month):
        taken = datetime(2025, month, 4, tzinfo=UTC)
        return replace(result, value=Decimal(number), reported_value=number, taken=taken)

    one = {CellLine.HEMOGLOBIN: earlier(HEMOGLOBIN, "12.6", 10)}
    two = one | {CellLine.PLATELETS: earlier(PLATELETS, "210", 3)}
    three = two | {CellLine.WHITE: earlier(NEUTROPHILS, "3.1", 4)}

    assert "Before: Hgb 12.6 (4 Oct 2025)" in Detail(before=one).text()
    assert "Before: Hgb 12.6 (4 Oct 2025), platelets 210 (4 Mar 2025)" in Detail(before=two).text()
    assert "Before: Hgb 12.6, ANC 3.1, platelets 210\n" in Detail(before=three).text()


def test_at_most_three_remarks_by_rank_and_goals_of_care_and_drugs_always():
    ranks = [
        (RemarkRank.GOALS_OF_CARE, "Goals."),
        (RemarkRank.ALREADY_DONE, "Marrow."),
        (RemarkRank.ALREADY_DONE, "Referral."),
        (RemarkRank.DRUG, "Drug."),
        (RemarkRank.OTHER, "Spleen."),
    ]
    text = Detail(remarks=tuple(remark(rank, words) for rank, words in ranks)).text()

    assert text.startswith("Goals. Marrow. Drug.\n")


def test_remarks_have_forty_words_together():
    long = " ".join(["word"] * 25) + "."
    text = Detail(
        remarks=(
            remark(RemarkRank.DEFERRAL, long),
            remark(RemarkRank.RED_FLAG, long),
            remark(RemarkRank.OTHER, "Short."),
        )
    ).text()

    assert words(text) == 25 + 1 + 5


def test_what_gives_way_above_120_words_in_which_order():
    def filled(meaning):
        return Detail(
            values=(value(HEMOGLOBIN), value(PLATELETS, decides=False)),
            before={CellLine.HEMOGLOBIN: HEMOGLOBIN},
            meaning=" ".join(["word"] * meaning),
            also=("Head: tail of it",),
            remarks=tuple(remark(RemarkRank.OTHER, f"Remark {each}.") for each in "abc"),
        ).text()

    usual = words(filled(0))
    whole = filled(USUAL_WORDS - usual)
    assert "(14 Jun 2026)\n\nword" in whole
    assert words(whole) == USUAL_WORDS
    first, second = filled(USUAL_WORDS - usual + 1), filled(USUAL_WORDS - usual + 4)
    third, fourth = filled(USUAL_WORDS - usual + 7), filled(USUAL_WORDS - usual + 9)
    assert "Before: Hgb 8.9\n" in first
    assert "tail" in first
    assert "Also: Head." in second
    assert "Remark c" in second
    assert "Remark c" not in third
    assert "platelets" in third
    assert "platelets" not in fourth


def test_what_was_set_aside_stands_with_value_and_reason():
    refused = Unreadable(
        Analyte.PLATELETS, Reason.UNIT, "The unit is not understood.", "84 10*3/uL", TAKEN
    )

    assert "Not used: platelets 84 ×10³/uL (unit missing or not understood)." in detail_of(
        set_aside=(refused,)
    )


def test_what_was_set_aside_and_could_change_nothing_here_is_not_named():
    refused = Unreadable(Analyte.C_REACTIVE_PROTEIN, Reason.UNIT, "The unit is odd.", "84 K", TAKEN)

    assert "Not used" not in detail_of(set_aside=(refused,))


@pytest.mark.parametrize(
    ("reason", "hours", "named"),
    [
        (Reason.VALUE, -1, False),
        (Reason.VALUE, 0, False),
        (Reason.VALUE, 1, True),
        (Reason.UNIT, -1, False),
        (Reason.UNIT, 0, True),
    ],
)
def test_what_a_usable_result_on_the_card_makes_pointless_is_not_named(reason, hours, named):
    taken = TAKEN + timedelta(hours=hours)
    word = Unreadable(Analyte.PLATELETS, reason, "It cannot be read.", "VERY LOW", taken)
    shown = finding(values=(value(PLATELETS),))

    detail = detail_of(finding=shown, set_aside=(word,))

    assert ("Not used: platelets VERY LOW" in detail) == named


def test_what_is_older_than_the_result_shown_could_change_nothing():
    def refused(day):
        taken = TAKEN.replace(day=day)
        return Unreadable(Analyte.PLATELETS, Reason.VALUE, "No number.", "RARE", taken)

    assert "Not used" not in detail_of(set_aside=(refused(13),))
    assert "Not used: platelets RARE" in detail_of(set_aside=(refused(15),))
    waiting = finding(values=(ShownValue(Analyte.PLATELETS, missing="not readable"),))
    assert "Not used: platelets RARE" in detail_of(set_aside=(refused(13),), finding=waiting)


def test_what_could_not_be_checked_is_said():
    detail = detail_of(could_not_check=("existing orders", "procedures and transfusions"))

    assert "Could not check: existing orders and procedures and transfusions." in detail


def test_long_lists_of_doubts_are_counted():
    names = tuple(f"group number {number}" for number in range(20))
    line = next(each for each in detail_of(could_not_check=names).splitlines() if "check" in each)

    assert words(line) <= 15
    assert line.endswith(" more.")


def test_orders_that_were_not_proposed_stand_in_the_explanation_only():
    assert "CBC of 14 June" not in detail_of(
        withheld=(WithheldOrder("cbc-differential", "a CBC of 14 June exists"),)
    )


def test_every_detail_ends_with_what_it_is():
    for card in cards_of(interpretation(data_quality=finding("data-quality"))):
        assert card.detail.endswith("Decision support, not a diagnosis.")


@pytest.mark.parametrize(
    ("text", "count"),
    [("Hgb 8.9 g/dL ↓ · ANC", 4), ("", 0), ("— ↑↑ ·", 0), ("**bold** and `code`", 3), ("é 1", 2)],
)
def test_a_word_has_a_letter_or_a_digit(text, count):
    assert words(text) == count


def test_cut_text_ends_with_an_ellipsis():
    assert cut_words("one two, three", 2) == "one two…"
    assert cut_words("one two", 2) == "one two"


TEXTS = st.text(alphabet="ab ·↓:;.,0", max_size=300)
RESULTS = st.sampled_from([HEMOGLOBIN, NEUTROPHILS, PLATELETS, B12])
VALUES = st.builds(
    ShownValue,
    st.sampled_from(Analyte),
    st.one_of(st.none(), RESULTS),
    st.sampled_from(Deviation),
    missing=st.sampled_from(["not measured", "not available"]),
    decides=st.booleans(),
)
REMARKS = st.lists(
    st.builds(
        Remark, st.just("M9"), st.sampled_from(RemarkRank), st.text(alphabet="ab ", max_size=40)
    ),
    max_size=12,
    unique_by=lambda each: each.rank,
)


@settings(max_examples=100)
@given(
    values=st.lists(VALUES, max_size=20),
    also=st.lists(TEXTS, max_size=4),
    remarks=REMARKS,
    doubts=st.lists(st.text(alphabet="ab ", max_size=120), max_size=22),
    refused=st.lists(st.tuples(st.sampled_from(Analyte), TEXTS), max_size=30),
    before=st.dictionaries(st.sampled_from(CellLine), RESULTS),
)
def test_no_detail_has_more_than_160_words(values, also, remarks, doubts, refused, before):
    card = cards_of(
        interpretation(
            overlay=finding(
                "severe-cytopenias",
                FindingIndicator.CRITICAL,
                meaning=" ".join(["word"] * 55),
                avoid=" ".join(["word"] * 30),
                values=tuple(values),
            ),
            lower_overlays=tuple(finding(str(n), summary=text) for n, text in enumerate(also)),
            remarks=tuple(sorted(remarks, key=lambda each: each.rank)),
            could_not_check=tuple(doubts),
            set_aside=tuple(
                Unreadable(analyte, Reason.ANC_GT_WBC, "", reported=text)
                for analyte, text in refused
            ),
            states=states(before=before),
        )
    )[0]

    assert words(card.detail) <= MOST_WORDS


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
    harmless = tags(RENDER(card_with("x").detail))

    assert tags(RENDER(card_with(text).detail)) == harmless
    for hook in ("order-select", "order-sign"):
        (drafted,) = cards_of(drafting(text), hook=hook)
        assert tags(RENDER(drafted.detail)) == tags(
            RENDER(cards_of(drafting("x"), hook=hook)[0].detail)
        )


def card_with(text):
    hostile = replace(HEMOGLOBIN, reported_unit=text, status=text)
    refused = Unreadable(
        Analyte.PLATELETS, Reason.UNIT, text, text, datetime(2026, 1, 1, tzinfo=UTC)
    )
    return cards_of(
        interpretation(
            states=states(used=(hostile,), before={CellLine.HEMOGLOBIN: hostile}),
            set_aside=(refused,),
            could_not_check=(text,),
            remarks=(remark(RemarkRank.DRUG, f"Review or hold today: {text[:80]} x."),),
            finding=finding(meaning=f"Seen: {text} x", values=(value(hostile),)),
            overlay=finding("severe-cytopenias", avoid=f"what {text} x"),
            lower_overlays=(finding("other", summary=f"What {text} x"),),
        )
    )[0]


def drafting(text):
    draft = MedicationDraft("1", frozenset(), text, True)
    order = finding("b12-order-without-deficiency")
    return interpretation(orders=(), order_findings=((order, draft),))


def tags(html: str) -> list[str]:
    """The elements of a rendering, but for code, which an emptied text may lose."""
    import re

    return [tag for tag in re.findall(r"</?[a-z0-9]+", html) if "code" not in tag]


@given(st.text(max_size=60))
def test_prose_shows_exactly_one_paragraph_of_text(text):
    html = RENDER("x " + escaping.prose(text))

    assert tags(html) == ["<p", "</p"]


@given(st.text(max_size=60))
def test_prose_at_the_start_of_a_line_is_still_prose(text):
    html = RENDER(escaping.prose(text) or "x")

    assert tags(html) == ["<p", "</p"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_table_keeps_its_two_cells_whatever_is_in_them(one, two):
    html = RENDER(escaping.table(["A", "B"], [[escaping.code(one), escaping.prose(two)]]))

    assert html.count("<td") == 2
    assert html.count("<tr") == 2
    assert "<a" not in html


def test_addresses_are_not_turned_into_links_by_autolinking_clients():
    import re

    text = escaping.prose("see https://evil.example or www.evil.example or a@evil.example")

    assert not re.search(r"https?://|www\.|\S@\S*\w\.\w", text.replace("\u2060@", " @"))
