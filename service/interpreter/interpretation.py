"""What the interpreter takes and what it answers, as frozen values.

`Facts` in, `Interpretation` out. Cards, the explanation on the command line and the feedback
store's evidence are all made from an `Interpretation`; none of them asks the panel again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NamedTuple

from fhir_mappings.context import ClinicalContext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from fhir_mappings.context import Condition, MedicationDraft, Patient
    from fhir_mappings.panel import (
        Analyte,
        DataGroup,
        LabResult,
        Panel,
        Reason,
        SmearFinding,
        SmearSet,
        Unreadable,
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about one patient at one moment.

    `unavailable` names every data group, laboratory or context, that could not be retrieved (or,
    before the second stage, has not been asked for). `user_is_patient`: the hook's userId is a
    Patient or RelatedPerson.
    """

    patient: Patient
    panel: Panel
    context: ClinicalContext = field(default_factory=ClinicalContext)
    unavailable: frozenset[DataGroup] = frozenset()
    user_is_patient: bool = False


class CellLine(StrEnum):
    """The three cell lines."""

    HEMOGLOBIN = "Hgb"
    WHITE = "white"
    PLATELETS = "platelets"


class CellLineState(StrEnum):
    """Low, normal, masked by a transfusion, or unknown (clinical-definition 2.1)."""

    LOW = "low"
    NORMAL = "normal"
    MASKED = "MASKED"
    UNKNOWN = "unknown"


class Grade(StrEnum):
    """Severity of a low line (clinical-definition 2.2)."""

    NORMAL = "normal"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    UNKNOWN = "unknown"


class Pattern(StrEnum):
    """How many lines are low (clinical-definition 2.1)."""

    PANCYTOPENIA = "PAN"
    BICYTOPENIA = "BI"
    BICYTOPENIA_THIRD_UNKNOWN = "BIINC"
    NONE = "none"


class B12State(StrEnum):
    """Vitamin B12 (clinical-definition 2.3)."""

    LOW = "LOW"
    BORDERLINE = "BORDERLINE"
    NORMAL = "NORMAL"
    ELEVATED = "ELEVATED"
    MARKED = "MARKED"
    MISSING = "MISSING"


class IronState(StrEnum):
    """Iron (clinical-definition 2.3)."""

    CONFOUNDED = "CONF"
    TRUE_DEFICIENCY = "ID_TRUE"
    HIGH_SATURATION = "HIGH_SAT"
    PARTIAL = "PARTIAL"
    CHRONIC_DISEASE = "ACD"
    INDEX = "IDX"
    INDEX_BORDERLINE = "IDX_B"
    LOW_INDETERMINATE = "LOWIRON_INDET"
    NORMAL = "NORMAL"
    MISSING = "MISSING"


class FunctionState(StrEnum):
    """Functional B12 status by MMA (clinical-definition 2.3, FUNC)."""

    DEFICIENT = "DEF"
    NOT_DEFICIENT = "NOTDEF"
    UNKNOWN = "UNK"


class Priority(StrEnum):
    """ServiceRequest.priority."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


class FindingIndicator(StrEnum):
    """Card indicator; the words of CDS Hooks."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class CellLineFact(NamedTuple):
    """One cell line: its state, grade, the result it rests on, and why it is unknown or MASKED.

    `limit` is the limit the value was compared with, in canonical unit, and `limit_is_laboratory`
    tells whether it is the laboratory's own. `preserved_neutrophils`: WBC is low, ANC is not.
    """

    line: CellLine
    state: CellLineState
    grade: Grade = Grade.UNKNOWN
    result: LabResult | None = None
    limit: Decimal | None = None
    limit_is_laboratory: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class States:
    """The patient's states, as cards and evidence name them.

    `before` holds for each low line the newest earlier result that was not low, within two years,
    else the newest earlier one. `always_low` tells whether a line is low of which no earlier result
    was seen that was not low.
    """

    lines: Mapping[CellLine, CellLineFact]
    pattern: Pattern
    b12: B12State
    iron: IronState
    function: FunctionState
    used: tuple[LabResult, ...] = ()
    notes: tuple[str, ...] = ()
    before: Mapping[CellLine, LabResult] = field(default_factory=dict)
    always_low: bool = False


NOT_JUDGED = States({}, Pattern.NONE, B12State.MISSING, IronState.MISSING, FunctionState.UNKNOWN)
"""The states of a patient without any card."""


class Overlay(StrEnum):
    """The urgent findings, possible beside any other, highest first (clinical-definition 3.1)."""

    NEUTROPENIC_FEVER = "neutropenic-fever"
    CIRCULATING_BLASTS = "circulating-blasts"
    THROMBOTIC_MICROANGIOPATHY = "thrombotic-microangiopathy"
    POSSIBLE_HLH = "possible-hlh"
    SEVERE_CYTOPENIAS = "severe-cytopenias"
    DRUG_AGRANULOCYTOSIS = "drug-agranulocytosis"


HEMATOLOGY_REFERRAL = "hematology-referral"
MARROW_BIOPSY = "marrow-biopsy"
"""The two orders that rules, cards and feedback treat specially (ids of clinical-definition 4)."""


@dataclass(frozen=True, slots=True)
class ProposedOrder:
    """One order to propose. `order` is an id of clinical-definition 4.

    `note` is text for the draft itself (such as "pediatric hematology"); `because` the reason
    shown on the card when it is not the finding itself.
    """

    order: str
    priority: Priority
    note: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class WithheldOrder:
    """An order that the finding names but that is not proposed, with the reason in plain words."""

    order: str
    reason: str


@dataclass(frozen=True, slots=True)
class FiredFinding:
    """One finding that fired.

    `summary` is rendered, at most 139 characters. `meaning` and `avoid` are lines of the
    card, `values` the results on it.
    `paragraphs` is the finding's longer text for the evidence, in order, with the modifiers'
    sentences after it, `cautions` what it warns of. `has_card` is False for the -suppressed
    findings, which are only explained.
    """

    id: str
    indicator: FindingIndicator
    certainty: str
    summary: str
    paragraphs: tuple[str, ...]
    meaning: str = ""
    avoid: str = ""
    values: tuple[ShownValue, ...] = ()
    cautions: tuple[str, ...] = ()
    citation: tuple[str, ...] = ()
    seed_steps: tuple[str, ...] = ()
    has_card: bool = True


@dataclass(frozen=True, slots=True)
class AppliedModifier:
    """One modifier M1 to M15 that acted: what triggered it and what it changed."""

    id: str
    trigger: str
    effect: str


class RemarkRank(IntEnum):
    """The order of the remarks about a patient (clinical-definition 3.4)."""

    GOALS_OF_CARE = 1
    ALREADY_DONE = 2
    DRUG = 3
    DEFERRAL = 4
    RED_FLAG = 5
    OTHER = 6


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence for this patient that changes what to do, with its name, date or drug.

    `modifier` is M1 to M17, or a word for what is no modifier ("schistocytes", "conflict").
    """

    modifier: str
    rank: RemarkRank
    text: str


class Deviation(StrEnum):
    """On which side of the limit used a value lies; VERY is severe or marked."""

    NONE = "none"
    LOW = "low"
    VERY_LOW = "very low"
    HIGH = "high"
    VERY_HIGH = "very high"


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One value of a card: a result, a film finding, or with `missing` the word for why not.

    `seen` says how much of a film finding was seen. `decides`: the finding rests on it, so that it
    stays on the shortest card.
    """

    what: Analyte | SmearSet
    result: LabResult | SmearFinding | None = None
    deviation: Deviation = Deviation.NONE
    missing: str = ""
    seen: str = ""
    remark: str = ""
    decides: bool = True


class RuleOutcome(StrEnum):
    """The outcome of one rule."""

    FIRED = "fired"
    FALSE = "false"
    UNDECIDED = "undecided"
    NOT_REACHED = "not reached"
    SWITCHED_OFF = "switched off"


@dataclass(frozen=True, slots=True)
class TriedRule:
    """One rule in the order of 3.1, with the first condition that failed or stayed unknown.

    `condition` reads as a phrase ("platelets < 150: 212"); `decided_by` names what would decide an
    undecided rule. `conditions` are all phrases of a rule that fired, each with what was found.
    """

    id: str
    outcome: RuleOutcome
    condition: str = ""
    decided_by: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why there are these cards, or none. `sentence` is for a clinician.

    `left_out` is what was sent in the last 90 d, not used, and changes no card.
    """

    sentence: str
    tried: tuple[TriedRule, ...] = ()
    modifiers: tuple[AppliedModifier, ...] = ()
    left_out: tuple[Unreadable, ...] = ()


UNEXPLAINED = Explanation("")
"""The explanation of a call that asks for none."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The whole answer of the interpreter for one call.

    `overlay` is the highest overlay (its card comes first) and `lower_overlays` the others, named
    in its detail. `finding` is the row that ended steps 1 to 12, None when none did. Order
    proposals are one list, without what exists already (4.3), is switched off or is deferred;
    `withheld` says which were left out and why. `order_findings` are the order-hook cards,
    `data_quality` the last card. `remarks` are the sentences about this patient by rank; the
    `paragraphs` of the findings say the same at length. `named_drugs` are the marrow-suppressive
    drugs that M9 names. `undecided` lists rules that unavailable or unreadable data left open;
    `could_not_check` says in plain words what was not available and matters to the cards.
    `set_aside` are the results of the windows that could not be used. `withheld_counts` is why no
    count can be judged although some were sent: such a call is refused, not answered with silence.
    `read_from_words` are the conditions without a known code that change the answer.
    """

    states: States
    overlay: FiredFinding | None = None
    lower_overlays: tuple[FiredFinding, ...] = ()
    finding: FiredFinding | None = None
    order_findings: tuple[tuple[FiredFinding, MedicationDraft], ...] = ()
    data_quality: FiredFinding | None = None
    orders: tuple[ProposedOrder, ...] = ()
    withheld: tuple[WithheldOrder, ...] = ()
    set_aside: tuple[Unreadable, ...] = ()
    withheld_counts: Reason | None = None
    modifiers: tuple[AppliedModifier, ...] = ()
    remarks: tuple[Remark, ...] = ()
    named_drugs: tuple[str, ...] = ()
    could_not_check: tuple[str, ...] = ()
    read_from_words: tuple[Condition, ...] = ()
    undecided_groups: frozenset[DataGroup] = frozenset()
    undecided_order_groups: frozenset[DataGroup] = frozenset()
    explanation: Explanation = UNEXPLAINED


__all__ = [
    "HEMATOLOGY_REFERRAL",
    "MARROW_BIOPSY",
    "NOT_JUDGED",
    "UNEXPLAINED",
    "AppliedModifier",
    "B12State",
    "CellLine",
    "CellLineFact",
    "CellLineState",
    "Deviation",
    "Explanation",
    "Facts",
    "FindingIndicator",
    "FiredFinding",
    "FunctionState",
    "Grade",
    "Interpretation",
    "IronState",
    "Overlay",
    "Pattern",
    "Priority",
    "ProposedOrder",
    "Remark",
    "RemarkRank",
    "RuleOutcome",
    "ShownValue",
    "States",
    "TriedRule",
    "WithheldOrder",
]
