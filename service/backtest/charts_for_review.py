"""Charts for reviewers, open loops for the worklist: only on demand, for they name patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte
from service.backtest import verdicts
from service.storage.pseudonyms import keyed_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from service.backtest.diseases import Disease
    from service.backtest.patient_record import Record, Verdict

MISSED = "missed"
_SHOWN = (
    Analyte.HEMOGLOBIN,
    Analyte.LEUKOCYTES,
    Analyte.NEUTROPHILS,
    Analyte.PLATELETS,
    Analyte.MEAN_CORPUSCULAR_VOLUME,
    Analyte.VITAMIN_B12,
    Analyte.METHYLMALONATE,
    Analyte.FERRITIN,
    Analyte.IRON,
    Analyte.IRON_BINDING_CAPACITY,
)


def charts(
    record: Record,
    several: Sequence[Verdict],
    missed: Iterable[Disease],
    episodes: Sequence[tuple[verdicts.Episode, datetime]],
) -> Iterator[verdicts.Chart | verdicts.Loop]:
    """Yield one chart for each episode and missed disease, one loop for each open episode."""
    plan = record.run.plan
    if plan.examples:
        for episode, at in episodes:
            if episode.finding != "any":
                yield _chart(record, episode.finding, at)
        for disease in missed:
            yield _chart(record, MISSED, disease.known)
    if plan.worklist:
        last = max((verdict.moment.at for verdict in several), default=None)
        for episode, _ in episodes:
            if episode.open_loop and episode.finding != "any" and last is not None:
                yield verdicts.Loop(
                    patient=record.hashed,
                    patient_id=record.patient_id,
                    finding=episode.finding,
                    first_day=episode.first_day,
                    indicator=episode.indicator,
                    last_day=f"{last.astimezone(plan.zone):%Y-%m-%d}",
                )


def _chart(record: Record, finding: str, at: datetime) -> verdicts.Chart:
    facts = record.facts(at, record.facts_of_results(at))
    values = []
    for analyte in _SHOWN:
        result = next(iter(facts.panel.results.get(analyte, ())), None)
        if result is not None:
            written = f"{result.comparator or ''}{result.reported_value} {result.reported_unit}"
            values.append(f"{analyte} {written.strip()} ({result.taken:%Y-%m-%d})")
    context = facts.context
    entries = [
        *(f"{each.display}{'' if each.active else ' (inactive)'}" for each in context.conditions),
        *(each.name for each in context.medications if each.active),
    ]
    return verdicts.Chart(
        patient=record.hashed,
        finding=finding,
        draw=keyed_hash("draw", finding, record.patient_id, at.isoformat()),
        patient_id=record.patient_id,
        at=at.isoformat(),
        values="; ".join(values),
        context="; ".join(dict.fromkeys(entries)),
    )
