"""Who may call: every way a token can be wrong is refused for its own reason."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from service.errors import ClientNotAuthenticated
from service.resilience.bulkhead import bulkhead_for
from service.security.client_authentication import ClientAuthenticator, client_authenticator
from service.security.trusted_clients import ClientsRefused, load_clients
from service.storage import migrations
from service.storage.store import Storage, create_engine, used_token
from tests.support.tokens import EC_KEY, OTHER_KEY, RSA_KEY, Signer, clients_file, jwks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_httpserver import HTTPServer

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
URL = "https://cds.example/cds-services/pancytopenia-patient-view"
ISSUER = "https://ehr.example"

SIGNER = Signer(URL, NOW)
token = SIGNER.token
_seconds = SIGNER.seconds


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    engine = create_engine(f"sqlite:///{tmp_path}/store.sqlite3")
    migrations.upgrade(engine)
    yield Storage(engine, "key")
    engine.dispose()


def authenticator(
    tmp_path: Path, storage: Storage | None, *lines: str, keys: str = ""
) -> ClientAuthenticator:
    clients_file(tmp_path, *lines, keys=keys)
    clients = load_clients(tmp_path / "clients.toml", production=False)
    return client_authenticator(clients, storage, time.monotonic, lambda: bulkhead_for(8))


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


def test_ids_of_expired_tokens_are_removed_once_a_minute(
    door: ClientAuthenticator, storage: Storage
) -> None:
    def remembered() -> int:
        with storage.transaction(only_reads=True) as connection:
            query = sa.select(sa.func.count()).select_from(used_token)
            return connection.execute(query).scalar_one()

    def use(now: datetime) -> int:
        seconds = int(now.timestamp())
        made = token(iat=seconds, exp=seconds + 1)
        door.authenticate(f"Bearer {made}", {URL}, now)
        return remembered()

    assert use(NOW) == 1
    assert use(NOW + timedelta(minutes=6)) == 1
    assert use(NOW + timedelta(minutes=6, seconds=30)) == 2
    assert use(NOW + timedelta(minutes=12, seconds=31)) == 1


def _hmac_with_the_public_key() -> str:
    return SIGNER.hmac_with(jwks(ec=EC_KEY).encode())


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("algorithm-not-allowed", SIGNER.unsigned),
        ("algorithm-not-allowed", _hmac_with_the_public_key),
        ("algorithm-not-allowed", lambda: token(RSA_KEY, "RS256", {"kid": "rsa"})),
        ("algorithm-not-allowed", lambda: token(RSA_KEY, "RS384", {"kid": "ec"})),
        ("invalid-signature", lambda: token(OTHER_KEY)),
        ("unknown-key", lambda: token(header={"kid": "foreign"})),
        ("unknown-key", lambda: token(header={"kid": ""})),
        ("foreign-key-set", lambda: token(header={"jku": "https://evil.example/keys"})),
        ("invalid-token", lambda: token(header={"typ": "at+jwt"})),
        ("invalid-token", lambda: token(header={"typ": ""})),
        ("invalid-token", lambda: token(jti="a\0b")),
        ("invalid-token", lambda: token(jti="\ud800")),
        ("invalid-token", lambda: token(jti="")),
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
    assert refusal(door, f"Bearer {token(tenant=['north'])}") == "unknown-tenant"
    assert refusal(door, f"Bearer {token(tenant={'north': 1})}") == "unknown-tenant"


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


def test_a_key_server_in_trouble_lets_nobody_in_and_is_left_alone_for_a_while(
    tmp_path: Path, storage: Storage, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/keys").respond_with_data("busy", status=503)
    door = authenticator(tmp_path, storage, f'jwks_url = "{httpserver.url_for("/keys")}"')
    for _ in range(50):
        assert refusal(door, f"Bearer {token()}") == "key-set-unavailable"
    assert len(httpserver.log) == 1


def test_a_key_server_that_is_down_lets_nobody_in(
    tmp_path: Path, storage: Storage, unused_port: int
) -> None:
    door = authenticator(tmp_path, storage, f'jwks_url = "http://127.0.0.1:{unused_port}/keys"')
    assert refusal(door, f"Bearer {token()}") == "key-set-unavailable"


@pytest.fixture
def unused_port() -> int:
    from tests.support.databases import free_port

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


def rsa_keys(**members: Any) -> str:
    public: dict[str, Any] = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
    return json.dumps({"keys": [public | {"kid": "rsa"} | members]})


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "PS384"])
def test_a_key_that_does_not_name_its_algorithm_serves_those_of_the_client(
    tmp_path: Path, storage: Storage, algorithm: str
) -> None:
    listed = 'algorithms = ["RS256", "RS384", "PS384"]'
    door = authenticator(tmp_path, storage, listed, keys=rsa_keys())
    made = token(RSA_KEY, algorithm, {"kid": "rsa"})
    assert door.authenticate(f"Bearer {made}", {URL}, NOW).name == "ehr"


def test_a_key_for_encryption_or_of_another_kind_opens_nothing(
    tmp_path: Path, storage: Storage
) -> None:
    door = authenticator(tmp_path, storage, keys=rsa_keys(use="enc"))
    assert refusal(door, f"Bearer {token(RSA_KEY, 'RS384', {'kid': 'rsa'})}") == "unknown-key"
    secret = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "ec"}]})
    door = authenticator(tmp_path, storage, keys=secret)
    assert refusal(door, f"Bearer {token()}") == "algorithm-not-allowed"


def test_a_short_rsa_key_is_not_trusted(tmp_path: Path, storage: Storage) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    with pytest.warns(UserWarning, match="1024"):
        made = token(weak, "RS384", {"kid": "rsa"})
    door = authenticator(tmp_path, storage, keys=jwks(rsa=weak))
    assert refusal(door, f"Bearer {made}") == "invalid-signature"


@pytest.mark.parametrize("alone", [True, False])
def test_a_key_pair_given_as_a_file_is_used_by_its_public_half(
    tmp_path: Path, storage: Storage, alone: bool
) -> None:
    pair: dict[str, Any] = RSAAlgorithm.to_jwk(RSA_KEY, as_dict=True) | {"kid": "rsa"}
    door = authenticator(tmp_path, storage, keys=json.dumps(pair if alone else {"keys": [pair]}))
    made = token(RSA_KEY, "RS384", {"kid": "rsa"})
    assert door.authenticate(f"Bearer {made}", {URL}, NOW).name == "ehr"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "EC"}]}'])
def test_a_file_without_a_usable_key_is_refused_at_the_start(tmp_path: Path, content: str) -> None:
    path = clients_file(tmp_path)
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(ClientsRefused, match=r"keys\.json is no file with a JSON Web Key Set"):
        load_clients(path, production=False)
