"""Which EHR a launch comes from: told by its FHIR server alone, which must be a registered one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.base_urls import BaseUrl, parse_base_url
from service.error_codes import ErrorCode
from service.errors import LaunchRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.registered_app import RegisteredApp
    from service.security.trusted_clients import CdsClient
    from service.settings import Settings

MOST_ISS = 500
"""Characters; the address travels in a cookie."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The app at one EHR: the FHIR server of the launch, its client, and how it is registered."""

    fhir_server: BaseUrl
    client: CdsClient
    app: RegisteredApp


class Registrations:
    """Every registration of this service by its FHIR server."""

    def __init__(self, clients: Iterable[CdsClient], anyone: CdsClient, settings: Settings) -> None:
        named = [(client, client.fhir_servers) for client in clients]
        # As for hook calls: who is not in the file counts only where there is no file.
        listed = tuple(parse_base_url(url) for url in settings.fhir_servers)
        self._of = {
            base: Registration(base, client, client.app)
            for client, servers in named or [(anyone, listed)]
            if client.app is not None
            for base in servers
        }

    def __bool__(self) -> bool:
        return bool(self._of)

    def of(self, iss: str) -> Registration:
        """Return the registration of a launch's `iss`. Raises LaunchRefused."""
        registration = self._of.get(base) if (base := _parsed(iss)) is not None else None
        if registration is None:
            raise LaunchRefused(
                "This app is not registered for the FHIR server that opened it.",
                code=ErrorCode.LAUNCH_SERVER_UNKNOWN,
                expression="iss",
            )
        return registration

    def frame_origins(self) -> tuple[str, ...]:
        """Every origin that may show the app in a frame, before it is known whose launch it is."""
        named = (origin for each in self._of.values() for origin in each.app.frame_origins)
        return tuple(dict.fromkeys(named))


def _parsed(iss: str) -> BaseUrl | None:
    if len(iss) > MOST_ISS:
        return None
    try:
        return parse_base_url(iss)
    except ValueError:
        return None
