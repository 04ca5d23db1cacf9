"""A CDS Client that signs its calls, honestly or not."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from service.storage import migrations
from service.storage.store import create_engine

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

ISSUER = "https://ehr.example"
EC_KEY = ec.generate_private_key(ec.SECP384R1())
OTHER_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwks(**keys: Any) -> str:
    """A key set of the public halves, each under its id."""
    made = []
    for kid, key in keys.items():
        algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
        name = "ES384" if algorithm is ECAlgorithm else "RS384"
        public: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
        made.append(public | {"kid": kid, "use": "sig", "alg": name})
    return json.dumps({"keys": made})


@dataclass(frozen=True)
class Signer:
    """Makes tokens for one endpoint at one moment; every part can be made wrong."""

    audience: str
    now: datetime

    def token(
        self,
        key: Any = EC_KEY,
        algorithm: str = "ES384",
        header: dict[str, Any] | None = None,
        without: str = "",
        **claims: Any,
    ) -> str:
        """A token; `header` and `claims` replace parts of a good one, `without` leaves one out."""
        body = {
            "iss": ISSUER,
            "aud": self.audience,
            "iat": self.seconds(),
            "exp": self.seconds(minutes=5),
            "jti": str(uuid4()),
        } | claims
        body.pop(without, None)
        return jwt.encode(body, key, algorithm, {"kid": "ec"} | (header or {}))

    def seconds(self, **later: float) -> int:
        """The moment so much later, as a NumericDate."""
        return int((self.now + timedelta(**later)).timestamp())

    def unsigned(self, alg: str = "none") -> str:
        """A token that claims to need no signature."""
        return f"{self._content(alg)}."

    def hmac_with(self, secret: bytes) -> str:
        """HS256 with the public key as its secret; PyJWT itself refuses to sign so."""
        signed = self._content("HS256")
        mac = hmac.digest(secret, signed.encode(), "sha256")
        return f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    def _content(self, alg: str) -> str:
        times = {"iat": self.seconds(), "exp": self.seconds(minutes=5)}
        claims = {"iss": ISSUER, "aud": self.audience, "jti": str(uuid4()), **times}
        return f"{part({'alg': alg, 'typ': 'JWT', 'kid': 'ec'})}.{part(claims)}"


def part(content: dict[str, Any]) -> str:
    """One part of a compact token."""
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def clients_file(folder: Path, *lines: str, keys: str = "", issuer: str = ISSUER) -> Path:
    """A clients file of one client, its keys beside it unless a line names a URL."""
    (folder / "keys.json").write_text(keys or jwks(ec=EC_KEY, rsa=RSA_KEY))
    source = () if any(line.startswith("jwks_") for line in lines) else ('jwks_file = "keys.json"',)
    text = ["[[clients]]", 'name = "ehr"', f'issuer = "{issuer}"', *source, *lines]
    path = folder / "clients.toml"
    path.write_text("\n".join(text))
    return path


def database(folder: Path) -> str:
    """The URL of a store that is ready."""
    url = f"sqlite:///{folder}/store.sqlite3"
    engine = create_engine(url)
    migrations.upgrade(engine)
    engine.dispose()
    return url
