"""DiagnosticReports: what they contain, what they conclude about a blood film, marrow reports."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from fhir_mappings.laboratory.envelopes import report_envelope, with_time_checked
from fhir_mappings.laboratory.observations import contained_in, read_observation
from fhir_mappings.laboratory.readings import Reported
from fhir_mappings.laboratory.smear import read_narrative, words_of_concept
from fhir_mappings.panel import DataGroup, MarrowResult, Reason, Unreadable
from fhir_mappings.terminology import CodeKind, Role
from fhir_mappings.vocabulary.concepts import classify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fhir_mappings.laboratory.readings import Envelope, ReadingContext
    from fhir_mappings.r4.laboratory_resources import DiagnosticReport
    from fhir_mappings.vocabulary.concepts import Classified

_ABOUT_A_FILM = re.compile(
    r"\b(smear|(blood|peripheral) film|manual differential"
    r"|(cell|erythrocyte|leukocyte|platelet|blood|rbc|wbc) morphology)\b"
)
_NOT_BLOOD = re.compile(r"\b(marrow|urine|vaginal|cervical|pap|sputum|stool|fluid|csf|throat)\b")
_FILM_PANELS = frozenset({DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL, DataGroup.SMEAR})
_TEXT_TYPES = ("text/plain", "")


def read_report(
    report: DiagnosticReport, chart: ReadingContext, full_url: str = ""
) -> Iterator[Reported]:
    """Read one DiagnosticReport; Observations that it only refers to are read by themselves."""
    key = f"DiagnosticReport/{report.id}" if report.id else ""
    within, beside = contained_in(report.contained)
    envelope = report_envelope(report, chart, key=key, contained=beside, full_url=full_url)
    for observation, inner_unreadable_fields in within:
        yield from read_observation(
            observation,
            chart,
            unreadable_fields=inner_unreadable_fields,
            parent=envelope,
            beside=beside,
        )
    classified = classify(report.code, chart.terminology)
    envelope = with_time_checked(envelope, chart.now)
    kind = classified.meaning.kind if classified.meaning else None
    if kind is CodeKind.MARROW and classified.meaning is not None:
        yield from _marrow(classified, envelope)
    elif not envelope.marrow and _is_blood_film(report, classified, envelope):
        yield from _narrative(report, classified, envelope)


def _marrow(classified: Classified, envelope: Envelope) -> Iterator[Reported]:
    meaning = classified.meaning
    if meaning is None:
        return
    if envelope.refusal is not None or envelope.taken is None:
        yield Reported(_refused(envelope, meaning.code), classified.coding)
        return
    result = MarrowResult(meaning.code, envelope.taken, envelope.source)
    yield Reported(result, classified.coding)


def _narrative(
    report: DiagnosticReport, classified: Classified, envelope: Envelope
) -> Iterator[Reported]:
    text = _text_of(report)
    if not text.strip():
        return
    loinc = classified.meaning.code if classified.meaning else ""
    if envelope.refusal is not None or envelope.taken is None:
        yield Reported(_refused(envelope, loinc), classified.coding)
        return
    is_panel = classified.meaning is not None and classified.meaning.kind is CodeKind.PANEL
    for finding in read_narrative(text, loinc, envelope):
        # A panel's conclusion that does not mention the film does not show that a film was read.
        if finding.finding is not None or not is_panel:
            yield Reported(finding, classified.coding)


def _refused(envelope: Envelope, loinc: str) -> Unreadable:
    return Unreadable(
        analyte=None,
        reason=envelope.refusal or Reason.NO_TIME,
        explanation=envelope.explanation,
        taken=envelope.taken,
        loinc=loinc,
        source=envelope.source,
    )


def _is_blood_film(report: DiagnosticReport, classified: Classified, envelope: Envelope) -> bool:
    """A narrative or film code, or a report whose name says that a person looked at blood."""
    meaning = classified.meaning
    if meaning is not None and meaning.kind is CodeKind.NARRATIVE:
        return meaning.role is not Role.BLOOD_ONLY or envelope.blood
    if meaning is not None and meaning.kind is CodeKind.SMEAR:
        return True
    if meaning is not None and meaning.kind is CodeKind.PANEL:
        return not meaning.groups.isdisjoint(_FILM_PANELS)
    names = [report.code.text, *(coding.display for coding in report.code.coding)]
    names.append(meaning.display if meaning else "")
    words = " ".join(names).lower()
    return bool(_ABOUT_A_FILM.search(words)) and not _NOT_BLOOD.search(words)


def _text_of(report: DiagnosticReport) -> str:
    parts = [report.conclusion, *map(words_of_concept, report.conclusionCode)]
    for form in report.presentedForm:
        if form.contentType.split(";")[0].strip().lower() in _TEXT_TYPES:
            parts.append(_decoded(form.data))
    return "\n".join(part for part in parts if part.strip())


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
