"""The four measurements that are followed over time, with the limit each result was held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import Analyte
from service.cards.names import analyte_name
from service.cards.values import as_reported, canonical, differs, shown_number, shown_time
from service.interpreter.assessment.assess import open_chart
from service.interpreter.assessment.b12_and_folate import b12_upper_limit
from service.interpreter.assessment.cell_lines import limit_for
from service.interpreter.thresholds import LIMITS

if TYPE_CHECKING:
    from datetime import datetime

    from fhir_mappings.panel import LabResult
    from service.interpreter.assessment.timeline import Timeline
    from service.interpreter.interpretation import Facts
    from service.interpreter.thresholds import Thresholds

FOLLOWED = (Analyte.HEMOGLOBIN, Analyte.NEUTROPHILS, Analyte.PLATELETS, Analyte.VITAMIN_B12)


def trends(facts: Facts, now: datetime) -> list[dict[str, Any]]:
    """Return, per measurement that has results, its points oldest first, as plain JSON types.

    A point's `limits` are those that the interpreter uses for that result: the laboratory's own
    where it is usable, else the population's (clinical-definition 2.1, 2.3, 2.6).
    """
    chart = open_chart(facts, now, LIMITS)
    return [
        {
            "analyte": analyte.value,
            "name": analyte_name(analyte),
            "unit": results[0].unit,
            "severe": _severe(analyte, chart.limits),
            "points": [_point(result, chart) for result in reversed(results)],
        }
        for analyte in FOLLOWED
        if (results := chart.every(analyte))
    ]


def _severe(analyte: Analyte, limits: Thresholds) -> list[dict[str, str]]:
    """Where the value is severe, or B12 markedly high (clinical-definition 2.2, 2.3)."""
    name, value = {
        Analyte.HEMOGLOBIN: ("severe", limits.hgb_severe),
        Analyte.NEUTROPHILS: ("severe", limits.anc_severe),
        Analyte.PLATELETS: ("severe", limits.plt_severe),
        Analyte.VITAMIN_B12: ("marked", limits.b12_marked),
    }[analyte]
    return [{"name": name, "value": shown_number(value)}]


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
    if result.analyte is not Analyte.VITAMIN_B12:
        limit = limit_for(result, chart)
        return [_limit("low", shown_number(limit.value), laboratory=limit.is_laboratory)]
    high = b12_upper_limit(result, chart)
    own = result.interval is not None and result.interval.high == high
    return [
        _limit("low", shown_number(chart.limits.b12_low), laboratory=False),
        _limit("high", shown_number(high), laboratory=own),
    ]


def _limit(kind: str, value: str, *, laboratory: bool) -> dict[str, Any]:
    return {"kind": kind, "value": value, "from": "laboratory" if laboratory else "population"}
