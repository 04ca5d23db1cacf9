"""`heme-hooks knowledge check`: checks that the decision table is complete and consistent.

Each check is a small function that yields one sentence for each thing that is wrong.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from fhir_mappings.panel import OBSERVATION_GROUPS
from fhir_mappings.vocabulary.analytes import default_terminology
from fhir_mappings.vocabulary.orders import ORDERS, draft_order
from service.cds_hooks.discovery import load_catalogue
from service.interpreter.rules import RULES
from service.interpreter.rules.sources import SOURCES
from service.knowledge.plan_definition import code_systems, plan_definition
from service.knowledge.table_checks import table_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.interpreter.rules.rule import Rule


def problems() -> list[str]:
    """Return everything that is wrong, empty when nothing is."""
    return [problem for check in CHECKS for problem in check()]


def unprefetched_codes() -> Iterator[str]:
    """Every code that a rule reads is in a prefetch template of cds-services.json."""
    terminology = default_terminology()
    templates = load_catalogue().templates
    for group in OBSERVATION_GROUPS:
        asked = {token.rpartition("|")[2] for token in templates[group].codes}
        for code in sorted(set(terminology.codes_of(group)) - asked):
            yield f"LOINC {code} of {group} is in no prefetch template."


def invalid_drafts() -> Iterator[str]:
    """Every order gives a ServiceRequest that is valid R4."""
    for order in ORDERS:
        for reason in ("pancytopenia", "bicytopenia"):
            draft = draft_order(
                order,
                patient_id="example",
                encounter_id="example",
                reason=reason,
                supporting=["Observation/example"],
                note="An example.",
            )
            yield from _invalid(draft, f"The draft of {order}")


def decision_table() -> Iterator[str]:
    """Every state of a patient with low lines has one row; each row has text, orders, sources."""
    yield from table_problems(ORDERS, RULES)


def unlisted_sources() -> Iterator[str]:
    """Every source that a rule cites is listed."""
    for rule in RULES:
        for name in rule.citation:
            if name not in SOURCES:
                yield f"Rule {rule.id} cites {name}, which is not a listed source."


def hidden_rules() -> Iterator[str]:
    """No rule is hidden behind an earlier rule of its step."""
    for place, rule in enumerate(RULES):
        for earlier in RULES[:place]:
            if _hides(earlier, rule):
                yield f"Rule {rule.id} can never apply: {earlier.id} always comes before it."


def _hides(earlier: Rule, later: Rule) -> bool:
    """Whether the earlier rule of a first-match step applies whenever the later one does."""
    if earlier.step != later.step or not _is_first_match(later):
        return False
    return {c.text for c in earlier.when} <= {c.text for c in later.when}


def _is_first_match(rule: Rule) -> bool:
    from service.interpreter.rules.rule import Step

    return rule.step in {Step.PANCYTOPENIA, Step.BICYTOPENIA}


def unreached_rules() -> Iterator[str]:
    """Every rule is reached by a worked example: a sample patient that ships with the product."""
    from service.commands.worked_examples import rules_reached

    for rule in RULES:
        if rule.id not in rules_reached():
            yield f"No sample patient reaches rule {rule.id}."


def invalid_resources() -> Iterator[str]:
    """Every FHIR resource that ships or is exported is valid R4."""
    for path in sorted(resources.files("fhir_mappings").iterdir(), key=lambda each: each.name):
        if path.name.endswith(".json"):
            document = json.loads(path.read_text("utf-8"))
            for entry in document.get("entry", [{"resource": document}]):
                resource = entry["resource"]
                yield from _invalid(resource, f"{path.name}: {resource.get('id')}")
    for resource in (plan_definition(), *code_systems()):
        yield from _invalid(resource, f"The exported {resource['resourceType']}")


def _invalid(resource: dict[str, Any], name: str) -> Iterator[str]:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except (KeyError, ValidationError) as error:
        yield f"{name} is not valid R4: {error}"


CHECKS: tuple[Callable[[], Iterator[str]], ...] = (
    unprefetched_codes,
    decision_table,
    unlisted_sources,
    hidden_rules,
    invalid_drafts,
    unreached_rules,
    invalid_resources,
)
"""The checks in the order in which they run; the docstring of each says what holds."""
