"""HealthChain's CDS Hooks service with a toy decision, in the two ways that its documents show.

Runs in an environment of its own (see bench/healthchain_environment.py). Both look for a
hemoglobin and answer a constant card, under the same path as the other applications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from healthchain.fhir import convert_prefetch_to_fhir_objects, get_resources, prefetch_to_bundle
from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.gateway.cds import CDSHooksConfig
from healthchain.models import CDSRequest, CDSResponse

from bench.constant_card import CARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEMOGLOBIN = "718-7"


def with_dictionaries() -> HealthChainAPI:
    """The prefetch as HealthChain hands it over, in one Bundle of dictionaries."""
    return _application(_values_in_dictionaries)


def with_objects() -> HealthChainAPI:
    """The prefetch as FHIR objects, each validated: what its adapters and pipelines work on."""
    return _application(_values_in_objects)


def _application(values: Callable[[dict[str, Any]], Iterator[float]]) -> HealthChainAPI:
    hooks = CDSHooksService(CDSHooksConfig(base_path="", discovery_path="/cds-services"))

    # HealthChain reads the annotation at run time: `CDSRequest` must be a name of this module.
    @hooks.hook("patient-view", id="pancytopenia-patient-view")  # type: ignore[untyped-decorator]
    def decide(request: CDSRequest) -> CDSResponse:
        found = next(values(request.prefetch or {}), None)
        return CDSResponse(cards=[CARD] if found is not None else [])

    application = HealthChainAPI()
    application.register_service(hooks)
    return application


def _values_in_dictionaries(prefetch: dict[str, Any]) -> Iterator[float]:
    for entry in prefetch_to_bundle(prefetch)["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Observation" and _code(resource) == HEMOGLOBIN:
            yield resource["valueQuantity"]["value"]


def _code(resource: dict[str, Any]) -> object:
    return resource["code"]["coding"][0]["code"]


def _values_in_objects(prefetch: dict[str, Any]) -> Iterator[float]:
    for resource in convert_prefetch_to_fhir_objects(prefetch).values():
        if type(resource).__name__ == "Bundle":
            for observation in get_resources(resource, "Observation"):
                if observation.code.coding[0].code == HEMOGLOBIN:
                    yield observation.valueQuantity.value
