"""Several results of one analyte to one per specimen (clinical-definition 1.1, A7 and A8)."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.panel import Analyte, Note
from tests.support.fhir import at, observation, only, panel_of

HGB, PLT, BLASTS = Analyte.HEMOGLOBIN, Analyte.PLATELETS, Analyte.BLAST_PERCENT
CORRECTIONS = ["corrected", "amended", " Corrected "]
OTHERS = ["final", "preliminary", "unknown"]
DAY = "2026-05-14"


def hemoglobin(value, name, **more):
    return observation("718-7", value, "g/dL", id=name, **more)


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize(("wrong", "right"), [(8.9, 12.9), (12.9, 8.9)])
def test_a_correction_governs_whatever_it_corrects(correction, other, wrong, right):
    pair = [hemoglobin(wrong, "a", status=other), hemoglobin(right, "b", status=correction)]
    for order in permutations(pair):
        result = only(panel_of(*order), HGB)
        assert result.value == Decimal(str(right))
        assert Note.CONFLICT not in result.notes


def test_a_correction_goes_before_a_later_issued_final_one():
    pair = [
        hemoglobin(8.9, "a", issued=at(minutes=10)),
        hemoglobin(12.9, "b", status="corrected", issued=at(minutes=60)),
    ]
    assert only(panel_of(*pair), HGB).value == Decimal("12.9")


def test_the_method_goes_before_the_correction():
    automated = observation("777-3", 84, "K/uL", id="a", status="corrected")
    manual = observation("778-1", 120, "K/uL", id="m")
    assert only(panel_of(automated, manual), PLT).value == 120


def test_two_corrections_that_differ_are_a_conflict_still():
    pair = [hemoglobin(v, f"x{v}", status="corrected") for v in (8.9, 12.9)]
    result = only(panel_of(*pair), HGB)
    assert result.value == Decimal("8.9")
    assert Note.CONFLICT in result.notes


def test_corrected_blasts_replace_those_of_their_code_only():
    final = observation("709-6", 8, "%", id="a")
    corrected = observation("709-6", 0, "%", id="b", status="corrected")
    others = observation("747-6", 3, "%", id="c")
    assert only(panel_of(final, corrected), BLASTS).value == 0
    assert only(panel_of(final, corrected, others), BLASTS).value == 3


@pytest.mark.parametrize("time", ["T00:05:00+00:00", "T10:05:00+00:00", "T23:50:00+00:00"])
def test_a_time_is_newer_than_its_date_alone(time):
    dated, timed = (
        hemoglobin(8.9, "d", effectiveDateTime=DAY),
        hemoglobin(12.9, "t", effectiveDateTime=DAY + time),
    )
    for order in ((dated, timed), (timed, dated)):
        newest, older = panel_of(*order).results[HGB]
        assert (newest.value, older.value) == (Decimal("12.9"), Decimal("8.9"))
        assert newest.taken > older.taken
        assert (newest.has_time, older.has_time) == (True, False)


@given(
    st.lists(st.sampled_from(["7.1", "8.9", "12.9"]), min_size=2, max_size=4, unique=True),
    st.randoms(use_true_random=False),
)
def test_of_one_date_without_a_time_the_lower_counts_without_conflict(values, random):
    made = [hemoglobin(v, f"x{v}", effectiveDateTime=DAY) for v in values]
    random.shuffle(made)
    result = only(panel_of(*made), HGB)
    assert result.value == min(map(Decimal, values))
    assert Note.CONFLICT not in result.notes


def test_of_one_date_without_a_time_the_later_issued_counts():
    pair = [
        hemoglobin(8.9, "a", effectiveDateTime=DAY, issued=at(minutes=600)),
        hemoglobin(12.9, "b", effectiveDateTime=DAY, issued=at(minutes=60)),
    ]
    assert only(panel_of(*pair), HGB).value == Decimal("12.9")


def test_two_dates_are_two_specimens():
    pair = [hemoglobin(8.9, "a", effectiveDateTime=DAY)]
    pair += [hemoglobin(12.9, "b", effectiveDateTime="2026-05-13")]
    assert [r.value for r in panel_of(*pair).results[HGB]] == [Decimal("8.9"), Decimal("12.9")]
