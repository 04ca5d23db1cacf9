"""Who may call: every way a token can be wrong is refused for its own reason."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from service import migrations
from service.client_auth import ClientAuthenticator, client_authenticator
from service.clients import ClientsRefused, load_clients
from service.errors import ClientNotAuthenticated
from service.storage import Storage, create_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_httpserver import HTTPServer

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
URL = "https://cds.example/cds-services/pancytopenia-patient-view"
ISSUER = "https://ehr.example"

EC_KEY = ec.generate_private_key(ec.SECP384R1())
OTHER_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwks(**keys: Any) -> str:
    made = []
    for kid, key in keys.items():
        algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
        name = "ES384" if algorithm is ECAlgorithm else "RS384"
        public: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
        made.append(public | {"kid": kid, "use": "sig", "alg": name})
    return json.dumps({"keys": made})


def token(
    key: Any = EC_KEY,
    algorithm: str = "ES384",
    header: dict[str, Any] | None = None,
    without: str = "",
    **claims: Any,
) -> str:
    body = {
        "iss": ISSUER,
        "aud": URL,
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=5)).timestamp()),
        "jti": str(uuid4()),
    } | claims
    body.pop(without, None)
    return jwt.encode(body, key, algorithm, {"kid": "ec"} | (header or {}))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    engine = create_engine(f"sqlite:///{tmp_path}/store.sqlite3")
    migrations.upgrade(engine)
    yield Storage(engine, "key")
    engine.dispose()


def authenticator(
    tmp_path: Path, storage: Storage | None, *lines: str, keys: str = ""
) -> ClientAuthenticator:
    (tmp_path / "keys.json").write_text(keys or jwks(ec=EC_KEY, rsa=RSA_KEY))
    source = () if any("jwks_url" in line for line in lines) else ('jwks_file = "keys.json"',)
    text = ["[[clients]]", 'name = "ehr"', f'issuer = "{ISSUER}"', *source, *lines]
    (tmp_path / "clients.toml").write_text("\n".join(text))
    clients = load_clients(tmp_path / "clients.toml", production=False)
    return client_authenticator(clients, storage, time.monotonic)


@pytest.fixture
def door(tmp_path: Path, storage: Storage) -> ClientAuthenticator:
    return authenticator(tmp_path, storage)


def refusal(door: ClientAuthenticator, authorization: str | None, now: datetime = NOW) -> str:
    with pytest.raises(ClientNotAuthenticated) as caught:
        door.authenticate(authorization, {URL}, now)
    return caught.value.code


@pytest.mark.parametrize(
    "made",
    [
        lambda: token(),
        lambda: token(RSA_KEY, "RS384", {"kid": "rsa"}),
        lambda: token(aud=["https://other.example", URL]),
        lambda: token(iat=int((NOW + timedelta(minutes=4)).timestamp())),
    ],
)
def test_a_good_token_names_its_client(door: ClientAuthenticator, made: Callable[[], str]) -> None:
    assert door.authenticate(f"Bearer {made()}", {URL}, NOW).name == "ehr"


def _none() -> str:
    return jwt.encode({"iss": ISSUER}, None, "none", {"kid": "ec"})


def _hmac_with_the_public_key() -> str:
    # PyJWT itself refuses to sign so; an attacker's own tool does not.
    def part(content: dict[str, Any]) -> bytes:
        return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")

    head = {"alg": "HS256", "typ": "JWT", "kid": "ec"}
    signed = part(head) + b"." + part({"iss": ISSUER, "aud": URL})
    mac = hmac.digest(jwks(ec=EC_KEY).encode(), signed, "sha256")
    return (signed + b"." + urlsafe_b64encode(mac).rstrip(b"=")).decode()


def _seconds(**later: float) -> int:
    return int((NOW + timedelta(**later)).timestamp())


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("algorithm-not-allowed", _none),
        ("algorithm-not-allowed", _hmac_with_the_public_key),
        ("algorithm-not-allowed", lambda: token(RSA_KEY, "RS256", {"kid": "rsa"})),
        ("algorithm-not-allowed", lambda: token(RSA_KEY, "RS384", {"kid": "ec"})),
        ("invalid-signature", lambda: token(OTHER_KEY)),
        ("unknown-key", lambda: token(header={"kid": "foreign"})),
        ("unknown-key", lambda: token(header={"kid": ""})),
        ("foreign-key-set", lambda: token(header={"jku": "https://evil.example/keys"})),
        ("invalid-token", lambda: token(header={"typ": "at+jwt"})),
        ("unknown-issuer", lambda: token(iss="https://evil.example")),
        ("unknown-issuer", lambda: token(without="iss")),
        ("claim-missing", lambda: token(without="aud")),
        ("claim-missing", lambda: token(without="exp")),
        ("claim-missing", lambda: token(without="iat")),
        ("claim-missing", lambda: token(without="jti")),
        ("wrong-audience", lambda: token(aud="https://cds.example/cds-services")),
        ("wrong-audience", lambda: token(aud=URL + "/feedback")),
        ("wrong-audience", lambda: token(aud=[])),
        ("token-expired", lambda: token(exp=_seconds(seconds=-1))),
        ("token-expired", lambda: token(exp=_seconds())),
        ("token-from-the-future", lambda: token(iat=_seconds(minutes=6))),
        ("token-from-the-future", lambda: token(nbf=_seconds(minutes=6))),
        ("token-lives-too-long", lambda: token(exp=_seconds(days=2))),
        ("invalid-token", lambda: token(exp=float("inf"))),
        ("invalid-token", lambda: token(exp=True)),
        ("invalid-token", lambda: token(jti="x" * 201)),
        ("invalid-token", lambda: "x" * 20_000),
        ("invalid-token", lambda: "not.a.token"),
    ],
)
def test_a_bad_token_is_refused_for_its_own_reason(
    door: ClientAuthenticator, code: str, made: Callable[[], str]
) -> None:
    assert refusal(door, f"Bearer {made()}") == code


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc"])
def test_a_call_without_a_token_is_refused(door: ClientAuthenticator, header: str | None) -> None:
    assert refusal(door, header) == "token-missing"


def test_a_token_is_accepted_once_also_side_by_side(door: ClientAuthenticator) -> None:
    made = f"Bearer {token()}"

    def accepted(_: int) -> bool:
        try:
            door.authenticate(made, {URL}, NOW)
        except ClientNotAuthenticated:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(accepted, range(32))) == 1
    assert refusal(door, made) == "token-used-before"


def test_only_the_named_tenants_may_call(tmp_path: Path, storage: Storage) -> None:
    door = authenticator(tmp_path, storage, 'tenants = ["north"]')
    assert door.authenticate(f"Bearer {token(tenant='north')}", {URL}, NOW).name == "ehr"
    assert refusal(door, f"Bearer {token(tenant='south')}") == "unknown-tenant"
    assert refusal(door, f"Bearer {token()}") == "unknown-tenant"


def test_a_key_file_that_is_rotated_is_read_again(tmp_path: Path, storage: Storage) -> None:
    door = authenticator(tmp_path, storage)
    rotated = token(OTHER_KEY, header={"kid": "new"})
    assert refusal(door, f"Bearer {rotated}") == "unknown-key"
    (tmp_path / "keys.json").write_text(jwks(new=OTHER_KEY))
    assert door.authenticate(f"Bearer {rotated}", {URL}, NOW).name == "ehr"
    assert refusal(door, f"Bearer {token()}") == "unknown-key"


def test_keys_come_from_the_configured_url(
    tmp_path: Path, storage: Storage, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/keys").respond_with_data(jwks(ec=EC_KEY))
    url = httpserver.url_for("/keys")
    door = authenticator(tmp_path, storage, f'jwks_url = "{url}"')
    made = token(header={"jku": url})
    assert door.authenticate(f"Bearer {made}", {URL}, NOW).name == "ehr"
    with ThreadPoolExecutor(4) as pool:
        names = pool.map(
            lambda _: door.authenticate(f"Bearer {token()}", {URL}, NOW).name, range(8)
        )
        assert list(names) == ["ehr"] * 8
    assert len(httpserver.log) == 1


def test_a_key_server_that_is_down_lets_nobody_in_and_costs_little(
    tmp_path: Path, storage: Storage, unused_port: int
) -> None:
    door = authenticator(tmp_path, storage, f'jwks_url = "http://127.0.0.1:{unused_port}/keys"')
    assert refusal(door, f"Bearer {token()}") == "key-set-unavailable"
    started = time.monotonic()
    for _ in range(50):
        assert refusal(door, f"Bearer {token()}") == "key-set-unavailable"
    assert time.monotonic() - started < 1.5


@pytest.fixture
def unused_port() -> int:
    from tests.databases import free_port

    return free_port()


def test_a_key_server_that_redirects_or_answers_rubbish_lets_nobody_in(
    tmp_path: Path, storage: Storage, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/away").respond_with_data(
        "", 302, {"Location": httpserver.url_for("/keys")}
    )
    httpserver.expect_request("/keys").respond_with_data(jwks(ec=EC_KEY))
    httpserver.expect_request("/rubbish").respond_with_data("<html>")
    for place in ("/away", "/rubbish"):
        door = authenticator(tmp_path, storage, f'jwks_url = "{httpserver.url_for(place)}"')
        assert refusal(door, f"Bearer {token()}") == "key-set-unavailable"


def test_without_a_store_no_token_can_be_accepted_once(tmp_path: Path) -> None:
    door = authenticator(tmp_path, None)
    assert refusal(door, f"Bearer {token()}") == "replay-guard-missing"


def test_a_clients_file_is_refused_with_every_problem_at_once(tmp_path: Path) -> None:
    (tmp_path / "clients.toml").write_text(
        '[[clients]]\nname = "a"\nissuer = "i"\njwks_url = "ftp://x"\nalgorithms = ["HS256"]\n'
        '[[clients]]\nname = "a"\nissuer = "i"\njwks_file = "none.json"\n'
        'fhir_servers = ["http://ehr.example/fhir"]\n'
    )
    with pytest.raises(ClientsRefused) as caught:
        load_clients(tmp_path / "clients.toml", production=True)
    text = str(caught.value)
    for part in ("jwks_url", "algorithms", "none.json", "must be https", "named twice", "share"):
        assert part in text
    (tmp_path / "clients.toml").write_text('[[clients]]\nname = "a"\nissuer = "i"\ntypo = 1\n')
    with pytest.raises(ClientsRefused, match="typo"):
        load_clients(tmp_path / "clients.toml", production=False)
