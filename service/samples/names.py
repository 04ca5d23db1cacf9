"""Names and usual reference ranges of the LOINC codes in the sample charts.

LOINC is copyright Regenstrief Institute; see NOTICE.
"""

from __future__ import annotations

from fhir_mappings.vocabulary.analytes import default_terminology

_OTHER_NAMES: dict[str, str] = {
    "787-2": "MCV [Entitic mean volume] in Red Blood Cells by Automated count",
    "788-0": "Erythrocyte distribution width [Ratio] by Automated count",
    "709-6": "Blasts/Leukocytes in Blood by Manual count",
    "26446-5": "Blasts/Leukocytes in Blood",
    "72160-5": "Holotranscobalamin II [Moles/volume] in Serum or Plasma",
    "98979-8": "Glomerular filtration rate/1.73 sq M predicted by creatinine (CKD-EPI 2021)",
    "2951-2": "Sodium [Moles/volume] in Serum or Plasma",
    "2823-3": "Potassium [Moles/volume] in Serum or Plasma",
    "85354-9": "Blood pressure panel with all children optional",
    "8480-6": "Systolic blood pressure",
    "8462-4": "Diastolic blood pressure",
}
"""Names that our vocabulary lacks, or words differently from a laboratory."""


def loinc_name(code: str) -> str:
    """Return what a laboratory calls a LOINC code. Raises KeyError for one without a name."""
    return _OTHER_NAMES.get(code) or default_terminology().loinc[code].display


REFERENCE_RANGES: dict[tuple[str, str], tuple[float | None, float | None]] = {
    ("718-7", "g/dL"): (12.0, 15.5),
    ("718-7", "g/L"): (130, 170),
    ("787-2", "fL"): (80, 100),
    ("788-0", "%"): (11.5, 14.5),
    ("6690-2", "10*3/uL"): (4.0, 11.0),
    ("751-8", "10*3/uL"): (1.8, 7.5),
    ("777-3", "10*3/uL"): (150, 400),
    ("26464-8", "10*9/L"): (4.0, 11.0),
    ("26499-4", "10*9/L"): (1.8, 7.5),
    ("26515-7", "10*9/L"): (150, 400),
    ("2498-4", "ug/dL"): (60, 175),
    ("2500-7", "ug/dL"): (250, 400),
    ("2502-3", "%"): (20, 45),
    ("2276-4", "ng/mL"): (30, 300),
    ("2132-9", "pg/mL"): (200, 900),
    ("2284-8", "ng/mL"): (4.0, None),
    ("13964-2", "umol/L"): (None, 0.40),
    ("13965-9", "umol/L"): (None, 15),
    ("2532-0", "U/L"): (120, 250),
    ("2951-2", "mmol/L"): (135, 145),
    ("2823-3", "mmol/L"): (3.5, 5.1),
}
"""LOINC code and unit to low and high limit, for a woman; the man reported in SI units has his own.
"""
