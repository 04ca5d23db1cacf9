"""Whether an Encounter is a stay in hospital, in the words of any system (clinical-definition 3.5).

By class, whichever code system names it; by the words of class and type; by a hospitalization that
has not ended. The answer is a class of v3 ActCode, which is all that the interpreter knows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_mappings.r4 import elements as loose
from fhir_mappings.r4.code_systems import ACT_CODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.r4.context_resources import EncounterResource
    from fhir_mappings.r4.decoding import Coding
    from fhir_mappings.terminology import LocalCoding

INPATIENT, EMERGENCY = "IMP", "EMER"
STAYS = frozenset({INPATIENT, "ACUTE", "NONAC", EMERGENCY, "OBSENC"})
VISITS = frozenset({"AMB", "VR", "HH", "FLD", "SS", "PRENC"})
_STU3 = {
    "inpatient": INPATIENT,
    "emergency": EMERGENCY,
    **dict.fromkeys(("outpatient", "ambulatory", "home", "field", "daytime", "virtual"), "AMB"),
}
_V2_TABLE = re.compile(r"v2[-/]0004|hl70004|2\.16\.840\.1\.113883\.(?:12\.4|18\.5)(?![.\d])")
_V2 = {"I": INPATIENT, "E": EMERGENCY, "O": "AMB", "P": "PRENC", "R": "AMB"}
_EMERGENCY = re.compile(r"(?<![\w-])(?<!non )emergency(?![\w-])")
_INPATIENT = re.compile(r"(?<![\w-])(?:in-?patient|hospitali[sz]ation|hospital admission)(?![\w-])")
_VISIT_WORDS = re.compile(r"(?<!\w)(?:out-?patient|ambulatory)(?!\w)")
_LONGEST = 200


def class_of(
    resource: EncounterResource, site: Mapping[tuple[str, str], tuple[LocalCoding, ...]]
) -> str:
    """Return the class of v3 ActCode that an Encounter has; its own code when it has none."""
    codings = loose.class_codings(resource.class_)
    mapped = [each for coding in codings for each in site.get((coding.system, coding.code), ())]
    by_site = [each.code.upper() for each in mapped if each.system == ACT_CODE]
    by_code = [code for coding in codings if (code := _by_code(coding))]
    known = next(iter((*by_site, *by_code)), "")
    if known in STAYS or known in VISITS:
        return known
    words = [*_words(codings, resource.class_), *loose.texts(resource.type)]
    own = next((coding.code.upper() for coding in codings if coding.code), "")
    return _by_words(words) or (INPATIENT if _is_hospitalized(resource) else own)


def _by_code(coding: Coding) -> str:
    code = coding.code.strip()
    if code.upper() in STAYS or code.upper() in VISITS:
        return code.upper()
    if code.lower() in _STU3:
        return _STU3[code.lower()]
    system = coding.system[:_LONGEST].lower()
    of_table = not system or _V2_TABLE.search(system) is not None
    return _V2.get(code.upper(), "") if of_table else ""


def _words(codings: Iterable[Coding], element: object) -> list[str]:
    displays = [coding.display for coding in codings]
    return displays + [loose.text(loose.member(each, "text")) for each in loose.items(element)]


def _by_words(texts: Iterable[str]) -> str:
    plain = [text[:_LONGEST].lower() for text in texts]
    if any(_VISIT_WORDS.search(text) for text in plain):
        return ""
    if any(_INPATIENT.search(text) for text in plain):
        return INPATIENT
    return EMERGENCY if any(_EMERGENCY.search(text) for text in plain) else ""


def _is_hospitalized(resource: EncounterResource) -> bool:
    """A hospitalization that has begun and has no end."""
    period = resource.period
    begun = loose.moment(loose.member(period, "start")) is not None
    return bool(resource.hospitalization) and begun and not loose.member(period, "end")
