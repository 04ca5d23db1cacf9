"""The evidence app as one EHR registered it: addresses, origins, the authorization server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.base_urls import parse_base_url
from service.doctor.checks import Check, ok, warning, wrong
from service.evidence_app.launch import PKCE_METHOD, SmartConfiguration
from service.fhir_client.failures import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.doctor.probe import Probe
    from service.registered_app import RegisteredApp

APP = "evidence app"
CONFIGURATION = ".well-known/smart-configuration"

_DECODER = msgspec.json.Decoder(SmartConfiguration)


def check_app(
    app: RegisteredApp | None, probe: Probe, public_url: str, *, is_launched_from: bool, owner: str
) -> Iterator[Check]:
    """Whether an EHR can open the app and sign it in.

    `owner` is whose setting it is; `is_launched_from`: whether launches from this FHIR server are
    taken.
    """
    if app is None:
        yield ok(APP, f"none is registered for {owner}: cards go out without its link")
        return
    for problem in app.problems(production=True):
        yield wrong(APP, problem, f"Production refuses it: correct `app` of {owner}.")
    yield _addresses(public_url)
    if not is_launched_from:
        yield wrong(
            APP,
            f"a launch from {probe.base} is refused",
            f"Add it to the FHIR servers of {owner}.",
        )
    if not app.frame_origins:
        yield warning(
            APP,
            "no frame_origins: it opens only in a window of its own",
            "Name the origins of the EHR's pages, if they show it in a frame.",
        )
    yield from _authorization_server(app, probe)


def _addresses(public_url: str) -> Check:
    if not public_url:
        return wrong(
            APP,
            "HEME_HOOKS_PUBLIC_URL is not set: it has no address",
            "Set it to the address that browsers reach, and register /app/launch and /app/ of it.",
        )
    try:
        base = parse_base_url(public_url)
    except ValueError as error:
        return wrong(APP, f"its address {error}", "Correct HEME_HOOKS_PUBLIC_URL.")
    if base.scheme != "https" and not base.is_loopback:
        return wrong(
            APP,
            "its address is not https: no browser keeps its cookie",
            "Set HEME_HOOKS_PUBLIC_URL to the https address.",
        )
    return ok(APP, f"launch address {base}/app/launch, redirect address {base}/app/ with the slash")


def _authorization_server(app: RegisteredApp, probe: Probe) -> Iterator[Check]:
    try:
        answer = probe.get(CONFIGURATION)
        failure = answer.failure
    except FetchFailed as failed:
        failure = failed.failure
    if failure is not None:
        yield wrong(
            APP, f"{CONFIGURATION}: {failure.sentence}", "Ask the vendor: no launch works without."
        )
        return
    try:
        found = _DECODER.decode(answer.body)
    except DECODE_ERRORS:
        yield wrong(
            APP,
            f"{CONFIGURATION} names no authorization and token endpoint",
            "Is this the FHIR base address of the EHR's launches?",
        )
        return
    endpoints = {"authorization": found.authorization_endpoint, "token": found.token_endpoint}
    foreign = [name for name, url in endpoints.items() if not app.may_use(probe.base, url)]
    for name in foreign:
        yield wrong(
            APP,
            f"the {name} endpoint stands neither on the FHIR server's origin nor on a listed one",
            f"Read {probe.base}/{CONFIGURATION}, have the vendor confirm the origin, and add it to "
            "authorization_origins.",
        )
    methods = found.code_challenge_methods_supported
    if methods is not None and PKCE_METHOD not in methods:
        yield wrong(
            APP,
            f"the authorization server does not say that it supports PKCE {PKCE_METHOD}",
            "Ask the vendor: a public client without it is refused.",
        )
    elif not foreign:
        yield ok(APP, "both endpoints of the authorization server may be used")
