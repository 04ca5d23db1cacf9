"""The sources that rules and limits cite, by the ids of clinical-definition 9."""

from __future__ import annotations

SOURCES: dict[str, str] = {
    "R1": (
        "Source article of this rule table: pancytopenia with low iron, normal TIBC and high "
        "vitamin B12, its work-up in five steps and its pitfalls ('seed')"
    ),
    "R2": "StatPearls, Pancytopenia",
    "R3": "UpToDate, Approach to the adult with pancytopenia",
    "R4": (
        "WHO, Guideline on haemoglobin cutoffs to define anaemia in individuals and populations, "
        "2024"
    ),
    "R5": "BMJ Best Practice, Aplastic anaemia: diagnostic criteria",
    "R6": "NICE NG239, Vitamin B12 deficiency in over 16s: diagnosis and management, 2024",
    "R7": "BMJ Best Practice, Vitamin B12 deficiency",
    "R8": "Mayo Clinic Laboratories ACASM and Labcorp 141503: reflex from vitamin B12 to MMA",
    "R9": "Mayo Clinic Laboratories MMAP: methylmalonic acid in plasma",
    "R10": (
        "Arendt JFB et al., Elevated plasma vitamin B12 levels as a marker for cancer, J Natl "
        "Cancer Inst 2013"
    ),
    "R11": "Scientific Reports 2021, s41598-021-92945-y: causes of elevated vitamin B12",
    "R12": (
        "Arendt JFB, Nexo E, Unexpected high plasma cobalamin: proposal for a diagnostic "
        "strategy, Clin Chem Lab Med 2013"
    ),
    "R13": (
        "Yang DT, Cook RJ, Spurious elevations of vitamin B12 with pernicious anemia, N Engl J "
        "Med 2012;366:1742; Wainwright P et al. 2015"
    ),
    "R14": "PMC3934467, table 1: iron, transferrin saturation and conversion factors",
    "R15": (
        "Reference texts on TIBC and transferrin saturation: TIBC 250 to 450 ug/dL, saturation "
        "below 16 %, transferrin to TIBC 1.25 to 1.43"
    ),
    "R16": "Danish reference intervals for vitamin B12 and methylmalonic acid",
    "R17": "MIRACUM, loinc-conversion: LOINC pairs and conversion factors",
    "R18": "LHNCBC, loinc-equivalence-classes: molecular weights",
    "R19": "Clinical judgment of this project, for which no source has been found yet",
    "OWN": "Clinical judgment of this project, for which no source has been found yet",
}
"""Citation id to what it is. Thresholds are to be re-checked against the originals locally."""
