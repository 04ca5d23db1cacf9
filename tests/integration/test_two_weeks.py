"""Two weeks of two clinicians with one patient: what is shown again, and what is not.

The charts are those of the worked examples V01 and V03 of clinical-definition 6, carried on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from service.storage.store import issued_card
from tests.functional.calls.test_vignettes_over_http import topic
from tests.support.ehr import Ehr, item, rows
from tests.support.vignette_charts import PATIENT, RXNORM, T0, at, chart, observation, vignette

if TYPE_CHECKING:
    from tests.support.vignette_charts import Resource

COUNTS = {
    "hemoglobin": "718-7",
    "leukocytes": "6690-2",
    "neutrophils": "751-8",
    "platelets": "777-3",
}
USER, COLLEAGUE = "Practitioner/1", "Practitioner/2"


class Patient:
    """V01's chart, to which results, orders and medicines are added as the days go by."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.resources: list[Resource] = chart(vignette("V01"))
        self.url = url
        self.ehr = Ehr(url, quiet_repeats=True, **settings)

    def opened(self, day: float, user: str = USER) -> list[dict[str, Any]]:
        """Open the chart; the cards that are shown."""
        self.ehr.now = T0 + timedelta(days=day)
        return self.ehr.open_chart(resources=self.resources, user=user)

    def answer(self, card: dict[str, Any], outcome: str, day: float, reason: str = "") -> None:
        moment = T0 + timedelta(days=day)
        self.ehr.now = moment
        given = item(card, outcome) | {"outcomeTimestamp": moment.isoformat()}
        if reason:
            code = next(each for each in card["overrideReasons"] if each["code"] == reason)
            given["overrideReason"] = {"reason": code}
        assert self.ehr.give(given).status_code == 200

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

    def place(self, card: dict[str, Any], day: float) -> None:
        """Place what a card recommends, as an EHR does when it is accepted; no marrow yet.

        With marrow and referral there would be no card at all (M6).
        """
        for suggestion in card["suggestions"]:
            if not suggestion.get("isRecommended"):
                continue
            for number, action in enumerate(suggestion["actions"]):
                self.resources.append(
                    action["resource"]
                    | {
                        "id": f"{suggestion['uuid']}-{number}",
                        "status": "active",
                        "intent": "order",
                        "authoredOn": at(day),
                    }
                )

    def methotrexate(self, day: float) -> None:
        self.resources.append(
            {
                "resourceType": "MedicationRequest",
                "id": "methotrexate",
                "status": "active",
                "intent": "order",
                "subject": {"reference": f"Patient/{PATIENT}"},
                "authoredOn": at(day),
                "medicationCodeableConcept": {
                    "coding": [{"system": RXNORM, "code": "6851"}],
                    "text": "Methotrexate 2.5 mg tablet",
                },
            }
        )


def test_two_weeks_over_http(url: str) -> None:
    patient = Patient(url)
    first = patient.opened(0)
    assert topic(first[0]) == "index-pattern"
    assert patient.opened(0.1) != [], "not answered: shown again"
    patient.answer(first[0], "overridden", 0.2, "not-appropriate-for-patient")
    assert patient.opened(1) == [], "overridden: quiet"
    assert patient.opened(1, COLLEAGUE) != [], "a colleague has not answered"

    patient.cbc(2, hemoglobin=8.7, leukocytes=2.5, neutrophils=1.2, platelets=81)
    assert patient.opened(2.1) == [], "a new CBC of the same meaning: quiet"
    patient.cbc(3, hemoglobin=7.4, leukocytes=2.5, neutrophils=1.7, platelets=90)
    assert patient.opened(3.1) == [], "nor is hemoglobin news"

    patient.cbc(6.5, hemoglobin=8.6, leukocytes=2.2, neutrophils=1.1, platelets=45)
    worse = patient.opened(7)
    assert worse != [], "platelets are moderate now: shown"
    patient.answer(worse[0], "accepted", 7.1)
    patient.place(worse[0], 7.1)
    assert patient.opened(7.2) == [], "accepted and the orders placed: quiet"
    patient.cbc(7.5, hemoglobin=9.0, leukocytes=2.4, neutrophils=1.4, platelets=60)
    assert patient.opened(8) == [], "an improvement is no news"
    patient.cbc(8.2, hemoglobin=8.9, leukocytes=2.3, neutrophils=1.2, platelets=44)
    assert patient.opened(8.3) == [], "nor is its end"

    patient.methotrexate(8.5)
    drug = patient.opened(9)
    assert drug != [], "a drug for the first time"
    patient.answer(drug[0], "overridden", 9.1)
    assert patient.opened(9.2) == []

    patient.cbc(9.5, hemoglobin=8.5, leukocytes=1.2, neutrophils=0.4, platelets=44)
    severe = patient.opened(10)
    assert topic(severe[0]) == "severe-cytopenias"
    assert severe[0]["indicator"] == "critical"
    assert patient.opened(10.1) != [], "critical: until it is answered"
    patient.answer(severe[0], "overridden", 10.2)
    assert patient.opened(11) == [], "answered: rests"
    assert patient.opened(11, COLLEAGUE) != [], "for this user only"
    assert patient.opened(11.3) != [], "for 24 hours"
    patient.answer(severe[0], "overridden", 11.4)
    patient.cbc(11.5, hemoglobin=8.5, leukocytes=1.2, neutrophils=0.4, platelets=15)
    assert patient.opened(11.6) != [], "worse: at once"
    dispositions = {row["disposition"] for row in rows(url, issued_card)}
    assert dispositions == {"shown", "held back"}


def test_what_is_known_to_one_rests_for_all_for_seven_days(url: str) -> None:
    patient = Patient(url)
    patient.answer(patient.opened(0)[0], "overridden", 0.1, "work-up-in-progress")
    for user in (USER, COLLEAGUE, "Practitioner/3"):
        assert patient.opened(6, user) == []
    patient.cbc(6.2, hemoglobin=8.6, leukocytes=2.2, neutrophils=1.1, platelets=45)
    assert patient.opened(6.3, COLLEAGUE) != [], "worse than what was known"
    patient.cbc(6.5, hemoglobin=8.6, leukocytes=2.2, neutrophils=1.1, platelets=84)
    assert patient.opened(6.6, "Practitioner/3") == []
    assert patient.opened(7.2, "Practitioner/3") != [], "seven days have gone by"


def test_a_critical_card_is_held_for_nobody_by_what_a_colleague_knows(url: str) -> None:
    patient = Patient(url)
    patient.cbc(0.1, hemoglobin=8.5, leukocytes=1.2, neutrophils=0.4, platelets=44)
    patient.answer(patient.opened(0.2)[0], "overridden", 0.3, "already-known")
    assert patient.opened(0.4) == []
    assert patient.opened(0.4, COLLEAGUE) != []


def test_thirty_days_after_the_answer_the_card_comes_back(url: str) -> None:
    ehr = Ehr(url, quiet_repeats=True, repeat_days=3)
    card = ehr.open_chart()[0]
    ehr.now = T0 + timedelta(days=2)
    ehr.give(item(card))
    ehr.now = T0 + timedelta(days=4.9)
    assert ehr.open_chart() == [], "three days since the answer have not gone by"
    ehr.now = T0 + timedelta(days=5.1)
    assert ehr.open_chart() != []


def test_the_rests_are_settings(url: str) -> None:
    patient = Patient(url, critical_rest_hours=1, known_rest_days=0.5)
    patient.answer(patient.opened(0)[0], "overridden", 0.1, "already-known")
    assert patient.opened(0.5, COLLEAGUE) == []
    assert patient.opened(0.7, COLLEAGUE) != []
    patient.cbc(0.8, hemoglobin=8.5, leukocytes=1.2, neutrophils=0.4, platelets=44)
    patient.answer(patient.opened(0.9)[0], "overridden", 0.9)
    assert patient.opened(0.93) == []
    assert patient.opened(0.95) != []
