"""cds-services.json: the only place of service ids, hooks, titles and prefetch templates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from fhir_mappings.panel import DataGroup
from service.cds_hooks.messages import CdsService  # noqa: TC001  msgspec needs it at run time
from service.cds_hooks.prefetch_dates import with_dates
from service.cds_hooks.prefetch_template import parse_template
from service.errors import UnknownService

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.cds_hooks.prefetch_template import Template

CORE_KEYS = frozenset(
    {
        DataGroup.PATIENT,
        DataGroup.BLOOD_COUNTS,
        DataGroup.DIFFERENTIAL,
        DataGroup.IRON_STUDIES,
        DataGroup.VITAMIN_B12,
        DataGroup.CONDITIONS,
        DataGroup.MEDICATION_REQUESTS,
        DataGroup.PROCEDURES,
        DataGroup.SERVICE_REQUESTS,
    }
)
"""The keys that discovery serves: a CDS Client runs every template for every chart."""

_NAME = "cds-services.json"


class Document(Struct, frozen=True):
    """The discovery response (CDS Hooks 2.0, Discovery)."""

    services: tuple[CdsService, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The CDS Services of this product. `templates` holds every prefetch key."""

    services: tuple[CdsService, ...]
    templates: Mapping[DataGroup, Template]

    def service(self, service_id: str) -> CdsService:
        """Return the service of that id. Raises UnknownService."""
        for service in self.services:
            if service.id == service_id:
                return service
        raise UnknownService("There is no CDS Service of that id; see GET /cds-services")

    def discovery(self, keys: frozenset[str], dated: frozenset[DataGroup] = frozenset()) -> bytes:
        """Return the discovery response (CDS Hooks 2.0).

        It has the prefetch keys given; the templates of those in `dated` ask by date, which only
        clients of CDS Hooks 3.0 can.
        """
        served = tuple(
            msgspec.structs.replace(
                service,
                prefetch={
                    key: text
                    for key, text in with_dates(service.prefetch, dated).items()
                    if key in keys
                },
            )
            for service in self.services
        )
        return msgspec.json.encode(Document(served))


def document_path() -> Path:
    """Return the path of cds-services.json: in the installed package, else in the repository."""
    here = Path(__file__).resolve().parent.parent
    packaged = here / _NAME
    return packaged if packaged.exists() else here.parent / _NAME


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read and check cds-services.json.

    Raises ValueError when a service lacks what discovery needs, when templates differ between
    services or do not fit the prefetch keys, or when two services share an id.
    """
    text = (path or document_path()).read_bytes()
    services = msgspec.json.decode(text, type=Document).services
    if len({service.id for service in services}) != len(services):
        raise ValueError("two services share an id")
    if any(service.prefetch != services[0].prefetch for service in services):
        raise ValueError("the services differ in their prefetch templates")
    templates = {DataGroup(key): parse_template(text) for key, text in services[0].prefetch.items()}
    if set(templates) != set(DataGroup):
        raise ValueError("a prefetch key has no template")
    return Catalogue(services, templates)
