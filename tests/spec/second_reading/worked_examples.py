"""The worked examples of clinical-definition 6 as charts of the second reading.

What a reader of FHIR would refuse or turn into a number is spelled out here.
"""

from __future__ import annotations

from typing import Any

from tests.spec.second_reading.chart import Chart, Film, Value

ANALYTES = {
    "718-7": "hgb",
    "59260-0": "hgb",
    "6690-2": "wbc",
    "26464-8": "wbc",
    "751-8": "anc",
    "26499-4": "anc",
    "770-8": "neutpct",
    "777-3": "plt",
    "26515-7": "plt",
    "787-2": "mcv",
    "2498-4": "iron",
    "14798-3": "iron",
    "2500-7": "tibc",
    "14800-7": "tibc",
    "2502-3": "tsat",
    "2505-6": "tsat",
    "2276-4": "ferr",
    "2132-9": "b12",
    "14685-2": "b12",
    "13964-2": "mma",
    "98979-8": "egfr",
    "2284-8": "fol",
    "2532-0": "ldh",
    "26446-5": "blast",
    "709-6": "blast",
    "708-8": "blast",
    "747-6": "blast",
    "13599-6": "blast",
    "8310-5": "temp",
}
FACTORS = {
    ("718-7", "g/L"): 0.1,
    ("59260-0", "mmol/L"): 1.61145,
    ("6690-2", "cells/uL"): 0.001,
    ("751-8", "/mm3"): 0.001,
    ("777-3", "/uL"): 0.001,
    ("14798-3", "umol/L"): 5.5845,
    ("14800-7", "umol/L"): 5.5845,
    ("2498-4", "ug/L"): 0.1,
    ("2505-6", "{ratio}"): 100,
    ("14685-2", "pmol/L"): 1.35537,
    ("2132-9", "pmol/L"): 1.35537,
    ("13964-2", "nmol/L"): 0.001,
}
WORDS = {"GREATER THAN 2,000": (">", 2000.0), "LESS THAN 150 pg/mL": ("<", 150.0)}
# An exclusion of 1.3 or 1.5, by vignette and code.
REFUSED = {
    ("V23", "718-7"),
    ("V24", "751-8"),
    ("V26", "777-3"),
    ("V64", "777-3"),
    ("V140", "777-3"),
    ("V170", "59260-0"),
    ("V182", "11125-2"),
    ("V182", "11156-7"),
    ("V183", "751-8"),
    ("V189", "2132-9"),
}
NARRATIVE_COUNTS = {"11125-2": "plt", "11156-7": "wbc"}
FILMS = {"800-3": "SCHISTO", "7796-6": "PLT_CLUMP", "7791-7": "TEARDROP"}
NARRATIVES = {
    "V49": (("BLASTS", "absent"), ("TEARDROP", "occasional")),
    "V71": (("BLASTS", "present"),),
    "V72": (("BLASTS", "absent"), ("DYSPLASIA", "absent")),
}


def chart_of(given: dict[str, Any]) -> Chart:
    """The second reading's chart of one vignette."""
    flags, context = given["flags"], given["context"]
    first = flags.get("b12_rx_days")
    tablets = "11248 active" in context
    last = 40 if "last D-40" in context else first
    return Chart(
        sex=given["sex"],
        age=given["age"],
        pregnant=given["pregnant"],
        trimester=given["trimester"],
        values=tuple(values(given)),
        films=tuple(films(given)),
        hospice=bool(flags.get("hospice")),
        palliative=bool(flags.get("palliative")),
        disorder=bool(flags.get("heme")),
        history=bool(flags.get("history_heme")),
        chemotherapy_days=flags.get("chemo_days"),
        stay_days=flags.get("stay_days"),
        portal_hypertension=bool(flags.get("liver")),
        kidney_unavailable=bool(flags.get("kidney_unavailable")),
        suppressive_drug=bool(flags.get("drugs")),
        agranulocytosis_drug="agran" in flags,
        drug_pancytopenia=bool(flags.get("drug_pancytopenia")),
        b12_first=first,
        b12_last=None if tablets else last,
        b12_tablets=tablets,
        b12_deficiency=bool(flags.get("b12_def_evidence")),
        red_cells_days=flags.get("rbc_tx_days"),
        fever=bool(flags.get("fever_cond")),
        night_sweats=bool(flags.get("constitutional")),
        marrow_days=5 if flags.get("marrow_exists") else None,
        referral_days=20 if flags.get("referral_exists") else None,
    )


def values(given: dict[str, Any]) -> list[Value]:
    """The numbers of one vignette; those of another patient are left out."""
    made = []
    for each in given["observations"]:
        code, key = each["loinc"], (given["id"], each["loinc"])
        if each.get("subject") == "other":
            continue
        if code in NARRATIVE_COUNTS and key in REFUSED:
            made.append(Value(NARRATIVE_COUNTS[code], 0, -each["dayOffset"], refused="unit"))
        if code not in ANALYTES:
            continue
        if each["value"] in WORDS:
            bound, value = WORDS[each["value"]]
        else:
            text = str(each["value"])
            value = float(text.lstrip("<>="))
            bound = text[: len(text) - len(text.lstrip("<>="))]
        if each["unit"] == "°F":
            value = (value - 32) * 5 / 9
        low, high = each.get("rr", (None, None))
        made.append(
            Value(
                ANALYTES[code],
                value * FACTORS.get((code, each["unit"]), 1),
                -each["dayOffset"],
                bound,
                status=each.get("status", "final"),
                low=low,
                high=high,
                flag={"281300000": "L", "281301001": "N"}.get(each.get("flag", ""), ""),
                refused=refusal(key, each),
                date_only=bool(each.get("dateOnly")),
            )
        )
    return made


def refusal(key: tuple[str, str], each: dict[str, Any]) -> str:
    """Why the result cannot be used."""
    if key in REFUSED:
        return "unit"
    if each.get("status") in {"cancelled", "entered-in-error"}:
        return "void"
    unusable = each.get("status") == "registered" or each.get("subject") == "absent"
    return "absent" if unusable or each["dayOffset"] > 1 / 24 else ""


def films(given: dict[str, Any]) -> list[Film]:
    """The film findings of one vignette."""
    found = []
    for each in given["observations"]:
        days = -each["dayOffset"]
        if each["loinc"] in FILMS:
            found.append(Film(FILMS[each["loinc"]], each["value"], days))
        if "CLUMPS" in each.get("note", ""):
            found.append(Film("PLT_CLUMP", "present", days))
        if each["loinc"] in {"18314-5", "14869-2"}:
            found += [Film(kind, amount, days) for kind, amount in NARRATIVES[given["id"]]]
    return found
