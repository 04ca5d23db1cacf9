"""Filtration rates: a volume per time, mostly per 1.73 m2 (clinical-definition 1.3).

The volume and the time must be there. What follows may say "per 1.73 m2" in any of the ways in
which people type it, and may hold remarks such as the name of the formula; anything else is another
quantity, also a rate per single square meter.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from fhir_mappings.units import words
from fhir_mappings.units.types import Dimension, ParsedUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.units.types import Spelling

_MINUTE = r"(?:minutes?|minuten?|minutos?|minuut|min\.?s?|mins|mn|mim|nin|mni|mi)"
_SECOND = r"(?:seconds?|sekunden?|secondes?|segundos?|sek|secs?|s)"
_TIME = rf"(?:(?P<minute>{_MINUTE})|(?P<second>{_SECOND})|(?P<slip>m))"
_LITERS = ("ml", "mls", "cc", "l", "dl", "milliliter", "milliliters", "millilitre", "millilitres")
_VOLUME = "|".join(sorted({*_LITERS, "mililitros", "mililitro", "ccm"}, key=len, reverse=True))
_REMARK = (
    r"(?:e|m|c|a|cr)?gfr|estimated|estim|est|calculated|calc|cal|measured|ber(?:echnet)?|mdrd4?"
    r"|ckd-?epi(?:cr(?:eat(?:inine)?)?)?(?:20\d\d)?|cystatin-?c?|schwartz|lund-?malm[oö]"
)
_ONE_POINT_SEVEN_THREE = r"(?:[1il](?:[.,·:'-]{1,2}|)7[0-9]2?\.?|1[.,]7)"
_SQUARE_METER = (
    r"s\.?m\.?|sq(?:uared?)?\.?(?:m(?:et(?:er|re)s?|tr?s?)?)?\.?|m(?:et(?:er|re)s?)?\.?sq(?:uared?)?\.?"
    r"|(?:qm|mq|quadratmeter|metre?carre|metroscuadrados|metrosquadrados)"
    r"|m(?:et(?:er|re)s?|tr?|ts)?\.?(?:[\^*']{0,2}-?[23]|[u?z\"]|exp2|\^)?"
)
_AREA_REMARK = (
    r"b\.?s\.?a\.?|bodysurface(?:area)?|surface(?:area)?|corporalsurface|sc|kof|kof1[.,]73|std|standard"
    r"|norm(?:alized|alised|al)?|adj(?:usted)?|corr?(?:ected)?|index(?:ed)?|predicted|pred"
    r"|non-?african|african|afr|american|amer|non-?black|black|white|other|female|male|adults?"
    r"|(?:19|20)\d\d|for|of|the|and|or|per|by|to|if|is|cr(?:eat(?:inine)?)?|eq(?:uation)?|formula"
)
_SEPARATORS = r"-1|[\s/x*.,;:()\[\]{}_'\"=+^-]+"
_BEGINS_TAIL = r"per|p1|x[1il]|[il]\.7|sq|m[e2²^]|calc|est|ckd|mdrd|bsa|epi|corr|norm|adj"
_HEAD = re.compile(
    rf"(?:(?:{_REMARK})[:=.,-]?)?(?P<volume>{_VOLUME})(?:/|\.|\*|per|p)?{_TIME}"
    rf"(?=$|[^a-z]|{_BEGINS_TAIL})"
)
_PER_AREA = re.compile(
    rf"(?:(?>{_SEPARATORS}|{_ONE_POINT_SEVEN_THREE}|{_REMARK}|{_AREA_REMARK}|{_SQUARE_METER}))*+"
)
_REMARKS_ONLY = re.compile(rf"(?:(?>{_SEPARATORS}|{_REMARK}|{_AREA_REMARK}))*+")
_ANOTHER_QUANTITY = re.compile(r"kg|100ml|(?<![a-z0-9.,])(?:/|per)?g(?:ram)?s?$")
_SQUARE = re.compile(_ONE_POINT_SEVEN_THREE)


def filtration_rates(spelling: Spelling) -> Iterator[ParsedUnit]:
    """Yield the reading of a filtration rate in mL/min, if the spelling is one."""
    text = spelling.lower
    head = _HEAD.match(text)
    if head is None:
        return
    tail = text[head.end() :]
    of_area = _SQUARE.search(tail) is not None
    if (head["slip"] and not of_area) or _ANOTHER_QUANTITY.search(tail):
        return
    if (_PER_AREA if of_area else _REMARKS_ONLY).fullmatch(tail) is None:
        return
    volume = words.VOLUMES.get(head["volume"], -3)
    times = Decimal(60) if head["second"] else Decimal(1)
    yield ParsedUnit(Dimension.FILTRATION, times * Decimal(1).scaleb(volume + 3))
