"""The worked examples of clinical-definition 6 as interpreter facts.

Values are turned into canonical units by a table of this file alone, refused results and texts
are spelled out: neither reader nor unit grammar takes part, so that the decision table is tested
by itself.
"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fhir_mappings.context import (
    ClinicalContext,
    Condition,
    Encounter,
    ExistingOrder,
    Medication,
    MedicationKind,
    Procedure,
    Sex,
    ValueSetName,
)
from fhir_mappings.panel import (
    Analyte,
    LabResult,
    MarrowResult,
    Note,
    PregnancyObservation,
    Reason,
    SmearFinding,
    SmearMethod,
    SmearSet,
    Unreadable,
)
from tests.support.changing import replace
from tests.support.facts import NOW, ago, condition, facts, result

if TYPE_CHECKING:
    from service.interpreter.interpretation import Facts

Vignette = dict[str, Any]

CODES = {
    "718-7": Analyte.HEMOGLOBIN,
    "59260-0": Analyte.HEMOGLOBIN,
    "6690-2": Analyte.LEUKOCYTES,
    "26464-8": Analyte.LEUKOCYTES,
    "751-8": Analyte.NEUTROPHILS,
    "26499-4": Analyte.NEUTROPHILS,
    "777-3": Analyte.PLATELETS,
    "26515-7": Analyte.PLATELETS,
    "787-2": Analyte.MEAN_CORPUSCULAR_VOLUME,
    "2498-4": Analyte.IRON,
    "14798-3": Analyte.IRON,
    "2500-7": Analyte.IRON_BINDING_CAPACITY,
    "14800-7": Analyte.IRON_BINDING_CAPACITY,
    "2502-3": Analyte.TRANSFERRIN_SATURATION,
    "2505-6": Analyte.TRANSFERRIN_SATURATION,
    "2276-4": Analyte.FERRITIN,
    "2132-9": Analyte.VITAMIN_B12,
    "14685-2": Analyte.VITAMIN_B12,
    "13964-2": Analyte.METHYLMALONATE,
    "13965-9": Analyte.HOMOCYSTEINE,
    "98979-8": Analyte.GLOMERULAR_FILTRATION_RATE,
    "2284-8": Analyte.FOLATE,
    "2532-0": Analyte.LACTATE_DEHYDROGENASE,
    "1971-1": Analyte.BILIRUBIN_INDIRECT,
    "26446-5": Analyte.BLAST_PERCENT,
    "709-6": Analyte.BLAST_PERCENT,
    "8310-5": Analyte.BODY_TEMPERATURE,
}
FACTORS = {
    ("718-7", "g/L"): "0.1",
    ("59260-0", "mmol/L"): "1.61145",
    ("6690-2", "cells/uL"): "0.001",
    ("751-8", "/mm3"): "0.001",
    ("777-3", "/uL"): "0.001",
    ("14798-3", "umol/L"): "5.5845",
    ("14800-7", "umol/L"): "5.5845",
    ("2505-6", "{ratio}"): "100",
    ("14685-2", "pmol/L"): "1.35537",
    ("2132-9", "pmol/L"): "1.35537",
    ("13964-2", "nmol/L"): "0.001",
}
# What a reader refuses: vignette, code -> reason and the value in the unit most likely meant.
REFUSED = {
    ("V23", "718-7"): (Reason.IMPLAUSIBLE, "14.0"),
    ("V24", "751-8"): (Reason.IMPLAUSIBLE, "0.3"),
    ("V26", "777-3"): (Reason.IMPLAUSIBLE, "85"),
    ("V27", "2498-4"): (Reason.IRON_UNIT, "20"),
    ("V64", "777-3"): (Reason.UNIT, "84"),
}
NOT_READ = {"72160-5", "11150-0", "770-8"}  # holoTC; marrow blasts; see V22 below
FILMS = {
    "V49": ((SmearSet.BLASTS, False), (SmearSet.TEARDROP, True)),
    "V61": ((SmearSet.PLATELET_CLUMP, True),),
    "V71": ((SmearSet.BLASTS, True),),
    "V72": ((SmearSet.BLASTS, False), (SmearSet.DYSPLASIA, False)),
}


def vignettes() -> list[Vignette]:
    """All open vignettes."""
    found: list[Vignette] = json.loads(
        (Path(__file__).parents[1] / "spec" / "vignettes.json").read_text(encoding="utf-8")
    )
    return found


def vignette(name: str) -> Vignette:
    """One vignette by its id."""
    return next(each for each in vignettes() if each["id"] == name)


def canonical(given: dict[str, Any]) -> str:
    """The value in the analyte's canonical unit, its comparator kept."""
    text = str(given["value"])
    sign = text[: len(text) - len(text.lstrip("<>="))]
    value = Decimal(text[len(sign) :])
    if given["unit"] == "°F":
        value = (value - 32) * 5 / 9
    value *= Decimal(FACTORS.get((given["loinc"], given["unit"]), "1"))
    return f"{sign}{value}"


def _result(given: dict[str, Any]) -> LabResult:
    low, high = given.get("rr", (None, None))
    read = result(
        CODES[given["loinc"]],
        canonical(given),
        -given["dayOffset"],
        low=None if low is None else str(low),
        high=None if high is None else str(high),
    )
    notes = {Note.PRELIMINARY} if given.get("status") == "preliminary" else set()
    return replace(
        read, status=given.get("status", "final"), loinc=given["loinc"], notes=frozenset(notes)
    )


def _with_saturation(results: list[LabResult]) -> list[LabResult]:
    """The computed saturation governs when iron and TIBC are at most 24 h apart (1.4)."""
    iron = next((each for each in results if each.analyte is Analyte.IRON), None)
    tibc = next((each for each in results if each.analyte is Analyte.IRON_BINDING_CAPACITY), None)
    if iron is None or tibc is None:
        return results
    rest = [each for each in results if each.analyte is not Analyte.TRANSFERRIN_SATURATION]
    computed = result(Analyte.TRANSFERRIN_SATURATION, iron.value / tibc.value * 100)
    return [*rest, replace(computed, taken=iron.taken)]


def _conflicts(results: list[LabResult]) -> list[LabResult]:
    """Same analyte, same time: the lower value, marked when they differ by more than 10 % (A8)."""
    kept: dict[tuple[Analyte, object], LabResult] = {}
    for each in results:
        key = (each.analyte, each.taken)
        other = kept.get(key)
        if other is None or other.value == each.value:
            kept[key] = each
            continue
        lower = min(each, other, key=lambda item: item.value)
        higher = max(each.value, other.value)
        marked = higher - lower.value > higher / 10
        kept[key] = replace(lower, notes=frozenset({Note.CONFLICT})) if marked else lower
    return list(kept.values())


def laboratory(given: Vignette) -> dict[str, Any]:
    """Results, refused results, films and marrow of a vignette."""
    results, unreadable, smear, marrow = [], [], [], []
    for each in given["observations"]:
        refusal = REFUSED.get((given["id"], each["loinc"]))
        if refusal:
            reason, meant = refusal
            unreadable.append(
                Unreadable(
                    CODES[each["loinc"]],
                    reason,
                    "The value is not plausible in the unit that was sent.",
                    reported=f"{each['value']} {each['unit'] or ''}".strip(),
                    taken=ago(-each["dayOffset"]),
                    candidates=(Decimal(meant),),
                )
            )
        elif each["loinc"] == "11150-0":
            marrow.append(MarrowResult("11150-0", ago(-each["dayOffset"])))
        elif each["loinc"] in CODES and each.get("status") != "entered-in-error":
            results.append(_result(each))
    for finding, present in FILMS.get(given["id"], ()):
        method = SmearMethod.FILM if given["id"] == "V61" else SmearMethod.NARRATIVE
        smear.append(SmearFinding(finding, present, ago(1), method))
    if given["id"] == "V22":  # 6.5 x 20 %
        anc = replace(result(Analyte.NEUTROPHILS, "1.3"), notes=frozenset({Note.ANC_COMPUTED}))
        results.append(anc)
    if given["flags"].get("marrow_exists") and given["id"] == "V48":
        marrow.append(MarrowResult("33721-2", ago(5)))
    return {
        "results": _conflicts(_with_saturation(results)),
        "unreadable": tuple(unreadable),
        "smear": tuple(smear),
        "marrow": tuple(marrow),
    }


_CONDITIONS_OF_FLAG: dict[str, tuple[Condition, ...]] = {
    "heme": (condition(ValueSetName.HEMATOLOGIC_MALIGNANCY),),
    "history_heme": (
        condition(
            ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY, in_remission=True, display="leukemia"
        ),
    ),
    "liver": (
        condition(ValueSetName.LIVER_DISEASE, ValueSetName.PORTAL_HYPERTENSION),
        condition(ValueSetName.SPLENOMEGALY),
    ),
    "constitutional": (condition(ValueSetName.NIGHT_SWEATS), condition(ValueSetName.WEIGHT_LOSS)),
    "drug_pancytopenia": (condition(ValueSetName.DRUG_INDUCED_PANCYTOPENIA),),
    "b12_def_evidence": (condition(ValueSetName.B12_DEFICIENCY),),
}


def _conditions(given: Vignette) -> list[Condition]:
    found = [
        each
        for flag, conditions in _CONDITIONS_OF_FLAG.items()
        if given["flags"].get(flag)
        for each in conditions
    ]
    if given["id"] == "V82":
        found.append(condition(ValueSetName.HEMATOLOGIC_MALIGNANCY, may_suppress=False))
    if given["pregnant"]:
        found.append(condition(ValueSetName.PREGNANCY_STATE))
    return found


def _medicine(
    kind: MedicationKind, name: str, set_name: ValueSetName, first: float, last: float | None
) -> Medication:
    return Medication(
        sets=frozenset({set_name}),
        name=name,
        kind=kind,
        active=last is None,
        first=(NOW - timedelta(days=first)).date(),
        last=None if last is None else (NOW - timedelta(days=last)).date(),
    )


def _medications(given: Vignette) -> list[Medication]:
    flags, kinds, sets = given["flags"], MedicationKind, ValueSetName
    found = []
    if "chemo_days" in flags:
        days = flags["chemo_days"]
        found.append(
            _medicine(
                kinds.ADMINISTRATION,
                "carboplatin",
                sets.MYELOSUPPRESSIVE_CHEMOTHERAPY,
                days,
                days,
            )
        )
    if flags.get("drugs"):
        found.append(
            _medicine(kinds.REQUEST, "methotrexate", sets.MARROW_SUPPRESSIVE_DRUGS, 300, None)
        )
    if flags.get("b12_rx"):
        first = flags["b12_rx_days"]
        last = {"V53": None, "V86": 40}.get(given["id"], first)
        found.append(
            _medicine(kinds.ADMINISTRATION, "cyanocobalamin", sets.B12_MEDICATION, first, last)
        )
    return found


def context(given: Vignette) -> ClinicalContext:
    """The context of a vignette from its flags."""
    flags, sets = given["flags"], ValueSetName
    procedures, orders, encounters = [], [], []
    if flags.get("hospice"):
        procedures.append(
            Procedure(frozenset({sets.HOSPICE_CARE}), "hospice", "in-progress", ago(3))
        )
    if "rbc_tx_days" in flags:
        moment = ago(flags["rbc_tx_days"])
        transfusion = frozenset({sets.RED_CELL_TRANSFUSION})
        procedures.append(Procedure(transfusion, "red cells", "completed", moment))
    if flags.get("marrow_exists") and given["id"] == "V50":
        biopsy = frozenset({sets.MARROW_PROCEDURES})
        procedures.append(Procedure(biopsy, "marrow biopsy", "completed", ago(20)))
    if flags.get("referral_exists"):
        orders.append(
            ExistingOrder(
                frozenset({"hematology-referral"}),
                frozenset({sets.HEMATOLOGY_REFERRALS}),
                "active",
                ago(10),
            )
        )
    if flags.get("inpatient"):
        encounters.append(Encounter("IMP", "in-progress", ago(2), None))
    return ClinicalContext(
        conditions=tuple(_conditions(given)),
        medications=tuple(_medications(given)),
        procedures=tuple(procedures),
        orders=tuple(orders),
        encounters=tuple(encounters),
    )


def vignette_facts(given: Vignette) -> Facts:
    """The facts of one vignette at `NOW`."""
    parts = laboratory(given)
    weeks = {1: 8, 2: 20, 3: 32}.get(given["trimester"] or 0)
    pregnancy = (PregnancyObservation(None, ago(1), Decimal(weeks)),) if weeks else ()
    made = facts(
        parts.pop("results"),
        age=given["age"],
        sex=Sex(given["sex"]),
        pregnancy=pregnancy,
        **parts,
    )
    return replace(made, context=context(given))
