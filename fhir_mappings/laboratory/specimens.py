"""Accepted results of one analyte, reduced to one a specimen time (clinical-definition 1.1 A7, A8).

The order of results never matters, and a result that was sent twice counts once.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.measurements import STAND_IN_RANK
from fhir_mappings.panel import Analyte, Comparator, LabResult, Note, changed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

SAME_SPECIMEN = timedelta(minutes=15)
"""Results this close together are taken for one specimen (A7)."""

_LARGE_DIFFERENCE = Decimal("0.10")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

HIGHEST_OF_SPECIMEN = frozenset(
    {
        Analyte.BLAST_PERCENT,
        Analyte.BLASTS,
        Analyte.NUCLEATED_RED_CELL_RATIO,
        Analyte.NUCLEATED_RED_CELLS,
    }
)
"""Of one specimen the highest number counts, whatever the method (2.4)."""

_HIGHER_IS_THE_FINDING = HIGHEST_OF_SPECIMEN | {
    Analyte.METHYLMALONATE,
    Analyte.HOMOCYSTEINE,
    Analyte.LACTATE_DEHYDROGENASE,
    Analyte.BILIRUBIN_TOTAL,
    Analyte.BILIRUBIN_DIRECT,
    Analyte.BILIRUBIN_INDIRECT,
    Analyte.CREATININE,
    Analyte.ALANINE_AMINOTRANSFERASE,
    Analyte.ASPARTATE_AMINOTRANSFERASE,
    Analyte.ALKALINE_PHOSPHATASE,
    Analyte.GAMMA_GLUTAMYL_TRANSFERASE,
    Analyte.C_REACTIVE_PROTEIN,
}
"""Where two values of one specimen conflict, the one that is the finding is used: the lower one
for counts (A8) and everything else but these."""

_COMPARATOR_ORDER = {
    Comparator.LESS: 0,
    Comparator.LESS_OR_EQUAL: 1,
    None: 2,
    Comparator.GREATER_OR_EQUAL: 3,
    Comparator.GREATER: 4,
}
_CORRECTED = frozenset({"corrected", "amended"})
_JUST_BEFORE = timedelta(seconds=1)
_STATUS_ORDER = {"corrected": 0, "amended": 1, "final": 2, "preliminary": 3, "unknown": 4}


def one_per_specimen(results: Iterable[LabResult]) -> tuple[LabResult, ...]:
    """Return one result per specimen time, newest first. All must be of one analyte.

    Body temperatures are not specimens: each is kept, because the interpreter may need any of them.
    """
    ordered = sorted(results, key=_newest_first)
    if len(ordered) < 2:
        return tuple(ordered)
    if not all(result.has_time for result in ordered):
        ordered = sorted(_dates_before_times(ordered), key=_newest_first)
    if ordered[0].analyte is Analyte.BODY_TEMPERATURE:
        return _distinct(sorted(ordered, key=_stable_order))
    # Most specimens have one result: what decides among several is worked out only for them.
    return tuple(
        cluster[0] if len(cluster) == 1 else _chosen(tuple(dict.fromkeys(cluster)))
        for cluster in _specimens(ordered)
    )


def nearest(
    results: Sequence[LabResult], at: datetime, within: timedelta = SAME_SPECIMEN
) -> LabResult | None:
    """Return the result closest in time, the later of two equally close; None beyond `within`.

    `results` stand newest first, as `one_per_specimen` leaves them.
    """
    if not results:
        return None
    first_not_later = bisect_left(results, -at.timestamp(), key=lambda r: -r.taken.timestamp())
    around = results[max(first_not_later - 1, 0) : first_not_later + 1]
    closest = min(around, key=lambda result: abs(result.taken - at), default=None)
    return closest if closest is not None and abs(closest.taken - at) <= within else None


def _dates_before_times(results: Sequence[LabResult]) -> list[LabResult]:
    """Let a result with a date only be older than every result of that day with a time (A7)."""
    first_of_day: dict[date, datetime] = {}
    for result in results:
        if result.has_time:
            day = result.taken.date()
            first_of_day[day] = min(result.taken, first_of_day.get(day, result.taken))
    return [
        changed(result, taken=first_of_day[result.taken.date()] - _JUST_BEFORE)
        if not result.has_time and result.taken.date() in first_of_day
        else result
        for result in results
    ]


def _specimens(ordered: Sequence[LabResult]) -> list[list[LabResult]]:
    """Results of 15 minutes, or of one date without a time, together."""
    clusters: list[list[LabResult]] = []
    for result in ordered:
        if clusters and _same_time(clusters[-1][0], result):
            clusters[-1].append(result)
        else:
            clusters.append([result])
    return clusters


def _same_time(one: LabResult, other: LabResult) -> bool:
    if not one.has_time and not other.has_time:
        return one.taken.date() == other.taken.date()
    return one.has_time == other.has_time and one.taken - other.taken <= SAME_SPECIMEN


def _distinct(ordered: Sequence[LabResult]) -> tuple[LabResult, ...]:
    kept: dict[tuple[object, ...], LabResult] = {}
    for result in ordered:
        kept.setdefault((result.taken, result.value, result.comparator), result)
    return tuple(kept.values())


def _chosen(cluster: Sequence[LabResult]) -> LabResult:
    """Method rank, corrected, later issued, then the value that is the finding (A7, A8).

    A result without `issued` is neither earlier nor later than one with it.
    """
    analyte = cluster[0].analyte
    candidates = _not_superseded(cluster)
    race_pair = _race_pair(candidates)
    if race_pair:
        return min(race_pair, key=lambda r: (*_by_value(r, 1), *_stable_order(r)))
    if analyte not in HIGHEST_OF_SPECIMEN:
        best_rank = min(result.method_rank for result in candidates)
        candidates = [result for result in candidates if result.method_rank == best_rank]
        corrected = [result for result in candidates if result.status in _CORRECTED]
        candidates = corrected or candidates
        latest = max((r.issued for r in candidates if r.issued), default=None)
        candidates = [r for r in candidates if r.issued is None or r.issued == latest]
    sign = -1 if analyte in _HIGHER_IS_THE_FINDING else 1
    chosen = min(candidates, key=lambda r: (*_by_value(r, sign), *_stable_order(r)))
    one_date = not all(result.has_time for result in candidates)
    if analyte not in HIGHEST_OF_SPECIMEN and not one_date and _differ_widely(candidates):
        others = tuple(dict.fromkeys(r.value for r in candidates if r.value != chosen.value))
        return changed(chosen, notes=chosen.notes | {Note.CONFLICT}, others=others)
    return chosen


def _not_superseded(cluster: Sequence[LabResult]) -> list[LabResult]:
    """Leave out what a corrected or amended result of the same code replaces."""
    replaced = {result.loinc for result in cluster if result.status in _CORRECTED}
    return [
        result
        for result in cluster
        if result.status in _CORRECTED or not result.loinc or result.loinc not in replaced
    ]


def _race_pair(cluster: Sequence[LabResult]) -> list[LabResult]:
    """eGFR sent for two races and no other way: the lower one is used, and is no conflict."""
    is_egfr = cluster[0].analyte is Analyte.GLOMERULAR_FILTRATION_RATE
    if not is_egfr or any(result.method_rank < STAND_IN_RANK for result in cluster):
        return []
    return list(cluster)


def _by_value(result: LabResult, sign: int) -> tuple[object, ...]:
    """`<x` never counts as a high value: it comes last where the highest is wanted."""
    below = result.comparator in {Comparator.LESS, Comparator.LESS_OR_EQUAL}
    return (sign < 0 and below, sign * result.value, sign * _COMPARATOR_ORDER[result.comparator])


def _differ_widely(candidates: Sequence[LabResult]) -> bool:
    values = [result.value for result in candidates]
    return max(values) - min(values) > _LARGE_DIFFERENCE * max(values)


def _newest_first(result: LabResult) -> float:
    return -result.taken.timestamp()


def _stable_order(result: LabResult) -> tuple[object, ...]:
    """Newest first; then the better source of the same value; then anything deterministic."""
    issued = result.issued or _LONG_AGO
    return (
        -result.taken.timestamp(),
        result.method_rank,
        -issued.timestamp(),
        _STATUS_ORDER.get(result.status, 9),
        not result.source,
        result.interval is None,
        result.flag is None,
        result.loinc,
        result.value,
        str(result.comparator),
        result.source,
        result.reported_value,
        result.reported_unit,
        str(result.taken.utcoffset()),
        sorted(result.notes),
        result.flag or "",
        repr(result.interval),
        result.derived_from,
    )
