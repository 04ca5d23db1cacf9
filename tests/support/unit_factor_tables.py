"""Every unit spelling that the clinical definition lists, with its factor to the canonical unit.

Copied from the tables of sections 1.2 and 1.3, so that a slip in the code cannot hide here.
"""

COUNTS = {
    "1": [
        "10*3/uL",
        "10*9/L",
        "10^3/uL",
        "10^9/L",
        "10*3/mm3",
        "10^3/mm3",
        "10*3/mcL",
        "10^3/mcL",
        "10e3/uL",
        "10e9/L",
        "10e3/mcL",
        "x10e3/uL",
        "x10e3/mcL",
        "x10e9/L",
        "x10^3/uL",
        "x10^3/mcL",
        "x10^9/L",
        "x10^3/mm3",
        "x10*3/uL",
        "x10*9/L",
        "103/uL",
        "109/L",
        "x103/uL",
        "x109/L",
        "K/uL",
        "K/mcL",
        "K/mm3",
        "K/cumm",
        "thou/uL",
        "thou/mcL",
        "thou/mm3",
        "thou/cumm",
        "thous/uL",
        "thous/mcL",
        "thousand/uL",
        "thousand/mcL",
        "th/uL",
        "th/mm3",
        "Tsd/uL",
        "1000/uL",
        "1000/mm3",
        "/nL",
        "G/L",
        "Gpt/L",
        "Giga/L",
        "bil/L",
        "billion/L",
    ],
    "0.001": [
        "/uL",
        "1/uL",
        "/mcL",
        "/mm3",
        "/mm^3",
        "/cumm",
        "/cu.mm",
        "cells/uL",
        "cell/uL",
        "{cells}/uL",
        "cells/mcL",
        "cells/mm3",
        "cells/cumm",
        "#/uL",
        "{#}/uL",
        "10*6/L",
        "10^6/L",
        "Mpt/L",
    ],
    "0.000000001": [
        "/L",
        "{cells}/L",
        "cells/L",
    ],
}

RETICULOCYTE_COUNTS = {
    "1000": [
        "10*6/uL",
        "10^6/uL",
        "x10e6/uL",
        "M/uL",
        "10*12/L",
        "10^12/L",
        "x10^12/L",
        "T/L",
        "Tpt/L",
    ],
}

COUNT_ANALYTES = ["WBC", "ANC", "PLT", "RETABS", "BLASTA", "NRBCA"]

OTHERS = {
    "HGB": {
        "1": [
            "g/dL",
            "gm/dL",
            "g/100mL",
            "g%",
            "gm%",
        ],
        "0.1": [
            "g/L",
            "gm/L",
            "mg/mL",
        ],
        "0.001": [
            "mg/dL",
        ],
        "1.61145": [
            "mmol/L",
            "mmol/L{monomer}",
        ],
    },
    "NEUTPCT": {
        "1": [
            "%",
            "{%}",
            "/100{WBC}",
            "/100{WBCs}",
        ],
        "100": [
            "{ratio}",
            "1",
        ],
    },
    "MCV": {
        "1": [
            "fL",
            "um3",
            "um^3",
            "cu.um",
        ],
    },
    "HCT": {
        "1": [
            "%",
            "{vol}%",
            "vol%",
        ],
        "100": [
            "L/L",
            "1",
            "{ratio}",
        ],
    },
    "RETPCT": {
        "1": [
            "%",
            "{%}",
        ],
        "100": [
            "{ratio}",
        ],
        "0.1": [
            "[ppth]",
            "0/00",
        ],
    },
    "IRON": {
        "1": [
            "ug/dL",
            "mcg/dL",
            "ug/100mL",
            "mcg/100mL",
            "ug%",
            "mcg%",
        ],
        "0.1": [
            "ug/L",
            "mcg/L",
            "ng/mL",
        ],
        "100": [
            "mg/L",
        ],
        "1000": [
            "mg/dL",
        ],
        "5.5845": [
            "umol/L",
            "mcmol/L",
            "micromol/L",
        ],
    },
    "TIBC": {
        "1": [
            "ug/dL",
            "mcg/dL",
            "ug/100mL",
            "mcg/100mL",
            "ug%",
            "mcg%",
        ],
        "0.1": [
            "ug/L",
            "mcg/L",
            "ng/mL",
        ],
        "100": [
            "mg/L",
        ],
        "1000": [
            "mg/dL",
        ],
        "5.5845": [
            "umol/L",
            "mcmol/L",
            "micromol/L",
        ],
    },
    "UIBC": {
        "1": [
            "ug/dL",
            "mcg/dL",
            "ug/100mL",
            "mcg/100mL",
            "ug%",
            "mcg%",
        ],
        "0.1": [
            "ug/L",
            "mcg/L",
            "ng/mL",
        ],
        "100": [
            "mg/L",
        ],
        "1000": [
            "mg/dL",
        ],
        "5.5845": [
            "umol/L",
            "mcmol/L",
            "micromol/L",
        ],
    },
    "TSAT": {
        "1": [
            "%",
            "{%}",
            "%{saturation}",
        ],
        "100": [
            "{ratio}",
            "ratio",
            "1",
            "mol/mol",
        ],
    },
    "TRF": {
        "1": [
            "mg/dL",
        ],
        "100": [
            "g/L",
        ],
        "0.1": [
            "mg/L",
        ],
        "7.957": [
            "umol/L",
        ],
    },
    "FERR": {
        "1": [
            "ng/mL",
            "ug/L",
            "mcg/L",
        ],
        "0.01": [
            "ng/dL",
        ],
        "0.445": [
            "pmol/L",
        ],
    },
    "B12": {
        "1": [
            "pg/mL",
            "ng/L",
        ],
        "0.01": [
            "pg/dL",
        ],
        "10": [
            "ng/dL",
        ],
        "1000": [
            "ng/mL",
            "ug/L",
            "mcg/L",
        ],
        "1.35537": [
            "pmol/L",
        ],
        "1355.37": [
            "nmol/L",
        ],
    },
    "FOL": {
        "1": [
            "ng/mL",
            "ug/L",
            "mcg/L",
        ],
        "0.4414": [
            "nmol/L",
        ],
        "0.01": [
            "ng/dL",
        ],
    },
    "FOLRBC": {
        "1": [
            "ng/mL",
            "ug/L",
        ],
        "0.4414": [
            "nmol/L",
        ],
    },
    "MMA": {
        "1": [
            "umol/L",
            "mcmol/L",
            "nmol/mL",
        ],
        "0.001": [
            "nmol/L",
        ],
        "8.468": [
            "mg/L",
        ],
        "0.008468": [
            "ug/L",
            "ng/mL",
        ],
        "0.08468": [
            "ug/dL",
        ],
    },
    "HCY": {
        "1": [
            "umol/L",
            "mcmol/L",
            "nmol/mL",
        ],
        "7.397": [
            "mg/L",
        ],
        "73.97": [
            "mg/dL",
        ],
    },
    "LDH": {
        "1": [
            "U/L",
            "IU/L",
            "[IU]/L",
            "Units/L",
            "Units/Liter",
        ],
        "60": [
            "ukat/L",
            "ucat/L",
        ],
    },
    "TBIL": {
        "1": [
            "mg/dL",
        ],
        "0.1": [
            "mg/L",
        ],
        "0.058466": [
            "umol/L",
            "mcmol/L",
        ],
    },
    "DBIL": {
        "1": [
            "mg/dL",
        ],
        "0.1": [
            "mg/L",
        ],
        "0.058466": [
            "umol/L",
            "mcmol/L",
        ],
    },
    "IBIL": {
        "1": [
            "mg/dL",
        ],
        "0.1": [
            "mg/L",
        ],
        "0.058466": [
            "umol/L",
            "mcmol/L",
        ],
    },
    "HAPT": {
        "1": [
            "mg/dL",
        ],
        "100": [
            "g/L",
        ],
        "1000": [
            "g/dL",
        ],
        "0.1": [
            "mg/L",
        ],
    },
    "CREA": {
        "1": [
            "mg/dL",
        ],
        "0.011312": [
            "umol/L",
            "mcmol/L",
        ],
        "11.312": [
            "mmol/L",
        ],
        "0.1": [
            "mg/L",
        ],
    },
    "EGFR": {
        "1": [
            "mL/min/{1.73_m2}",
            "mL/min/{1.73m2}",
            "mL/min/1.73m2",
            "mL/min/1.73_m2",
            "mL/min/1.73m^2",
            "mL/min/1.73 m2",
            "mL/min",
        ],
    },
    "ALT": {
        "1": [
            "U/L",
            "IU/L",
            "[IU]/L",
            "Units/L",
        ],
        "60": [
            "ukat/L",
        ],
    },
    "AST": {
        "1": [
            "U/L",
            "IU/L",
            "[IU]/L",
            "Units/L",
        ],
        "60": [
            "ukat/L",
        ],
    },
    "ALP": {
        "1": [
            "U/L",
            "IU/L",
            "[IU]/L",
            "Units/L",
        ],
        "60": [
            "ukat/L",
        ],
    },
    "GGT": {
        "1": [
            "U/L",
            "IU/L",
            "[IU]/L",
            "Units/L",
        ],
        "60": [
            "ukat/L",
        ],
    },
    "CRP": {
        "1": [
            "mg/L",
            "ug/mL",
        ],
        "10": [
            "mg/dL",
        ],
    },
    "BLASTP": {
        "1": [
            "%",
            "/100{WBC}",
            "/100{WBCs}",
        ],
        "100": [
            "{ratio}",
            "1",
        ],
    },
    "NRBCW": {
        "1": [
            "/100{WBC}",
            "/100{WBCs}",
            "/100WBC",
            "/100 WBC",
            "%",
            "{ratio}",
            "1",
        ],
    },
}

TEMPERATURES = {
    "98.6": ["[degF]", "degF", "F", "°F", "deg F", "Fahrenheit", "degrees Fahrenheit", "℉"],
    "37": ["Cel", "degC", "C", "°C", "deg C", "Celsius", "degrees Celsius", "℃"],
}
