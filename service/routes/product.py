"""What the routes share, built once in `create_app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import requests

    from service.discovery import Catalogue
    from service.fetching import FetchPlan
    from service.hook_call import Knowledge
    from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Product:
    """The running product. `session` is for FHIR servers; `clock` gives the time of a call."""

    settings: Settings
    catalogue: Catalogue
    knowledge: Knowledge
    plan: FetchPlan
    session: requests.Session
    clock: Callable[[], datetime]
    new_id: Callable[[], object]
