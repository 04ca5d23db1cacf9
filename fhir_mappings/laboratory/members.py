"""Members of panels and results of reports that were not sent (clinical-definition 1.1 A6).

Vendors answer a search for counts with the panel alone, or send a report whose results stay on the
server. What a panel only names is neither a result nor "not measured": it is read by its id, or the
lines of the panel are unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from fhir_mappings.panel import (
    BLOOD_COUNTS,
    NO_STATEMENT,
    Analyte,
    DataGroup,
    Reason,
    Unreadable,
)
from fhir_mappings.r4.references import key_candidates, without_version
from fhir_mappings.terminology import CodeKind
from fhir_mappings.vocabulary.concepts import classify

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from fhir_mappings.laboratory.readings import Envelope
    from fhir_mappings.panel import LabResult
    from fhir_mappings.r4.decoding import CodeableConcept, Reference
    from fhir_mappings.terminology import Terminology

MOST_MEMBERS = 40
"""Members read by id in one stage of a call (A6)."""

_MATTERS = timedelta(days=90)
_TOGETHER = timedelta(hours=72)
_COUNTS = (Analyte.HEMOGLOBIN, Analyte.LEUKOCYTES, Analyte.PLATELETS)
_HELD = {
    DataGroup.BLOOD_COUNTS: _COUNTS,
    DataGroup.DIFFERENTIAL: (Analyte.NEUTROPHILS,),
    DataGroup.IRON_STUDIES: (Analyte.IRON, Analyte.IRON_BINDING_CAPACITY),
}
_WITHOUT_PLATELETS = "24358-4"
_NAMES_COUNTS = re.compile(
    r"\b([cf]bc|ha?emograms?|ha?emogramm?a?|(complete|full) blood (cell )?counts?|blood counts?"
    r"|(kleines|grosses|großes) blutbild|blutbild|numération)\b"
)
_LONGEST_NAME = 200
_OBSERVATION = re.compile(r"(?:.*/)?Observation/([A-Za-z0-9.\-]{1,64})")
_SENTENCE = "A panel or report names this result, but it was not sent with it."


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A panel or report with missing members: which, and the analytes that it holds."""

    analytes: tuple[Analyte, ...]
    taken: datetime | None
    references: tuple[str, ...]
    loinc: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """What panels name without including it.

    `to_read` are the ids of Observations that may hold a line which nothing else judges,
    `also_to_read` those of what only adds to a line that is judged; newest panel first.
    """

    unreadable: tuple[Unreadable, ...] = ()
    to_read: tuple[str, ...] = ()
    also_to_read: tuple[str, ...] = ()


NOTHING_MISSING = NotDelivered()


def incomplete(
    code: CodeableConcept,
    references: Iterable[Reference],
    envelope: Envelope,
    delivered: Container[str],
    terminology: Terminology,
) -> Incomplete | None:
    """Return what is missing from one panel or report of this patient; None when it is complete."""
    if envelope.refusal in NO_STATEMENT:
        return None
    missing = tuple(each.reference for each in references if _is_missing(each, delivered))
    if not missing:
        return None
    loinc, analytes = _held_by(code, terminology)
    return Incomplete(analytes, envelope.taken, missing, loinc, envelope.source)


def not_delivered(
    panels: Sequence[Incomplete],
    results: Mapping[Analyte, Sequence[LabResult]],
    unreadable: Collection[Unreadable],
    now: datetime,
) -> NotDelivered:
    """Return which analytes the missing members leave unknown, and what to read for them.

    A panel matters where no result of the 72 h before it or later stands for what it holds. Where
    there is no count at all, whatever a report names may be one.
    """
    recent = [each for each in panels if each.taken is None or now - each.taken <= _MATTERS]
    recent.sort(key=lambda each: (_drawn(each.taken, now), bool(each.analytes)), reverse=True)
    no_count = not any(results.get(analyte) for analyte in BLOOD_COUNTS)
    found: dict[Analyte, Unreadable] = {}
    judging: dict[str, None] = {}
    adding: dict[str, None] = {}
    for panel in recent:
        unknown = [each for each in panel.analytes if not _stands(each, panel, results, now)]
        for analyte in unknown:
            if not _is_named(analyte, panel, unreadable, now):
                found.setdefault(analyte, _refusal(analyte, panel))
        only_adds = unknown == [Analyte.NEUTROPHILS] and _stands(
            Analyte.LEUKOCYTES, panel, results, now
        )
        ids = dict.fromkeys(_ids(panel.references))
        if only_adds:
            adding |= ids
        elif unknown or (no_count and not panel.analytes):
            judging |= ids
    return NotDelivered(
        tuple(found.values()), tuple(judging)[:MOST_MEMBERS], tuple(adding)[:MOST_MEMBERS]
    )


def _held_by(code: CodeableConcept, terminology: Terminology) -> tuple[str, tuple[Analyte, ...]]:
    meaning = classify(code, terminology).meaning
    if meaning is not None:
        if meaning.kind is not CodeKind.PANEL:
            return meaning.code, ()
        held = [analyte for group in _HELD if group in meaning.groups for analyte in _HELD[group]]
        if meaning.code == _WITHOUT_PLATELETS:
            held.remove(Analyte.PLATELETS)
        return meaning.code, tuple(held)
    names = [code.text, *(coding.display for coding in code.coding)]
    words = " ".join(name[:_LONGEST_NAME] for name in names).lower()
    return "", _COUNTS if _NAMES_COUNTS.search(words) else ()


def _is_missing(reference: Reference, delivered: Container[str]) -> bool:
    written = without_version(reference.reference)
    if not written or written.startswith("#"):
        return False
    is_observation = _OBSERVATION.fullmatch(written) or written.lower().startswith("urn:")
    return bool(is_observation) and not any(key in delivered for key in key_candidates(written))


def _ids(references: Iterable[str]) -> Iterator[str]:
    for reference in references:
        if named := _OBSERVATION.fullmatch(without_version(reference)):
            yield named[1]


def _drawn(taken: datetime | None, now: datetime) -> datetime:
    return min(taken or now, now)


def _stands(
    analyte: Analyte,
    panel: Incomplete,
    results: Mapping[Analyte, Sequence[LabResult]],
    now: datetime,
) -> bool:
    since = _drawn(panel.taken, now) - _TOGETHER
    return any(result.taken >= since for result in results.get(analyte, ()))


def _is_named(
    analyte: Analyte, panel: Incomplete, unreadable: Collection[Unreadable], now: datetime
) -> bool:
    """Whether the result is there after all, and cannot be used for a reason of its own."""
    since = _drawn(panel.taken, now) - _TOGETHER
    return any(
        item.analyte is analyte
        and item.reason not in NO_STATEMENT
        and _drawn(item.taken, now) >= since
        for item in unreadable
    )


def _refusal(analyte: Analyte, panel: Incomplete) -> Unreadable:
    return Unreadable(
        analyte,
        Reason.NOT_DELIVERED,
        _SENTENCE,
        taken=panel.taken,
        loinc=panel.loinc,
        source=panel.source,
    )
