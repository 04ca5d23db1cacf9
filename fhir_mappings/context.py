"""The clinical context of one patient as typed facts. No FHIR, no I/O, no judgment of time.

Readers record what is in the chart; which of it is recent enough is decided by the interpreter,
against the windows of clinical-definition 2.4 and 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime


class ValueSetName(StrEnum):
    """The value sets of clinical-definition 5."""

    HEMATOLOGIC_MALIGNANCY = "hematologic-malignancy"
    HEMATOLOGIC_MALIGNANCY_IN_REMISSION = "hematologic-malignancy-in-remission"
    MARROW_FAILURE = "marrow-failure"
    STEM_CELL_TRANSPLANT = "stem-cell-transplant"
    CHEMOTHERAPY_CONDITIONS = "chemotherapy-conditions"
    DRUG_INDUCED_PANCYTOPENIA = "drug-induced-pancytopenia"
    CHEMOTHERAPY_PROCEDURES = "chemotherapy-procedures"
    HOSPICE_CARE = "hospice-care"
    PALLIATIVE_CARE = "palliative-care"
    MARROW_PROCEDURES = "marrow-procedures"
    HEMATOLOGY_REFERRALS = "hematology-referrals"
    HEMATOLOGY_ENCOUNTERS = "hematology-encounters"
    RED_CELL_TRANSFUSION = "red-cell-transfusion"
    PLATELET_TRANSFUSION = "platelet-transfusion"
    LIVER_DISEASE = "liver-disease"
    PORTAL_HYPERTENSION = "portal-hypertension"
    CHRONIC_KIDNEY_DISEASE = "chronic-kidney-disease"
    SPLENOMEGALY = "splenomegaly"
    FEVER = "fever"
    FEBRILE_NEUTROPENIA = "febrile-neutropenia"
    NIGHT_SWEATS = "night-sweats"
    WEIGHT_LOSS = "weight-loss"
    B12_DEFICIENCY = "b12-deficiency"
    HIV_INFECTION = "hiv-infection"
    VIRAL_HEPATITIS = "viral-hepatitis"
    HEPATITIS_B = "hepatitis-b"
    HEPATITIS_C = "hepatitis-c"
    AUTOIMMUNE_DISEASE = "autoimmune-disease"
    LUPUS = "lupus"
    PREGNANCY_STATE = "pregnancy-state"
    NEVER_SUPPRESS = "never-suppress"
    HISTORY_OF_HEMATOLOGIC_MALIGNANCY = "history-of-hematologic-malignancy"
    COPPER_DEFICIENCY = "copper-deficiency"
    ALCOHOL_USE_DISORDER = "alcohol-use-disorder"
    GASTRIC_SURGERY_MALABSORPTION = "gastric-surgery-malabsorption"
    MYELOSUPPRESSIVE_CHEMOTHERAPY = "myelosuppressive-chemotherapy"
    MARROW_SUPPRESSIVE_DRUGS = "marrow-suppressive-drugs"
    B12_MEDICATION = "b12-medication"
    IRON_MEDICATION = "iron-medication"
    INTRAVENOUS_IRON = "intravenous-iron"
    GRANULOCYTE_GROWTH_FACTOR = "granulocyte-growth-factor"
    ERYTHROPOIETIN_THROMBOPOIETIN_AGENTS = "erythropoietin-thrombopoietin-agents"
    ZINC_MEDICATION = "zinc-medication"
    AGRANULOCYTOSIS_DRUGS = "agranulocytosis-drugs"
    HEPARIN_MEDICATION = "heparin-medication"
    IMAGING_ULTRASOUND_ABDOMEN = "imaging-ultrasound-abdomen"
    IMAGING_CT_ABDOMEN_PELVIS = "imaging-ct-abdomen-pelvis"


class Sex(StrEnum):
    """Patient.gender (administrative)."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Patient:
    """Who the call is about.

    `birth_date` is the latest possible day when the record gives only a year or a month (the
    youngest reading), None when it is unknown. `replaced` means `link.type` replaced-by.
    `identifiers` are the record's own, as system and value; `replaces` the ids of the records that
    were merged into it (`link.type` replaces).
    """

    id: str
    sex: Sex = Sex.UNKNOWN
    birth_date: date | None = None
    deceased: bool = False
    replaced: bool = False
    identifiers: frozenset[tuple[str, str]] = frozenset()
    replaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    """One Condition in at least one value set.

    `active`: clinicalStatus active, recurrence or relapse, or none given and no abatement; always
    False when verificationStatus is refuted or entered-in-error (those are left out altogether).
    `may_suppress`: verificationStatus confirmed or absent. `in_remission`: a remission code, which
    wins over the Condition's other codings and puts it in history-of-hematologic-malignancy.
    `onset` is the onset, else the recorded date. `in_words`: found by the words of an entry without
    a known code; if it suppresses, the card says so. `doubted`: those words say possible, suspected
    and the like (`may_suppress` is False then).
    """

    sets: frozenset[ValueSetName]
    display: str
    active: bool
    may_suppress: bool
    in_remission: bool = False
    onset: date | None = None
    abated: date | None = None
    source: str = ""
    in_words: bool = False
    doubted: bool = False


class MedicationKind(StrEnum):
    """Which resource recorded a medicine."""

    ADMINISTRATION = "MedicationAdministration"
    STATEMENT = "MedicationStatement"
    REQUEST = "MedicationRequest"


@dataclass(frozen=True, slots=True)
class Medication:
    """One medicine that was given or is being taken, in at least one value set.

    `name` is the drug as the value set or the record names it, `drug_class` the class of the value
    set when it has one. `first` and `last` are the first and last day seen in this record
    (`last` None: still running; both None: no date is known). A single date, such as authoredOn,
    is both. `active`: the record says it is being taken now.
    """

    sets: frozenset[ValueSetName]
    name: str
    kind: MedicationKind
    active: bool
    first: date | None
    last: date | None = None
    drug_class: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """One Procedure in at least one value set, by its FHIR status."""

    sets: frozenset[ValueSetName]
    display: str
    status: str
    performed: datetime | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class ExistingOrder:
    """A ServiceRequest that exists already.

    `orders` are the order ids of clinical-definition 4 whose LOINC or SNOMED CT code it carries;
    `sets` are the value sets (hematology-referrals, marrow-procedures, ...). `drafted` means that
    it is in the hook's draftOrders.
    """

    orders: frozenset[str]
    sets: frozenset[ValueSetName]
    status: str
    authored: datetime | None
    drafted: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Encounter:
    """An Encounter or Appointment.

    `kind` is its v3 ActCode class (IMP, AMB ...), upper case, also where another system or only
    words said so; the sender's own code where none of them does.
    """

    kind: str
    status: str
    start: datetime | None
    end: datetime | None
    sets: frozenset[ValueSetName] = frozenset()
    is_appointment: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class ImagingReport:
    """An imaging DiagnosticReport that shows an imaging order to be done already."""

    order: str
    taken: datetime
    source: str = ""


@dataclass(frozen=True, slots=True)
class MedicationDraft:
    """A MedicationRequest drafted in an order hook. `selected`: named in context.selections."""

    id: str
    sets: frozenset[ValueSetName]
    name: str
    selected: bool


@dataclass(frozen=True, slots=True)
class ClinicalContext:
    """Everything about the patient that is not a laboratory result.

    `unreadable` names the resource type of every entry that could not be read at all, once each
    entry (empty: not even its type could be told). `only_selected`: the hook named selections
    (order-select), so that drafts which are not `selected` are not asked about. `of_others` counts
    the resources that were sent but belong to somebody else, `of_nobody` names the type of each
    that does not say whose it is; none of them is used.
    """

    conditions: tuple[Condition, ...] = ()
    medications: tuple[Medication, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    orders: tuple[ExistingOrder, ...] = ()
    encounters: tuple[Encounter, ...] = ()
    imaging: tuple[ImagingReport, ...] = ()
    drafts: tuple[MedicationDraft, ...] = ()
    only_selected: bool = False
    unreadable: tuple[str, ...] = ()
    of_others: int = 0
    of_nobody: tuple[str, ...] = ()
