"""The decision table as FHIR R4 resources for other systems.

An export, not a second source of truth: conditions stand in words, because no expression language
has the three-valued, unit-aware meaning of the table.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from fhir_mappings.vocabulary.orders import CANONICAL_BASE
from service.cards.build import (
    FINDING_SYSTEM,
    OVERRIDE_REASONS,
    OVERRIDE_SYSTEM,
)
from service.interpreter.rules import RULE_TABLE_VERSION
from service.interpreter.rules.sources import SOURCES
from service.knowledge.rows import RuleRow, rule_rows
from service.knowledge.source_attributes import (
    DEVELOPER,
    REGULATION,
    RULE_TABLE_DATE,
    SourceAttribute,
    source_attributes,
)

Json = dict[str, Any]

COPYRIGHT = (
    "LOINC is copyright Regenstrief Institute, Inc. SNOMED CT is copyright of the International "
    "Health Terminology Standards Development Organisation (IHTSDO)."
)
NON_ADHERENCE_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
NON_ADHERENCE = {
    "already-known": ("cds-not-applicable", "wider"),
    "work-up-in-progress": ("need-more-info", "inexact"),
    "not-appropriate-for-patient": ("cds-not-applicable", "inexact"),
}
"""Our override reason to HL7's code and how near it is (ConceptMap.equivalence)."""

_TO_BE_EXPLAINED = frozenset({"inexact"})
"""Equivalence for which FHIR R4 asks a comment (ConceptMap, cmd-1)."""

_DESCRIPTION = (
    "Finds pancytopenia whose blood picture points at the bone marrow, and what must be thought of "
    "before and beside it. Decision support, not a diagnosis."
)

_PURPOSE = (
    "A clinician who opens a chart with low blood counts should see what the pattern means before "
    "B12 or iron is given and before a marrow disorder is missed."
)
_USAGE = (
    "A local clinical safety officer reviews and signs off the table before any use with patients: "
    "it carries no approval of its own, so approvalDate and lastReviewDate are left out."
)
_HOME = CANONICAL_BASE.removesuffix("/fhir")
_CRMI = "http://hl7.org/fhir/uv/crmi/StructureDefinition"
_CAPABILITY = "http://hl7.org/fhir/StructureDefinition/cqf-knowledgeCapability"
_SOURCE_ATTRIBUTE = f"{CANONICAL_BASE}/StructureDefinition/source-attribute"
_ADULTS = {
    "code": {
        "system": "http://terminology.hl7.org/CodeSystem/usage-context-type",
        "code": "age",
    },
    "valueRange": {
        "low": {"value": 18, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}
    },
}
_WORLD = {"system": "http://unstats.un.org/unsd/methods/m49/m49.htm", "code": "001"}


def plan_definition() -> Json:
    """Return the table as a PlanDefinition: one action a step, within it one a rule."""
    rows = rule_rows()
    steps = dict.fromkeys((row.step, row.step_title) for row in rows)
    return {
        "resourceType": "PlanDefinition",
        "id": "pancytopenia",
        "meta": {"profile": [f"{_CRMI}/crmi-publishableplandefinition"]},
        "extension": [
            {"url": _CAPABILITY, "valueCode": "shareable"},
            {"url": _CAPABILITY, "valueCode": "publishable"},
            *map(_attribute, source_attributes()),
        ],
        "url": f"{CANONICAL_BASE}/PlanDefinition/pancytopenia",
        "version": RULE_TABLE_VERSION,
        "name": "Pancytopenia",
        "title": "Pancytopenia, iron and vitamin B12",
        "type": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/plan-definition-type",
                    "code": "eca-rule",
                }
            ]
        },
        "status": "active",
        "experimental": False,
        "date": RULE_TABLE_DATE,
        "publisher": "heme-hooks",
        "contact": [{"name": "heme-hooks", "telecom": [{"system": "url", "value": _HOME}]}],
        "description": _DESCRIPTION,
        "useContext": [_ADULTS],
        "jurisdiction": [{"coding": [_WORLD]}],
        "purpose": _PURPOSE,
        "usage": _USAGE,
        "copyright": COPYRIGHT,
        "effectivePeriod": {"start": RULE_TABLE_DATE},
        "topic": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/definition-topic",
                        "code": "assessment",
                    }
                ]
            }
        ],
        "author": [{"name": DEVELOPER}],
        "relatedArtifact": [
            {"type": "citation", "label": name, "citation": text}
            for name, text in SOURCES.items()
            if name != "OWN"
        ],
        "action": [
            {
                "prefix": str(step),
                "title": title,
                "action": [_action(row) for row in rows if row.step == step],
            }
            for step, title in steps
        ],
    }


def code_systems() -> tuple[Json, ...]:
    """Return the CodeSystems of card topics and override reasons."""
    topics = [(row.id, row.summary if row.has_card else row.step_title) for row in rule_rows()]
    reasons = [(reason.code, reason.display) for reason in OVERRIDE_REASONS]
    return (
        _code_system("finding", FINDING_SYSTEM, "Findings of heme-hooks", topics),
        _code_system(
            "override-reason", OVERRIDE_SYSTEM, "Reasons to override a card of heme-hooks", reasons
        ),
    )


def source_attribute_definition() -> Json:
    """Return the definition of the extension that carries one source attribute."""
    parts = (("name", "code"), ("title", "string"), ("value", "string"))
    elements: list[Json] = [{"id": "Extension", "path": "Extension", "min": 0, "max": "*"}]
    for name, kind in parts:
        at = f"Extension.extension:{name}"
        path = "Extension.extension"
        elements += [
            {"id": at, "path": path, "sliceName": name, "min": 1, "max": "1"},
            {"id": f"{at}.extension", "path": f"{path}.extension", "max": "0"},
            {"id": f"{at}.url", "path": f"{path}.url", "fixedUri": name},
            {"id": f"{at}.value[x]", "path": f"{path}.value[x]", "type": [{"code": kind}]},
        ]
    elements += [
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": _SOURCE_ATTRIBUTE},
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"},
    ]
    return {
        "resourceType": "StructureDefinition",
        "id": "source-attribute",
        "url": _SOURCE_ATTRIBUTE,
        "version": RULE_TABLE_VERSION,
        "name": "SourceAttribute",
        "title": "Source attribute of a decision support intervention",
        "status": "active",
        "experimental": False,
        "date": RULE_TABLE_DATE,
        "publisher": "heme-hooks",
        "description": f"One attribute of {REGULATION}.",
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": "PlanDefinition"}],
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": {"element": elements},
    }


def override_reason_map() -> Json:
    """Return what our override reasons are in HL7's reasons for not following decision support.

    They are those of CDS Hooks 3.0.0-ballot; two of ours have no counterpart there.
    """
    return {
        "resourceType": "ConceptMap",
        "id": "override-reason-to-non-adherence",
        "url": f"{CANONICAL_BASE}/ConceptMap/override-reason-to-non-adherence",
        "version": RULE_TABLE_VERSION,
        "name": "OverrideReasonToNonAdherence",
        "title": "Override reasons of heme-hooks in HL7's non-adherence reasons",
        "status": "active",
        "experimental": False,
        "date": RULE_TABLE_DATE,
        "publisher": "heme-hooks",
        "description": "For CDS Clients and reports that count by HL7's codes.",
        "group": [
            {
                "source": OVERRIDE_SYSTEM,
                "target": NON_ADHERENCE_SYSTEM,
                "element": [_mapped(reason.code, reason.display) for reason in OVERRIDE_REASONS],
            }
        ],
    }


def _mapped(code: str, display: str) -> Json:
    target = NON_ADHERENCE.get(code)
    if target is None:
        return {"code": code, "display": display, "target": [{"equivalence": "unmatched"}]}
    other, equivalence = target
    mapped = {"code": other, "equivalence": equivalence}
    if equivalence in _TO_BE_EXPLAINED:
        mapped["comment"] = "The two overlap; each means more than the other says."
    return {"code": code, "display": display, "target": [mapped]}


def export_bundle() -> Json:
    """Return one collection Bundle: the PlanDefinition and everything that it refers to."""
    shipped = [
        entry["resource"]
        for path in sorted(resources.files("fhir_mappings").iterdir(), key=lambda each: each.name)
        if path.name.endswith(".json")
        for entry in json.loads(path.read_text("utf-8")).get("entry", [])
    ]
    exported = [
        plan_definition(),
        source_attribute_definition(),
        *code_systems(),
        override_reason_map(),
        *shipped,
    ]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": _address(resource), "resource": resource} for resource in exported],
    }


def _attribute(attribute: SourceAttribute) -> Json:
    """An attribute as an extension: its name and what holds; citations are relatedArtifact."""
    said = attribute.values if len(attribute.values) == 1 else ("See relatedArtifact.",)
    return {
        "url": _SOURCE_ATTRIBUTE,
        "extension": [
            {"url": "name", "valueCode": attribute.name},
            {"url": "title", "valueString": attribute.title},
            *({"url": "value", "valueString": text} for text in said),
        ],
    }


def _address(resource: Json) -> str:
    """The canonical URL, or the address under ours of a kind of resource that has none."""
    address: str = resource.get("url", "") or (
        f"{CANONICAL_BASE}/{resource['resourceType']}/{resource['id']}"
    )
    return address


def _action(row: RuleRow) -> Json:
    action: Json = {
        "title": row.id,
        "description": row.summary if row.has_card else "No card.",
        "textEquivalent": "\n\n".join((_when(row), *row.detail, *row.cautions)),
        "code": [{"coding": [{"system": FINDING_SYSTEM, "code": row.id}]}],
        "documentation": [
            {"type": "citation", "label": name, "citation": SOURCES[name]} for name in row.citations
        ],
        "action": [
            {
                "title": order.name,
                "description": order.terms,
                "definitionCanonical": f"{CANONICAL_BASE}/ActivityDefinition/{order.id}",
            }
            for order in row.orders
        ],
    }
    if row.orders:
        action["selectionBehavior"] = "any"
    return {
        key: [_without_empty(each) if isinstance(each, dict) else each for each in value]
        if isinstance(value, list)
        else value
        for key, value in _without_empty(action).items()
    }


def _when(row: RuleRow) -> str:
    """The conditions in words: an expression would need a language that machines run."""
    return "When: " + "; ".join(row.when) + "." if row.when else ""


def _without_empty(value: Json) -> Json:
    return {key: item for key, item in value.items() if item not in ("", [], {}, None)}


def _code_system(name: str, url: str, title: str, concepts: list[tuple[str, str]]) -> Json:
    return {
        "resourceType": "CodeSystem",
        "id": name,
        "url": url,
        "version": RULE_TABLE_VERSION,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "title": title,
        "status": "active",
        "experimental": False,
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": [{"code": code, "display": display} for code, display in concepts],
    }
