"""One patient at one moment, assessed: everything that a rule may ask, answered once.

Each truth is three-valued (`Truth`): None means that the deciding data was unreadable, only a
bound, or not available.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from service.interpreter.logic import Truth
from service.interpreter.thresholds import LIMITS, Thresholds
from service.interpreter.windows import WINDOWS, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from fhir_mappings.context import Condition, Encounter, ExistingOrder, Medication, Procedure
    from fhir_mappings.panel import (
        Analyte,
        DataGroup,
        LabResult,
        MarrowResult,
        SerologyResult,
        SmearFinding,
        Unreadable,
    )
    from service.interpreter.interpretation import Facts, States


class Freshness(StrEnum):
    """Age of the newest blood count, the anchor (clinical-definition 2.4)."""

    CURRENT = "current"
    STALE = "stale"
    NONE = "none"


class FolateState(StrEnum):
    """Serum folate (clinical-definition 2.3)."""

    LOW = "LOW"
    BORDERLINE = "BORDERLINE"
    NORMAL = "NORMAL"
    MISSING = "MISSING"


class ReticulocyteState(StrEnum):
    """Marrow response (clinical-definition 2.3)."""

    INADEQUATE = "inadequate"
    EQUIVOCAL = "equivocal"
    ADEQUATE = "adequate"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Blasts:
    """Blasts in the blood within 30 d (clinical-definition 2.4, 3.2 circulating-blasts).

    `number` are the percentage and absolute results of the newest specimen that has any; `findings`
    the film, narrative and Auer rod findings that are not refuted. `critical` is the indicator rule
    of 3.2 apart from the two-low-lines part, which the rule adds. `analyser_flag` alone never makes
    `present` true. `newest` is when the newest evidence was drawn; `new_within_3_days`: in a
    specimen at most 3 d old and none in the 90 d before it (known-hematologic-disorder).
    """

    present: Truth = False
    critical: Truth = False
    number: tuple[LabResult, ...] = ()
    findings: tuple[SmearFinding, ...] = ()
    analyser_flag: bool = False
    newest: datetime | None = None
    new_within_3_days: bool = False


@dataclass(frozen=True, slots=True)
class Fever:
    """Temperatures at least 38.0 Cel in the last 24 h, the highest of them first."""

    present: Truth = False
    highest: LabResult | None = None


@dataclass(frozen=True, slots=True)
class SevereCounts:
    """Severe limits crossed (clinical-definition 2.2), with the results that cross them.

    `present` already includes "at least two low lines" and the limits on hemoglobin. A value in
    CONFLICT is not severe: `in_conflict` holds those that would be.
    """

    present: Truth = False
    results: tuple[LabResult, ...] = ()
    in_conflict: tuple[LabResult, ...] = ()


@dataclass(frozen=True, slots=True)
class DisorderNews:
    """What is new under a known disorder: blasts, severe counts, a pancytopenia (3.2)."""

    blasts: bool = False
    severe: tuple[LabResult, ...] = ()
    pancytopenia: bool = False

    @property
    def any(self) -> bool:
        """Whether something is new."""
        return self.blasts or bool(self.severe) or self.pancytopenia


@dataclass(frozen=True, slots=True)
class RedFlags:
    """What raises priority and overrides the deferral of the marrow (M1, M2, M3)."""

    smear: tuple[SmearFinding, ...] = ()
    nucleated_red_cells: tuple[LabResult, ...] = ()
    constitutional: tuple[str, ...] = ()
    history_of_malignancy: tuple[Condition, ...] = ()

    @property
    def overrides_deferral(self) -> bool:
        """Whether there is a red flag of M1 other than history: B12 medicine overrules that."""
        return bool(self.smear or self.nucleated_red_cells or self.constitutional)

    @property
    def any(self) -> bool:
        """Whether there is at least one red flag."""
        return bool(
            self.smear
            or self.nucleated_red_cells
            or self.constitutional
            or self.history_of_malignancy
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many lines are low.

    `pediatric_low` names the low lines under rule 2.5 (children only). `age_unknown_and_low`: a
    count would be low in an adult or a child (data-quality, P07). `low_lines_at_most` counts the
    lines that are low, or would be in a pregnancy that could not be looked for: with everything
    still to be fetched, no more lines can turn out low.
    """

    low_lines: int = 0
    low_lines_at_most: int = 0
    pediatric_low: tuple[str, ...] = ()
    age_unknown_and_low: bool = False
    neutrophils_below_half_with_age: Truth = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CountQuality:
    """How sure the counts are that the lines rest on."""

    white_by_leukocytes_alone: bool = False
    preserved_neutrophils: bool = False
    duffy_null_possible: bool = False
    conflict: bool = False
    counts_preliminary: bool = False
    anc_bands_would_cross: bool = False
    laboratory_critical_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Smear:
    """What the blood film shows, each finding in its window (2.4)."""

    schistocytes: tuple[SmearFinding, ...] = ()
    schistocytes_more_than_little: bool = False
    platelet_clumps: tuple[SmearFinding, ...] = ()
    hypersegmented: tuple[SmearFinding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chemistry:
    """What chemistry tells beside the states of B12, iron and function; the B12 medicine (2.3)."""

    folate: FolateState = FolateState.MISSING
    reticulocytes: ReticulocyteState = ReticulocyteState.MISSING
    homocysteine_high: Truth = None
    ldh_high: Truth = None
    ldh_marked: Truth = None
    indirect_bilirubin_high: Truth = None
    haptoglobin_low: Truth = None
    mma_renal: bool = False
    reticulocyte_index: LabResult | None = None
    liver_tests_high: bool = False
    kidney_function_poor: Truth = None
    b12_medication: tuple[Medication, ...] = ()
    b12_first_given: date | None = None
    b12_prior_deficiency: tuple[str, ...] = ()
    mma_under_treatment: bool = False
    mma_raised: Truth = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgentEvidence:
    """What possible-hlh and drug-agranulocytosis rest on, each in its own window (2.4)."""

    recent_ferritin: LabResult | None = None
    fever_with_ferritin: Fever = Fever()
    fever_recorded: tuple[Condition, ...] = ()
    neutrophils_under_drug: LabResult | None = None
    agranulocytosis_drugs: tuple[Medication, ...] = ()
    heparins: tuple[Medication, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HospitalStay:
    """The hospital stay that counts: of the call, for old counts that at the anchor.

    `inpatient_at_anchor` is the stay at the time of the blood count, for what a stale count meant
    when it was current.
    """

    inpatient: bool = False
    inpatient_at_anchor: bool = False
    both_low_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the record tells beside laboratory results, each in its window (2.4, 3.5)."""

    palliative: tuple[str, ...] = ()
    known_disorder: tuple[Condition | Procedure, ...] = ()
    chemotherapy: tuple[Medication | Procedure | Condition, ...] = ()
    chemotherapy_days: int | None = None
    marrow_suppressive: tuple[Medication, ...] = ()
    drug_induced: tuple[Condition, ...] = ()
    hypersplenism: tuple[Condition, ...] = ()
    splenomegaly: tuple[Condition, ...] = ()
    liver_disease: tuple[Condition, ...] = ()
    kidney_disease: tuple[Condition, ...] = ()
    growth_factors: tuple[Medication, ...] = ()
    zinc: tuple[Medication, ...] = ()
    copper_deficiency: tuple[Condition, ...] = ()
    copper_malabsorption: tuple[Condition | Procedure, ...] = ()
    alcohol: tuple[Condition, ...] = ()
    secondary_causes: tuple[Condition | SerologyResult, ...] = ()
    febrile_neutropenia: tuple[Condition, ...] = ()
    marrow_exists: tuple[Procedure | ExistingOrder | MarrowResult, ...] = ()
    referral_exists: tuple[ExistingOrder | Encounter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfusions:
    """What was given shortly before the samples and spoils them (2.4)."""

    red_cells_transfused: tuple[Procedure, ...] = ()
    platelets_transfused: tuple[Procedure, ...] = ()
    intravenous_iron: tuple[Medication, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What the first stage shows: the counts, blasts, and who gets no card at all.

    It decides whether any rule could still fire; most calls end with it.
    `age` is in whole years, None without a birth date.

    `selected` holds, per analyte, the result in its window of 2.4 that the states rest on (newest
    accepted); absent means not measured in the window. `unreadable` per analyte are the results of
    that window which were refused (blood counts: of the last 90 d). An Opening selects among the
    blood counts only.
    """

    facts: Facts
    now: datetime
    age: int | None = None
    child: bool = False
    counts: Counts = Counts()
    blasts: Blasts = Blasts()
    schistocytes_with_low_platelets: Truth = False
    hospice: tuple[str, ...] = ()
    selected: Mapping[Analyte, LabResult] = field(default_factory=dict)
    unreadable: Mapping[Analyte, tuple[Unreadable, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation(Opening):
    """The assessed patient. Built by `assess`; rules only read it.

    `pregnant` follows 2.5; `trimester` is 1, 2 or 3, None unknown. `unknown` are the analytes whose
    group was not available. `limits` and `windows` are the tables that were used.
    """

    states: States
    freshness: Freshness = Freshness.NONE
    anchor: datetime | None = None
    anchor_age_days: int | None = None
    severe: SevereCounts = SevereCounts()
    fever: Fever = Fever()
    disorder_news: DisorderNews = DisorderNews()
    quality: CountQuality = CountQuality()
    smear: Smear = Smear()
    chemistry: Chemistry = Chemistry()
    urgent: UrgentEvidence = UrgentEvidence()
    stay: HospitalStay = HospitalStay()
    history: History = History()
    transfusions: Transfusions = Transfusions()
    red_flags: RedFlags = RedFlags()
    unknown: frozenset[Analyte] = frozenset()
    unavailable: frozenset[DataGroup] = frozenset()

    pregnant: bool = False
    trimester: int | None = None
    limits: Thresholds = LIMITS
    windows: Windows = WINDOWS


__all__ = [
    "Blasts",
    "Chemistry",
    "CountQuality",
    "Counts",
    "Fever",
    "FolateState",
    "Freshness",
    "History",
    "HospitalStay",
    "Opening",
    "RedFlags",
    "ReticulocyteState",
    "SevereCounts",
    "Situation",
    "Smear",
    "Transfusions",
    "Truth",
    "UrgentEvidence",
]
