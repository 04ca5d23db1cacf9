"""The kernel of a backtest beside one answer of the service for each moment, on the same charts."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from service.backtest.duckdb_connection import connect
from service.backtest.judging import judge
from service.backtest.local_engine import part_names, patients_of
from service.backtest.moments import count_moments, opening_moments
from service.backtest.patient_record import Run, open_record
from service.backtest.rewind import bundle, rewind
from service.cds_hooks.bundle_prefetch import encode, read_bundle
from service.cds_hooks.discovery import load_catalogue
from service.cds_hooks.messages import CdsRequest
from service.clinical_data.gathering import ClinicalDataSource
from service.errors import ClinicalDataUnavailable
from service.feedback.held_back import ShownAndHeld
from service.hook_call import SiteKnowledge, respond

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.backtest.patient_record import Record
    from service.backtest.scratch import Scratch

_CATALOGUE = load_catalogue()


class _ShowsAll:
    def hold_back(self, cards: Any, *_: Any) -> ShownAndHeld:  # noqa: ANN401  as the service's
        return ShownAndHeld(cards)


def beside_respond(run: Run, scratch: Scratch, most: int) -> tuple[int, float, float]:
    """Return moments, and CPU seconds a moment: of the kernel, of `respond`."""
    moments = 0
    judging = responding = 0.0
    for patient, lines in _patients(scratch, most):
        name = patient.removeprefix("Patient/")
        begun = time.process_time()
        judge(run, name, lines)
        judging += time.process_time() - begun
        for at, record in _moments(run, name, lines):
            moments += 1
            responding += _one(run, record, at)
    return moments, judging / max(moments, 1), responding / max(moments, 1)


def _patients(scratch: Scratch, most: int) -> Iterator[tuple[str, list[bytes]]]:
    left = most
    for name in part_names(scratch):
        with connect("256MB", 1, scratch.temporary / name) as engine:
            for patient, lines in patients_of(engine, scratch.parts / name):
                yield patient, lines
                left -= 1
                if not left:
                    return


def _moments(run: Run, name: str, lines: list[bytes]) -> Iterator[tuple[datetime, Record]]:
    plan = run.plan
    record = open_record(run, name, "", lines, plan.visible(plan.variants[0]))
    counts = count_moments(record.results, run.terminology)
    openings, _ = opening_moments(record.resources, record.clock, plan.end)
    for moment in sorted((*counts, *openings)):
        if plan.start <= moment.at < plan.end:
            yield moment.at, record


def _one(run: Run, record: Record, at: datetime) -> float:
    """CPU seconds of one answer; making the prefetch is the EHR's work and is not counted."""
    lines = rewind(record.resources, at, record.clock, record.fulfilled)
    call = read_bundle(bundle(lines), _CATALOGUE.templates, record.patient_id)
    given = call.prefetch.items()
    request = CdsRequest(
        hook="patient-view",
        hook_instance="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        user_id="Practitioner/1",
        patient_id=record.patient_id,
        prefetch={key: Raw(encode(value)) for key, value in given if value is not None},
    )
    ids = count()
    begun = time.process_time()
    source = ClinicalDataSource(request, _CATALOGUE.templates)
    knowledge = SiteKnowledge(run.terminology)
    with suppress(ClinicalDataUnavailable):
        respond(request, source, knowledge, _ShowsAll(), at.astimezone(UTC), lambda: next(ids))
    return time.process_time() - begun
