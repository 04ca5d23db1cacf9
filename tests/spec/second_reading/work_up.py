"""The tests that are proposed (clinical-definition 3.2 Orders, 4.2, 4.3) read a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.spec.second_reading import chemistry, lines
from tests.spec.second_reading.data_quality import count_due
from tests.spec.second_reading.lines import over, yes
from tests.spec.second_reading.orders import (
    NO_ORDERS,
    critical_blasts,
    doubtful,
    patient_of,
)

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Chart
    from tests.spec.second_reading.patient import Patient
    from tests.spec.second_reading.table import Reading

CBC, SMEAR, RETIC = "cbc-differential", "peripheral-smear", "reticulocytes"
B12, MMA, HCY = "vitamin-b12", "methylmalonic-acid", "homocysteine"
IFAB, CMP, LDH = "intrinsic-factor-antibody", "metabolic-panel", "ldh"
BILIRUBIN = ("bilirubin-total", "bilirubin-direct")
COAGULATION = ("prothrombin-time", "aptt", "fibrinogen")
FIRST = (SMEAR, RETIC)
CAUSES = (
    "hiv-screen",
    "hepatitis-b-surface-antigen",
    "hepatitis-b-core-antibody",
    "hepatitis-c-antibody",
    "antinuclear-antibody",
    "anti-dsdna",
    "ultrasound-abdomen",
)
HIGH_B12 = (*FIRST, LDH, *BILIRUBIN, B12, MMA, HCY, CBC, *CAUSES)
BY_FINDING: dict[str, tuple[str, ...]] = {
    "index-pattern": HIGH_B12,
    "pancytopenia-high-b12": HIGH_B12,
    "pancytopenia-high-b12-iron-deficiency": HIGH_B12,
    "false-high-b12": (IFAB, B12, *FIRST, HCY),
    "treated-b12-deficiency": (RETIC, CBC, SMEAR),
    "pancytopenia-low-b12": (MMA, HCY, IFAB, "folate", *FIRST, LDH, *BILIRUBIN),
    "b12-function-unknown": (MMA, HCY, *FIRST, LDH, *BILIRUBIN, "folate"),
    "functional-b12-deficiency": (IFAB, *FIRST),
    "unexplained-pancytopenia": (*FIRST, LDH, *CAUSES),
    "folate-deficiency": (MMA, HCY, *FIRST),
    "pancytopenia-iron-deficiency": (MMA, HCY, *FIRST, *CAUSES),
    "pancytopenia-chronic-disease-iron": (MMA, HCY, *FIRST, CMP, "crp", *CAUSES),
    "incomplete-workup": ("folate", MMA, HCY, *FIRST, LDH, *BILIRUBIN, CMP),
    "bicytopenia-high-b12": (*FIRST, B12, MMA, HCY, LDH),
    "bicytopenia-low-b12": (MMA, HCY, *FIRST),
    "bicytopenia": FIRST,
    "incomplete-cbc": (CBC,),
    "stale-counts": (CBC, SMEAR),
    "pregnancy": (SMEAR, CBC, LDH, CMP, "prothrombin-time", "fibrinogen"),
}
MICROANGIOPATHY = (SMEAR, CBC, RETIC, LDH, "haptoglobin", *BILIRUBIN, CMP, *COAGULATION)
BY_OVERLAY: dict[str, tuple[str, ...]] = {
    "thrombotic-microangiopathy": MICROANGIOPATHY,
    "possible-hlh": ("fibrinogen", LDH, CMP, "triglycerides", CBC),
    "drug-agranulocytosis": (CBC, SMEAR),
}
BLASTS = (SMEAR, CBC, *COAGULATION, LDH, CMP)
MISSING_TOO = {"functional-b12-deficiency", "folate-deficiency", "incomplete-workup", "bicytopenia"}


def work_up(chart: Chart, made: Reading) -> dict[str, str]:
    """Every test that is proposed, with its priority."""
    if made.finding in NO_ORDERS or not made.findings:
        return {}
    if chart.disorder:
        return {}
    p = patient_of(chart)
    if made.finding == "pediatric":
        return {CBC: "urgent"} if doubtful(p) else {}
    wanted = asked(p, made)
    due = {order for order in wanted if not done(p, order, made)}
    return {order: priority(p, order, made) for order in due}


def asked(p: Patient, made: Reading) -> set[str]:
    """What the finding, the overlays and the modifiers ask for."""
    wanted: set[str] = set()
    for overlay in made.overlays:
        wanted |= set(BY_OVERLAY.get(overlay, ()))
    if "circulating-blasts" in made.overlays:
        wanted |= set(BLASTS if critical_blasts(p, made) else (SMEAR, CBC))
    if not critical_blasts(p, made):
        wanted |= of_finding(p, made.finding)
    elif made.finding == "stale-counts":
        wanted |= {CBC}
    unsure = doubtful(p) or (p.counts.white_by_wbc and bool(made.finding))
    return wanted | ({CBC} if unsure else set())


def of_finding(p: Patient, finding: str) -> set[str]:
    """The finding's own list, with what it adds where something is missing."""
    wanted = set(BY_FINDING.get(finding, ()))
    if finding == "pancytopenia-high-b12":
        if p.iron in {"PARTIAL", "MISSING"}:
            wanted |= {"iron-tibc", "ferritin"}
        if p.iron == "LOWIRON_INDET":
            wanted |= {"ferritin"}
    if finding in MISSING_TOO and p.b12 == "MISSING":
        wanted |= {B12}
    if finding in {"incomplete-workup", "bicytopenia"}:
        wanted |= missing_iron(p)
    if finding == "bicytopenia" and falling_platelets(p):
        wanted = falling(p, wanted)
    if finding and p.counts.current and p.counts.pattern in {"PAN", "BI"} and renal(p):
        wanted |= {CMP}
    return wanted


def missing_iron(p: Patient) -> set[str]:
    """Iron studies that were not had; those after a transfusion or IV iron are not missing."""
    chart, window = p.chart, p.anchor + 30
    aside = chemistry.iron_set_aside(chart, p.anchor)
    both = all(chart.newest(name, window) for name in ("iron", "tibc"))
    wanted = set() if both and not aside else {"iron-tibc"}
    return wanted if chart.newest("ferr", window) else {*wanted, "ferritin"}


def falling(p: Patient, wanted: set[str]) -> set[str]:
    """M17's tests; in a hospital stay B12 and iron only where the red cells are large or small."""
    more = wanted | {*COAGULATION, LDH, "haptoglobin", *BILIRUBIN, CMP}
    normal_size = not (over(p.counts.mcv, 100) or yes(p.counts.mcv, 80))
    stay = p.chart.stay_days is not None
    return more - {B12, "iron-tibc", "ferritin"} if stay and normal_size else more


def falling_platelets(p: Patient) -> bool:
    """M17."""
    c = p.counts
    return bool(c.low_hgb and c.low_plt) and not c.low_white and yes(c.plt, 50)


def renal(p: Patient) -> bool:
    """MMA_RENAL: a raised MMA that the kidneys leave open."""
    mma = chemistry.function(p.chart, p.anchor)[1]
    return mma is not None and mma.value > 0.40 and p.func == "UNK"


def complete(p: Patient) -> bool:
    """4.3: a usable CBC with ANC of 3 d, without conflict, preliminary or refused counts."""
    used = [p.counts.hgb, p.counts.anc, p.counts.plt]
    if any(v is None or v.days > 3 for v in used) or doubtful(p) or count_due(p):
        return False
    return None not in (p.counts.low_hgb, p.counts.low_white, p.counts.low_plt)


def done(p: Patient, order: str, made: Reading) -> bool:
    """4.3: does a usable result exist already?"""
    chart = p.chart
    if order == CBC:
        return complete(p)
    if order == SMEAR:
        again = {"circulating-blasts", "thrombotic-microangiopathy"} & set(made.overlays)
        return not again and any(film.days <= 3 for film in chart.films)
    if order in {LDH, "haptoglobin"}:
        return chart.newest("ldh" if order == LDH else "hapt", 7) is not None
    if order == CMP:
        return chart.kidney_unavailable  # a result may exist unseen (3.4)
    if order in {"iron-tibc", "ferritin"} and p.iron != "CONF":
        names = ("iron", "tibc") if order == "iron-tibc" else ("ferr",)
        aside = order == "iron-tibc" and chemistry.iron_set_aside(chart, p.anchor)
        return not aside and all(chart.newest(name, 30) is not None for name in names)
    if order == "folate":
        return chart.newest("fol", 90) is not None
    if order in {B12, MMA}:
        return order_of_b12(p, order)
    return False


def order_of_b12(p: Patient, order: str) -> bool:
    """4.3 for vitamin-b12 and methylmalonic-acid."""
    chart = p.chart
    mma = chart.newest("mma", p.anchor + 90)
    raised = mma is not None and over(mma, 0.40)
    if chemistry.b12_medicine(chart) and not raised:
        return True
    if order == MMA:
        return chart.newest("mma", 90) is not None
    marked = [v for v in chart.usable("b12") if v.days <= 90 and not yes(v, 1000)]
    return len(marked) >= 2


def priority(p: Patient, order: str, made: Reading) -> str:
    """4.2."""
    if order in CAUSES:
        return "urgent" if made.finding == "pancytopenia-chronic-disease-iron" else "routine"
    critical = set(made.overlays) - {"circulating-blasts", "neutropenic-fever"}
    if order in {CBC, SMEAR, *COAGULATION} and (critical or critical_blasts(p, made)):
        return "stat"
    if order == SMEAR and "circulating-blasts" in made.overlays:
        return "stat"
    if order == CBC and made.finding == "stale-counts" and p.severe:
        return "stat"
    if order == CBC and lines.severe(p.counts, conflicts=True) != p.severe:
        return "stat"
    return "urgent"
