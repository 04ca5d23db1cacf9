"""A token is accepted once, whichever of four workers it reaches, and after a restart too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.gunicorn_server import PUBLIC, served, session
from tests.support.hook_calls import URL, call, empty_prefetch
from tests.support.tokens import Signer, clients_file

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = 12
TRIES = 8


def test_a_token_is_taken_once_by_four_workers_and_a_restart(tmp_path: Path, url: str) -> None:
    settings = {
        "environment": "production",
        "clients_file": str(clients_file(tmp_path)),
        "database_url": url,
        "hash_key": "0123456789abcdef0123456789abcdef",
    }
    now = datetime.now(UTC)  # noqa: TID251  the servers read the real clock
    signer = Signer(PUBLIC + URL, now)
    tokens = [signer.token() for _ in range(TOKENS)]

    def knock(base: str, token: str) -> tuple[str, int, str]:
        with session() as browser:  # a connection of its own, so any worker may take it
            headers = {"Authorization": f"Bearer {token}"}
            body = call(prefetch=empty_prefetch())
            answer = browser.post(base + URL, json=body, headers=headers, timeout=30)
        code = "" if answer.ok else answer.json()["issue"][0]["details"]["coding"][0]["code"]
        return token, answer.status_code, code

    with served(4, 4, **settings) as (base, _), ThreadPoolExecutor(16) as pool:
        knocks = [token for _ in range(TRIES) for token in tokens]
        answers = list(pool.map(lambda token: knock(base, token), knocks))
    # Beyond the bound on calls that wait for the store one is refused, and its token not taken.
    seen = {(status, code) for _, status, code in answers} - {(503, "storage-busy")}
    assert seen == {(200, ""), (401, "token-used-before")}
    for token in tokens:
        assert [status for t, status, _ in answers if t == token].count(200) == 1
    with served(1, 4, **settings) as (base, _):
        for token in tokens:
            assert knock(base, token)[1:] == (401, "token-used-before")
        assert knock(base, signer.token())[1] == 200
