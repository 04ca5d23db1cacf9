"""New marrow diseases: the first diagnosis of a value set after a time without any of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from fhir_mappings.clinical_context.conditions import read_conditions
from fhir_mappings.clinical_context.patient_resources import open_chart
from fhir_mappings.context import ValueSetName
from fhir_mappings.r4 import elements
from fhir_mappings.r4.code_systems import ICD_9_CM, ICD_10, ICD_10_CM, normal_code, normal_system
from fhir_mappings.r4.subjects import PatientNames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.backtest.dated import Clock, Dated
    from service.backtest.plan import Plan

_DISEASES = frozenset({ValueSetName.HEMATOLOGIC_MALIGNANCY, ValueSetName.MARROW_FAILURE})
_TELLS_OF_ONE = _DISEASES | {
    ValueSetName.HEMATOLOGIC_MALIGNANCY_IN_REMISSION,
    ValueSetName.HISTORY_OF_HEMATOLOGIC_MALIGNANCY,
    ValueSetName.STEM_CELL_TRANSPLANT,
}
_FAR = datetime(9998, 12, 31, tzinfo=UTC)


class Family(StrEnum):
    """What kind of disease; lymphoma, which a marrow card seldom finds, is apart."""

    ACUTE_LEUKEMIA = "acute leukemia"
    MYELOID = "myeloid neoplasm"
    PLASMA_CELL = "plasma cell neoplasm"
    MARROW_FAILURE = "marrow failure"
    LYMPHOID = "lymphoma or chronic lymphoid leukemia"
    OTHER = "other blood cancer"


MARROW_DISEASES = frozenset(Family) - {Family.LYMPHOID}

_BY_CODE = (
    (
        Family.ACUTE_LEUKEMIA,
        re.compile(r"C91\.?0|C92\.?[04568A]|C93\.?0|C94\.?[0234]|C95\.?0"),
        True,
    ),
    (Family.ACUTE_LEUKEMIA, re.compile(r"20[4-8]\.?0"), False),
    (Family.PLASMA_CELL, re.compile(r"C90"), True),
    (Family.PLASMA_CELL, re.compile(r"203"), False),
    (Family.LYMPHOID, re.compile(r"C8[1-68]|C91"), True),
    (Family.LYMPHOID, re.compile(r"20[0-2]|204"), False),
    (Family.MYELOID, re.compile(r"C9[2-4]|D45|D46|D47\.?[134]"), True),
    (Family.MYELOID, re.compile(r"20[5-7]|238\.?[47]"), False),
)
"""By ICD code: family, pattern, and whether it is an ICD-10 code."""

_BY_WORDS = (
    (Family.ACUTE_LEUKEMIA, re.compile(r"acute .*leuk|promyelocytic|acute panmyelosis")),
    (Family.PLASMA_CELL, re.compile(r"plasma.?cell|myeloma|waldenstr")),
    (
        Family.MYELOID,
        re.compile(
            r"myelodysplas|mds\b|myelofibros|myeloprolif|myeloid|myelomonocytic"
            r"|polycythemia vera|thrombocythemia|refractory (anemia|cytopenia)|mastocytosis"
        ),
    ),
    (Family.LYMPHOID, re.compile(r"lymphom|hodgkin|lymphoid|lymphocytic|hairy cell")),
)


@dataclass(frozen=True, slots=True)
class Disease:
    """One diagnosis, with the moment from which the record showed it."""

    known: datetime
    family: Family
    is_new_kind: bool
    """Whether it names a disease itself, and not a remission, a history or a transplant."""


def diseases(context: Iterable[Dated], clock: Clock, patient_id: str) -> list[Disease]:
    """Return every diagnosis of a blood cancer or marrow failure that is dated, oldest first."""
    found: list[Disease] = []
    for each in context:
        if each.kind != "Condition" or each.known is None:
            continue
        chart = open_chart([each.raw], PatientNames(patient_id))
        for condition in read_conditions(chart, _FAR.date()):
            if condition.sets & _TELLS_OF_ONE:
                named = bool(condition.sets & _DISEASES) and not condition.in_remission
                found.append(Disease(each.known, _family(each, condition.sets), named))
    return sorted(found, key=lambda disease: (disease.known, disease.family))


def new_diseases(found: Iterable[Disease], plan: Plan) -> list[Disease]:
    """Return the first new marrow disease of the period, after the wash-out; at most one."""
    last: datetime | None = None
    wash_out = timedelta(days=plan.wash_out)
    for disease in found:
        is_new = last is None or disease.known - last > wash_out
        inside = plan.start <= disease.known < plan.end
        if is_new and inside and disease.is_new_kind and disease.family in MARROW_DISEASES:
            return [disease]
        last = disease.known
    return []


def _family(condition: Dated, sets: frozenset[ValueSetName]) -> Family:
    if ValueSetName.MARROW_FAILURE in sets and ValueSetName.HEMATOLOGIC_MALIGNANCY not in sets:
        return Family.MARROW_FAILURE
    code = condition.parsed.get("code")
    for coding in elements.codings(code):
        system, text = normal_system(coding.system), normal_code(coding.code)
        if system not in {ICD_10_CM, ICD_10, ICD_9_CM}:
            continue
        ten = system != ICD_9_CM
        for family, pattern, is_ten in _BY_CODE:
            if is_ten is ten and pattern.match(text):
                return family
    words = " ".join(elements.texts(code)).lower()
    return next((family for family, pattern in _BY_WORDS if pattern.search(words)), Family.OTHER)
