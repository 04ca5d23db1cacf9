"""`judge`: one patient of the export, read once, to the rows of the report.

The interpreter that answers hook calls judges each moment with what was known then. Interpretations
are made only where a rule could fire.
"""

from __future__ import annotations

import traceback
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from fhir_mappings.clinical_context.patient import PatientUnreadable
from service.backtest import verdicts
from service.backtest.charts_for_review import charts
from service.backtest.course import Course
from service.backtest.diseases import diseases, new_diseases
from service.backtest.moments import Kind, Moment, count_moments, opening_moments
from service.backtest.outcomes import episodes_of, missed, was_carded
from service.backtest.patient_record import Verdict, limits_of, open_record
from service.backtest.persons import person_of
from service.backtest.places import Places
from service.backtest.plan import LONGEST_WINDOW
from service.backtest.standing import Standing, standing_of
from service.error_codes import ErrorCode
from service.interpreter.assessment.assess import assess_opening
from service.interpreter.interpret import interpret, interpret_closed, is_open
from service.storage.pseudonyms import keyed_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.backtest.patient_record import Record, Run
    from service.backtest.plan import Variant
    from service.interpreter.interpretation import Facts, Interpretation
    from service.interpreter.thresholds import Thresholds

_BEFORE_A_DISEASE = timedelta(days=90)


def judge(run: Run, patient_id: str, lines: Iterable[bytes]) -> list[verdicts.AnyRow]:
    """Judge one patient. Raises nothing: a patient who cannot be judged is one Failure."""
    hashed = keyed_hash(run.hash_key, "patient", patient_id)[:32]
    try:
        return _judge(run, patient_id, hashed, lines)
    except PatientUnreadable:
        error = ErrorCode.PATIENT_UNREADABLE.value
        return [verdicts.Failure(patient=hashed, error=error, source_line="Patient")]
    except Exception as error:  # noqa: BLE001  one patient must not end the run
        return [
            verdicts.Failure(patient=hashed, error=type(error).__name__, source_line=_place(error))
        ]


def _place(error: Exception) -> str:
    """Where it failed, without any message: that could hold a value."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}"


def _judge(run: Run, patient_id: str, hashed: str, lines: Iterable[bytes]) -> list[verdicts.AnyRow]:
    plan = run.plan
    lines = list(lines)
    rows: list[verdicts.AnyRow] = []
    seen: set[timedelta] = set()
    for base in plan.variants:
        visible = plan.visible(base)
        if visible in seen:
            continue
        seen.add(visible)
        together = [each for each in plan.variants if plan.visible(each) == visible]
        record = open_record(run, patient_id, hashed, lines, visible)
        rows += _rows(record, together, first=base is plan.variants[0])
    return rows


def _rows(record: Record, variants: Sequence[Variant], *, first: bool) -> Iterator[verdicts.AnyRow]:
    plan = record.run.plan
    counts = count_moments(record.results, record.run.terminology)
    openings, endless = opening_moments(record.resources, record.clock, plan.end)
    record.counters["stays without an end"] = endless
    judged = [m for m in sorted((*counts, *openings)) if plan.start <= m.at < plan.end]
    found = diseases(record.context, record.clock, record.patient_id)
    new = new_diseases(found, plan)
    looked_at = sorted({*judged, *_before(new, counts)})
    course = Course(record, counts, found)
    places = Places(record, looked_at)
    by_variant: dict[str, list[Verdict]] = {each.name: [] for each in variants}
    by_limits = _ways(variants)
    for moment in looked_at:
        for names, verdict in _verdicts(record, moment, by_limits):
            for name in names:
                by_variant[name].append(verdict)
    for variant in variants:
        several = by_variant[variant.name]
        inside = [v for v in several if plan.start <= v.moment.at < plan.end]
        cards = list(_cards(record, variant, inside, places))
        yield from cards
        yield from _denominators(record, variant, judged, cards, places)
        episodes = list(episodes_of(record, variant, inside, course))
        yield from (episode for episode, _ in episodes)
        yield from missed(record, variant, several, new, course, limits_of(variant))
        if variant is plan.variants[0]:
            lost = [each for each in new if not was_carded(several, each)]
            yield from charts(record, inside, lost, episodes)
    if first:
        yield person_of(record, judged, counts, course)


def _before(new: Iterable[Any], counts: Iterable[Moment]) -> Iterator[Moment]:
    """The counts in the time before a new disease, also before the period."""
    counts = list(counts)
    for disease in new:
        for moment in counts:
            if disease.known - _BEFORE_A_DISEASE <= moment.at <= disease.known:
                yield moment


@dataclass(slots=True)
class _Way:
    """Variants that differ in nothing a verdict depends on: findings off, and their names."""

    off: frozenset[str]
    names: list[str]


def _ways(variants: Iterable[Variant]) -> list[tuple[Thresholds, list[_Way]]]:
    """Return each set of limits with the ways to judge by it."""
    by_limits: dict[tuple[Any, ...], tuple[Thresholds, dict[frozenset[str], _Way]]] = {}
    for variant in variants:
        changed = tuple(sorted(variant.thresholds.items()))
        _, ways = by_limits.setdefault(changed, (limits_of(variant), {}))
        off = frozenset(variant.findings_off)
        ways.setdefault(off, _Way(off, [])).names.append(variant.name)
    return [(limits, list(ways.values())) for limits, ways in by_limits.values()]


def _verdicts(
    record: Record, moment: Moment, by_limits: Iterable[tuple[Thresholds, list[_Way]]]
) -> Iterator[tuple[list[str], Verdict]]:
    results = record.facts_of_results(moment.at)
    facts: Facts | None = None
    for limits, ways in by_limits:
        opening = assess_opening(results, moment.at, limits)
        for way in ways:
            if not is_open(opening, way.off):
                closed = interpret_closed(opening)
                yield way.names, Verdict(moment, None, results.panel, not_answered(closed))
                continue
            facts = facts or record.facts(moment.at, results)
            made = interpret(facts, moment.at, way.off, explained=False, limits=limits)
            reason = not_answered(made)
            standing = None if reason else standing_of(made)
            yield way.names, Verdict(moment, standing, results.panel, reason)


def not_answered(made: Interpretation) -> str:
    """Return why the service would give no answer (status 412), empty where it gives one."""
    return "" if made.withheld_counts is None else made.withheld_counts.value


def _cards(
    record: Record, variant: Variant, several: Iterable[Verdict], places: Places
) -> Iterator[verdicts.Card]:
    shown: dict[Kind, list[tuple[datetime, Standing]]] = defaultdict(list)
    viewer: list[tuple[datetime, Standing]] = []
    period = timedelta(days=variant.repeat_days)
    zone = record.run.plan.zone
    for verdict in several:
        standing, moment = verdict.standing, verdict.moment
        if standing is None and not verdict.not_answered:
            continue
        local = moment.at.astimezone(zone)
        row = verdicts.Card(
            patient=record.hashed,
            variant=variant.name,
            kind=moment.kind,
            at=moment.at.isoformat(),
            day=f"{local:%Y-%m-%d}",
            month=f"{local:%Y-%m}",
            week=f"{local:%G-W%V}",
            age=record.age_at(moment.at),
            place=places.at(moment),
            not_answered=verdict.not_answered,
        )
        if standing is None:
            yield row
            continue
        before = shown[moment.kind]
        held = moment.kind is Kind.OPENING and standing.rests(viewer, moment.at, period)
        yield _with_standing(row, standing, standing.news_after(before, moment.at), held=held)
        before.append((moment.at, standing))
        if moment.kind is Kind.OPENING and not held:
            viewer.append((moment.at, standing))


def _with_standing(
    row: verdicts.Card, standing: Standing, news: str, *, held: bool
) -> verdicts.Card:
    return replace(
        row,
        findings=standing.findings,
        indicator=standing.indicator,
        orders=standing.orders,
        news=news,
        held_back=held,
    )


def _denominators(
    record: Record,
    variant: Variant,
    judged: Iterable[Moment],
    cards: Iterable[verdicts.Card],
    places: Places,
) -> Iterator[verdicts.Judged]:
    zone = record.run.plan.zone
    since = record.first_day_known()
    groups: Counter[tuple[Any, ...]] = Counter()
    short: Counter[tuple[Any, ...]] = Counter()
    for moment in judged:
        month = f"{moment.at.astimezone(zone):%Y-%m}"
        key = (str(moment.kind), month, record.age_at(moment.at), places.at(moment))
        groups[key] += 1
        if since is None or moment.at - since < LONGEST_WINDOW:
            short[key] += 1
    silent = Counter(
        (card.kind, card.month, card.age, card.place) for card in cards if card.not_answered
    )
    for key, number in groups.items():
        kind, month, age, place = key
        yield verdicts.Judged(
            patient=record.hashed,
            variant=variant.name,
            kind=kind,
            month=month,
            age=age,
            place=place,
            number=number,
            short_history=short[key],
            not_answered=silent[key],
        )
