"""A woman with low counts and a high vitamin B12, whose chart is written one way or another.

For tests of how senders write: each changes one thing, and the answer is compared with that to the
clean chart.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.support.hook_calls import NOW, PATIENT, PATIENT_ID, call, empty_prefetch, post

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

Json = dict[str, Any]

YESTERDAY = (NOW - timedelta(days=1)).isoformat()
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
EXPLAIN = {"heme-hooks": {"explain": True}}
GROUPS = {
    "bloodCounts": ("718-7", "6690-2", "777-3", "58410-2"),
    "differential": ("751-8", "747-6", "30445-1"),
    "smear": ("7796-6", "11125-2", "11156-7"),
    "ironStudies": ("2498-4", "2500-7", "2502-3", "2276-4"),
    "vitaminB12": ("2132-9", "13964-2"),
    "kidneyFunction": ("98979-8",),
}
"""Under which key a client sends a result, by its LOINC."""
KEYS = {"Condition": "conditions", "Encounter": "encounters"}
"""Under which key a client sends what is no Observation."""
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
COUNTS = ("718-7", "6690-2", "751-8", "777-3")


def observation(code: str, value: Any = None, unit: str = "", /, **more: Any) -> Json:
    """A result of yesterday; `more` replaces its members."""
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


def condition(code: Json, **more: Any) -> Json:
    """An active Condition."""
    made: Json = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": code,
    }
    return made | more


def quantity_range(low: float, high: float, unit: str) -> Json:
    """A reference range."""
    return {"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}}


def bundle(*resources: Json) -> Json:
    """A searchset of these resources."""
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def with_results(*changed: Json, without: Iterable[str] = ()) -> list[Json]:
    """The clean chart with these resources in place of its own results of the same code."""
    codes = {_code(each) for each in changed} | set(without)
    rest = [observation(code, *pair) for code, pair in CHART.items() if code not in codes]
    return [*changed, *rest]


def prefetched(resources: Iterable[Json], patient: Json | None = None) -> Json:
    """What a client sends of a chart: every key, those without a resource empty."""
    sent = empty_prefetch() | {"patient": patient or PATIENT}
    found: dict[str, list[Json]] = {}
    for each in resources:
        found.setdefault(_key(each), []).append(each)
    return sent | {key: bundle(*those) for key, those in found.items()}


def respond(
    browser: FlaskClient, resources: Iterable[Json], *, patient: Json | None = None, **fields: Any
) -> TestResponse:
    """Make a patient-view call with everything prefetched, and ask why."""
    body = call(prefetch=prefetched(resources, patient), extension=EXPLAIN, **fields)
    return post(browser, body)


def answer(browser: FlaskClient, *changed: Json) -> Json:
    """The answer for the chart with these resources in place of its own."""
    response = respond(browser, with_results(*changed))
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.json  # type: ignore[return-value]


def lines(given: Json) -> Json:
    """The state of each cell line."""
    states: Json = given["extension"]["heme-hooks"]["states"]
    return dict(states["lines"])


def leading(given: Json) -> str | None:
    """The finding of the card, None without a card."""
    return next((card["source"]["topic"]["code"] for card in given["cards"]), None)


def _key(resource: Json) -> str:
    if resource["resourceType"] != "Observation":
        return KEYS[resource["resourceType"]]
    code = _code(resource)
    return next((key for key, codes in GROUPS.items() if code in codes), "bloodCounts")


def _code(resource: Json) -> str:
    if resource["resourceType"] != "Observation":
        return ""
    return str(resource["code"]["coding"][0]["code"])
