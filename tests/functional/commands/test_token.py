"""`heme-hooks token`: a test key, its key set, and a token that a service takes once."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from click.testing import CliRunner

from service.commands.token import token
from service.security.development_keys import DevelopmentKeyRefused, development_key
from tests.support import hook_calls
from tests.support.databases import upgraded

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

NOW = hook_calls.NOW
LIFE = timedelta(minutes=5)


def run(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(token, ["--folder", str(folder), *more], catch_exceptions=False)


def test_a_service_started_with_the_clients_file_takes_the_token_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = run(folder)
    assert made.exit_code == 0
    assert f"HEME_HOOKS_CLIENTS_FILE={folder / 'clients.toml'} heme-hooks serve" in made.stderr
    client = hook_calls.client(
        clients_file=folder / "clients.toml",
        database_url=upgraded(f"sqlite:///{tmp_path}/store.sqlite3"),
    )
    signed = development_key(folder).token(
        issuer="https://client.example",
        audience=f"http://localhost{hook_calls.URL}",
        now=NOW,
        life=LIFE,
        token_id="one",
    )
    body = {"hook": "patient-view"}
    headers = {"Authorization": f"Bearer {signed}"}
    statuses = [
        client.post(hook_calls.URL, json=body, headers=h).status_code for h in ({}, headers)
    ]
    assert statuses == [401, 400], "let in, and refused only for its body"
    again = client.post(hook_calls.URL, json=body, headers=headers)
    assert again.status_code == 401
    assert "was used before" in again.text


def test_the_token_says_what_was_asked(tmp_path: Path) -> None:
    printed = run(
        tmp_path, "--hook", "order-sign", "--feedback", "--issuer", "https://a.example",
        "--minutes", "10",
    )  # fmt: skip
    text = printed.stdout.strip()
    keys = json.loads((tmp_path / "jwks.json").read_text())
    key = jwt.PyJWKSet.from_dict(keys).keys[0]
    claims: dict[str, Any] = jwt.decode(
        text,
        key,
        algorithms=["ES384"],
        audience="http://127.0.0.1:8000/cds-services/pancytopenia-order-sign/feedback",
        issuer="https://a.example",
    )
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - datetime.now(UTC).timestamp()) < 60  # noqa: TID251
    assert jwt.get_unverified_header(text)["typ"] == "JWT"
    assert run(tmp_path, "--issuer", "https://a.example").stdout.strip() != text


def test_the_address_of_the_settings_is_the_audience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEME_HOOKS_PUBLIC_URL", "https://hooks.example/base")
    claims = jwt.decode(run(tmp_path).stdout.strip(), options={"verify_signature": False})
    assert claims["aud"] == "https://hooks.example/base/cds-services/pancytopenia-patient-view"
    url = "https://elsewhere.example/x"
    claims = jwt.decode(
        run(tmp_path, "--audience", url).stdout.strip(), options={"verify_signature": False}
    )
    assert claims["aud"] == url


def test_the_key_is_made_once_readable_by_its_owner_alone(tmp_path: Path) -> None:
    run(tmp_path)
    key = tmp_path / "private-key.pem"
    before = key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    (tmp_path / "jwks.json").unlink()
    second = run(tmp_path)
    assert key.read_bytes() == before
    assert (tmp_path / "jwks.json").exists()
    assert second.stderr == ""
    assert '"d"' not in (tmp_path / "jwks.json").read_text(), "the private half stays at home"


def test_an_issuer_that_the_clients_file_does_not_know_is_said(tmp_path: Path) -> None:
    run(tmp_path)
    assert "no issuer https://b.example" in run(tmp_path, "--issuer", "https://b.example").stderr


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nx\n"])
def test_a_broken_key_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "private-key.pem").write_bytes(content)
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "holds no private key" in done.stderr
    with pytest.raises(DevelopmentKeyRefused):
        development_key(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path / "file" / "keys")
    assert done.exit_code == 1
    assert "cannot be used" in done.stderr
