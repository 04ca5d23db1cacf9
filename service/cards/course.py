"""The measurements that are followed over two years, with the limit each result was held to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import Analyte
from service.cards.plain_words import analyte_name
from service.cards.values import as_reported, canonical, differs, shown_number, shown_time
from service.interpreter.assessment.assess import open_chart
from service.interpreter.assessment.b12_and_folate import b12_upper_limit
from service.interpreter.assessment.cell_lines import limit_for
from service.interpreter.assessment.iron import capacity_limits, iron_lower_limit
from service.interpreter.thresholds import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import Facts
    from service.interpreter.thresholds import Thresholds

COURSE = timedelta(days=731)

_CELL_LINES = frozenset(
    {Analyte.HEMOGLOBIN, Analyte.NEUTROPHILS, Analyte.LEUKOCYTES, Analyte.PLATELETS}
)
_CHEMISTRY = (
    Analyte.MEAN_CORPUSCULAR_VOLUME,
    Analyte.VITAMIN_B12,
    Analyte.FERRITIN,
    Analyte.TRANSFERRIN_SATURATION,
    Analyte.IRON,
    Analyte.IRON_BINDING_CAPACITY,
)


def trends(facts: Facts, now: datetime) -> list[dict[str, Any]]:
    """Return, per measurement that has results, its points oldest first, as plain JSON types.

    A point's `limits` are those that the interpreter uses for that result: the laboratory's own
    where it is usable, else the population's (clinical-definition 2.1, 2.3, 2.6).
    """
    chart = open_chart(facts, now, LIMITS)
    white = Analyte.NEUTROPHILS if chart.every(Analyte.NEUTROPHILS) else Analyte.LEUKOCYTES
    followed = (Analyte.HEMOGLOBIN, white, Analyte.PLATELETS, *_CHEMISTRY)
    return [
        {
            "analyte": analyte.value,
            "name": analyte_name(analyte),
            "unit": results[0].unit,
            "severe": _severe(analyte, chart.limits),
            "points": [_point(result, chart) for result in reversed(results)],
        }
        for analyte in followed
        if (results := _recent(chart.every(analyte), now))
    ]


def _recent(results: Sequence[LabResult], now: datetime) -> Sequence[LabResult]:
    """The results of two years, newest first; where there is none of them, the newest."""
    return [each for each in results if each.taken >= now - COURSE] or results[:1]


def _severe(analyte: Analyte, limits: Thresholds) -> list[dict[str, str]]:
    """Where the value is severe, or B12 markedly high (clinical-definition 2.2, 2.3)."""
    found = {
        Analyte.HEMOGLOBIN: ("severe", limits.hgb_severe),
        Analyte.NEUTROPHILS: ("severe", limits.anc_severe),
        Analyte.LEUKOCYTES: ("severe", limits.wbc_severe),
        Analyte.PLATELETS: ("severe", limits.plt_severe),
        Analyte.VITAMIN_B12: ("marked", limits.b12_marked),
    }.get(analyte)
    return [{"name": found[0], "value": shown_number(found[1])}] if found else []


def _point(result: LabResult, chart: Timeline) -> dict[str, Any]:
    point: dict[str, Any] = {
        "taken": result.taken.isoformat(),
        "shown": shown_time(result.taken),
        "value": shown_number(result.value),
        "text": canonical(result),
        "limits": _limits(result, chart),
        "source": result.source,
    }
    if result.comparator:
        point["comparator"] = str(result.comparator)
    if differs(result) and as_reported(result):
        point["reported"] = as_reported(result)
    return point


def _limits(result: LabResult, chart: Timeline) -> list[dict[str, Any]]:
    if result.analyte in _CELL_LINES:
        limit = limit_for(result, chart)
        return [_limit("low", shown_number(limit.value), laboratory=limit.is_laboratory)]
    own_low = result.interval.low if result.interval else None
    own_high = result.interval.high if result.interval else None
    limits = chart.limits
    match result.analyte:
        case Analyte.VITAMIN_B12:
            found = [_low(limits.b12_low), _high(b12_upper_limit(result, chart), own_high)]
        case Analyte.MEAN_CORPUSCULAR_VOLUME:
            found = [_low(limits.mcv_low), _high(limits.mcv_high)]
        case Analyte.FERRITIN:
            found = [_low(limits.ferritin_deficient)]
        case Analyte.TRANSFERRIN_SATURATION:
            found = [_low(limits.tsat_low), _high(limits.tsat_high)]
        case Analyte.IRON:
            found = [_low(iron_lower_limit(result, chart), own_low)]
        case _:
            low, high = capacity_limits(result, chart)
            found = [_low(low, own_low), _high(high, own_high)]
    return found


def _low(value: Decimal, own: Decimal | None = None) -> dict[str, Any]:
    return _limit("low", shown_number(value), laboratory=own == value)


def _high(value: Decimal, own: Decimal | None = None) -> dict[str, Any]:
    return _limit("high", shown_number(value), laboratory=own == value)


def _limit(kind: str, value: str, *, laboratory: bool) -> dict[str, Any]:
    return {"kind": kind, "value": value, "from": "laboratory" if laboratory else "population"}
