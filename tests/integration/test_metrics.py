"""Metrics: what is counted, under several workers too, and never a word about a patient."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from prometheus_client.parser import text_string_to_metric_families

from tests.support.ehr import KNOWN, SERVICE, Ehr, item
from tests.support.gunicorn_server import served, session
from tests.support.vignette_charts import PATIENT, chart, observation, vignette


def samples(text: str) -> dict[tuple[str, frozenset[str]], float]:
    """Each sample by name and label values."""
    return {
        (sample.name.removeprefix("heme_hooks_"), frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(ehr: Ehr, name: str, *labels: str) -> float:
    return samples(ehr.http.get("/metrics").text).get((name, frozenset(labels)), 0)


def test_calls_findings_cards_and_feedback_are_counted(sqlite_url: str) -> None:
    ehr = Ehr(sqlite_url, quiet_repeats=True)
    card = ehr.open_chart()[0]
    ehr.give(item(card) | {"overrideReason": {"reason": KNOWN}})
    ehr.give(item(card))
    ehr.open_chart()
    ehr.give({})
    ehr.post("/cds-services/marker", {})
    service = "pancytopenia-patient-view"
    assert of(ehr, "calls_total", service, "200") == 2
    assert of(ehr, "calls_total", "unknown", "404") == 1
    assert of(ehr, "call_seconds_count", service) == 2
    assert of(ehr, "findings_total", "index-pattern") == 2
    assert of(ehr, "cards_shown_total", "index-pattern", "warning") == 1
    assert of(ehr, "cards_held_back_total", "index-pattern", "known") == 1
    assert of(ehr, "feedback_total", "overridden", "already-known") == 1, "a repeat counts once"
    assert of(ehr, "feedback_requests_total", service, "200") == 2
    assert of(ehr, "feedback_requests_total", service, "400") == 1


def test_unreadable_results_count_by_reason_and_searches_by_outcome(sqlite_url: str) -> None:
    ehr = Ehr(sqlite_url, shadow=True)
    body: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/1", "patientId": PATIENT},
        "fhirServer": "http://127.0.0.1:9/fhir",
    }
    assert ehr.post(SERVICE, body).status_code == 412
    assert of(ehr, "fetch_seconds_count", "patient", "connection") == 1
    ehr.open_chart()
    assert of(ehr, "cards_shadow_total", "index-pattern", "warning") == 1
    odd = {"loinc": "777-3", "value": 84, "unit": "bananas", "dayOffset": -1}
    ehr.open_chart(resources=[*chart(vignette("V06")), observation(99, odd)])
    assert of(ehr, "unreadable_results_total", "UNIT") == 1


def test_no_metric_repeats_what_came_from_outside(sqlite_url: str) -> None:
    ehr = Ehr(sqlite_url)
    marker = "Xq7Marker"
    card = ehr.open_chart(user=f"Practitioner/{marker}", patient=marker)[0]
    ehr.post(f"/cds-services/{marker}", {})
    ehr.post(f"/cds-services/{marker}/feedback", {})
    reason = {"reason": {"code": marker, "system": f"urn:{marker}"}, "userComment": marker}
    ehr.give(item(card) | {"overrideReason": reason})
    assert marker not in ehr.http.get("/metrics").text


def test_metrics_can_be_switched_off(sqlite_url: str) -> None:
    assert Ehr(sqlite_url, metrics=False).http.get("/metrics").status_code == 404


def test_several_workers_give_one_count_and_a_killed_one_takes_none_away(sqlite_url: str) -> None:
    with served(workers=3, database_url=sqlite_url) as (base, master), session() as http:

        def count() -> float:
            text = http.get(f"{base}/metrics", headers={"Connection": "close"}).text
            labels = frozenset({"pancytopenia-patient-view", "400"})
            return samples(text).get(("calls_total", labels), 0)

        def call(times: int) -> None:
            for _ in range(times):
                http.post(f"{base}{SERVICE}", json={}, headers={"Connection": "close"})

        call(30)
        assert {count() for _ in range(9)} == {30.0}
        os.kill(_workers(master)[0], signal.SIGKILL)
        time.sleep(1.5)
        call(15)
        assert {count() for _ in range(9)} == {45.0}


def _workers(pid: int) -> list[int]:
    """The leaves of the process tree: gunicorn's workers."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [leaf for child in children for leaf in _workers(child)] or [pid]
