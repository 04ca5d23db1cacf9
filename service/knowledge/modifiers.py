"""The modifiers M1 to M17 in words (clinical-definition 3.5), for people who read the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModifierRow:
    """One modifier: its trigger and its effect."""

    id: str
    trigger: str
    effect: str


MODIFIER_ROWS: tuple[ModifierRow, ...] = tuple(
    ModifierRow(*row)
    for row in (
        (
            "M1",
            "portal hypertension, or liver disease with an enlarged spleen; a marrow-suppressive "
            "drug now or in the last 30 days, or drug-induced pancytopenia; B12 treatment now or "
            "in the last 180 days",
            "no marrow-biopsy unless a red flag stands (an earlier hematologic disorder counts as "
            "one, but not against B12 treatment); the card stays",
        ),
        (
            "M2",
            "a critical urgent finding; dysplasia, teardrop cells, nucleated red cells, "
            "constitutional symptoms or an earlier hematologic disorder",
            "priority of referral and marrow: stat, asap, else urgent (two low lines: routine, "
            "urgent with leukocytes above 30)",
        ),
        (
            "M3",
            "active night sweats or weight loss; active fever, or a temperature of at least "
            "38.0 Cel in the last 24 hours, in a hospital stay only with neutrophils below 1.0",
            "indicator critical for the findings that say so",
        ),
        (
            "M4",
            "a marrow procedure or transplant in the last 180 days, an order for one in the last "
            "90 days, or a marrow result in the last 180 days",
            "no marrow-biopsy; the text asks to review the result",
        ),
        (
            "M5",
            "a hematology referral of the last 90 days, or a hematology visit from 90 days ago to "
            "60 days ahead",
            "no hematology-referral; with a critical urgent finding the text asks to escalate it",
        ),
        (
            "M6",
            "a marrow and a referral that exist already, without a red flag",
            "no card for the finding",
        ),
        (
            "M7",
            "palliative care, not hospice",
            "no marrow-biopsy and no ct-abdomen-pelvis; goals of care come first in the text",
        ),
        (
            "M8",
            "liver disease, ALT or AST of at least 120 U/L, kidney disease or eGFR below 60",
            "the text says that B12 can be raised by it; a raised MMA proves less",
        ),
        ("M9", "a marrow-suppressive drug", "the text names it and asks to review or hold it"),
        ("M10", "an enlarged spleen", "ultrasound-abdomen, then ct-abdomen-pelvis (not pregnant)"),
        (
            "M11",
            "HIV infection, viral hepatitis, autoimmune disease or a positive serology",
            "named in the text, its test is not proposed; the indicator stays",
        ),
        (
            "M12",
            "G-CSF, erythropoietin or a thrombopoietin agonist in the last 14 days",
            "the text says what it can do to the counts",
        ),
        (
            "M13",
            "zinc medication, copper deficiency, gastric surgery, malabsorption or parenteral "
            "nutrition",
            "copper and zinc are proposed",
        ),
        (
            "M14",
            "red cells in the 7 days, or platelets in the 3 days, before the sample",
            "the line is masked, iron studies are not interpreted",
        ),
        (
            "M15",
            "the white line is judged by leukocytes alone",
            "cbc-differential first; no marrow-biopsy unless blasts are critical or counts severe",
        ),
        ("M16", "an alcohol use disorder", "the text says that alcohol can lower all cell lines"),
        (
            "M17",
            "hemoglobin and platelets low, platelets below 50, nothing else",
            "coagulation, hemolysis and metabolic panel are proposed and heparin is named; in a "
            "hospital stay B12 and iron only with MCV above 100 or below 80 fL",
        ),
    )
)
