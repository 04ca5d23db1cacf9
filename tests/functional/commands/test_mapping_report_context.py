"""`heme-hooks mapping report` on conditions, medicines, procedures, encounters, and on blasts."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from service.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SNOMED = "http://snomed.info/sct"
LOCAL = "urn:oid:1.2.3.4.problems"
OURS = "https://heme-hooks.org/fhir/CodeSystem/"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HEME_HOOKS_") and name != "HEME_HOOKS_REQUIRE_SERVERS":
            monkeypatch.delenv(name)


def made(kind: str, number: int, **more: Any) -> Json:
    subject = {"reference": "Patient/p1"}
    return {"resourceType": kind, "id": f"{kind}-{number}", "subject": subject, **more}


def coded(system: str, code: str, display: str = "") -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


CHART = [
    made("Condition", 1, code=coded(SNOMED, "91861009", "Acute myeloid leukemia")),
    made("Condition", 2, code=coded(LOCAL, "P7", "Multiple myeloma")),
    made("Condition", 3, code=coded(LOCAL, "P8", "Ankle sprain")),
    made("Condition", 4, code={"text": "Cirrhosis, J. Doe told by phone"}),
    made(
        "MedicationRequest",
        1,
        status="active",
        intent="order",
        medicationCodeableConcept=coded(LOCAL, "M1", "Methotrexate 2.5 mg"),
    ),
    made("Procedure", 1, status="completed", code=coded(LOCAL, "X1", "Transfusion of platelets")),
    made(
        "Encounter",
        1,
        status="in-progress",
        **{"class": {"system": LOCAL, "code": "3", "display": "Inpatient"}},
    ),
    made("Encounter", 2, status="finished", **{"class": {"system": ACT, "code": "AMB"}}),
]


def report(tmp_path: Path, *arguments: str) -> Result:
    entries = [{"resource": resource} for resource in CHART]
    path = tmp_path / "chart.json"
    content = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    path.write_text(json.dumps(content), "utf-8")
    outcome = CliRunner().invoke(main, ["mapping", "report", "--bundle", str(path), *arguments])
    assert outcome.exit_code == 0, outcome.output
    return outcome


def counted(tmp_path: Path) -> Json:
    answer: Json = json.loads(report(tmp_path, "--json").stdout)
    return answer


def test_each_kind_is_counted_by_what_it_was_read_by(tmp_path: Path) -> None:
    totals = counted(tmp_path)["context"]["totals"]
    assert totals["Condition"] == {"by code": 1, "by words": 2, "not read": 1, "never read": 0}
    assert totals["medicine"]["by words"] == 1
    assert totals["Procedure"]["not read"] == 1
    assert (totals["Encounter"]["by code"], totals["Encounter"]["by words"]) == (1, 1)


def test_rows_are_drafted_for_what_only_its_words_or_its_name_tell(tmp_path: Path) -> None:
    groups = counted(tmp_path)["rowsToAdd"]["group"]
    rows = {
        (element["code"], group["target"], element["target"][0]["code"])
        for group in groups
        for element in group["element"]
    }
    assert rows == {
        ("P7", f"{OURS}context", "hematologic-malignancy"),
        ("M1", f"{OURS}medication-term", "methotrexate"),
        ("X1", SNOMED, "12719002"),
        ("3", ACT, "IMP"),
    }


def test_the_drafted_rows_load_and_then_all_is_read_by_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.json"
    site.write_text(json.dumps(counted(tmp_path)["rowsToAdd"]), "utf-8")
    monkeypatch.setenv("HEME_HOOKS_SITE_MAPPINGS", str(site))
    again = counted(tmp_path)
    totals = again["context"]["totals"]
    assert totals["Condition"]["by code"] == 2
    assert totals["Procedure"]["by code"] == 1
    assert totals["Encounter"]["by code"] == 2
    assert again["rowsToAdd"] is None or all(
        element["code"] not in {"P7", "X1", "3"}
        for group in again["rowsToAdd"]["group"]
        for element in group["element"]
    )


def test_the_words_of_an_entry_without_a_code_are_not_shown(tmp_path: Path) -> None:
    for outcome in (report(tmp_path), report(tmp_path, "--json")):
        assert "Doe" not in outcome.stdout


def test_the_table_shows_what_was_read_by_words(tmp_path: Path) -> None:
    shown = report(tmp_path).stdout
    assert "Conditions read only by their words: better mapped" in shown
    assert "Ankle sprain" in shown
    assert "Multiple myeloma  hematologic-malignancy" in shown


@pytest.mark.parametrize(
    ("system", "code", "display", "said"),
    [
        ("http://loinc.org", "709-6", "Blasts/100 leukocytes", True),
        ("http://loinc.org", "99999-1", "Lymphoblasts/100 leukocytes in Blood", True),
        ("urn:lab", "BL", "BLASTEN %", True),
        ("urn:lab", "PM", "Promonocytes", True),
        ("http://loinc.org", "11150-0", "Blasts/100 cells in Bone marrow", True),
        ("urn:lab", "EB", "Erythroblasts", False),
        ("urn:lab", "NB", "Neuroblastoma marker", False),
        ("urn:lab", "GL", "Glucose", False),
    ],
)
def test_a_code_whose_name_says_blasts_has_a_line_of_its_own(
    tmp_path: Path, system: str, code: str, display: str, said: bool
) -> None:
    blasts = made("Observation", 1, status="final", effectiveDateTime="2026-05-14")
    blasts |= {"code": coded(system, code, display), "valueQuantity": {"value": 3, "unit": "%"}}
    path = tmp_path / "one.json"
    path.write_text(json.dumps(blasts), "utf-8")
    shown = CliRunner().invoke(main, ["mapping", "report", "--bundle", str(path)]).stdout
    assert ("Codes whose name says blasts" in shown) is said
