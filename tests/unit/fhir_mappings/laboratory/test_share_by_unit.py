"""A share sent under the code of a number per volume is read as the share it is (1.3, U5)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_mappings.panel import Analyte, Note, Reason
from tests.support.fhir import observation, only, panel_of, refused

BLAST_COUNTS = ["30376-8", "708-8", "30444-4", "35050-4", "746-8", "33830-1", "33839-2", "33855-8"]
BANDS = ["26507-4", "30229-9", "763-3"]
SHARES = ["%", "/100{WBC}", "/100 WBC", "percent"]


@pytest.mark.parametrize("unit", SHARES)
@pytest.mark.parametrize("code", BLAST_COUNTS)
def test_blasts(code, unit):
    result = only(panel_of(observation(code, 8, unit)), Analyte.BLAST_PERCENT)
    assert result.value == 8
    assert Note.UNIT_GOVERNS in result.notes


@pytest.mark.parametrize("code", BLAST_COUNTS)
def test_blasts_in_a_text(code):
    percent = only(panel_of(observation(code, valueString="8 %")), Analyte.BLAST_PERCENT)
    assert percent.value == 8


@pytest.mark.parametrize("code", ["34926-6", "745-0", "40611-6"])
def test_a_hint_of_blasts_stays_a_hint(code):
    assert panel_of(observation(code, 8, "%")).results == {}


@pytest.mark.parametrize("unit", SHARES)
@pytest.mark.parametrize("code", BANDS)
def test_bands_in_percent_complete_the_segmented_share(code, unit):
    panel = panel_of(
        observation("6690-2", 2, "10*3/uL", id="w"),
        observation("769-0", 40, "%", id="s"),
        observation(code, 10, unit, id="b"),
    )
    assert only(panel, Analyte.NEUTROPHILS).value == Decimal("1.0")
    assert panel.unreadable == ()


@pytest.mark.parametrize("code", ["751-8", "26499-4", "753-4", "768-2", "30451-9"])
def test_neutrophils_in_percent_under_the_code_of_a_count_stay_refused(code):
    assert refused(panel_of(observation(code, 40, "%")), Analyte.NEUTROPHILS).reason is Reason.UNIT
