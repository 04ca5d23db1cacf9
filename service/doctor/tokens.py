"""A registered CDS Client: its key set, its audience, and a signed call to our own address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import msgspec
import requests
from jwt import PyJWKSet

from fhir_mappings.r4.decoding import DECODE_ERRORS
from service.base_urls import parse_base_url
from service.cds_client.refusals import reason_of
from service.doctor.checks import Check, ok, warning, wrong
from service.doctor.probe import Probe
from service.fhir_client.failures import FetchFailed
from service.security.development_keys import KEY_ID
from service.security.key_files import KEY_FILE_ERRORS, fitting, keys_in, signs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jwt import PyJWK

    from service.security.development_keys import DevelopmentKey
    from service.security.trusted_clients import CdsClient

CLIENT, KEYS, AUDIENCE, CALL = "client", "key set", "audience", "test call"
CALL_SECONDS = 30.0

_STATUS = {
    401: "Compare iss, aud, kid and alg with the clients file; docs/errors.md explains the code.",
    403: "Add the FHIR server to the client's fhir_servers.",
    412: "The checks of the FHIR server say what is missing.",
}


def chosen_client(clients: Sequence[CdsClient], name: str) -> tuple[CdsClient | None, Check]:
    """Return the client of that name, and what to say about it."""
    for client in clients:
        if client.name == name:
            return client, ok(CLIENT, f"{name} is registered, issuer {client.issuer}")
    names = ", ".join(client.name for client in clients) or "none"
    return None, wrong(
        CLIENT, f"{name} is not in the clients file (it knows: {names})", "See docs/integrator.md."
    )


def check_keys(client: CdsClient, session: requests.Session) -> Iterator[Check]:
    """Read the client's key set and compare its keys with the algorithms allowed."""
    try:
        keys = _keys(client, session)
    except FetchFailed as failed:
        text = failed.failure.sentence.replace("FHIR server", "key server")
        yield wrong(KEYS, text, "Check jwks_url, and that this machine may reach it.")
        return
    except KEY_FILE_ERRORS:
        yield wrong(KEYS, "holds no usable JSON Web Key Set", "Ask the client for its key set.")
        return
    usable = [
        kid for kid, key in keys.items() if any(fitting(key, each) for each in client.algorithms)
    ]
    if usable:
        yield ok(KEYS, f"{len(keys)} keys, {len(usable)} for {', '.join(client.algorithms)}")
    else:
        yield wrong(
            KEYS,
            f"none of its {len(keys)} keys fits {', '.join(client.algorithms)}",
            "Add the algorithm of its keys to `algorithms`, if it is asymmetric.",
        )
    if "None" in keys or "" in keys:
        yield warning(KEYS, "a key has no kid", "Tokens name their key by kid: ask for one.")


def _keys(client: CdsClient, session: requests.Session) -> dict[str, PyJWK]:
    if client.jwks_file is not None:
        return keys_in(client.jwks_file)
    base, _, last = str(client.jwks_url).rpartition("/")
    answer = Probe(parse_base_url(base), session).get(last)
    if answer.failure is not None:
        raise FetchFailed(answer.failure.kind, answer.failure.status)
    try:
        document: dict[str, Any] = msgspec.json.decode(answer.body, type=dict)
    except DECODE_ERRORS:
        raise ValueError("no JSON object") from None
    return {str(key.key_id): key for key in PyJWKSet.from_dict(document).keys if signs(key)}


def check_audience(public_url: str, services: Sequence[str]) -> Iterator[Check]:
    """Say what `aud` must be: the URL of each endpoint, letter by letter."""
    if not public_url:
        yield warning(
            AUDIENCE,
            "HEME_HOOKS_PUBLIC_URL is not set",
            "Production needs it: the address that clients call.",
        )
        return
    for service in services:
        yield ok(AUDIENCE, f"{public_url}/cds-services/{service} (and with /feedback)")


def holds_key(client: CdsClient, key: DevelopmentKey) -> bool:
    """Whether the development key is one of the client's, so that a call can be signed with it."""
    if client.jwks_file is None:
        return False
    try:
        known = keys_in(client.jwks_file).get(KEY_ID)
    except KEY_FILE_ERRORS:
        return False
    return known is not None and _point(known) == _point(jwt.PyJWK(key.public()))


def _point(key: PyJWK) -> tuple[object, object]:
    content = key._jwk_data  # PyJWT has no other way to what the key says
    return content.get("x"), content.get("y")


def check_call(
    url: str, body: Mapping[str, Any], token: str, session: requests.Session
) -> Iterator[Check]:
    """Make one signed hook call at our own address, as the client would."""
    try:
        answer = session.post(
            url,
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=CALL_SECONDS,
            allow_redirects=False,
        )
    except (requests.RequestException, ValueError):
        yield wrong(CALL, f"no service answers at {url}", "Start it, or name --service-url.")
        return
    if answer.status_code == requests.codes.ok:
        cards = _cards(answer.content)
        if cards is None:
            yield wrong(CALL, f"{url} answers, but not as a CDS Service", "Check the address.")
        else:
            yield ok(CALL, f"signed, answered with {cards} cards")
        return
    remedy = _STATUS.get(answer.status_code, "docs/errors.md explains the code.")
    yield wrong(CALL, f"HTTP {answer.status_code}: {reason_of(answer.content)}", remedy)


def _cards(answer: bytes) -> int | None:
    try:
        cards = msgspec.json.decode(answer)["cards"]
    except (*DECODE_ERRORS, LookupError, TypeError):
        return None
    return len(cards) if isinstance(cards, list) else None
