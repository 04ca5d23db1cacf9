"""Two weeks of one clinician with one patient: what is shown again, and what is not.

The charts are those of the worked examples V01 and V03 of clinical-knowledge 6, carried on in time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from service.storage.store import issued_card
from tests.functional.calls.test_vignettes_over_http import topic
from tests.support.ehr import Ehr, item, rows
from tests.support.vignette_charts import (
    T0,
    at,
    chart,
    observation,
    vignette,
)

COUNTS = {
    "hemoglobin": "718-7",
    "leukocytes": "6690-2",
    "neutrophils": "751-8",
    "platelets": "777-3",
}
FINDING, MARROW, WORK_UP = "index-pattern", "marrow-evaluation", "work-up"


class Chart:
    """V01's chart, to which results and orders are added as the days go by."""

    def __init__(self) -> None:
        self.resources = chart(vignette("V01"))

    def cbc(self, day: float, **values: float) -> None:
        """Add a CBC of that day."""
        units = {"hemoglobin": "g/dL"}
        for name, value in values.items():
            given = {
                "loinc": COUNTS[name],
                "value": value,
                "unit": units.get(name, "10*3/uL"),
                "dayOffset": day,
            }
            self.resources.append(observation(len(self.resources) + 100, given))

    def accepted(self, card: dict[str, Any], day: float) -> None:
        """Place the orders that a card suggests, as an EHR does when it is accepted."""
        for suggestion in card["suggestions"]:
            draft = suggestion["actions"][0]["resource"]
            self.resources.append(
                draft
                | {
                    "id": suggestion["uuid"],
                    "status": "active",
                    "intent": "order",
                    "authoredOn": at(day),
                }
            )


def test_two_weeks_over_http(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True)
    patient = Chart()

    def open_chart(day: float) -> dict[str, dict[str, Any]]:
        ehr.now = T0 + timedelta(days=day)
        return {topic(card): card for card in ehr.open_chart(resources=patient.resources)}

    def answer(card: dict[str, Any], outcome: str, day: float) -> None:
        moment = (T0 + timedelta(days=day)).isoformat()
        given = item(card, outcome) | {"outcomeTimestamp": moment}
        assert ehr.give(given).status_code == 200

    first = open_chart(0)
    assert set(first) == {FINDING, MARROW, WORK_UP}
    assert set(open_chart(0.1)) == set(first), "not answered: shown again"
    answer(first[FINDING], "overridden", 0.2)
    assert open_chart(1) == {}, "overridden: quiet, companions too"

    patient.cbc(2, hemoglobin=8.7, leukocytes=2.5, neutrophils=1.2, platelets=81)
    assert open_chart(2.1) == {}, "a new CBC of the same meaning: still quiet"
    assert open_chart(6) == {}, "older results alone are no news"

    patient.cbc(6.5, hemoglobin=8.6, leukocytes=2.2, neutrophils=1.1, platelets=45)
    changed = open_chart(7)
    assert FINDING in changed, "the state of a line changed: shown again"
    answer(changed[FINDING], "accepted", 7.1)
    patient.accepted(changed[FINDING], 7.1)
    assert open_chart(7.2) == {}, "accepted and the referral placed: quiet"
    assert open_chart(8) == {}

    patient.cbc(9.5, hemoglobin=8.5, leukocytes=1.2, neutrophils=0.4, platelets=44)
    severe = open_chart(10)
    assert severe["severe-cytopenias"]["indicator"] == "critical"
    for card in severe.values():
        answer(card, "overridden", 10.1)
    again = open_chart(11)
    critical = {name for name, card in severe.items() if card["indicator"] == "critical"}
    assert set(again) == critical, "critical is shown although overridden, the rest is not"
    assert set(open_chart(14)) == critical
    assert {row["disposition"] for row in rows(url, issued_card)} == {"shown", "held back"}


def test_thirty_days_after_the_answer_the_card_comes_back(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True, repeat_days=3)
    card = ehr.open_chart()[0]
    ehr.now = T0 + timedelta(days=2)
    ehr.give(item(card))
    ehr.now = T0 + timedelta(days=4.9)
    assert ehr.open_chart() == [], "three days since the answer have not gone by"
    ehr.now = T0 + timedelta(days=5.1)
    assert ehr.open_chart() != []
