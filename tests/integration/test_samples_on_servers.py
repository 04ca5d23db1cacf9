"""Sample patients on real FHIR servers: loaded, renewed, removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from service import samples
from service.samples.loader import TYPES

if TYPE_CHECKING:
    import requests

CHOSEN = ("index-pattern", "cbc-panel-members", "marrow-blasts")


def _count(base: str, session: requests.Session, kind: str, **query: str) -> int:
    """How many resources of a kind the server holds."""
    params = {**query, "_summary": "count"}
    answer = session.get(f"{base}/{kind}", params=params, timeout=60)
    answer.raise_for_status()
    total: int = answer.json()["total"]
    return total


def _census(base: str, session: requests.Session) -> dict[str, int]:
    return {kind: _count(base, session, kind) for kind in TYPES}


def _read(base: str, session: requests.Session, reference: str) -> dict[str, Any]:
    answer = session.get(f"{base}/{reference}", timeout=60)
    answer.raise_for_status()
    resource: dict[str, Any] = answer.json()
    return resource


@pytest.fixture
def clean(fhir_server: str, session: requests.Session) -> str:
    """A server without samples."""
    samples.remove(fhir_server, session)
    return fhir_server


def test_loading_again_renews_the_dates_and_duplicates_nothing(
    clean: str, session: requests.Session, now: datetime
) -> None:
    samples.load(clean, session, now - timedelta(days=30), CHOSEN)
    census = _census(clean, session)
    samples.load(clean, session, now, CHOSEN)
    assert _census(clean, session) == census
    hemoglobin = _read(clean, session, "Observation/heme-hooks-index-pattern-lab-718-7")
    assert datetime.fromisoformat(hemoglobin["effectiveDateTime"]) == now - timedelta(days=1)


def test_removing_takes_away_what_was_loaded_and_nothing_else(
    clean: str, session: requests.Session, now: datetime
) -> None:
    theirs = {"resourceType": "Patient", "id": "heme-hooks-look-alike", "active": True}
    session.put(f"{clean}/Patient/{theirs['id']}", json=theirs, timeout=60).raise_for_status()
    before = _census(clean, session)
    samples.load(clean, session, now, CHOSEN)
    after = _census(clean, session)
    removed = samples.remove(clean, session)
    assert removed.count == sum(after.values()) - sum(before.values())
    assert removed.kept == ()
    assert _census(clean, session) == before
    session.delete(f"{clean}/Patient/{theirs['id']}", timeout=60).raise_for_status()


def test_removing_one_sample_leaves_the_others(
    clean: str, session: requests.Session, now: datetime
) -> None:
    samples.load(clean, session, now, CHOSEN)
    samples.remove(clean, session, ["index-pattern"])
    assert _count(clean, session, "Patient", _id="heme-hooks-index-pattern") == 0
    assert _count(clean, session, "Patient", _id="heme-hooks-marrow-blasts") == 1


def test_a_sample_that_was_removed_can_be_loaded_again(
    clean: str, session: requests.Session, now: datetime
) -> None:
    samples.load(clean, session, now, ["normal"])
    samples.remove(clean, session)
    samples.load(clean, session, now, ["normal"])
    assert _read(clean, session, "Patient/heme-hooks-normal")["active"] is True


def test_what_an_earlier_version_of_a_sample_left_goes_with_the_next_load(
    clean: str, session: requests.Session, now: datetime
) -> None:
    samples.load(clean, session, now, ["normal"])
    old = _read(clean, session, "Observation/heme-hooks-normal-lab-777-3")
    old["id"] = "heme-hooks-normal-lab-old"
    session.put(f"{clean}/Observation/{old['id']}", json=old, timeout=60).raise_for_status()
    samples.load(clean, session, now, ["normal"])
    assert _count(clean, session, "Observation", _id=old["id"]) == 0


def test_a_patient_that_others_refer_to_is_kept_and_named(
    hapi: str, session: requests.Session, now: datetime
) -> None:
    """HAPI refuses to break a reference."""
    samples.load(hapi, session, now, ["normal"])
    theirs = {
        "resourceType": "Observation",
        "id": "somebody-elses",
        "status": "final",
        "code": {"text": "a note"},
        "subject": {"reference": "Patient/heme-hooks-normal"},
    }
    session.put(f"{hapi}/Observation/{theirs['id']}", json=theirs, timeout=60).raise_for_status()
    removed = samples.remove(hapi, session, ["normal"], sleep=lambda _: None)
    assert removed.kept == ("Patient/heme-hooks-normal",)
    assert _count(hapi, session, "Observation", patient="heme-hooks-normal") == 1
    session.delete(f"{hapi}/Observation/{theirs['id']}", timeout=60).raise_for_status()
    assert samples.remove(hapi, session, ["normal"]).count == 1
