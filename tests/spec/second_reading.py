"""The order of evaluation (clinical-knowledge 3.1) read a second time, as plainly as it can be.

For adults without context whose results all come from one specimen. It shares nothing with the
interpreter, so that a slip in one of the two shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def low_lines(sex: str, v: Mapping[str, float]) -> list[bool | None]:
    """2.1: hemoglobin, white line, platelets; None where nothing was measured."""
    hemoglobin = None if "hgb" not in v else v["hgb"] < (13.0 if sex == "male" else 12.0)
    white = v["anc"] < 1.8 if "anc" in v else None
    if white is None and "wbc" in v:
        white = v["wbc"] < 4.0
    return [hemoglobin, white, None if "plt" not in v else v["plt"] < 150]


def pattern(lines: list[bool | None]) -> str:
    """2.1: PAN, BI, BIINC or nothing."""
    low = lines.count(True)
    if low == 3:
        return "PAN"
    if low == 2:
        return "BIINC" if None in lines else "BI"
    return ""


def severe(v: Mapping[str, float], pan: str) -> bool:
    """2.2, for at least two low lines."""
    if not pan:
        return False
    if v["anc"] < 0.5 if "anc" in v else v.get("wbc", 9) < 0.5:
        return True
    if v.get("plt", 999) < 20:
        return True
    beside = pan == "PAN" or v.get("plt", 999) < 50
    beside = beside or (v["anc"] < 1.0 if "anc" in v else v.get("wbc", 9) < 2.0)
    return v.get("hgb", 99) < 7.0 and beside


def b12(v: Mapping[str, float]) -> str:
    """2.3."""
    if "b12" not in v:
        return "MISSING"
    limits = ((200, "LOW"), (400, "BORDERLINE"), (900.0001, "NORMAL"))
    return next((name for limit, name in limits if v["b12"] < limit), "HIGH")


def saturation(v: Mapping[str, float]) -> tuple[float | None, float | None]:
    """1.3 U10: iron and TSAT after the cross-check."""
    iron, reported = v.get("iron"), v.get("tsat")
    if iron is None or "tibc" not in v:
        return iron, reported
    computed = 100 * iron / v["tibc"]
    if reported is None:
        return iron, computed
    ratio = computed / reported
    slips = ((0.085, 0.117), (8.5, 11.7), (4.8, 6.4), (0.155, 0.21))
    apart = abs(computed - reported) > 5 or not 0.5 <= ratio <= 2
    if apart and any(low <= ratio <= high for low, high in slips):
        return None, reported
    return iron, computed


def iron_state(v: Mapping[str, float]) -> str:
    """2.3, first match wins."""
    iron, tsat = saturation(v)
    tibc, ferritin = v.get("tibc"), v.get("ferr")
    if ferritin is not None and ferritin < 30:
        return "ID_TRUE"
    if tsat is not None and tsat > 45:
        return "HIGH_SAT"
    if iron is None:
        return "MISSING" if tsat is tibc is ferritin is None else "PARTIAL"
    if iron < 60:
        return low_iron(tibc, tsat, ferritin)
    if tsat is None or tsat >= 16:
        return "NORMAL"
    return "ID_TRUE" if (tibc or 0) > 400 else "LOWIRON_INDET"


def low_iron(tibc: float | None, tsat: float | None, ferritin: float | None) -> str:
    """2.3, the states of a low iron."""
    if tibc is None or tsat is None:
        return "PARTIAL"
    if tibc > 400:
        return "ID_TRUE" if tsat < 20 else "PARTIAL"
    if tibc < 250:
        return "ACD"
    if tsat >= 16:
        return "IDX"
    return "ACD" if (ferritin or 0) >= 100 else "LOWIRON_INDET"


def function(v: Mapping[str, float]) -> str:
    """2.3 FUNC."""
    mma, egfr = v.get("mma"), v.get("egfr")
    if mma is None:
        return "UNK"
    if mma <= 0.40:
        return "NOTDEF"
    poor = egfr < 60 if egfr is not None else v.get("crea", 0) > 1.3
    proven = (egfr is not None and egfr >= 60) or (mma > 0.75 and not poor) or mma > 2.0
    return "DEF" if proven else "UNK"


def overlays(v: Mapping[str, float], pan: str) -> list[str]:
    """3.2, highest first."""
    found = []
    neutropenic = v["anc"] < 0.5 if "anc" in v else v.get("wbc", 9) < 1.0
    if neutropenic and v.get("temp", 0) >= 38.0:
        found.append("neutropenic-fever")
    if v.get("blast", 0) > 0:
        found.append("circulating-blasts")
    if severe(v, pan):
        found.append("severe-cytopenias")
    return found


def pancytopenia(v: Mapping[str, float]) -> str:
    """3.1 step 9."""
    state, iron, func = b12(v), iron_state(v), function(v)
    if func == "DEF":
        known = {"HIGH": "false-high-b12", "LOW": "pancytopenia-low-b12"}
        return known.get(state, "functional-b12-deficiency")
    if state == "LOW":
        return "pancytopenia-low-b12"
    if state == "HIGH":
        by_iron = {"ID_TRUE": "pancytopenia-high-b12-iron-deficiency", "IDX": "index-pattern"}
        return by_iron.get(iron, "pancytopenia-high-b12")
    if v.get("fol", 9) < 3.0:
        return "folate-deficiency"
    if state == "MISSING" or iron in {"MISSING", "PARTIAL"}:
        return "incomplete-workup"
    by_iron = {
        "ID_TRUE": "pancytopenia-iron-deficiency",
        "ACD": "pancytopenia-chronic-disease-iron",
    }
    rest = "b12-function-unknown" if func == "UNK" else "unexplained-pancytopenia"
    return by_iron.get(iron, rest)


def bicytopenia(v: Mapping[str, float], lines: list[bool | None], found: list[str]) -> str:
    """3.1 step 10, outside a hospital stay."""
    state = b12(v)
    if state == "HIGH":
        return "false-high-b12" if function(v) == "DEF" else "bicytopenia-high-b12"
    if state == "LOW":
        return "bicytopenia-low-b12"
    shown = lines[1] or found or v.get("mcv", 0) > 110 or v["plt"] < 100
    return "bicytopenia" if shown else ""


def findings(sex: str, v: Mapping[str, float]) -> list[str]:
    """The findings that have a card: the highest overlay, then the finding itself."""
    lines = low_lines(sex, v)
    pan = pattern(lines)
    found = overlays(v, pan)
    finding = {
        "PAN": lambda: pancytopenia(v),
        "BI": lambda: bicytopenia(v, lines, found),
        "BIINC": lambda: "incomplete-cbc",
        "": lambda: "",
    }[pan]()
    return [*found[:1], *([finding] if finding else [])]
