"""Charts as laboratories and EHRs really write them, through HTTP to the card.

Each chart is one woman with low counts and a high vitamin B12; each test changes how one thing is
written, and the answer must be that of the clean chart, or say what was not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.hook_calls import client
from tests.support.written_charts import (
    SNOMED,
    Json,
    answer,
    condition,
    leading,
    lines,
    observation,
    quantity_range,
)

if TYPE_CHECKING:
    from flask.testing import FlaskClient


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client()


@pytest.fixture(scope="module")
def clean(browser: FlaskClient) -> Json:
    given = answer(browser)
    assert leading(given) == "pancytopenia-high-b12"
    return given


@pytest.mark.parametrize(
    "written",
    [
        observation("777-3", 84, "10*3/Î¼L"),
        observation("777-3", 84, "x10 (3)"),
        observation("777-3", 84, "10³/ÂµL"),
        observation("777-3", valueString="84 K/uL"),
        observation("6690-2", 2.4, "thousand"),
        observation("718-7", valueString="8.9 g/dL"),
        observation("718-7", 8.9, "gm/dl (calc)"),
        observation(
            "2132-9",
            valueString="GREATER THAN 1,480",
            referenceRange=[quantity_range(200, 900, "pg/mL")],
        ),
    ],
    ids=lambda made: str(made.get("valueString") or made["valueQuantity"]["unit"]),
)
def test_the_same_result_written_otherwise_gives_the_same_answer(
    browser: FlaskClient, clean: Json, written: Json
) -> None:
    given = answer(browser, written)
    assert (leading(given), lines(given)) == (leading(clean), lines(clean))


def test_a_unit_that_its_own_range_contradicts_leaves_the_line_unknown(
    browser: FlaskClient,
) -> None:
    suspect = observation("718-7", 8.9, "mmol/L", referenceRange=[quantity_range(12, 16, "mmol/L")])
    given = answer(browser, suspect)
    assert lines(given)["Hgb"] == "unknown"
    assert "8.9 mmol/L" in str(given["cards"])


def test_a_flag_in_snomed_counts_as_one_in_hl7(browser: FlaskClient) -> None:
    """12.25 g/dL is low for a woman only because the laboratory says so."""
    flags = [
        {"system": SNOMED, "code": "281300000", "display": "Onder referentiebereik"},
        {"system": "http://terminology.hl7.org/CodeSystem/v2-0078", "code": "L"},
    ]
    for flag in flags:
        flagged = observation("718-7", 7.6, "mmol/L", interpretation=[{"coding": [flag]}])
        assert lines(answer(browser, flagged))["Hgb"] == "low"
    assert lines(answer(browser, observation("718-7", 7.6, "mmol/L")))["Hgb"] == "normal"


def test_myeloblasts_of_a_manual_differential_are_blasts(browser: FlaskClient) -> None:
    given = answer(browser, observation("747-6", 8, "%"))
    assert leading(given) == "circulating-blasts"
    assert given["cards"][0]["indicator"] == "critical"


def test_a_correction_under_a_new_id_governs(browser: FlaskClient) -> None:
    wrong = observation("718-7", 8.9, "g/dL", id="wrong")
    right = observation("718-7", 12.9, "g/dL", id="right", status="corrected")
    assert lines(answer(browser, wrong, right))["Hgb"] == "normal"


@pytest.mark.parametrize("note", ["PLATELET CLUMPS PRESENT.", "Platelet satellitism"])
def test_clumps_in_the_note_leave_a_low_platelet_line_unknown(
    browser: FlaskClient, note: str
) -> None:
    clumped = observation("777-3", 84, "10*3/uL", note=[{"text": note}])
    assert lines(answer(browser, clumped))["platelets"] == "unknown"
    denied = observation("777-3", 84, "10*3/uL", note=[{"text": "No platelet clumps seen"}])
    assert lines(answer(browser, denied))["platelets"] == "low"


@pytest.mark.parametrize(
    "unit", ["mL/min/1.73msq", "ml/min/1.73m", "mL/min/1.73 sq. m", "ml/min/1,73 mÂ²", "mL/s"]
)
def test_a_kidney_is_known_by_any_spelling_of_its_rate(browser: FlaskClient, unit: str) -> None:
    """MMA 0.55 proves a functional deficiency only where the kidney is known to be sound."""
    value = 85 if unit != "mL/s" else 1.42
    given = answer(
        browser, observation("13964-2", 0.55, "umol/L"), observation("98979-8", value, unit)
    )
    assert given["extension"]["heme-hooks"]["states"]["function"] == "DEF"
    assert leading(given) == "false-high-b12"


def test_a_leukemia_in_words_is_known(browser: FlaskClient) -> None:
    known = answer(browser, condition({"text": "Acute myeloid leukemia"}))
    assert leading(known) != "pancytopenia-high-b12"


@pytest.mark.parametrize(
    "text", ["Family history of leukemia", "Leukemia ruled out", "Suspected leukemia", "Leukemoid"]
)
def test_a_leukemia_that_is_denied_doubted_or_of_the_family_suppresses_nothing(
    browser: FlaskClient, clean: Json, text: str
) -> None:
    assert leading(answer(browser, condition({"text": text}))) == leading(clean)
