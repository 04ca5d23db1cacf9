"""Charts as laboratories and EHRs really write them, through HTTP to the card.

Each chart is one woman with low counts and a high vitamin B12; each test changes how one thing is
written, and the answer must be that of the clean chart, or say what was not used.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.hook_calls import NOW, PATIENT, PATIENT_ID, call, client, empty_prefetch, post

if TYPE_CHECKING:
    from flask.testing import FlaskClient

YESTERDAY = (NOW - timedelta(days=1)).isoformat()
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
GROUPS = {
    "bloodCounts": ("718-7", "6690-2", "777-3"),
    "differential": ("751-8", "747-6"),
    "ironStudies": ("2498-4", "2500-7", "2502-3", "2276-4"),
    "vitaminB12": ("2132-9", "13964-2"),
    "kidneyFunction": ("98979-8",),
}
CHART: dict[str, tuple[Any, str]] = {
    "718-7": (8.9, "g/dL"),
    "6690-2": (2.4, "10*3/uL"),
    "751-8": (1.1, "10*3/uL"),
    "777-3": (84, "10*3/uL"),
    "2498-4": (95, "ug/dL"),
    "2500-7": (310, "ug/dL"),
    "2502-3": (31, "%"),
    "2276-4": (180, "ng/mL"),
    "2132-9": (1480, "pg/mL"),
}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client()


def observation(code: str, value: Any = None, unit: str = "", /, **more: Any) -> Json:
    made: Json = {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        "effectiveDateTime": YESTERDAY,
    }
    if value is not None:
        made["valueQuantity"] = {"value": value, "unit": unit}
    return made | more


def answer(browser: FlaskClient, *changed: Json, conditions: tuple[Json, ...] = ()) -> Json:
    """The answer for the chart with these results in place of its own."""
    codes = [each["code"]["coding"][0]["code"] for each in changed]
    rest = [observation(code, *pair) for code, pair in CHART.items() if code not in codes]
    prefetch = empty_prefetch() | {"patient": PATIENT}
    for key, wanted in GROUPS.items():
        found = [r for r in (*changed, *rest) if r["code"]["coding"][0]["code"] in wanted]
        prefetch[key] = bundle(*found)
    if conditions:
        prefetch["conditions"] = bundle(*conditions)
    body = call(prefetch=prefetch, extension={"heme-hooks": {"explain": True}})
    response = post(browser, body)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.json  # type: ignore[return-value]


def bundle(*resources: Json) -> Json:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def lines(given: Json) -> Json:
    states: Json = given["extension"]["heme-hooks"]["states"]
    return dict(states["lines"])


def leading(given: Json) -> str | None:
    return next((card["source"]["topic"]["code"] for card in given["cards"]), None)


def quantity_range(low: float, high: float, unit: str) -> Json:
    return {"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}


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


def condition(text: str) -> Json:
    return {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": text},
    }


def test_a_leukemia_in_words_is_known(browser: FlaskClient) -> None:
    known = answer(browser, conditions=(condition("Acute myeloid leukemia"),))
    assert leading(known) != "pancytopenia-high-b12"


@pytest.mark.parametrize(
    "text", ["Family history of leukemia", "Leukemia ruled out", "Suspected leukemia", "Leukemoid"]
)
def test_a_leukemia_that_is_denied_doubted_or_of_the_family_suppresses_nothing(
    browser: FlaskClient, clean: Json, text: str
) -> None:
    assert leading(answer(browser, conditions=(condition(text),))) == leading(clean)
