"""The prefetch templates of cds-services.json, made from the vocabulary so that they never drift.

`python -m service.cds_hooks.prefetch_templates` rewrites the file's templates; a test compares the
two.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fhir_mappings.panel import OBSERVATION_GROUPS, DataGroup
from fhir_mappings.terminology import LOINC, LOINC_SYSTEMS, CodeKind
from fhir_mappings.vocabulary.analytes import default_terminology
from service.cds_hooks.discovery import document_path
from service.cds_hooks.prefetch_template import PATIENT_TOKEN, Template, token_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fhir_mappings.terminology import CodeMeaning, Terminology

PAGE_SIZE = 200
"""`_count` of every search: a hint that saves pages; answers are correct without it."""

_FILM_PANELS = frozenset({DataGroup.BLOOD_COUNTS, DataGroup.DIFFERENTIAL, DataGroup.SMEAR})

_CONTEXT_TYPES = {
    DataGroup.CONDITIONS: "Condition",
    DataGroup.MEDICATION_REQUESTS: "MedicationRequest",
    DataGroup.MEDICATION_ADMINISTRATIONS: "MedicationAdministration",
    DataGroup.MEDICATION_STATEMENTS: "MedicationStatement",
    DataGroup.PROCEDURES: "Procedure",
    DataGroup.SERVICE_REQUESTS: "ServiceRequest",
    DataGroup.ENCOUNTERS: "Encounter",
    DataGroup.APPOINTMENTS: "Appointment",
    DataGroup.DIAGNOSTIC_REPORTS: "DiagnosticReport",
}


def prefetch_templates(terminology: Terminology) -> dict[str, str]:
    """Return the template of every prefetch key."""
    templates = {DataGroup.PATIENT: f"Patient/{PATIENT_TOKEN}"}
    for group in OBSERVATION_GROUPS:
        codes = ",".join(token_of(LOINC, code) for code in terminology.codes_of(group))
        templates[group] = f"Observation?patient={PATIENT_TOKEN}&code={codes}&_count={PAGE_SIZE}"
    films = ",".join(token_of(LOINC, code) for code in film_report_codes(terminology))
    templates[DataGroup.FILM_REPORTS] = (
        f"DiagnosticReport?patient={PATIENT_TOKEN}&code={films}&_count={PAGE_SIZE}"
    )
    for group, resource_type in _CONTEXT_TYPES.items():
        templates[group] = f"{resource_type}?patient={PATIENT_TOKEN}&_count={PAGE_SIZE}"
    return {group.value: templates[group] for group in DataGroup}


def film_report_codes(terminology: Terminology) -> tuple[str, ...]:
    """Return the LOINC codes of reports that may describe a blood film, or hold its counts."""
    return tuple(code for code, meaning in terminology.loinc.items() if _tells_of_film(meaning))


def _tells_of_film(meaning: CodeMeaning) -> bool:
    if meaning.kind is CodeKind.PANEL:
        return not meaning.groups.isdisjoint(_FILM_PANELS)
    return meaning.kind in {CodeKind.SMEAR, CodeKind.NARRATIVE}


def with_site_codes(
    templates: Mapping[DataGroup, Template], terminology: Terminology
) -> dict[DataGroup, Template]:
    """Add the codes of a site's own ConceptMaps to what is searched for."""
    searched = (*OBSERVATION_GROUPS, DataGroup.FILM_REPORTS)
    added: dict[DataGroup, dict[str, None]] = {group: {} for group in searched}
    for (system, code), meaning in terminology.site.items():
        if meaning.kind is not CodeKind.EXCLUDED:
            token = token_of(LOINC if system in LOINC_SYSTEMS else system, code)
            for group in meaning.groups & added.keys():
                added[group][token] = None
            if _tells_of_film(meaning):
                added[DataGroup.FILM_REPORTS][token] = None
    return {
        group: template.with_codes(added.get(group, ())) for group, template in templates.items()
    }


def regenerate(path: Path | None = None) -> bool:
    """Rewrite the templates in cds-services.json; whether anything changed."""
    path = path or document_path()
    before = path.read_text("utf-8")
    document = json.loads(before)
    templates = prefetch_templates(default_terminology())
    for service in document["services"]:
        service["prefetch"] = templates
    after = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    path.write_text(after, "utf-8")
    return after != before


if __name__ == "__main__":
    regenerate()
