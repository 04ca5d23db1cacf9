"""The decision table 2026.12 (clinical-definition 3.1 to 3.3) read a second time, plainly.

It is written from the text by itself and shares nothing with the interpreter, so that a slip in
one of the two shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.spec.second_reading import blast_history, chemistry, lines
from tests.spec.second_reading.bicytopenia import bicytopenia
from tests.spec.second_reading.chart import QUARTER, Chart
from tests.spec.second_reading.data_quality import data_quality
from tests.spec.second_reading.lines import over, yes
from tests.spec.second_reading.patient import (
    Patient,
    agranulocytosis,
    hlh,
    marrow_exists,
    microangiopathy,
    neutropenic_fever,
    red_flag,
    referral_exists,
)

INDICATORS = ("", "info", "warning", "critical")
OVERLAYS = (
    "neutropenic-fever",
    "circulating-blasts",
    "thrombotic-microangiopathy",
    "possible-hlh",
    "severe-cytopenias",
    "drug-agranulocytosis",
)
CONSTITUTIONAL = {
    "index-pattern",
    "pancytopenia-high-b12",
    "pancytopenia-high-b12-iron-deficiency",
    "b12-function-unknown",
    "unexplained-pancytopenia",
    "pancytopenia-iron-deficiency",
    "pancytopenia-chronic-disease-iron",
    "incomplete-workup",
    "bicytopenia-high-b12",
}
INFO = {"treated-b12-deficiency", "bicytopenia-low-b12", "bicytopenia", "incomplete-cbc"}


@dataclass
class Reading:
    """What the second reading says: overlays, the finding, and what comes beside them."""

    overlays: list[str] = field(default_factory=list)
    finding: str = ""
    indicator: str = ""
    data_quality: bool = False
    order_findings: set[str] = field(default_factory=set)
    stopped: str = ""
    """`context` after steps 1, 2 and 4 to 6, else empty."""

    @property
    def findings(self) -> list[str]:
        """Overlays in their order, then the finding."""
        return [*self.overlays, *([self.finding] if self.finding else [])]


def read(chart: Chart) -> Reading:
    """3.1, steps 0 to 13."""
    p = Patient(chart)
    if chart.deceased or chart.portal_user or chart.hospice:
        return Reading(stopped="context")
    if chart.age < 18:
        made = pediatric(p)
    elif chart.disorder:
        made = known_disorder(p)
    elif p.chemotherapy and (p.counts.current or p.counts.anchor is None):
        made = recent_chemotherapy(p)
    else:
        made = table(p)
    made.data_quality = data_quality(p)
    if not made.stopped:
        made.order_findings = order_findings(p, made.finding)
    return made


def pediatric(p: Patient) -> Reading:
    """2.5 and step 2."""
    blasts = blast_history.standing(p.chart)[0]
    stale = p.counts.anchor is not None and not p.counts.current
    fever = neutropenic_fever(p)
    silent = p.chart.disorder or stale or (p.chemotherapy and not stale)
    if silent:
        own_stale = stale and not p.chart.disorder
        critical = fever or (own_stale and blasts)
        fires = critical
    else:
        critical = fever or blasts or bool(p.severe) or microangiopathy(p)
        fires = critical or p.counts.low >= 2
    made = Reading(stopped="context")
    if fires:
        made.finding = "pediatric"
        made.indicator = "critical" if critical else "warning"
    return made


def known_disorder(p: Patient) -> Reading:
    """Step 4: silent unless something is new."""
    fever = ["neutropenic-fever"] if neutropenic_fever(p) else []
    made = Reading(fever, stopped="context", indicator="critical" if fever else "")
    if new_blasts(p) or new_severe(p) or new_pancytopenia(p):
        made.finding = "known-hematologic-disorder"
        made.indicator = made.indicator or "warning"
    return made


def new_blasts(p: Patient) -> bool:
    """Blasts in a specimen of 3 d and none in the 90 d before it."""
    if not blast_history.standing(p.chart)[0]:
        return False
    numbers = [
        v for n in ("blast", "blasta") for v in p.chart.usable(n) if blast_history.positive(v)
    ]
    films = [f.days for f in p.chart.films if f.kind == "BLASTS" and f.present]
    days = [v.days for v in numbers] + films
    recent = [d for d in days if d <= 3]
    return any(not [e for e in days if QUARTER < e - d <= 90] for d in recent)


def new_severe(p: Patient) -> bool:
    """ANC < 0.5 or platelets < 20 with two low lines, and not so in any CBC of 30 d before."""
    if not p.counts.current:
        return False
    earlier = lines.specimens(p.chart, p.anchor + 30, p.anchor + QUARTER)
    before = {line for each in earlier for line in lines.severe(each, hemoglobin=False)}
    return bool(set(lines.severe(p.counts, hemoglobin=False)) - before)


def new_pancytopenia(p: Patient) -> bool:
    """PAN now, three low lines in no specimen from 90 d to 3 d before the anchor."""
    if not (p.counts.current and p.counts.pattern == "PAN"):
        return False
    earlier = lines.specimens(p.chart, p.anchor + 90, p.anchor + 3)
    return not any(each.low == 3 for each in earlier)


def recent_chemotherapy(p: Patient) -> Reading:
    """Step 5."""
    overlays = []
    critical = False
    blasts, large = blast_history.standing(p.chart)
    if neutropenic_fever(p):
        overlays.append("neutropenic-fever")
    if blasts:
        overlays.append("circulating-blasts")
        critical = large or bool(p.counts.pattern)
    if hlh(p):
        overlays.append("possible-hlh")
    critical = critical or bool(set(overlays) - {"circulating-blasts"})
    made = Reading(overlays, stopped="context")
    if overlays or p.counts.pattern:
        made.finding = "recent-chemotherapy"
        made.indicator = "warning" if p.severe or overlays or flagged(p) else "info"
        made.indicator = "critical" if critical else made.indicator
    return made


def table(p: Patient) -> Reading:
    """Steps 6 to 12."""
    blasts, large = blast_history.standing(p.chart)
    critical_blasts = blasts and (large or bool(p.counts.pattern))
    stale = p.counts.anchor is not None and not p.counts.current
    fired = {
        "neutropenic-fever": neutropenic_fever(p),
        "circulating-blasts": blasts,
        "thrombotic-microangiopathy": microangiopathy(p),
        "possible-hlh": hlh(p),
        "severe-cytopenias": bool(p.severe) and not stale,
        "drug-agranulocytosis": agranulocytosis(p),
    }
    made = Reading([name for name in OVERLAYS if fired[name]])
    if stale:
        made.stopped = "context"
        made.finding = "stale-counts" if was_shown(p, made.overlays) else ""
    elif p.chart.pregnant:
        made.finding = "pregnancy" if p.counts.pattern else ""
    elif p.counts.pattern == "PAN":
        made.finding = pancytopenia(p, critical_blasts=critical_blasts)
    elif p.counts.pattern == "BI":
        made.finding = bicytopenia(p, made.overlays)
    elif p.counts.pattern == "BIINC":
        made.finding = "incomplete-cbc"
    if made.finding not in {"stale-counts", "pregnancy"} and looked_after(p, made.overlays):
        made.finding = ""
    levels = [critical_or_warning(name, critical=critical_blasts) for name in made.overlays]
    levels.append(indicator(p, made.finding))
    made.indicator = max(levels, key=INDICATORS.index)
    return made


def critical_or_warning(overlay: str, *, critical: bool) -> str:
    return "warning" if overlay == "circulating-blasts" and not critical else "critical"


def was_shown(p: Patient, overlays: list[str]) -> bool:
    """Step 6: would these counts have had a card when they were current?"""
    if p.chart.pregnant or p.counts.pattern != "BI":
        return bool(p.counts.pattern)
    if p.chart.stay_days is not None and p.chart.stay_days < p.anchor:
        p = Patient(replace(p.chart, stay_days=None))  # the stay began later
    return bool(bicytopenia(p, overlays))


def pancytopenia(p: Patient, *, critical_blasts: bool) -> str:
    """Step 9, first match."""
    if treated(p):
        return "treated-b12-deficiency"
    if p.func == "DEF":
        known = {"HIGH": "false-high-b12", "LOW": "pancytopenia-low-b12"}
        return known.get(p.b12, "functional-b12-deficiency")
    if p.b12 == "LOW":
        return "pancytopenia-low-b12"
    folate = p.chart.newest("fol", p.anchor + 90)
    if yes(folate, 3.0) and p.b12 != "HIGH" and not p.b12_open:
        return "folate-deficiency"
    if p.b12 == "HIGH":
        if p.iron == "ID_TRUE":
            return "pancytopenia-high-b12-iron-deficiency"
        return "index-pattern" if p.iron == "IDX" else "pancytopenia-high-b12"
    if p.b12 == "MISSING" or p.iron in {"MISSING", "PARTIAL"}:
        return "" if critical_blasts else "incomplete-workup"
    by_iron = {
        "ID_TRUE": "pancytopenia-iron-deficiency",
        "ACD": "pancytopenia-chronic-disease-iron",
    }
    rest = "b12-function-unknown" if p.func == "UNK" else "unexplained-pancytopenia"
    return by_iron.get(p.iron, rest)


def treated(p: Patient) -> bool:
    """treated-b12-deficiency: begun 60 d ago or less, with proof from before the first dose."""
    first = p.chart.b12_first
    if first is None or first > 60 or p.b12 == "LOW" or p.b12_open:
        return False
    func, mma = chemistry.function(p.chart, p.anchor)
    if func == "DEF" and mma is not None and first - mma.days > 7:
        return False
    low = any(yes(v, 200) and 0 < v.days - first <= 180 for v in p.chart.usable("b12"))
    raised = any(over(v, 0.40) and -7 <= v.days - first <= 180 for v in p.chart.usable("mma"))
    return low or raised or p.chart.b12_deficiency


def looked_after(p: Patient, overlays: list[str]) -> bool:
    """M6: marrow and referral both exist and nothing is a red flag."""
    both = marrow_exists(p.chart) and referral_exists(p.chart)
    return both and not (red_flag(p, overlays) or p.chart.history)


def indicator(p: Patient, finding: str) -> str:
    """The finding's own indicator."""
    if not finding:
        return ""
    c = p.counts
    if finding in CONSTITUTIONAL and p.constitutional:
        return "critical"
    level = "info" if finding in INFO else "warning"
    outside = p.chart.stay_days is None
    if finding == "bicytopenia-high-b12" and outside:
        level = "warning" if yes(c.plt, 100) or p.anc_below_1 else "info"
    if finding == "bicytopenia" and outside and (p.anc_below_1 or yes(c.plt, 50)):
        level = "warning"
    if finding == "incomplete-cbc" and p.b12 == "HIGH":
        level = "warning"
    doubtful = lines.severe(c, conflicts=True) != p.severe
    return "warning" if (doubtful and c.current) or flagged(p) else level


def flagged(p: Patient) -> bool:
    """2.6: LL on a count with PAN raises info to warning."""
    c = p.counts
    critical = any(v is not None and v.flag == "LL" for v in (c.hgb, c.anc, c.plt))
    return critical and c.pattern == "PAN"


def order_findings(p: Patient, finding: str) -> set[str]:
    """3.3: the cards about drafted orders."""
    found = set()
    high = p.b12 == "HIGH" and p.func != "DEF" and finding != "treated-b12-deficiency"
    if "b12" in p.chart.drafts and p.counts.pattern and high:
        found.add("b12-order-without-deficiency")
    lack = p.iron == "ID_TRUE" or chemistry.iron_open(p.chart, p.anchor)
    if "iron" in p.chart.drafts and p.counts.pattern == "PAN" and not lack:
        found.add("iron-order-without-deficiency")
    return found
