"""The evidence app as an EHR registered it (SMART App Launch 2.2, public client)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from service.base_urls import BaseUrl, parse_base_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,200}")
_SCOPE = re.compile(r"launch|patient/(?:[A-Z][A-Za-z]{1,60}|\*)\.(?:rs|r|s|read)")


class RegisteredApp(Struct, frozen=True, forbid_unknown_fields=True):
    """One registration.

    `client_id` is what the EHR gave. `scopes`: those to ask for; none means `launch` and reading
    what the prefetch templates name. `frame_origins`: origins of the pages that may show the app in
    a frame. `authorization_origins`: origins on which the authorization and token endpoints may
    stand, besides that of the FHIR server itself.
    """

    client_id: str
    scopes: tuple[str, ...] = ()
    frame_origins: tuple[str, ...] = ()
    authorization_origins: tuple[str, ...] = ()

    def problems(self, *, production: bool) -> Iterator[str]:
        """Name what is wrong with the registration."""
        if not _CLIENT_ID.fullmatch(self.client_id):
            yield "client_id must be 1 to 200 visible characters"
        for scope in self.scopes:
            if not _SCOPE.fullmatch(scope):
                yield f"{scope[:80]!r} is no scope that the app uses (launch, patient/TYPE.rs)"
        if self.scopes and "launch" not in self.scopes:
            yield "scopes must hold launch"
        for origin in (*self.frame_origins, *self.authorization_origins):
            yield from (f"{origin}: {what}" for what in _origin_problems(origin, production))

    def may_use(self, fhir_server: BaseUrl, endpoint: str) -> bool:
        """Whether an endpoint that this FHIR server names stands where the registration says.

        Compared part by part: a server that names another host makes nobody contact that host.
        """
        own = BaseUrl(fhir_server.scheme, fhir_server.host, fhir_server.port, ())
        listed = (parse_base_url(origin) for origin in self.authorization_origins)
        return "#" not in endpoint and any(origin.covers(endpoint) for origin in (own, *listed))


def _origin_problems(text: str, production: bool) -> Iterator[str]:  # noqa: FBT001
    try:
        origin = parse_base_url(text)
    except ValueError as error:
        yield str(error)
        return
    if origin.segments:
        yield "an origin has no path"
    if production and origin.scheme != "https":
        yield "must be https"
