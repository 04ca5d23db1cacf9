"""What came of each episode of a finding, and whom the findings missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from service.backtest import verdicts
from service.backtest.course import Course, first_after
from service.backtest.diseases import MARROW_DISEASES, Family
from service.backtest.missed_reasons import reason_of
from service.backtest.standing import EPISODE_GAP
from service.interpreter.rules import RULES
from service.interpreter.rules.rule import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.backtest.diseases import Disease
    from service.backtest.patient_record import Record, Verdict
    from service.backtest.plan import Variant
    from service.backtest.standing import Standing
    from service.interpreter.thresholds import Thresholds

ANY = "any"
"""The episode of any card at all."""

RECOVERY = timedelta(days=90)
OPEN_LOOP = timedelta(days=60)
_BEFORE_A_DISEASE = timedelta(days=90)

MARROW_FINDINGS = frozenset(
    rule.id
    for rule in RULES
    if rule.has_card
    and rule.step
    in {Step.OVERLAY, Step.SEVERE, Step.PANCYTOPENIA, Step.BICYTOPENIA, Step.THIRD_LINE_UNKNOWN}
)
"""A pancytopenia, a bicytopenia or an overlay: after such a card a disease is not missed."""

TOO_LITTLE_FOLLOW_UP = "too little follow-up"
"""It tells when a record ends, and nothing of the patient."""

OUTCOMES = (
    "marrow disease",
    "lymphoma",
    "marrow examined",
    "deficiency proven",
    "hematology involved",
    "recovered",
    "died",
    "nothing followed",
    TOO_LITTLE_FOLLOW_UP,
    "followed, nothing found",
)
"""The hierarchy: an episode counts under the first that holds."""

CONFIRMED = ("marrow disease", "deficiency proven")


@dataclass(slots=True)
class _Open:
    """One episode while its cards are gathered."""

    first: datetime
    last: datetime
    cards: int
    standing: Standing
    orders: frozenset[str]


def episodes_of(
    record: Record, variant: Variant, several: Iterable[Verdict], course: Course
) -> Iterator[tuple[verdicts.Episode, datetime]]:
    """Yield the episodes of every finding and of any card, each with its first moment."""
    open_ones: dict[str, _Open] = {}
    closed: list[tuple[str, _Open]] = []
    for verdict in several:
        standing = verdict.standing
        if standing is None:
            continue
        at = verdict.moment.at
        for finding in (ANY, *standing.findings):
            last = open_ones.get(finding)
            if last is not None and at - last.last <= EPISODE_GAP:
                last.last, last.cards = at, last.cards + 1
                continue
            if last is not None:
                closed.append((finding, last))
            open_ones[finding] = _Open(at, at, 1, standing, frozenset(standing.orders))
    closed += open_ones.items()
    for finding, episode in sorted(closed, key=lambda pair: (pair[1].first, pair[0])):
        yield _outcome(record, variant, finding, episode, course), episode.first


def _outcome(
    record: Record, variant: Variant, finding: str, episode: _Open, course: Course
) -> verdicts.Episode:
    plan, start = record.run.plan, episode.first
    end = start + timedelta(days=plan.follow_up)
    new = next(
        (
            each
            for each in course.diseases
            if start < each.known <= end and _is_new(each, course.diseases, plan.wash_out)
        ),
        None,
    )
    marrow = first_after(course.marrows, start, end)
    hematology = first_after(course.hematology, start, end)
    begun = next((each for each in course.treatments if start < each.at <= end), None)
    test = first_after(course.tests(episode.orders), start, end)
    deficiency = course.proven(start, end)
    died = course.died if course.died and start <= course.died <= end else None
    full = died is not None or (plan.record_end is None or end <= plan.record_end)
    actions = [at for at in (marrow, hematology, begun.at if begun else None, test) if at]
    soon = [at for at in (*actions, *course.counts) if start < at <= start + OPEN_LOOP]
    enough = plan.record_end is None or start + OPEN_LOOP <= plan.record_end
    open_loop = not soon and enough and died is None
    local = start.astimezone(plan.zone)
    row = verdicts.Episode(
        patient=record.hashed,
        variant=variant.name,
        finding=finding,
        first_day=f"{local:%Y-%m-%d}",
        month=f"{local:%Y-%m}",
        age=record.age_at(start),
        cards=episode.cards,
        indicator=episode.standing.indicator,
        outcome="",
        full=full,
        disease=new.family if new else "",
        disease_days=_days(start, new.known if new else None),
        marrow_days=_days(start, marrow),
        hematology_days=_days(start, hematology),
        deficiency=deficiency,
        treated_days=_days(start, begun.at if begun else None),
        treated_despite_high_b12=bool(begun and begun.is_b12 and course.b12_was_high(begun.at)),
        recovered=not (new or marrow or deficiency) and course.recovered(start, RECOVERY),
        died_days=_days(start, died),
        action_days=_days(start, min(actions, default=None)),
        open_loop=open_loop,
    )
    return replace(row, outcome=_first_that_holds(row))


def _first_that_holds(row: verdicts.Episode) -> str:
    holds = {
        "marrow disease": bool(row.disease) and Family(row.disease) in MARROW_DISEASES,
        "lymphoma": bool(row.disease) and Family(row.disease) not in MARROW_DISEASES,
        "marrow examined": row.marrow_days is not None,
        "deficiency proven": bool(row.deficiency),
        "hematology involved": row.hematology_days is not None,
        "recovered": row.recovered,
        "died": row.died_days is not None,
        "nothing followed": row.open_loop,
        TOO_LITTLE_FOLLOW_UP: not row.full,
    }
    return next((name for name, is_so in holds.items() if is_so), "followed, nothing found")


def _is_new(disease: Disease, found: Sequence[Disease], wash_out: int) -> bool:
    if not disease.is_new_kind:
        return False
    before = [each.known for each in found if each.known < disease.known]
    return not before or disease.known - max(before) > timedelta(days=wash_out)


def _days(start: datetime, at: datetime | None) -> int | None:
    return None if at is None else (at - start).days


def missed(
    record: Record,
    variant: Variant,
    several: Sequence[Verdict],
    new: Iterable[Disease],
    course: Course,
    limits: Thresholds,
) -> Iterator[verdicts.Disease]:
    """Yield each new marrow disease of the period: whether a card came before, and why not."""
    zone = record.run.plan.zone
    for disease in new:
        lately = [
            verdict
            for verdict in several
            if disease.known - _BEFORE_A_DISEASE <= verdict.moment.at <= disease.known
        ]
        counted = any(
            disease.known - _BEFORE_A_DISEASE <= at <= disease.known for at in course.counts
        )
        carded = was_carded(several, disease)
        yield verdicts.Disease(
            patient=record.hashed,
            variant=variant.name,
            disease=disease.family,
            day=f"{disease.known.astimezone(zone):%Y-%m-%d}",
            age=record.age_at(disease.known),
            counted=counted,
            carded=carded,
            reason="" if carded or not counted else reason_of(record, variant, lately, limits),
        )


def was_carded(several: Iterable[Verdict], disease: Disease) -> bool:
    """Whether a card about the marrow came before a disease was known."""
    return any(
        verdict.moment.at <= disease.known
        and verdict.standing is not None
        and not MARROW_FINDINGS.isdisjoint(verdict.standing.findings)
        for verdict in several
    )
