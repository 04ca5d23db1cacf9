"""Blasts in the blood (clinical-definition 2.4; 3.2 circulating-blasts and known disorders).

The newest specimen with a blast number counts, so a newer 0 % refutes an older small number; a
critical one takes two later differentials without blasts, each of enough leukocytes. A film or
narrative is refuted only by a later film or narrative that says none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_mappings.panel import Analyte, Comparator, DataGroup, SmearMethod, SmearSet
from service.interpreter.assessment.situation import Blasts
from service.interpreter.assessment.smear import NONE_AT_ALL, findings_of, standing
from service.interpreter.logic import above, any_of, at_least
from service.interpreter.windows import Span, newest_first

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from fhir_mappings.panel import LabResult, SmearFinding
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.logic import Truth

ANALYSER_FLAG_CODES = frozenset({"21114-4", "40611-6"})
"""Deprecated automated blast counts: as good as an analyzer flag, to be confirmed by a film."""

_AT_MOST = frozenset({Comparator.LESS, Comparator.LESS_OR_EQUAL})

_REFUTING = 2
"""How many later differentials without blasts refute critical blasts (2.4)."""


def assess_blasts(chart: Timeline) -> Blasts:
    """Return what the last 30 d say about blasts."""
    numbers = _standing_specimen(chart, _counted(chart, chart.smear_span))
    positive = tuple(number for number in numbers if _is_blasts(number))
    findings = _smears(standing(chart, SmearSet.BLASTS, chart.smear_span))
    present = any_of(_by_number(chart, numbers), _by_film(chart, findings))
    critical = any_of(bool(findings), *(_is_critical(chart, number) for number in positive))
    times = [item.taken for item in positive] + [item.taken for item in findings]
    return Blasts(
        present=present,
        critical=critical if present else (None if present is None else False),
        number=positive or numbers,
        findings=findings,
        analyser_flag=_analyser_flag(chart),
        newest=max(times, default=None),
        new_within_3_days=bool(present) and _is_new(chart),
    )


def _counted(chart: Timeline, span: Span) -> tuple[LabResult, ...]:
    results = (*chart.every(Analyte.BLAST_PERCENT), *chart.every(Analyte.BLASTS))
    return newest_first(
        result
        for result in results
        if span.holds(result.taken) and result.loinc not in ANALYSER_FLAG_CODES
    )


def _standing_specimen(chart: Timeline, numbers: tuple[LabResult, ...]) -> tuple[LabResult, ...]:
    """Return the numbers of the specimen that counts: the newest, or a critical one not refuted."""
    specimens = _specimens(chart, numbers)
    if not specimens:
        return ()
    if not _has_blasts(specimens[0]):
        for place, specimen in enumerate(specimens):
            refuting = sum(_refutes(chart, later) for later in specimens[:place])
            if _has_critical_blasts(chart, specimen) and refuting < _REFUTING:
                return specimen
    return specimens[0]


def _specimens(chart: Timeline, numbers: tuple[LabResult, ...]) -> list[tuple[LabResult, ...]]:
    """Return the percentage and absolute number of each specimen, newest specimen first.

    Of each the highest, that with the most blasts first.
    """
    clusters: list[list[LabResult]] = []
    for number in numbers:
        if clusters and clusters[-1][0].taken - number.taken <= chart.windows.same_specimen:
            clusters[-1].append(number)
        else:
            clusters.append([number])
    return [_highest(cluster) for cluster in clusters]


def _highest(specimen: list[LabResult]) -> tuple[LabResult, ...]:
    highest: dict[Analyte, LabResult] = {}
    for number in sorted(specimen, key=lambda item: (_is_blasts(item), item.value), reverse=True):
        highest.setdefault(number.analyte, number)
    return tuple(highest.values())


def _has_blasts(specimen: tuple[LabResult, ...]) -> bool:
    return any(_is_blasts(number) for number in specimen)


def _has_critical_blasts(chart: Timeline, specimen: tuple[LabResult, ...]) -> bool:
    return any(_is_blasts(number) and _is_critical(chart, number) for number in specimen)


def _refutes(chart: Timeline, specimen: tuple[LabResult, ...]) -> bool:
    """Whether a differential without blasts saw enough leukocytes to refute earlier ones."""
    if _has_blasts(specimen):
        return False
    drawn, apart = specimen[0].taken, chart.windows.same_specimen
    leukocytes = chart.newest(Analyte.LEUKOCYTES, Span(drawn - apart, drawn + apart))
    return at_least(leukocytes, chart.limits.wbc_refuting) is True


def _is_blasts(number: LabResult) -> bool:
    """Whether a number says more than none; an upper bound never does (A9)."""
    if number.comparator in _AT_MOST:
        return False
    return above(number, NONE_AT_ALL) is True


def _is_critical(chart: Timeline, number: LabResult) -> Truth:
    percent = number.analyte is Analyte.BLAST_PERCENT
    limits = chart.limits
    return at_least(number, limits.blast_percent_critical if percent else limits.blasts_critical)


def _by_number(chart: Timeline, numbers: tuple[LabResult, ...]) -> Truth:
    if any(_is_blasts(number) for number in numbers):
        return True
    if chart.unknown(Analyte.BLAST_PERCENT):
        return None
    newest = numbers[0].taken if numbers else None
    refused = (
        *chart.unreadable(Analyte.BLAST_PERCENT, chart.smear_span),
        *chart.unreadable(Analyte.BLASTS, chart.smear_span),
    )
    open_ones = [
        item for item in refused if newest is None or item.taken is None or item.taken > newest
    ]
    return None if open_ones else False


def _by_film(chart: Timeline, positive: tuple[SmearFinding, ...]) -> Truth:
    if positive:
        return True
    if DataGroup.SMEAR in chart.unavailable:
        return None
    seen = _smears(findings_of(chart, SmearSet.BLASTS, chart.smear_span))
    return None if seen and seen[0].present is None else False


def _smears(findings: Iterable[SmearFinding]) -> tuple[SmearFinding, ...]:
    """Leave out what only an analyzer says: a flag never makes blasts."""
    return tuple(item for item in findings if item.method is not SmearMethod.ANALYSER)


def _analyser_flag(chart: Timeline) -> bool:
    span = chart.smear_span
    flags = standing(chart, SmearSet.BLAST_FLAG, span)
    flagged = [
        item
        for item in standing(chart, SmearSet.BLASTS, span)
        if item.method is SmearMethod.ANALYSER
    ]
    counts = [
        result
        for analyte in (Analyte.BLAST_PERCENT, Analyte.BLASTS)
        for result in chart.every(analyte)
        if result.loinc in ANALYSER_FLAG_CODES and span.holds(result.taken) and _is_blasts(result)
    ]
    return bool(flags or flagged or counts)


def _is_new(chart: Timeline) -> bool:
    """Whether a specimen of the last 3 d has blasts and none of the 90 d before it had."""
    whole = chart.since(chart.now - chart.windows.new_blasts - chart.windows.blasts_before)
    times = sorted(_evidence_times(chart, whole))
    return any(
        moment >= chart.now - chart.windows.new_blasts
        and not any(_before(chart, earlier, moment) for earlier in times)
        for moment in times
    )


def _evidence_times(chart: Timeline, span: Span) -> list[datetime]:
    numbers = [item.taken for item in _counted(chart, span) if _is_blasts(item)]
    films = _smears(findings_of(chart, SmearSet.BLASTS, span))
    return numbers + [item.taken for item in films if item.present]


def _before(chart: Timeline, earlier: datetime, moment: datetime) -> bool:
    age = moment - earlier
    return chart.windows.same_specimen < age <= chart.windows.blasts_before
