"""The code systems that context is coded in, and the spellings they come in.

Hospitals write a system as its FHIR URI, with https, with a trailing slash, as a SNOMED CT edition
URI, or as the OID that C-CDA used.
"""

from __future__ import annotations

from functools import lru_cache

SNOMED_CT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_9_CM = "http://hl7.org/fhir/sid/icd-9-cm"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"

_OIDS = {
    "2.16.840.1.113883.6.96": SNOMED_CT,
    "2.16.840.1.113883.6.1": LOINC,
    "2.16.840.1.113883.6.90": ICD_10_CM,
    "2.16.840.1.113883.6.3": ICD_10,
    "2.16.840.1.113883.6.103": ICD_9_CM,
    "2.16.840.1.113883.6.88": RXNORM,
    "2.16.840.1.113883.6.73": ATC,
}
"""OIDs of HL7. 2.16.840.1.113883.6.104 is left out: it is the procedure volume of ICD-9-CM, whose
20.01 (an ear operation) without its dot begins like 200.1 (a lymphoma)."""


_NATIONAL_ICD_10 = frozenset(
    {
        "http://fhir.de/codesystem/bfarm/icd-10-gm",
        "http://fhir.de/codesystem/dimdi/icd-10-gm",
        "http://hl7.org/fhir/sid/icd-10-gm",
        "http://hl7.org/fhir/sid/icd-10-am",
        "http://hl7.org/fhir/sid/icd-10-ca",
    }
)
"""National editions that keep the stems of the international ICD-10 (lower case). ICD-10-CM does
not: it means other things by some of them."""


@lru_cache(maxsize=512)
def normal_system(system: str) -> str:
    """Return the FHIR URI of a code system, whichever way it is spelled; unknown ones unchanged."""
    text = system.strip()
    lower = text.lower().rstrip("/").replace("https://", "http://", 1)
    oid = _OIDS.get(lower.removeprefix("urn:oid:"))
    if oid:
        return oid
    if lower.startswith(SNOMED_CT + "/"):
        return SNOMED_CT
    if lower in _NATIONAL_ICD_10:
        return ICD_10
    return lower if lower in _OIDS.values() else text


def normal_code(code: str) -> str:
    """Return the code without blanks around it, in upper case."""
    return code.strip().upper()


def is_condition_system(system: str) -> bool:
    """Whether codes of a system are ones that the value sets of conditions are written in."""
    return normal_system(system) in {SNOMED_CT, ICD_10_CM, ICD_10, ICD_9_CM}
