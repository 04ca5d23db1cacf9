"""A real server's `$export`, read as it comes: the backtest says what it says of the same lines."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest.plan import Plan
from service.backtest.progress import Progress
from service.backtest.run import Job, run
from service.samples import SAMPLES
from service.samples.bulk_export import write_export
from tests.support.bulk_export import fetch_export
from tests.support.hapi_charts import write

if TYPE_CHECKING:
    from pathlib import Path

    import requests

pytestmark = pytest.mark.integration
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TYPES = (
    "Patient,Observation,Encounter,Condition,DiagnosticReport,Procedure,MedicationRequest,"
    "MedicationAdministration,MedicationStatement,ServiceRequest,Appointment,Specimen"
)
"""Without Medication: HAPI refuses it in an export of patients, since it names none."""


def ran(folder: Path, export: Path) -> Path:
    """The folder of the report on an export."""
    job = Job(
        export=(export,),
        out=folder / "report",
        plan=Plan(first=NOW.date() - timedelta(days=60), last=date(2026, 12, 31), follow_up=1),
        load=default_terminology,
        now=lambda: NOW,
        workers=1,
        memory="256MB",
        scratch=folder / "scratch",
        versions=(),
        hash_key="a key of thirty-two characters or more",
    )
    run(job, Progress(lambda _: None, terminal=False))
    return job.out


def renamed(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What belongs to one patient, in an order that a server takes: who is named comes first."""
    first = ("Patient", "Practitioner", "Medication", "Specimen", "Encounter", "Observation")
    return sorted(
        resources,
        key=lambda each: first.index(each["resourceType"]) if each["resourceType"] in first else 9,
    )


def cards(report: Path) -> list[tuple[Any, ...]]:
    """Everything that is said of each moment with a card."""
    return duckdb.read_parquet(str(report / "verdicts" / "card.parquet")).fetchall()


def test_an_export_of_hapi_is_read_as_it_comes(
    hapi: str, session: requests.Session, tmp_path: Path
) -> None:
    people = {sample.patient_id: sample.resources(NOW) for sample in SAMPLES.values()}
    for resources in people.values():
        write(hapi, session, renamed(resources))
    manifest = fetch_export(hapi, session, TYPES, people, tmp_path / "export")
    assert {each["type"] for each in manifest["output"]} >= {"Patient", "Observation"}
    write_export([each for several in people.values() for each in several], tmp_path / "made")
    theirs, mine = (ran(tmp_path / f"of-{name}", tmp_path / name) for name in ("export", "made"))
    assert len(cards(theirs)) > len(people) / 2
    assert cards(theirs) == cards(mine)
    with (theirs / "tables" / "unreadable.csv").open(encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == []
