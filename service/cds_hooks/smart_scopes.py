"""SMART scopes that reading the prefetch keys needs, and which of them were granted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.panel import DataGroup
    from service.cds_hooks.prefetch_template import Template

_SCOPE = re.compile(r"(patient|user|system)/([A-Za-z]+|\*)\.([a-z*]+)(?:\?.*)?")
_READS = frozenset({"read", "*"})


def missing_scopes(
    scopes: Iterable[str], templates: Mapping[DataGroup, Template]
) -> dict[str, list[str]]:
    """Return each scope that is not granted (SMART 1 and 2) with the prefetch keys that need it."""
    granted = [match.groups() for scope in scopes if (match := _SCOPE.fullmatch(scope))]
    missing: dict[str, list[str]] = {}
    for group, template in templates.items():
        right = "r" if template.is_read else "s"
        kind = template.resource_type
        if not any(
            resource in {kind, "*"}
            and (rights in _READS or (right in rights and rights != "write"))
            for _, resource, rights in granted
        ):
            missing.setdefault(f"patient/{kind}.{right}", []).append(group.value)
    return missing


def launch_scopes(templates: Mapping[DataGroup, Template]) -> tuple[str, ...]:
    """Return the scopes of an app that reads every key when the EHR launches it."""
    # Medicines may be given as references.
    kinds = dict.fromkeys((*(each.resource_type for each in templates.values()), "Medication"))
    return ("launch", *(f"patient/{kind}.rs" for kind in kinds))
