"""The laboratory vocabulary. No FHIR, no I/O: the vocabulary of every other module.

A result is *measured* (`LabResult`), *not measured* (absent from the `Panel` although its data
group was available) or *reported but unreadable* (`Unreadable`). An analyte whose data group
could not be retrieved is a fourth case for the caller, `Panel.unavailable`; a rule treats it like
an unreadable result: unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct, structs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta
    from decimal import Decimal


class DataGroup(StrEnum):
    """A prefetch key: one search of one resource type, and what it holds in the words of a card."""

    words: str

    def __new__(cls, key: str, words: str = "") -> Self:
        """Make one member of its key and its words."""
        member = str.__new__(cls, key)
        member._value_ = key
        member.words = words
        return member

    PATIENT = "patient", "the patient's record"
    BLOOD_COUNTS = "bloodCounts", "blood counts"
    DIFFERENTIAL = "differential", "the white cell differential"
    SMEAR = "smear", "blood film findings"
    FILM_REPORTS = "filmReports", "blood film reports"
    IRON_STUDIES = "ironStudies", "iron studies"
    VITAMIN_B12 = "vitaminB12", "vitamin B12, folate, methylmalonic acid and homocysteine"
    HEMOLYSIS = "hemolysis", "LDH, bilirubin, haptoglobin and reticulocytes"
    KIDNEY_FUNCTION = "kidneyFunction", "kidney function"
    LIVER_FUNCTION = "liverFunction", "liver tests and CRP"
    TEMPERATURE = "temperature", "body temperatures"
    SEROLOGY = "serology", "infection and antibody tests"
    PREGNANCY = "pregnancy", "pregnancy status and tests"
    MARROW_RESULTS = "marrowResults", "bone marrow results"
    CONDITIONS = "conditions", "conditions on the problem list"
    MEDICATION_REQUESTS = "medicationRequests", "prescribed medicines"
    MEDICATION_ADMINISTRATIONS = "medicationAdministrations", "administered medicines"
    MEDICATION_STATEMENTS = "medicationStatements", "medicines the patient reports"
    PROCEDURES = "procedures", "procedures and transfusions"
    SERVICE_REQUESTS = "serviceRequests", "existing orders"
    ENCOUNTERS = "encounters", "visits and hospital stays"
    APPOINTMENTS = "appointments", "appointments"
    DIAGNOSTIC_REPORTS = "diagnosticReports", "diagnostic reports"


class Analyte(StrEnum):
    """What is measured (clinical-definition 1.2).

    The value is the code used in the ConceptMaps. `group` is the data group that it comes with,
    `words` its name in a sentence (empty: it is named in none), `short` its name on a card, and
    `decimals` how many a sentence shows at least.
    """

    group: DataGroup
    words: str
    short: str
    decimals: int

    def __new__(
        cls,
        code: str,
        group: DataGroup | None = None,
        words: str = "",
        short: str = "",
        decimals: int = 0,
    ) -> Self:
        """Make one member; its code is its short name unless it has one of its own."""
        if group is None:
            raise TypeError(f"{code} belongs to no data group")
        member = str.__new__(cls, code)
        member._value_ = code
        member.group = group
        member.words = words
        member.short = short or code
        member.decimals = decimals
        return member

    HEMOGLOBIN = "HGB", DataGroup.BLOOD_COUNTS, "hemoglobin", "Hgb", 1
    LEUKOCYTES = "WBC", DataGroup.BLOOD_COUNTS, "leukocytes", "WBC", 1
    NEUTROPHILS = "ANC", DataGroup.DIFFERENTIAL, "neutrophils", "ANC", 1
    NEUTROPHIL_PERCENT = "NEUTPCT", DataGroup.DIFFERENTIAL
    PLATELETS = "PLT", DataGroup.BLOOD_COUNTS, "platelets", "platelets"
    MEAN_CORPUSCULAR_VOLUME = "MCV", DataGroup.BLOOD_COUNTS
    HEMATOCRIT = "HCT", DataGroup.BLOOD_COUNTS
    RETICULOCYTE_PERCENT = "RETPCT", DataGroup.HEMOLYSIS, "", "reticulocytes"
    RETICULOCYTES = "RETABS", DataGroup.HEMOLYSIS, "", "reticulocytes"
    IRON = "IRON", DataGroup.IRON_STUDIES, "iron", "iron"
    IRON_BINDING_CAPACITY = "TIBC", DataGroup.IRON_STUDIES, "TIBC"
    UNSATURATED_IRON_BINDING_CAPACITY = "UIBC", DataGroup.IRON_STUDIES
    TRANSFERRIN_SATURATION = "TSAT", DataGroup.IRON_STUDIES, "transferrin saturation"
    TRANSFERRIN = "TRF", DataGroup.IRON_STUDIES
    FERRITIN = "FERR", DataGroup.IRON_STUDIES, "ferritin", "ferritin"
    VITAMIN_B12 = "B12", DataGroup.VITAMIN_B12, "vitamin B12"
    FOLATE = "FOL", DataGroup.VITAMIN_B12, "folate", "folate", 1
    RED_CELL_FOLATE = "FOLRBC", DataGroup.VITAMIN_B12
    METHYLMALONATE = "MMA", DataGroup.VITAMIN_B12, "methylmalonic acid", "", 2
    HOMOCYSTEINE = "HCY", DataGroup.VITAMIN_B12, "homocysteine", "homocysteine"
    LACTATE_DEHYDROGENASE = "LDH", DataGroup.HEMOLYSIS
    BILIRUBIN_TOTAL = "TBIL", DataGroup.HEMOLYSIS
    BILIRUBIN_DIRECT = "DBIL", DataGroup.HEMOLYSIS
    BILIRUBIN_INDIRECT = "IBIL", DataGroup.HEMOLYSIS, "", "indirect bilirubin"
    HAPTOGLOBIN = "HAPT", DataGroup.HEMOLYSIS, "", "haptoglobin"
    CREATININE = "CREA", DataGroup.KIDNEY_FUNCTION, "", "creatinine"
    GLOMERULAR_FILTRATION_RATE = "EGFR", DataGroup.KIDNEY_FUNCTION, "", "eGFR"
    ALANINE_AMINOTRANSFERASE = "ALT", DataGroup.LIVER_FUNCTION
    ASPARTATE_AMINOTRANSFERASE = "AST", DataGroup.LIVER_FUNCTION
    ALKALINE_PHOSPHATASE = "ALP", DataGroup.LIVER_FUNCTION
    GAMMA_GLUTAMYL_TRANSFERASE = "GGT", DataGroup.LIVER_FUNCTION
    C_REACTIVE_PROTEIN = "CRP", DataGroup.LIVER_FUNCTION
    BLAST_PERCENT = "BLASTP", DataGroup.DIFFERENTIAL, "", "blasts", 1
    BLASTS = "BLASTA", DataGroup.DIFFERENTIAL, "", "blasts", 2
    NUCLEATED_RED_CELL_RATIO = "NRBCW", DataGroup.DIFFERENTIAL
    NUCLEATED_RED_CELLS = "NRBCA", DataGroup.DIFFERENTIAL
    BODY_TEMPERATURE = "TEMP", DataGroup.TEMPERATURE, "", "temperature", 1


OBSERVATION_GROUPS = (
    DataGroup.BLOOD_COUNTS,
    DataGroup.DIFFERENTIAL,
    DataGroup.SMEAR,
    DataGroup.IRON_STUDIES,
    DataGroup.VITAMIN_B12,
    DataGroup.HEMOLYSIS,
    DataGroup.KIDNEY_FUNCTION,
    DataGroup.LIVER_FUNCTION,
    DataGroup.TEMPERATURE,
    DataGroup.SEROLOGY,
    DataGroup.PREGNANCY,
    DataGroup.MARROW_RESULTS,
)

MEDICATION_GROUPS = (
    DataGroup.MEDICATION_REQUESTS,
    DataGroup.MEDICATION_ADMINISTRATIONS,
    DataGroup.MEDICATION_STATEMENTS,
)


CONTEXT_GROUPS = (
    DataGroup.CONDITIONS,
    DataGroup.MEDICATION_REQUESTS,
    DataGroup.MEDICATION_ADMINISTRATIONS,
    DataGroup.MEDICATION_STATEMENTS,
    DataGroup.PROCEDURES,
    DataGroup.SERVICE_REQUESTS,
    DataGroup.ENCOUNTERS,
    DataGroup.APPOINTMENTS,
    DataGroup.DIAGNOSTIC_REPORTS,
)
"""The data groups that hold context; what they include is read too, whatever its type."""


BLOOD_COUNTS = (
    Analyte.HEMOGLOBIN,
    Analyte.LEUKOCYTES,
    Analyte.NEUTROPHILS,
    Analyte.PLATELETS,
)
"""The counts that the cell lines are judged by (clinical-definition 2.1)."""


class Comparator(StrEnum):
    """Quantity.comparator: the true value is below or above the number (FHIR R4)."""

    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER_OR_EQUAL = ">="
    GREATER = ">"


class Flag(StrEnum):
    """The laboratory's own interpretation of one result (v3 ObservationInterpretation)."""

    CRITICALLY_LOW = "LL"
    LOW = "L"
    NORMAL = "N"
    HIGH = "H"
    CRITICALLY_HIGH = "HH"
    ABNORMAL = "A"


class Note(StrEnum):
    """What a reader of the value must know (clinical-definition 1.1 to 1.4)."""

    PRELIMINARY = "PRELIMINARY"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    CONFLICT = "CONFLICT"
    ANC_COMPUTED = "ANC_COMPUTED"
    ANC_BANDS = "ANC_BANDS"
    UNIT_INFERRED = "UNIT_INFERRED"
    UNIT_GOVERNS = "UNIT_GOVERNS"
    TSAT_COMPUTED = "TSAT_COMPUTED"
    TSAT_INCONSISTENT = "TSAT_INCONSISTENT"
    TIBC_COMPUTED = "TIBC_COMPUTED"
    COMPUTED = "COMPUTED"


class Reason(StrEnum):
    """Why a reported result was not used."""

    UNIT = "UNIT"
    UNIT_CONFLICT = "UNIT_CONFLICT"
    UNIT_SUSPECT = "UNIT_SUSPECT"
    IMPLAUSIBLE = "IMPLAUSIBLE"
    ANC_GT_WBC = "ANC_GT_WBC"
    IRON_UNIT = "IRON_UNIT"
    TSAT_OVER = "TSAT_OVER"
    VALUE = "VALUE"
    MALFORMED = "MALFORMED"
    ABSENT = "ABSENT"
    NO_TIME = "NO_TIME"
    FUTURE = "FUTURE"
    STATUS = "STATUS"
    SUBJECT = "SUBJECT"
    CODE = "CODE"
    NOT_DELIVERED = "NOT_DELIVERED"
    WITHDRAWN = "WITHDRAWN"
    SPECIMEN = "SPECIMEN"
    OTHER_PATIENT = "OTHER_PATIENT"


UNSURE = frozenset(
    {
        Reason.ABSENT,
        Reason.NO_TIME,
        Reason.FUTURE,
        Reason.STATUS,
        Reason.SUBJECT,
        Reason.CODE,
        Reason.NOT_DELIVERED,
    }
)
"""The result is this patient's, or may be, and its meaning is unknown (A10)."""

NO_STATEMENT = frozenset({Reason.WITHDRAWN, Reason.SPECIMEN, Reason.OTHER_PATIENT})
"""The result says nothing about this patient: it is named in the evidence and changes nothing."""


class ReferenceInterval(Struct, frozen=True):
    """The laboratory's limits for this result, in the analyte's canonical unit.

    `low` or `high` is None when the laboratory gave no such limit.
    """

    low: Decimal | None = None
    high: Decimal | None = None


class LabResult(Struct, frozen=True):
    """One accepted result in its analyte's canonical unit.

    `value` is exact; with a `comparator` it is the bound that was reported. `taken` is when the
    specimen was drawn (effective, else issued), always timezone-aware and in the Observation's own
    offset. `reported_value` and `reported_unit` are what the laboratory wrote. `source` is a
    relative reference such as `Observation/123`, empty for a contained or anonymous resource;
    `derived_from` lists the sources of a computed value, `others` the values of the same time that
    contradict this one. `has_time` False: only the date of `taken` was written, its time of day is
    the call's own (A3).
    """

    analyte: Analyte
    value: Decimal
    taken: datetime
    unit: str
    reported_value: str
    reported_unit: str
    status: str = "final"
    loinc: str = ""
    comparator: Comparator | None = None
    issued: datetime | None = None
    interval: ReferenceInterval | None = None
    flag: Flag | None = None
    method_rank: int = 0
    notes: frozenset[Note] = frozenset()
    source: str = ""
    derived_from: tuple[str, ...] = ()
    others: tuple[Decimal, ...] = ()
    has_time: bool = True


def changed(result: LabResult, **fields: Any) -> LabResult:  # noqa: ANN401  as `replace`
    """Return the result with some of its fields changed."""
    return structs.replace(result, **fields)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A result that was reported but is not used, with the reason.

    `explanation` is one sentence that a laboratory person understands. `candidates` are the values
    in canonical unit under the units that might have been meant (for data-quality); never used as
    a result.
    """

    analyte: Analyte | None
    reason: Reason
    explanation: str
    reported: str = ""
    taken: datetime | None = None
    loinc: str = ""
    source: str = ""
    candidates: tuple[Decimal, ...] = ()


class SmearSet(StrEnum):
    """What a blood film finding says (clinical-definition 1.5)."""

    BLASTS = "BLASTS"
    BLAST_FLAG = "BLAST_FLAG"
    DYSPLASIA = "DYSPLASIA"
    TEARDROP = "TEARDROP"
    NUCLEATED_RED_CELLS = "NRBC"
    HYPERSEGMENTED = "HYPERSEG"
    PLATELET_CLUMP = "PLT_CLUMP"
    SCHISTOCYTES = "SCHISTO"


class SmearMethod(StrEnum):
    """How a film finding was made; an analyzer flag alone never fires circulating-blasts."""

    FILM = "film"
    NARRATIVE = "narrative"
    ANALYSER = "analyser"


@dataclass(frozen=True, slots=True)
class SmearFinding:
    """One film finding: present (True), absent (False) or unknown (None).

    One narrative yields one finding per term in it, and, when it mentions no term at all, a
    finding with `finding=None` so that the film itself is known to exist. `loinc` and the display
    text identify the code (Auer rods among them); `text` is the sentence or value as reported.
    """

    finding: SmearSet | None
    present: bool | None
    taken: datetime
    method: SmearMethod
    loinc: str = ""
    text: str = ""
    source: str = ""
    status: str = "final"


class SerologyTest(StrEnum):
    """Infections and autoantibodies looked for (clinical-definition 1.7)."""

    HIV = "HIV"
    HEPATITIS_B_SURFACE_ANTIGEN = "HBSAG"
    HEPATITIS_B_CORE_ANTIBODY = "HBCAB"
    HEPATITIS_C_ANTIBODY = "HCVAB"
    ANTINUCLEAR_ANTIBODY = "ANA"
    ANTI_DSDNA = "DSDNA"
    INTRINSIC_FACTOR_ANTIBODY = "IFAB"


@dataclass(frozen=True, slots=True)
class SerologyResult:
    """One serology result: positive (True), negative (False) or unknown (None)."""

    test: SerologyTest
    positive: bool | None
    taken: datetime
    source: str = ""


@dataclass(frozen=True, slots=True)
class MarrowResult:
    """A marrow report or result, of whatever content."""

    loinc: str
    taken: datetime
    source: str = ""


@dataclass(frozen=True, slots=True)
class PregnancyObservation:
    """One Observation about pregnancy.

    `pregnant` is what a status or test says (None: it says nothing, as a gestational age alone).
    `gestational_weeks` is the age at `taken`; `delivery_date` the estimated date of delivery.
    `is_test` tells a pregnancy test from a recorded status.
    """

    pregnant: bool | None
    taken: datetime
    gestational_weeks: Decimal | None = None
    delivery_date: date | None = None
    is_test: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Every laboratory fact known at one moment.

    `results` holds, per analyte, the accepted and the derived results newest first, one per
    specimen time (method rank, conflicts and duplicates already resolved, A7 and A8). Windows are
    the interpreter's business. `unreadable` is newest first; `unavailable` names the data groups
    that could not be retrieved. `not_delivered` are ids of Observations that panels name, that were
    not sent and may hold what nothing else says; `also_not_delivered` those that matter less.
    """

    results: Mapping[Analyte, tuple[LabResult, ...]] = field(default_factory=dict)
    unreadable: tuple[Unreadable, ...] = ()
    smear: tuple[SmearFinding, ...] = ()
    serology: tuple[SerologyResult, ...] = ()
    marrow: tuple[MarrowResult, ...] = ()
    pregnancy: tuple[PregnancyObservation, ...] = ()
    unavailable: frozenset[DataGroup] = frozenset()
    not_delivered: tuple[str, ...] = ()
    also_not_delivered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookBack:
    """How far back anybody looks, so that older results need not be read.

    Results count from `days` before the newest blood count (before the call when it is older), of
    the analytes in `longer` from more. `counts` are the blood counts, each with the analyte that
    it becomes: of each, one result is wanted from before the `together` that end at the newest
    count, however old.
    """

    days: timedelta
    together: timedelta
    counts: Mapping[Analyte, Analyte]
    longer: Mapping[Analyte, timedelta] = field(default_factory=dict)
