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

Json = dict[str, Any]

COPYRIGHT = (
    "LOINC is copyright Regenstrief Institute, Inc. SNOMED CT is copyright of the International "
    "Health Terminology Standards Development Organisation (IHTSDO)."
)
_DESCRIPTION = (
    "Finds pancytopenia whose blood picture points at the bone marrow, and what must be thought of "
    "before and beside it. Decision support, not a diagnosis."
)


def plan_definition() -> Json:
    """Return the table as a PlanDefinition: one action a step, within it one a rule."""
    rows = rule_rows()
    steps = dict.fromkeys((row.step, row.step_title) for row in rows)
    return {
        "resourceType": "PlanDefinition",
        "id": "pancytopenia",
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
        "description": _DESCRIPTION,
        "copyright": COPYRIGHT,
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


def export_bundle() -> Json:
    """Return one collection Bundle: the PlanDefinition and everything that it refers to."""
    shipped = [
        entry["resource"]
        for path in sorted(resources.files("fhir_mappings").iterdir(), key=lambda each: each.name)
        if path.name.endswith(".json")
        for entry in json.loads(path.read_text("utf-8")).get("entry", [])
    ]
    exported = [plan_definition(), *code_systems(), *shipped]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": _address(resource), "resource": resource} for resource in exported],
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
