"""B12, MMA and iron (clinical-definition 1.4, 2.3) read a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.spec.second_reading.lines import least, over, transfused, yes

if TYPE_CHECKING:
    from tests.spec.second_reading.chart import Chart, Value


def b12(chart: Chart, anchor: float) -> str:
    """2.3; HIGH stands for ELEVATED and MARKED."""
    value = chart.newest("b12", anchor + 90)
    if value is None:
        return "MISSING"
    limit = value.high if value.high and 600 <= value.high <= 1500 and not chart.pregnant else 900
    if yes(value, 200):
        return "LOW"
    if over(value, limit):
        return "HIGH"
    if value.bound:
        return "MISSING"
    return "BORDERLINE" if value.value < 400 else "NORMAL"


def b12_open(chart: Chart, anchor: float) -> bool:
    """A9, A10: was B12 reported, but in a way that leaves its state open?"""
    if b12(chart, anchor) != "MISSING":
        return False
    refused = [v for v in chart.values if v.analyte == "b12" and v.refused in {"unit", "absent"}]
    return chart.newest("b12", anchor + 90) is not None or any(
        v.days <= anchor + 90 for v in refused
    )


def function(chart: Chart, anchor: float) -> tuple[str, Value | None]:
    """2.3 FUNC, and the MMA that it rests on."""
    mma = chart.newest("mma", anchor + 90)
    if mma is None:
        return "UNK", None
    first = first_dose(chart, 180)
    if mma.value <= 0.40:
        after = first is not None and mma.days < first
        return ("UNK" if after else "NOTDEF"), mma
    egfr, creatinine = chart.newest("egfr", 90), chart.newest("crea", 90)
    if chart.kidney_unavailable:
        return ("DEF" if mma.value > 2.0 else "UNK"), mma
    poor = chart.kidney_disease or (
        egfr.value < 60 if egfr else creatinine is not None and creatinine.value > 1.3
    )
    good = egfr is not None and egfr.value >= 60 and not chart.kidney_disease
    proven = good or (mma.value > 0.75 and not poor) or mma.value > 2.0
    return ("DEF" if proven else "UNK"), mma


def first_dose(chart: Chart, days: int) -> int | None:
    """Days since the first B12 dose, when it was in the last so many days."""
    if chart.b12_tablets and chart.b12_first is not None:
        return min(chart.b12_first, 180) if min(chart.b12_first, 180) <= days else None
    given = [d for d in (chart.b12_first, chart.b12_last) if d is not None]
    return max((d for d in given if d <= days), default=None)


def b12_medicine(chart: Chart) -> bool:
    """A B12 medicine active or given in the last 180 days."""
    return chart.b12_tablets or first_dose(chart, 180) is not None


def iron_studies(chart: Chart, anchor: float) -> tuple[Value | None, float | None]:
    """1.4 and U10: the iron that counts and the TSAT, computed or else reported."""
    oldest, youngest = anchor + 30, anchor - 30
    fe = chart.newest("iron", oldest, youngest)
    tsat = chart.newest("tsat", oldest, youngest)
    reported = None if tsat is None else tsat.value
    close = [t for t in chart.usable("tibc") if fe is not None and abs(t.days - fe.days) <= 1]
    if fe is None or not close:
        return fe, reported
    return checked(fe, 100 * fe.value / close[0].value, reported)


def iron_set_aside(chart: Chart, anchor: float) -> bool:
    """Was an iron result reported that the cross-check took out?"""
    reported = chart.newest("iron", anchor + 30, anchor - 30)
    return reported is not None and iron_studies(chart, anchor)[0] is None


def iron_open(chart: Chart, anchor: float) -> bool:
    """A9, A10: was iron reported, but in a way that leaves it open whether it is deficient?"""
    window = anchor + 30
    refused = [v for v in chart.values if v.analyte == "iron" and v.refused in {"unit", "absent"}]
    unusable = any(v.days <= window for v in refused) and chart.newest("iron", window) is None
    return unusable or iron_set_aside(chart, anchor)


def iron(chart: Chart, anchor: float) -> str:
    """2.3, first match wins."""
    tibc = chart.newest("tibc", anchor + 30, anchor - 30)
    ferritin = chart.newest("ferr", anchor + 30, anchor - 30)
    fe, tsat = iron_studies(chart, anchor)
    reported = chart.newest("tsat", anchor + 30, anchor - 30)
    sample = fe or reported or tibc or ferritin
    if sample is not None and confounded(chart, sample):
        return "CONF"
    if yes(ferritin, 30):
        return "ID_TRUE"
    if tsat is not None and tsat > 45:
        return "HIGH_SAT"
    if fe is None:
        return "MISSING" if tsat is None and tibc is None and ferritin is None else "PARTIAL"
    if fe.value < 60:
        return low_iron(tibc, tsat, ferritin)
    if tsat is None or tsat >= 16:
        return "NORMAL"
    return "ID_TRUE" if tibc is not None and tibc.value > 400 else "LOWIRON_INDET"


def checked(
    fe: Value, computed: float, reported: float | None
) -> tuple[Value | None, float | None]:
    """1.3 U10 and 1.4: iron and TSAT after the cross-check."""
    if reported is not None:
        ratio = computed / reported
        slips = ((0.085, 0.117), (8.5, 11.7), (4.8, 6.4), (0.155, 0.21))
        apart = abs(computed - reported) > 5 or not 0.5 <= ratio <= 2
        if apart and any(low <= ratio <= high for low, high in slips):
            return None, reported
    if computed > 110:
        return None, reported
    return fe, computed


def confounded(chart: Chart, sample: Value) -> bool:
    """2.3 CONF: IV iron in 28 d or red cells in 7 d before the iron sample."""
    return transfused(chart.red_cells_days, sample, 7) or transfused(
        chart.intravenous_iron_days, sample, 28
    )


def low_iron(tibc: Value | None, tsat: float | None, ferritin: Value | None) -> str:
    """2.3, the states of a low iron."""
    if tibc is None:
        return "PARTIAL"
    if tibc.value > 400:
        return "ID_TRUE" if tsat is not None and tsat < 20 else "PARTIAL"
    if tibc.value < 250:
        return "ACD"
    if tsat is None:
        return "PARTIAL"
    if tsat >= 16:
        return "IDX"
    return "ACD" if least(ferritin, 100) else "LOWIRON_INDET"
