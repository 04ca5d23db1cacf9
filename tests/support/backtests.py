"""Exports and charts for the backtest, and the hook call that a moment of it stands for."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from msgspec import Raw

from fhir_mappings.vocabulary.analytes import default_terminology
from service.backtest.patient_record import Run, open_record
from service.backtest.plan import Plan
from service.backtest.rewind import bundle, rewind
from service.cds_hooks.bundle_prefetch import encode, read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.messages import CdsRequest
from service.clinical_data.gathering import ClinicalDataSource
from service.feedback.held_back import ShownAndHeld
from service.hook_call import Answer, SiteKnowledge, respond

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.backtest.patient_record import Record
    from service.hook_call import Repeats

CATALOGUE = load_catalogue()
TERMINOLOGY = default_terminology()
PLAN = Plan(first=date(2026, 1, 1), last=date(2026, 12, 31))
RUN = Run(PLAN, TERMINOLOGY, "key of the tests")


def lines_of(resources: Iterable[dict[str, Any]]) -> list[bytes]:
    """Resources as the lines of an export."""
    return [json.dumps(each).encode() for each in resources]


def record_of(lines: Iterable[bytes], patient_id: str, run: Run = RUN) -> Record:
    """One patient's record, opened as a backtest does."""
    visible = run.plan.visible(run.plan.variants[0])
    return open_record(run, patient_id, "hash", lines, visible)


class ShowsAll:
    """In place of what was shown before: nothing was."""

    def hold_back(self, cards: Any, *_: Any) -> ShownAndHeld:
        return ShownAndHeld(cards)


def live(
    record: Record, moment: datetime, *, explained: bool = True, repeats: Repeats | None = None
) -> Answer:
    """What the service answers when the record as it stood at `moment` is its prefetch."""
    request = request_at(record, moment, explained=explained)
    source = ClinicalDataSource(request, CATALOGUE.templates)
    knowledge = SiteKnowledge(record.run.terminology)
    return respond(request, source, knowledge, repeats or ShowsAll(), moment, uuid4)


def request_at(record: Record, moment: datetime, *, explained: bool = True) -> CdsRequest:
    """The hook call at `moment`, with the record as it stood as its prefetch."""
    lines = rewind(record.resources, moment, record.clock, record.fulfilled)
    call = read_bundle(bundle(lines), CATALOGUE.templates, record.patient_id)
    given = call.prefetch.items()
    prefetch = {key: Raw(encode(value)) for key, value in given if value is not None}
    return CdsRequest(
        hook="patient-view",
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        user_id="Practitioner/1",
        patient_id=record.patient_id,
        prefetch=prefetch,
        wants_explanation=explained,
    )


def result(
    code: str,
    value: float,
    unit: str,
    taken: datetime,
    *,
    issued: datetime | None = None,
    patient: str = "p1",
    name: str = "",
    **fields: Any,
) -> dict[str, Any]:
    """One Observation by LOINC code."""
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "id": name or f"o-{code}-{taken:%Y%m%d%H%M}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": taken.isoformat(),
        "valueQuantity": {"value": value, "unit": unit},
    }
    if issued is not None:
        made["issued"] = issued.isoformat()
    return made | fields


def count(
    taken: datetime,
    hgb: float = 8.9,
    wbc: float = 2.4,
    anc: float = 1.1,
    plt: float = 84,
    **fields: Any,
) -> list[dict[str, Any]]:
    """A blood count; pancytopenia unless told otherwise."""
    return [
        result("718-7", hgb, "g/dL", taken, **fields),
        result("6690-2", wbc, "10*3/uL", taken, **fields),
        result("751-8", anc, "10*3/uL", taken, **fields),
        result("777-3", plt, "10*3/uL", taken, **fields),
    ]


def patient(name: str = "p1", **fields: Any) -> dict[str, Any]:
    """A woman born in 1958."""
    made = {"resourceType": "Patient", "id": name, "gender": "female", "birthDate": "1958-02-03"}
    return made | fields


def utc(*parts: int) -> datetime:
    """A moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]
