"""Referral and marrow (clinical-definition 3.2 Orders, M1 to M7, M15, 4.2) read a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.spec.second_reading import blast_history, chemistry
from tests.spec.second_reading.chart import QUARTER
from tests.spec.second_reading.lines import over, yes
from tests.spec.second_reading.patient import Patient, marrow_exists, red_flag, referral_exists

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Chart
    from tests.spec.second_reading.table import Reading

REFERRED = {
    "index-pattern",
    "pancytopenia-high-b12",
    "pancytopenia-high-b12-iron-deficiency",
    "false-high-b12",
    "b12-function-unknown",
    "functional-b12-deficiency",
    "unexplained-pancytopenia",
    "pancytopenia-iron-deficiency",
    "pancytopenia-chronic-disease-iron",
    "incomplete-workup",
    "bicytopenia-high-b12",
    "pediatric",
    "pregnancy",
}
REFERRED_WITH_RED_FLAG = {"pancytopenia-low-b12", "folate-deficiency"}
MARROW = {
    "index-pattern",
    "pancytopenia-high-b12",
    "pancytopenia-high-b12-iron-deficiency",
    "unexplained-pancytopenia",
}
NO_ORDERS = {"known-hematologic-disorder", "recent-chemotherapy"}


def proposed(chart: Chart, made: Reading) -> dict[str, str]:
    """The priorities of hematology-referral and marrow-biopsy, where they are proposed."""
    if made.finding in NO_ORDERS or not made.findings:
        return {}
    if chart.disorder and chart.age >= 18:
        return {}
    p = Patient(chart)
    found = {}
    if refers(p, made) and not referral_exists(chart):
        found["hematology-referral"] = priority(p, made)
    if takes_marrow(p, made):
        found["marrow-biopsy"] = priority(p, made)
    return found


def critical_blasts(p: Patient, made: Reading) -> bool:
    large = blast_history.standing(p.chart)[1] or bool(p.counts.pattern)
    return "circulating-blasts" in made.overlays and large


def flagged(p: Patient, made: Reading) -> bool:
    """A red flag of M2."""
    return red_flag(p, made.overlays) or p.chart.history


def priority(p: Patient, made: Reading) -> str:
    """M2."""
    if made.finding == "pediatric":
        return "stat" if made.indicator == "critical" else "urgent"
    if set(made.overlays) - {"circulating-blasts"} or critical_blasts(p, made):
        return "stat"
    if made.finding == "pregnancy" or p.red_film or p.constitutional or p.chart.history:
        return "asap"
    routine = made.finding == "bicytopenia" and not made.overlays and not over(p.counts.wbc, 30)
    return "routine" if routine else "urgent"


def refers(p: Patient, made: Reading) -> bool:
    if made.overlays or made.finding in REFERRED:
        return True
    if made.finding in REFERRED_WITH_RED_FLAG:
        return flagged(p, made)
    if made.finding == "bicytopenia":
        return bool(p.counts.low_white) or over(p.counts.wbc, 30)
    return False


def takes_marrow(p: Patient, made: Reading) -> bool:
    chart, blasts = p.chart, critical_blasts(p, made)
    if not (blasts or made.finding in MARROW):
        return False
    stopped = made.stopped or (p.counts.anchor is not None and not p.counts.current)
    if stopped or chart.pregnant or chart.palliative or marrow_exists(chart):
        return False
    if blasts:
        return True
    if doubtful(p):
        return False
    if p.counts.white_by_wbc and "severe-cytopenias" not in made.overlays:
        return False
    return not deferred(p, made)


def patient_of(chart: Chart) -> Patient:
    """The chart with its states."""
    return Patient(chart)


def doubtful(p: Patient) -> bool:
    """A1 and A8: a count that is used is preliminary, of unknown status or in conflict."""
    anc, wbc = p.counts.anc, p.counts.wbc
    older = anc is not None and wbc is not None and anc.days - wbc.days > QUARTER
    judged_by_wbc = older and p.counts.low_white is False and yes(anc, 1.8)
    used = [p.counts.hgb, wbc if judged_by_wbc or anc is None else anc, p.counts.plt]
    return any(
        v is not None and (v.conflict or v.status in {"preliminary", "unknown"}) for v in used
    )


def deferred(p: Patient, made: Reading) -> bool:
    """M1; history undoes it except where a B12 medicine is the reason."""
    by_b12 = chemistry.b12_medicine(p.chart)
    other = p.portal or p.chart.suppressive_drug or p.chart.drug_pancytopenia
    if red_flag(p, made.overlays):
        return False
    return by_b12 or (other and not p.chart.history)
