"""ConceptMap rows that a site could add for its codes of conditions, medicines and the rest.

Drafted from names: for local codes that were read only by their words, and for procedures whose
name is one of ours. Each is a question to the site, not an answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fhir_mappings.r4.code_systems import ACT_CODE, SNOMED_CT, is_condition_system, normal_system
from fhir_mappings.vocabulary.value_sets import CONTEXT, MEDICATION_TERM, value_sets
from service.mapping_report.context_tally import How, Kind
from service.mapping_report.proposals import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.mapping_report.context_tally import ContextRow, ContextTally, Reading

_PROCEDURES = (
    (re.compile(r"\bplatelets?\b.{0,40}\btransfus|\btransfus.{0,40}\bplatelets?\b"), "12719002"),
    (
        re.compile(
            r"\b(?:red (?:blood )?cells?|packed cells?|rbcs?|erythrocytes?)\b.{0,40}\btransfus"
            r"|\btransfus.{0,40}\b(?:red (?:blood )?cells?|packed cells?|rbcs?|erythrocytes?)\b"
        ),
        "116863004",
    ),
    (re.compile(r"\bmarrow\b.{0,20}\b(?:biopsy|aspirat|sampling|puncture)"), "234326005"),
    (re.compile(r"\b(?:bone marrow|stem cell)\b.{0,20}\btransplant"), "23719005"),
    (re.compile(r"\bchemotherapy\b"), "367336001"),
    (re.compile(r"\bhospice\b"), "385763009"),
    (re.compile(r"\bpalliative\b"), "103735009"),
)
_CONFIRM = "By its name; the site must confirm."


def context_proposals(tally: ContextTally) -> tuple[Proposal, ...]:
    """Draft every row, the most useful first."""
    drafts = [draft for row in tally.rows.values() for draft in _drafts(row)]
    return tuple(sorted(drafts, key=lambda p: (-p.count, p.source, p.code, p.target)))


def _drafts(row: ContextRow) -> Iterator[Proposal]:
    system, code = row.key.system, row.key.code
    if not system or not code or not row.display or _is_standard(system):
        return
    for reading, number in row.read_as.items():
        for target_system, target in _targets(row, reading):
            yield Proposal(system, code, row.display, target_system, target, "", _CONFIRM, number)


def _is_standard(system: str) -> bool:
    return is_condition_system(system) or "rxnorm" in normal_system(system)


def _targets(row: ContextRow, reading: Reading) -> Iterator[tuple[str, str]]:
    if reading.how is How.NOT and row.key.kind is Kind.PROCEDURE:
        plain = row.display.lower()
        found = [code for pattern, code in _PROCEDURES if pattern.search(plain)]
        yield from ((SNOMED_CT, code) for code in found if len(found) == 1)
    if reading.how is not How.WORDS:
        return
    if row.key.kind is Kind.CONDITION:
        yield from ((CONTEXT, name) for name in reading.as_what)
    elif row.key.kind is Kind.ENCOUNTER:
        yield from ((ACT_CODE, name) for name in reading.as_what)
    elif row.key.kind is Kind.MEDICINE and len(reading.as_what) == 1:
        yield from ((MEDICATION_TERM, name) for name in reading.as_what if _is_term(name))


def _is_term(name: str) -> bool:
    return any((MEDICATION_TERM, name.upper()) in each.concepts for each in value_sets().values())
