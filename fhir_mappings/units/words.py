"""The words of the unit grammar and their factors (clinical-definition 1.3).

All are facts of metrology and language; what depends on the substance (molar masses, which
dimensions an analyte may be reported in) stands in `analytes.json`. Spellings are in lower case,
cleaned by `spelling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PREFIXES: dict[int, tuple[str, ...]] = {
    3: ("k", "kilo"),
    0: ("",),
    -1: ("d", "deci"),
    -2: ("c", "centi"),
    -3: ("m", "milli"),
    -6: ("u", "mu", "mc", "mic", "micro", "mik", "mikro", "mk"),
    -9: ("n", "nano"),
    -12: ("p", "pico"),
}


def _scaled(units: Iterable[str], exponents: tuple[int, ...]) -> dict[str, int]:
    """Every prefix of `exponents` before every spelling, with its power of ten."""
    return {
        prefix + unit: exponent
        for exponent in exponents
        for prefix in _PREFIXES[exponent]
        for unit in units
    }


_LITER = ("l", "lt", "ltr", "lit", "liter", "litre", "liters", "litres", "litro", "litros")
_CUBIC_MILLIMETER = _words(
    "mm3 mm^3 mm*3 mm**3 cumm cu.mm cu.mm. c.mm cmm mmcu mm.cu mmc cumillimeter cumillimeters "
    "cubicmm cubicmillimeter cubicmillimeters cubicmillimetre cubicmillimetres mmcubed"
)
VOLUMES: dict[str, int] = {
    **_scaled(_LITER, (0, -1, -2, -3, -6, -9, -12)),
    **dict.fromkeys(_CUBIC_MILLIMETER, -6),
    **dict.fromkeys(("cc", "cm3", "cm^3", "cubiccentimeter", "cucm"), -3),
}
"""Volumes as a power of ten of a liter."""

MASSES: dict[str, int] = _scaled(
    _words("g gs gm gms gr grm gram grams gramm gramme grammes gramo gramos"),
    (0, -3, -6, -9, -12),
)
"""Masses as a power of ten of a gram."""

MOLES: dict[str, int] = _scaled(("mol", "mols", "mole", "moles"), (0, -3, -6, -9, -12))
"""Amounts of substance as a power of ten of a mole."""

ENZYME_UNITS: dict[str, int] = {
    **_scaled(
        ("u", "iu", "i.u", "i.u.", "ui", "unit", "units", "internationalunit"), (3, 0, -3, -6)
    ),
    **dict.fromkeys(("ie", "e", "einheiten", "internationalunits", "unidades", "unites"), 0),
}
"""Enzyme units as a power of ten of a unit."""

KATALS: dict[str, int] = _scaled(("kat", "cat", "katal", "katals"), (0, -3, -6, -9))
"""Catalytic activity as a power of ten of a katal."""

POWER_WORDS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("hundred",), (2,)),
    **dict.fromkeys(
        _words(
            "k th tho thd thds ths thsd thou thous thousand thousands tsd tausend tys tis mille "
            "miles mila migliaia tusen tusind bin kilo"
        ),
        (3,),
    ),
    **dict.fromkeys(("tenthousand", "10thousand"), (4,)),
    **dict.fromkeys(_words("lakh lakhs lac lacs 100thousand"), (5,)),
    **dict.fromkeys(
        _words("million millions milhões milhoes millones mill mio mln millionen mega mpt megapt"),
        (6,),
    ),
    **dict.fromkeys(
        _words(
            "billion billions bil bill bn giga gpt gigapt mia mrd mld mlrd milliard milliards "
            "milliarden miljard"
        ),
        (9,),
    ),
    **dict.fromkeys(_words("tera tpt terapt trillion trillions tril"), (12,)),
    "mil": (3, 6),  # thousand in Spanish and Portuguese, million in English
}
"""Words for a power of ten, each with every exponent that it can stand for."""

THOUSANDS = frozenset(
    word
    for word, exponents in POWER_WORDS.items()
    if exponents == (3,) and len(word) > 2 and word not in {"kilo", "bin", "tys", "tis", "ths"}
)
"""Words that mean thousand even when they stand alone."""

CAPITAL_POWERS = {("G", 0): 9, ("T", 0): 12, ("M", -6): 6, ("M", -3): 6}
"""Letters that mean a power of ten, only as capitals and only before these volumes (U3)."""

LETTER_POWERS: dict[str, tuple[int, ...]] = {"g": (9,), "t": (3, 12), "m": (3, 6)}
"""What those letters may have meant otherwise: thousand (mille), million, giga, tera."""

CELL_WORDS = _words(
    "cells cell cel cels celulas celules zellen zell cellules cellen elements elem el particles "
    "part count # no nr num wbc wbcs leukocytes leucocytes neutrophils plt plts platelets "
    "thrombocytes retic retics reticulocytes rbc rbcs nrbc nrbcs nucleatedrbc "
    "nucleatedrbcs nucleatedredcells blasts"
)
"""Words for what is counted; they add nothing to the unit."""

LEUKOCYTE_WORDS = _words(
    "wbc wbcs wbc's leuk leukos leukocyte leukocytes leucocyte leucocytes leukozyten "
    "whitecells whitebloodcells whitebloodcell"
)
ERYTHROCYTE_WORDS = _words(
    "rbc rbcs rbc's erythrocyte erythrocytes ery erys redcells redbloodcells"
)

PERCENT_WORDS = _words("percent pct prozent procent percento porciento porcento pourcent proc")
PER_THOUSAND_WORDS = ("permille", "permil", "promille", "‰", "0/00", "o/oo", "%o", "°/oo", "ppth")
RATIO_WORDS = _words(
    "ratio fraction frac proportion proportionof1 proportionof1.0 decimal decimalfraction"
)

MICRONS = _words(
    "um3 um^3 um*3 cu.um cuum cu.u cuu u3 u^3 cumicron cumicrons cubicmicron cubicmicrons cubicum "
    "cubicmicrometer cubicmicrometers cu.micron cu.microns um.cu umcu mc3 mcm3 mcm^3 cumic"
)
FEMTOLITERS = (*("f" + liter for liter in _LITER), "femtoliter", "femtoliters", "femtolitre")

# Words that are written in other alphabets, in the Latin spelling that the tables know.
OTHER_ALPHABETS = {
    "тыс": "thou",
    "тис": "thou",
    "млн": "mio",
    "млрд": "mrd",
    "клеток": "cells",
    "кл": "cells",
    "мкмоль": "umol",
    "ммоль": "mmol",
    "нмоль": "nmol",
    "пмоль": "pmol",
    "мккат": "ukat",
    "мкг": "ug",
    "мг": "mg",
    "нг": "ng",
    "пг": "pg",
    "мкл": "ul",
    "мм": "mm",
    "мл": "ml",
    "дл": "dl",
    "фл": "fl",
    "ме": "iu",
    "ед": "u",
    "к": "k",
    "г": "g",
    "л": "l",
    "е": "e",
    "천": "10^3",
    "만": "10^4",
    "万": "10^4",
    "千": "10^3",
    "百": "10^2",
    "億": "10^8",
    "亿": "10^8",
    "個": "",
    "个": "",
}
