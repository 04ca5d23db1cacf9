"""Every clinical limit, once, with its unit and citation (clinical-definition 2).

Citations are the R-numbers of clinical-definition 9; OWN marks this project's own judgment.
`LIMITS` is looked up when a patient is assessed, so that a test can put a shifted table in its
place (`dataclasses.replace`).
"""

# ruff: noqa: RUF009  each limit is a field built by `_limit`, not a shared mutable default

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_mappings.panel import Analyte

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def _limit(value: str, unit: str, meaning: str, *citations: str) -> Any:  # noqa: ANN401
    """Return a dataclass field that carries the limit's unit, meaning and citations."""
    metadata = {"unit": unit, "meaning": meaning, "citations": citations or ("OWN",)}
    return field(default=Decimal(value), metadata=metadata)


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit as it is printed."""

    name: str
    value: Decimal
    unit: str
    meaning: str
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """All limits in canonical units. Counts are in 10*9/L, hemoglobin in g/dL."""

    # 2.1 lines
    hgb_male: Decimal = _limit("13.0", "g/dL", "Hgb low below, man", "R2", "R3", "R4")
    hgb_other: Decimal = _limit("12.0", "g/dL", "Hgb low below, any other sex", "R2", "R3", "R4")
    hgb_pregnant: Decimal = _limit("11.0", "g/dL", "Hgb low below, pregnant", "R4")
    hgb_second_trimester: Decimal = _limit("10.5", "g/dL", "Hgb low below, 2nd trimester", "R4")
    anc: Decimal = _limit("1.8", "10*9/L", "ANC low below", "R2", "R3")
    wbc: Decimal = _limit("4.0", "10*9/L", "WBC low below, no ANC", "R2", "R3")
    plt: Decimal = _limit("150", "10*9/L", "platelets low below", "R2")
    plt_pregnant: Decimal = _limit("100", "10*9/L", "platelets low below, pregnant")
    anc_overruled: Decimal = _limit(
        "1.0", "10*9/L", "ANC that a newer WBC, itself not low, overrules from"
    )
    # 2.2 severity
    hgb_severe: Decimal = _limit("7.0", "g/dL", "Hgb severe below", "R1")
    hgb_moderate: Decimal = _limit("10.0", "g/dL", "Hgb moderate below")
    anc_severe: Decimal = _limit("0.5", "10*9/L", "ANC severe below", "R1", "R5")
    anc_moderate: Decimal = _limit("1.0", "10*9/L", "ANC moderate below")
    plt_severe: Decimal = _limit("20", "10*9/L", "platelets severe below", "R1", "R5")
    plt_moderate: Decimal = _limit("50", "10*9/L", "platelets moderate below")
    wbc_severe: Decimal = _limit("0.5", "10*9/L", "WBC severe below, no ANC")
    wbc_moderate: Decimal = _limit("2.0", "10*9/L", "WBC that stands for ANC < 1.0, no ANC")
    wbc_fever: Decimal = _limit("1.0", "10*9/L", "WBC with fever below, no ANC")
    fever: Decimal = _limit("38.0", "Cel", "temperature that counts as fever from")
    # 2.3 iron
    iron_low: Decimal = _limit("60", "ug/dL", "iron LOW below", "OWN", "R14")
    iron_high: Decimal = _limit("175", "ug/dL", "iron HIGH above", "OWN", "R14")
    tibc_low: Decimal = _limit("250", "ug/dL", "TIBC LOW below", "R15")
    tibc_high: Decimal = _limit("400", "ug/dL", "TIBC HIGH above", "R1")
    tsat_low: Decimal = _limit("16", "%", "TSAT low below", "R1", "R15")
    tsat_normal: Decimal = _limit("20", "%", "TSAT normal from", "R1", "R14")
    tsat_high: Decimal = _limit("45", "%", "TSAT high above", "R14")
    ferritin_deficient: Decimal = _limit("30", "ng/mL", "ferritin iron deficiency below")
    ferritin_replete: Decimal = _limit("100", "ng/mL", "ferritin deficiency unlikely from")
    ferritin_hlh: Decimal = _limit("10000", "ng/mL", "ferritin possible-hlh with fever from")
    # 2.3 vitamin B12, MMA, homocysteine, folate
    b12_low: Decimal = _limit("200", "pg/mL", "B12 LOW below", "R1", "R7")
    b12_normal: Decimal = _limit("400", "pg/mL", "B12 NORMAL from", "R8")
    b12_high: Decimal = _limit("900", "pg/mL", "B12 ELEVATED above", "OWN", "R11")
    b12_very_high: Decimal = _limit("1500", "pg/mL", "B12 very high in the text from", "R11")
    b12_marked: Decimal = _limit("1000", "pg/mL", "B12 MARKED from", "R10", "R11")
    mma_high: Decimal = _limit("0.40", "umol/L", "MMA raised above", "R8", "R9", "R16")
    mma_proof: Decimal = _limit("0.75", "umol/L", "MMA proof, kidneys not poor, above")
    mma_proof_any: Decimal = _limit("2.0", "umol/L", "MMA proof, any kidneys, above")
    homocysteine_high: Decimal = _limit("15", "umol/L", "homocysteine raised above")
    folate_low: Decimal = _limit("3.0", "ng/mL", "folate LOW below")
    folate_normal: Decimal = _limit("4.0", "ng/mL", "folate NORMAL from")
    # 2.3 cell turnover and marrow response
    ldh_high: Decimal = _limit("250", "U/L", "LDH raised above", "R1")
    ldh_marked: Decimal = _limit("1000", "U/L", "LDH marked above", "R1")
    ldh_reverse_marked: Decimal = _limit(
        "4", "x ULN", "LDH by pyruvate to lactate (14805-6) marked from"
    )
    bilirubin_indirect_high: Decimal = _limit("1.0", "mg/dL", "indirect bilirubin raised above")
    haptoglobin_low: Decimal = _limit("30", "mg/dL", "haptoglobin low below")
    reticulocytes_low: Decimal = _limit("75", "10*9/L", "reticulocytes inadequate below")
    reticulocytes_adequate: Decimal = _limit("100", "10*9/L", "reticulocytes adequate above")
    rpi_low: Decimal = _limit("2", "1", "reticulocyte index inadequate below")
    rpi_adequate: Decimal = _limit("3", "1", "reticulocyte index adequate above")
    mcv_low: Decimal = _limit("80", "fL", "microcytic below")
    mcv_high: Decimal = _limit("100", "fL", "macrocytic above")
    mcv_megaloblastic: Decimal = _limit("115", "fL", "strongly megaloblastic above")
    # kidneys and liver
    egfr_poor: Decimal = _limit("60", "mL/min/{1.73_m2}", "eGFR poor below")
    creatinine_high: Decimal = _limit("1.3", "mg/dL", "creatinine high above, no eGFR")
    transaminase_high: Decimal = _limit("120", "U/L", "ALT or AST that can raise B12 from")
    # blasts and nucleated red cells
    blast_percent_critical: Decimal = _limit("5", "%", "blasts critical from")
    blasts_critical: Decimal = _limit("0.5", "10*9/L", "blasts critical from")
    wbc_refuting: Decimal = _limit(
        "1.0", "10*9/L", "WBC of a differential that helps to refute critical blasts, from"
    )
    nrbc_ratio: Decimal = _limit("1", "/100{WBCs}", "nucleated red cells a red flag from")
    # 3.2 thrombotic-microangiopathy, 3.5 M3
    plt_microangiopathy: Decimal = _limit(
        "100", "10*9/L", "platelets with more than a few schistocytes, below"
    )
    plt_microangiopathy_hemolysis: Decimal = _limit(
        "50", "10*9/L", "platelets with a few schistocytes and hemolysis, below"
    )
    anc_fever_inpatient: Decimal = _limit(
        "1.0", "10*9/L", "ANC with which fever in hospital is constitutional, below"
    )
    # 2.5 children without a laboratory range
    child_hgb: Decimal = _limit("9.0", "g/dL", "Hgb low below, child")
    child_anc: Decimal = _limit("1.0", "10*9/L", "ANC low below, child")
    child_wbc: Decimal = _limit("2.5", "10*9/L", "WBC low below, child, no ANC")
    child_plt: Decimal = _limit("100", "10*9/L", "platelets low below, child")
    adult_age: Decimal = _limit("18", "a", "adult from")
    pregnancy_age: Decimal = _limit(
        "60", "a", "a pregnancy that could not be looked for leaves nothing open from"
    )
    # 2.6 the laboratory's own word
    flag_factor: Decimal = _limit("1.10", "x limit", "flagged L or LL, no usable range: low below")
    lab_hgb_min: Decimal = _limit("10.0", "g/dL", "laboratory Hgb limit used from")
    lab_hgb_max: Decimal = _limit("14.5", "g/dL", "laboratory Hgb limit used to")
    lab_anc_min: Decimal = _limit("1.0", "10*9/L", "laboratory ANC limit used from")
    lab_anc_max: Decimal = _limit("2.2", "10*9/L", "laboratory ANC limit used to")
    lab_wbc_min: Decimal = _limit("3.0", "10*9/L", "laboratory WBC limit used from")
    lab_wbc_max: Decimal = _limit("5.0", "10*9/L", "laboratory WBC limit used to")
    lab_plt_min: Decimal = _limit("100", "10*9/L", "laboratory platelet limit used from")
    lab_plt_max: Decimal = _limit("180", "10*9/L", "laboratory platelet limit used to")
    lab_iron_min: Decimal = _limit("20", "ug/dL", "laboratory iron LLN used from")
    lab_iron_max: Decimal = _limit("80", "ug/dL", "laboratory iron LLN used to")
    lab_tibc_low_min: Decimal = _limit("180", "ug/dL", "laboratory TIBC LLN used from")
    lab_tibc_low_max: Decimal = _limit("300", "ug/dL", "laboratory TIBC LLN used to")
    lab_tibc_high_min: Decimal = _limit("340", "ug/dL", "laboratory TIBC ULN used from")
    lab_tibc_high_max: Decimal = _limit("500", "ug/dL", "laboratory TIBC ULN used to")
    lab_b12_min: Decimal = _limit("600", "pg/mL", "laboratory B12 ULN used from")
    lab_b12_max: Decimal = _limit("1500", "pg/mL", "laboratory B12 ULN used to")
    lab_mma_min: Decimal = _limit("0.2", "umol/L", "laboratory MMA ULN used from")
    lab_mma_max: Decimal = _limit("0.6", "umol/L", "laboratory MMA ULN used to")
    lab_homocysteine_min: Decimal = _limit("9", "umol/L", "laboratory homocysteine ULN used from")
    lab_homocysteine_max: Decimal = _limit("20", "umol/L", "laboratory homocysteine ULN used to")
    lab_ldh_min: Decimal = _limit("150", "U/L", "laboratory LDH ULN used from")
    lab_ldh_max: Decimal = _limit("500", "U/L", "laboratory LDH ULN used to")
    # 3.2 bicytopenia, outside a hospital stay
    hgb_bicytopenia: Decimal = _limit("10.0", "g/dL", "Hgb that makes it a card, below")
    anc_bicytopenia: Decimal = _limit("1.0", "10*9/L", "ANC that makes it a card, below")
    wbc_alone_bicytopenia: Decimal = _limit(
        "2.0", "10*9/L", "WBC, no ANC, that makes it a card, below"
    )
    plt_bicytopenia: Decimal = _limit("100", "10*9/L", "platelets that make it a card, below")
    mcv_bicytopenia: Decimal = _limit("100", "fL", "MCV that makes it a card, above")
    wbc_bicytopenia: Decimal = _limit(
        "30", "10*9/L", "WBC that makes it a card, and its referral urgent, above"
    )
    anc_bicytopenia_warning: Decimal = _limit("1.0", "10*9/L", "ANC that makes it a warning, below")
    plt_bicytopenia_warning: Decimal = _limit(
        "50", "10*9/L", "platelets that make it a warning, below"
    )
    anc_high_b12_warning: Decimal = _limit(
        "1.0", "10*9/L", "ANC that makes it a warning with high B12, below"
    )
    plt_high_b12_warning: Decimal = _limit(
        "100", "10*9/L", "platelets that make it a warning with high B12, below"
    )
    # 3.2 bicytopenia, in a hospital stay and in portal hypertension
    wbc_alone_inpatient: Decimal = _limit(
        "3.0", "10*9/L", "WBC, no ANC, that makes it a card in hospital, below"
    )
    mcv_inpatient: Decimal = _limit("110", "fL", "MCV that makes it a card in hospital, above")
    plt_inpatient: Decimal = _limit(
        "50", "10*9/L", "platelets that make it a card in hospital, below"
    )
    wbc_inpatient: Decimal = _limit("50", "10*9/L", "WBC that makes it a card in hospital, above")
    wbc_plt_inpatient: Decimal = _limit(
        "30", "10*9/L", "WBC that makes it a card in hospital with low platelets, above"
    )
    plt_wbc_inpatient: Decimal = _limit(
        "100", "10*9/L", "platelets that count in hospital with a high WBC, below"
    )
    plt_before_inpatient: Decimal = _limit(
        "100", "10*9/L", "platelets that count in hospital when both were low before, below"
    )
    plt_portal: Decimal = _limit(
        "30", "10*9/L", "platelets that portal hypertension explains, from"
    )
    mcv_portal: Decimal = _limit(
        "115", "fL", "MCV that portal hypertension does not explain, above"
    )
    # 3.5 M17
    plt_falling: Decimal = _limit(
        "50", "10*9/L", "platelets that are looked into as falling, below"
    )
    mcv_falling_low: Decimal = _limit(
        "80", "fL", "MCV that calls for iron and B12 in hospital, below"
    )
    mcv_falling_high: Decimal = _limit(
        "100", "fL", "MCV that calls for iron and B12 in hospital, above"
    )


LIMITS = Thresholds()

NAME_OF_LIMITS: dict[Analyte, str] = {
    Analyte.HEMOGLOBIN: "hgb",
    Analyte.NEUTROPHILS: "anc",
    Analyte.LEUKOCYTES: "wbc",
    Analyte.PLATELETS: "plt",
    Analyte.MEAN_CORPUSCULAR_VOLUME: "mcv",
    Analyte.VITAMIN_B12: "b12",
    Analyte.METHYLMALONATE: "mma",
    Analyte.HOMOCYSTEINE: "homocysteine",
    Analyte.FOLATE: "folate",
    Analyte.IRON: "iron",
    Analyte.IRON_BINDING_CAPACITY: "tibc",
    Analyte.TRANSFERRIN_SATURATION: "tsat",
    Analyte.FERRITIN: "ferritin",
    Analyte.BLAST_PERCENT: "blast_percent",
    Analyte.BLASTS: "blasts",
    Analyte.BODY_TEMPERATURE: "fever",
    Analyte.GLOMERULAR_FILTRATION_RATE: "egfr",
}
"""How the limits of an analyte begin: `mcv` for `mcv_low` and `mcv_high`."""

_FIELDS_OF: dict[Analyte, dict[str, str]] = {
    analyte: {
        each.name[len(begin) + 1 :]: each.name
        for each in fields(Thresholds)
        if each.name == begin or each.name.startswith(f"{begin}_")
    }
    for analyte, begin in NAME_OF_LIMITS.items()
}


def limits_of(analyte: Analyte, limits: Thresholds = LIMITS) -> Mapping[str, Decimal]:
    """Return the limits of an analyte by what follows its name: `low`, `high`, `severe`."""
    names = _FIELDS_OF.get(analyte, {})
    return {rest: getattr(limits, name) for rest, name in names.items()}


def unit_of_limit(name: str) -> str:
    """Return the unit of a limit. Raises StopIteration when there is none of that name."""
    return next(row.unit for row in table() if row.name == name)


def table(limits: Thresholds = LIMITS) -> Iterator[LimitRow]:
    """Yield every limit in the order of clinical-definition 2, to be printed or shifted."""
    for item in fields(limits):
        meta = item.metadata
        yield LimitRow(
            item.name,
            getattr(limits, item.name),
            meta["unit"],
            meta["meaning"],
            meta["citations"],
        )
