"""Plain English for states, notes and reasons; names of analytes and orders.

The words describe a state; they never grade a likelihood (clinical-definition 3.4).
"""

from __future__ import annotations

from fhir_mappings.panel import Analyte, Comparator, Flag, Note, Reason
from fhir_mappings.vocabulary.analytes import default_terminology
from fhir_mappings.vocabulary.orders import ORDERS
from service.interpreter.interpretation import (
    CellLine,
    CellLineFact,
    CellLineState,
    Grade,
    Pattern,
)

NOTE_WORDS: dict[Note, str] = {
    Note.PRELIMINARY: "preliminary result, may still change",
    Note.STATUS_UNKNOWN: "the sender does not say whether the result is final",
    Note.CONFLICT: "conflict: results of the same time differ by more than 10 %, the lower is used",
    Note.ANC_COMPUTED: "computed from leukocytes and the differential",
    Note.ANC_BANDS: "adding the band forms would move it across a limit",
    Note.UNIT_INFERRED: "unit inferred: only one reading fits the value and its reference range",
    Note.UNIT_GOVERNS: "unit and LOINC code disagree on the kind of quantity, the unit is followed",
    Note.TSAT_COMPUTED: "computed from iron and TIBC",
    Note.TSAT_INCONSISTENT: "the reported saturation disagrees with iron and TIBC and is not used",
    Note.TIBC_COMPUTED: "computed from UIBC and iron",
    Note.COMPUTED: "computed",
}
"""What a reader of a value must know (clinical-definition 1.1 to 1.4)."""

FLAG_WORDS: dict[Flag, str] = {
    Flag.CRITICALLY_LOW: "critically low",
    Flag.LOW: "low",
    Flag.NORMAL: "normal",
    Flag.HIGH: "high",
    Flag.CRITICALLY_HIGH: "critically high",
    Flag.ABNORMAL: "abnormal",
}
"""The laboratory's own interpretation, in words."""

REASON_WORDS: dict[Reason, str] = {
    Reason.UNIT: "unit missing or not understood",
    Reason.UNIT_CONFLICT: "unit code and unit text contradict each other",
    Reason.UNIT_SUSPECT: "unit does not fit the size of the value",
    Reason.IMPLAUSIBLE: "value outside the plausible range",
    Reason.ANC_GT_WBC: "neutrophils above leukocytes of the same specimen",
    Reason.IRON_UNIT: "iron does not fit the reported saturation",
    Reason.TSAT_OVER: "more iron than the binding capacity can hold",
    Reason.VALUE: "value is not a number",
    Reason.ABSENT: "no value",
    Reason.NO_TIME: "no time of collection",
    Reason.FUTURE: "time lies in the future",
    Reason.STATUS: "status says not to use it yet",
    Reason.WITHDRAWN: "cancelled or entered in error",
    Reason.SUBJECT: "does not say whose it is",
    Reason.OTHER_PATIENT: "of another patient",
    Reason.NOT_DELIVERED: "named by a panel, but not sent",
    Reason.SPECIMEN: "not this patient's own blood",
    Reason.CODE: "code does not fit the result",
    Reason.MALFORMED: "result is malformed",
}

PATTERN_WORDS: dict[Pattern, str] = {
    Pattern.PANCYTOPENIA: "pancytopenia",
    Pattern.BICYTOPENIA: "two low cell lines, the third normal",
    Pattern.BICYTOPENIA_THIRD_UNKNOWN: "two low cell lines, the third not known",
    Pattern.NONE: "fewer than two low cell lines",
}

_GRADES = {Grade.MILD: "mild", Grade.MODERATE: "moderate", Grade.SEVERE: "severe"}
_LINES = {
    CellLine.HEMOGLOBIN: "Hemoglobin",
    CellLine.WHITE: "Neutrophils",
    CellLine.PLATELETS: "Platelets",
}
_STATES = {
    CellLineState.NORMAL: "not low",
    CellLineState.MASKED: "masked by a transfusion",
    CellLineState.UNKNOWN: "not known",
}
_COMPARATORS = {
    Comparator.LESS: "below",
    Comparator.LESS_OR_EQUAL: "at most",
    Comparator.GREATER: "above",
    Comparator.GREATER_OR_EQUAL: "at least",
}


def analyte_name(analyte: Analyte) -> str:
    """Return the analyte's name as its ObservationDefinition gives it."""
    return default_terminology().definition(analyte).name


def order_name(order: str) -> str:
    """Return the name of an order of clinical-definition 4; an unknown id stands for itself."""
    definition = ORDERS.get(order)
    return definition.name if definition else order


def line_name(fact: CellLineFact) -> str:
    """Name the line; a white line judged by leukocytes alone says so."""
    if fact.line is CellLine.WHITE and fact.result and fact.result.analyte is Analyte.LEUKOCYTES:
        return "Leukocytes (no neutrophil count)"
    return _LINES[fact.line]


def line_words(fact: CellLineFact) -> str:
    """Say whether the line is low, how severe, and by which limit."""
    if fact.state is not CellLineState.LOW:
        words = _STATES[fact.state]
    elif fact.grade in _GRADES:
        words = f"low, {_GRADES[fact.grade]}"
    else:
        words = "low"
    if fact.limit is not None and fact.result is not None:
        whose = "the laboratory's lower limit" if fact.limit_is_laboratory else "limit"
        words += f" ({whose} {fact.limit.normalize():f} {fact.result.unit})"
    return f"{words}: {fact.why}" if fact.why else words


def comparator_words(comparator: Comparator) -> str:
    """Say a comparator in words."""
    return _COMPARATORS[comparator]
