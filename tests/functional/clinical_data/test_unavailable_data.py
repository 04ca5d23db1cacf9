"""What cannot be had: 412 when it decides, else cards that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from service import samples
from service.settings import SettingsRefused
from tests.support.hook_calls import (
    EMPTY,
    PATIENT,
    call,
    client,
    empty_prefetch,
    post,
    seed_prefetch,
    topics,
)

if TYPE_CHECKING:
    from flask.testing import FlaskClient

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}
INDISPENSABLE = ["patient", "bloodCounts", "differential"]
CONTEXT = [
    "conditions",
    "medicationRequests",
    "medicationAdministrations",
    "medicationStatements",
    "procedures",
    "serviceRequests",
    "encounters",
    "appointments",
    "diagnosticReports",
]


@pytest.fixture(scope="module")
def browser() -> FlaskClient:
    return client()


def without(prefetch: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in prefetch.items() if key not in keys}


@pytest.mark.parametrize("prefetch", [None, {}, {"x": 1}])
def test_no_data_and_no_fhir_server_is_412_naming_what_is_needed(
    browser: FlaskClient, prefetch: dict[str, Any] | None
) -> None:
    answer = post(browser, call(prefetch=prefetch))
    assert answer.status_code == 412
    issues = answer.json["issue"]  # type: ignore[index]
    assert [issue["expression"] for issue in issues] == [[f"prefetch.{k}"] for k in INDISPENSABLE]
    for issue in issues:
        assert "not prefetched" in issue["details"]["text"]
        assert "fhirServer" in issue["details"]["text"]
        assert issue["details"]["coding"][0]["code"] == "clinical-data-unavailable"


@pytest.mark.parametrize("key", INDISPENSABLE)
@pytest.mark.parametrize("value", ["absent", OUTCOME, {}, [], 7])
def test_a_key_that_decides_must_be_there(browser: FlaskClient, key: str, value: object) -> None:
    prefetch = without(seed_prefetch(), key)
    if value != "absent":
        prefetch[key] = value
    answer = post(browser, call(prefetch=prefetch))
    assert answer.status_code == 412
    assert [i["expression"][0] for i in answer.json["issue"]] == [f"prefetch.{key}"]  # type: ignore[index]


def test_every_key_an_operation_outcome_is_412(browser: FlaskClient) -> None:
    assert post(browser, call(prefetch=dict.fromkeys(empty_prefetch(), OUTCOME))).status_code == 412


def test_a_patient_that_cannot_be_read_is_412(browser: FlaskClient) -> None:
    prefetch = seed_prefetch() | {"patient": {**PATIENT, "id": "another"}}
    assert post(browser, call(prefetch=prefetch)).status_code == 412


@pytest.mark.parametrize("empty", [EMPTY, None])
def test_nothing_recorded_is_no_advice_and_no_error(browser: FlaskClient, empty: object) -> None:
    prefetch = dict.fromkeys(empty_prefetch(), empty) | {"patient": PATIENT}
    answer = post(browser, call(prefetch=prefetch))
    assert (answer.status_code, answer.json) == (200, {"cards": []})


def test_a_normal_chart_needs_no_second_stage(browser: FlaskClient) -> None:
    prefetch = {key: empty_prefetch()[key] for key in (*INDISPENSABLE, "smear")}
    answer = post(browser, call(prefetch=prefetch))
    assert (answer.status_code, answer.json) == (200, {"cards": []})


def test_the_seeds_patient_has_the_seeds_finding(browser: FlaskClient) -> None:
    assert topics(post(browser, call(prefetch=seed_prefetch())))[0] == "index-pattern"


def test_with_the_laboratory_alone_the_finding_stands_and_says_what_was_not_checked(
    browser: FlaskClient,
) -> None:
    answer = post(browser, call(prefetch=without(seed_prefetch(), *CONTEXT)))
    assert topics(answer)[0] == "index-pattern"
    detail = answer.json["cards"][0]["detail"]  # type: ignore[index]
    _, _, unchecked = detail.partition("Could not check: ")
    assert "conditions" in unchecked
    assert "medicines" in unchecked
    # The card names the first and how many more; the evidence names all.
    asked = call(
        prefetch=without(seed_prefetch(), *CONTEXT), extension={"heme-hooks": {"explain": True}}
    )
    evidence = post(browser, asked).json["extension"]["heme-hooks"]  # type: ignore[index]
    for what in ("conditions", "medicines", "existing orders", "procedures"):
        assert what in " ".join(evidence["couldNotCheck"])


def test_core_counts_iron_and_b12_alone_give_the_seeds_cards(browser: FlaskClient) -> None:
    keys = ("patient", "bloodCounts", "differential", "ironStudies", "vitaminB12")
    prefetch = {key: seed_prefetch()[key] for key in keys}
    assert topics(post(browser, call(prefetch=prefetch)))[0] == "index-pattern"


def test_a_film_that_was_not_prefetched_is_no_412(browser: FlaskClient) -> None:
    answer = post(browser, call(prefetch=without(empty_prefetch(), "smear")))
    assert (answer.status_code, answer.json) == (200, {"cards": []})


def test_a_finding_that_is_switched_off_gives_no_card() -> None:
    quiet = client(findings_off=frozenset({"index-pattern"}))
    assert "index-pattern" not in topics(post(quiet, call(prefetch=seed_prefetch())))


def test_a_switch_for_a_finding_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsRefused, match="index-patern"):
        client(findings_off=frozenset({"index-patern"}))


def test_an_explanation_comes_when_it_is_asked_for_and_allowed(browser: FlaskClient) -> None:
    asking = call(prefetch=empty_prefetch(), extension={"heme-hooks": {"explain": True}})
    answer = post(browser, asking)
    assert answer.json["cards"] == []  # type: ignore[index]
    explanation = answer.json["extension"]["heme-hooks"]  # type: ignore[index]
    assert explanation["sentence"]
    assert "extension" not in post(browser, call(prefetch=empty_prefetch())).json  # type: ignore[operator]
    assert "extension" not in post(client(explanations=False), asking).json  # type: ignore[operator]


@pytest.mark.parametrize(
    ("sample", "key"),
    [("known-mds", "temperature"), ("bleeding-in-hospital", "vitaminB12")],
)
def test_laboratory_data_that_leaves_the_only_rule_undecided_is_412(
    browser: FlaskClient, sample: str, key: str
) -> None:
    """Without a fever, or with a normal B12, there is no card; unknown must not look the same."""
    prefetch = seed_prefetch(sample)
    body = call(prefetch=prefetch, patient_id=samples.SAMPLES[sample].patient_id)
    assert post(browser, body).json == {"cards": []}
    answer = post(browser, body | {"prefetch": without(prefetch, key)})
    assert answer.status_code == 412
    assert [i["expression"][0] for i in answer.json["issue"]] == [f"prefetch.{key}"]  # type: ignore[index]
